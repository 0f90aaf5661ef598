//! What a test reads of a feed: the next event, all until it is live, or whatever comes through any number of ends.

use super::{Feed, Form, Got, News};

impl Feed {
    /// The next event, passing over hello and live. Anything else fails the test.
    pub async fn event(&mut self) -> Got {
        loop {
            match self.next().await {
                Some(News::Event(got)) => return got,
                Some(News::Hello { .. } | News::Live) => {}
                other => panic!("instead of an event, a {:?} client got {other:?}", self.form),
            }
        }
    }

    /// Demands that the next event has this body: within `postern.v1`, where it stands in other JSON, without the white
    /// space around it.
    pub async fn expect(&mut self, body: &[u8]) -> Got {
        let got = self.event().await;
        let framed = self.form == Form::V1 && got.about.get("base64").is_none();
        let body = if framed { body.trim_ascii() } else { body };
        let text = |body: &[u8]| String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
        assert!(got.body == body, "{:?}: expected {:?}\n got {:?}", self.form, text(body), text(&got.body));
        got
    }

    /// The next event, through however many ends and new beginnings. A gap fails the test.
    pub async fn steady_event(&mut self) -> Got {
        loop {
            if self.link.is_none() {
                self.reopen().await;
            }
            match self.next().await {
                Some(News::Event(got)) => return got,
                Some(News::Gap { from, to, reason }) => {
                    panic!(
                        "a {:?} client that missed nothing was told of a gap from {from} to {to}: {reason}",
                        self.form
                    )
                }
                Some(News::Closed { .. }) => self.link = None,
                _ => {}
            }
        }
    }

    /// Reads on until it is told that it has caught up; raw clients are not told.
    pub async fn live(&mut self) -> Vec<Got> {
        let mut events = vec![];
        loop {
            match self.next().await {
                Some(News::Live) => return events,
                Some(News::Event(got)) => events.push(got),
                Some(News::Hello { .. }) => {}
                other => panic!("instead of live, a {:?} client got {other:?}", self.form),
            }
        }
    }
}
