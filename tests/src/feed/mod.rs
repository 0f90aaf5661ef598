//! A client that comes back: in any of the three forms it knows where it stands, and asks to go on from there.
//!
//! It is written from the contract, as a user would: raw clients count what they got since the last cursor they were told
//! (in the handshake, in a ping, in a close), the other two keep the cursor of the last event. Every rule of the form that
//! a client can check by itself is checked as the news come: the chain of `prev`, the ids of an event stream, that a body
//! is binary exactly when it is not UTF-8.

mod link;
mod news;
mod read;
mod sse;

pub use link::Failure;
pub use news::{Got, News, from_base64};
use sse::Parser;

use crate::{Door, Protocol, patiently};
use bytes::Bytes;
use link::{Came, Link};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Raw,
    V1,
    Sse,
}

impl Form {
    pub const ALL: [Self; 3] = [Self::Raw, Self::V1, Self::Sse];
}

/// How long a printed cursor is.
const CURSOR: usize = 24;

pub struct Feed {
    door: Arc<Door>,
    pub form: Form,
    protocol: Protocol,
    path: String,
    headers: Vec<(String, String)>,
    since: Option<String>,
    /// The last cursor it was told, and how many raw events came since.
    cursor: Option<String>,
    count: u64,
    /// What the next event of `postern.v1` must call `prev`.
    previous: Option<String>,
    link: Option<Link>,
    gap: Option<News>,
    /// How often it has connected.
    pub connects: u32,
}

impl Feed {
    pub fn new(door: &Arc<Door>, path: &str, form: Form) -> Self {
        let (path, door) = (path.to_owned(), Arc::clone(door));
        let (headers, protocol) = (vec![], Protocol::Http1);
        let (since, cursor, previous, link, gap) = (None, None, None, None, None);
        Self { door, form, protocol, path, headers, since, cursor, count: 0, previous, link, gap, connects: 0 }
    }

    pub fn since(mut self, since: impl Into<String>) -> Self {
        self.since = Some(since.into());
        self
    }

    pub fn over(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Connected, or the test fails.
    pub async fn opened(mut self) -> Self {
        if let Err(failure) = self.open().await {
            panic!("no {:?} stream at {}: {failure:?}", self.form, self.path);
        }
        self
    }

    /// Connects, to go on from where it stands.
    pub async fn open(&mut self) -> Result<(), Failure> {
        let mut headers = self.headers.clone();
        if self.form == Form::V1 {
            headers.push(("sec-websocket-protocol".into(), "postern.v1".into()));
        }
        let since = match (&self.cursor, self.form) {
            // An EventSource calls the same address again and says where it stands in a header.
            (Some(cursor), Form::Sse) => {
                headers.push(("last-event-id".into(), cursor.clone()));
                self.since.clone()
            }
            (Some(_), _) => self.stands(),
            (None, _) => self.since.clone(),
        };
        let mut target = self.path.clone();
        if let Some(since) = &since {
            target.push(if target.contains('?') { '&' } else { '?' });
            target.push_str(&format!("since={since}"));
        }
        let (link, answer) = Link::open(&self.door, self.form, self.protocol, &target, &headers).await?;
        self.connects += 1;
        self.link = Some(link);
        let header = |name: &str| answer.get(name).map(|value| value.to_str().expect("a cursor is text").to_owned());
        match self.form {
            Form::Raw => {
                // Who asks for the last few is not told where they begin.
                let last = since.as_ref().is_some_and(|since| since.starts_with("last:"));
                let told = header("postern-cursor");
                assert!(told.is_some() || last, "the answer to a raw client has a cursor");
                // The cursor it brought: then the events it said to have are not counted again.
                if let Some(told) = told.filter(|told| self.cursor.as_ref() != Some(told)) {
                    self.told(&told);
                }
                self.gap = header("postern-gap").map(|gap| match gap.split(' ').collect::<Vec<_>>()[..] {
                    [from, to, reason] => News::Gap { from: from.into(), to: to.into(), reason: reason.into() },
                    _ => panic!("Postern-Gap: {gap}"),
                });
            }
            Form::V1 => assert_eq!(header("sec-websocket-protocol").as_deref(), Some("postern.v1")),
            Form::Sse => assert_eq!(header("cache-control").as_deref(), Some("no-store"), "it is kept by nobody"),
        }
        Ok(())
    }

    /// Connects, as often as it takes for a gateway to be there again.
    pub async fn reopen(&mut self) {
        let what = format!("the way back of a {:?} client", self.form);
        patiently(what, async {
            while self.open().await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    /// What it would say in `since=` now.
    pub fn stands(&self) -> Option<String> {
        let cursor = self.cursor.as_ref()?;
        Some(if self.count == 0 { cursor.clone() } else { format!("{cursor}~{}", self.count) })
    }

    /// Lets go of the connection, as somebody does who closes a lid.
    pub fn drop_link(&mut self) {
        self.link = None;
    }

    /// The next thing told; `None` when the connection is over, which it then has let go of.
    pub async fn next(&mut self) -> Option<News> {
        if let Some(gap) = self.gap.take() {
            return Some(gap);
        }
        loop {
            let news = match self.link.as_mut()?.next().await {
                Came::End => {
                    self.link = None;
                    return None;
                }
                Came::Ping(payload) => {
                    if self.form == Form::Raw && payload.len() == CURSOR {
                        self.told(std::str::from_utf8(&payload).expect("a cursor is text"));
                    }
                    continue;
                }
                Came::News(news) => news,
                Came::Text(text) if self.form == Form::V1 => self.v1(&text),
                Came::Text(text) => self.raw(text.into()),
                Came::Binary(bytes) => {
                    assert!(self.form == Form::Raw, "`postern.v1` is text");
                    assert!(std::str::from_utf8(&bytes).is_err(), "what is UTF-8 comes as text");
                    self.raw(bytes)
                }
            };
            match &news {
                News::Hello { cursor, .. } | News::Drain { cursor, .. } => self.told(cursor),
                News::Gap { to, .. } => self.told(to),
                News::Closed { reason, .. } if reason.len() == CURSOR => self.told(reason),
                News::Event(Got { cursor: Some(cursor), .. }) => self.told(cursor),
                _ => {}
            }
            return Some(news);
        }
    }

    fn told(&mut self, cursor: &str) {
        // What is left out of what it had already is told with it.
        let (cursor, skip) = cursor.split_once('~').unwrap_or((cursor, "0"));
        assert_eq!(cursor.len(), CURSOR, "not a cursor: {cursor:?}");
        (self.cursor, self.count) = (Some(cursor.to_owned()), skip.parse().expect("a number behind `~`"));
    }

    fn raw(&mut self, body: Bytes) -> News {
        self.count += 1;
        News::Event(Got { body, ..Got::default() })
    }

    fn v1(&mut self, text: &str) -> News {
        let (news, prev) = News::of_v1(text);
        match &news {
            News::Hello { cursor, .. } => self.previous = Some(cursor.clone()),
            News::Gap { to, .. } => self.previous = Some(to.clone()),
            News::Event(got) => {
                assert_eq!(prev, self.previous, "the chain of `prev` is whole");
                self.previous.clone_from(&got.cursor);
            }
            _ => {}
        }
        news
    }
}
