//! Where this client stands in a stream, in the words in which it says so when it comes back: `?since=`.

use crate::message::{Cursor, NotACursor, NotASince, Since};
use std::fmt;
use std::str::FromStr;

/// A cursor, and how many events came since. Events of the raw form bring no cursor, so they are counted from the last
/// that is known; those of `postern.v1` each bring theirs, and the count stays 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub cursor: Cursor,
    pub count: u64,
}

impl From<Cursor> for Place {
    fn from(cursor: Cursor) -> Self {
        Self { cursor, count: 0 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            0 => self.cursor.fmt(f),
            count => write!(f, "{}~{count}", self.cursor),
        }
    }
}

impl FromStr for Place {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let (cursor, count) = match text.split_once('~') {
            Some((cursor, count)) => (cursor, count.parse().map_err(|_| NotACursor)?),
            None => (text, 0),
        };
        Ok(Self { cursor: cursor.parse()?, count })
    }
}

/// What was typed as `--since`: understood, and kept as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    text: String,
    skip: u64,
}

impl FromStr for Asked {
    type Err = NotASince;

    fn from_str(text: &str) -> Result<Self, NotASince> {
        text.parse().map(|Since { skip, .. }| Self { text: text.to_owned(), skip })
    }
}

/// From where the next connection is to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// From whatever the URL says, else from now on.
    Unsaid,
    /// As the user said, for no connection has told a cursor yet.
    Asked(Asked),
    Known(Place),
    /// A connection told no cursor: the server has none, so that asking again for what was asked at first would bring
    /// it twice.
    Unknown,
}

impl Start {
    /// What a URL's own query says.
    pub fn of_query(query: Option<&str>) -> Self {
        let mut pairs = query.unwrap_or_default().split('&');
        let since = pairs.rfind(|pair| is_since(pair)).and_then(|pair| pair.split_once('='));
        // What is not understood here goes to the server as it is, which says what is wrong with it.
        since.and_then(|(_, text)| text.parse().ok()).map_or(Self::Unsaid, Self::Asked)
    }

    /// How many events behind the place that is asked for are not to be sent: a server that says at which cursor it
    /// begins means this many behind it.
    pub fn skip(&self) -> u64 {
        match self {
            Self::Unsaid | Self::Unknown => 0,
            Self::Asked(asked) => asked.skip,
            Self::Known(place) => place.count,
        }
    }

    /// The query to ask with, made of the URL's own.
    pub fn query(&self, own: Option<&str>) -> Option<String> {
        let since = match self {
            Self::Unsaid => return own.map(str::to_owned),
            Self::Asked(Asked { text, .. }) => Some(format!("since={text}")),
            Self::Known(place) => Some(format!("since={place}")),
            Self::Unknown => None,
        };
        let others = own.unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !is_since(pair));
        let pairs: Vec<&str> = others.chain(since.as_deref()).collect();
        (!pairs.is_empty()).then(|| pairs.join("&"))
    }
}

fn is_since(pair: &str) -> bool {
    pair.split('=').next() == Some("since")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Offset;

    fn cursor() -> Cursor {
        Cursor { epoch: 7, offset: Offset(42) }
    }

    #[test]
    fn a_place_is_read_as_it_is_written() {
        for place in [Place::from(cursor()), Place { cursor: cursor(), count: 12 }] {
            assert_eq!(place.to_string().parse(), Ok(place));
            assert!(place.to_string().parse::<Since>().is_ok(), "{place} is a since");
        }
        for wrong in ["", "~1", "earliest", &format!("{}~", cursor()), &format!("{}~x", cursor())] {
            assert_eq!(wrong.parse::<Place>(), Err(NotACursor), "{wrong}");
        }
    }

    #[test]
    fn the_place_takes_the_stead_of_what_the_url_said_and_all_else_of_it_stays() {
        let known = Start::Known(Place { cursor: cursor(), count: 3 });
        let since = format!("since={}~3", cursor());
        assert_eq!(known.query(None), Some(since.clone()));
        assert_eq!(known.query(Some("token=a%20b&since=earliest&x")), Some(format!("token=a%20b&x&{since}")));
        let asked = Start::Asked("last:5".parse().unwrap());
        assert_eq!(asked.query(Some("since=earliest")).as_deref(), Some("since=last:5"));
        assert_eq!(Start::Unsaid.query(Some("since=earliest&a")).as_deref(), Some("since=earliest&a"));
        assert_eq!(Start::Unknown.query(Some("since=earliest&a")).as_deref(), Some("a"));
        assert_eq!((Start::Unknown.query(Some("since=earliest")), Start::Unsaid.query(None)), (None, None));
        assert!("yesterday".parse::<Asked>().is_err());
    }

    #[test]
    fn what_a_server_is_to_pass_over_is_known_however_it_was_said() {
        let at = cursor();
        for (start, skip) in [
            (Start::Known(Place { cursor: at, count: 3 }), 3),
            (Start::Asked("earliest~4".parse().unwrap()), 4),
            (Start::of_query(Some(&format!("a=b&since={at}~5"))), 5),
            (Start::of_query(Some("since=earliest")), 0),
        ] {
            assert_eq!(start.skip(), skip, "{start:?}");
        }
        for query in [None, Some("a=b"), Some("since=yesterday"), Some("since")] {
            assert_eq!(Start::of_query(query), Start::Unsaid, "{query:?}");
        }
    }
}
