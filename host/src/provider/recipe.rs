//! How someone signs who has no name here: an HMAC over a text with the body in it, in one header.

use http::HeaderName;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Where the signature stands.
    pub header: HeaderName,
    pub algorithm: Algorithm,
    pub encoding: Encoding,
    /// What stands before the signature in its header.
    pub prefix: String,
    /// Where the time stands, in seconds since 1970; there is one exactly when the template has it.
    pub timestamp: Option<HeaderName>,
    pub template: Template,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Not broken in an HMAC, and not what anyone should choose today; so nobody gets it who does not ask for it.
    Sha1,
    Sha256,
    Sha512,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Of either case.
    Hex,
    /// The standard alphabet, padded.
    Base64,
}

/// What is signed: `{timestamp}.{body}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    before: Vec<Piece>,
    after: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotATemplate {
    #[error("must have `{{body}}` in it, exactly once")]
    Body,
    #[error("has braces around something else than `body` and `timestamp`")]
    Unknown,
}

impl Template {
    pub fn parse(text: &str) -> Result<Self, NotATemplate> {
        let (before, after) = text.split_once("{body}").ok_or(NotATemplate::Body)?;
        if after.contains("{body}") {
            return Err(NotATemplate::Body);
        }
        Ok(Self { before: pieces(before)?, after: pieces(after)? })
    }

    pub fn has_timestamp(&self) -> bool {
        self.before.contains(&Piece::Timestamp) || self.after.contains(&Piece::Timestamp)
    }

    /// What is signed before the body, and what after it.
    pub fn around(&self, timestamp: &str) -> (Vec<u8>, Vec<u8>) {
        let fill = |pieces: &[Piece]| {
            let text = |piece: &Piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Timestamp => timestamp.to_owned(),
            };
            pieces.iter().map(text).collect::<String>().into_bytes()
        };
        (fill(&self.before), fill(&self.after))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = self.around("{timestamp}");
        write!(f, "{}{{body}}{}", String::from_utf8_lossy(&before), String::from_utf8_lossy(&after))
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, NotATemplate> {
    let mut pieces = Vec::new();
    for (place, text) in text.split("{timestamp}").enumerate() {
        if place > 0 {
            pieces.push(Piece::Timestamp);
        }
        if text.contains(['{', '}']) {
            return Err(NotATemplate::Unknown);
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_as_it_is_written() {
        for (text, before, after) in [
            ("{body}", "", ""),
            ("{timestamp}.{body}", "17.", ""),
            ("v0:{timestamp}:{body}", "v0:17:", ""),
            ("{body}{timestamp}{timestamp}!", "", "1717!"),
        ] {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.around("17"), (before.into(), after.into()), "{text}");
            assert_eq!(template.to_string(), text);
            assert_eq!(template.has_timestamp(), text.contains("time"));
        }
    }

    #[test]
    fn what_would_sign_no_body_or_something_unknown_is_no_template() {
        for (text, why) in [
            ("", NotATemplate::Body),
            ("{timestamp}", NotATemplate::Body),
            ("{body}{body}", NotATemplate::Body),
            ("{id}.{body}", NotATemplate::Unknown),
            ("{body}.{", NotATemplate::Unknown),
            ("{{body}}", NotATemplate::Unknown),
        ] {
            assert_eq!(Template::parse(text), Err(why), "{text}");
        }
    }
}
