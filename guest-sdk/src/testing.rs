//! Messages, requests and clients made by hand, and what stands in for the gateway when a filter is tested by `cargo test`.
//!
//! What is arranged here holds for the thread, and so for one test. As in the gateway, what a hook sends and does to
//! clients is done when it has returned `Ok`, and only then: run it within [`call`].

use crate::gateway::{self, arranged};
use crate::log::Level;
use crate::{Client, ClientId, Close, Format, Header, Label, Message, Payload, Request, Result, Selector};

/// A line that the filter logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    pub text: String,
    pub fields: Vec<(String, String)>,
}

/// Gives the filter its configuration: the `config` of `[filters.NAME]`.
pub fn configure(config: serde_json::Value) {
    arranged(|arranged| arranged.config = config);
}

/// Stops the wall clock at this many milliseconds since 1970-01-01T00:00:00Z.
pub fn stop_clock(at: u64) {
    arranged(|arranged| arranged.now = Some(at));
}

/// Lets lines below this level go nowhere, as an operator may.
pub fn log_from(level: Level) {
    arranged(|arranged| arranged.level = level);
}

/// Takes the lines logged so far.
pub fn logged() -> Vec<Line> {
    arranged(|arranged| std::mem::take(&mut arranged.lines))
}

/// Something that the filter sent by the [`outbox`](crate::outbox).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub to: Selector,
    pub except: Vec<ClientId>,
    pub payload: Payload,
}

impl Sent {
    /// What was sent, as text. Panics when it was binary: that is what the test is told.
    pub fn text(&self) -> &str {
        assert_eq!(self.payload.format, Format::Text, "it is binary");
        std::str::from_utf8(&self.payload.data).expect("text is UTF-8")
    }
}

/// Runs a hook as the gateway does: what it sends and does to clients is done if it returns `Ok`, and forgotten if not.
/// `testing::call(|| filter.on_client_message(&ann, &Message::text("hello")))`.
pub fn call<T>(hook: impl FnOnce() -> Result<T>) -> Result<T> {
    arranged(|arranged| drop(std::mem::take(&mut arranged.wanted)));
    let answer = hook();
    let wanted = arranged(|arranged| std::mem::take(&mut arranged.wanted));
    if answer.is_ok() {
        gateway::follow(wanted);
    }
    answer
}

/// Connects a client; once more under the same id, it is another of that name. Gives its handle.
pub fn connect(client: Client) -> Client {
    arranged(|arranged| drop(arranged.clients.insert(client.0.id, client.0.clone())));
    client
}

/// A client as it is now; `None` when it is gone.
pub fn client(id: ClientId) -> Option<Client> {
    gateway::clients_get(id).map(Client)
}

/// Takes what was sent so far.
pub fn sent() -> Vec<Sent> {
    arranged(|arranged| std::mem::take(&mut arranged.sent))
}

/// Takes whom the filter has disconnected so far, and how.
pub fn disconnected() -> Vec<(ClientId, Close)> {
    arranged(|arranged| std::mem::take(&mut arranged.disconnected))
}

/// Takes the pings the filter has answered so far.
pub fn pongs() -> Vec<(ClientId, Vec<u8>)> {
    arranged(|arranged| std::mem::take(&mut arranged.pongs))
}

/// Lets the keyspace take nothing more, or take it again.
pub fn fill_kv(full: bool) {
    arranged(|arranged| arranged.kept_full = full);
}

/// Gives the filter a secret to sign with.
pub fn secret(name: impl Into<String>, value: impl Into<String>) {
    arranged(|arranged| drop(arranged.secrets.insert(name.into(), value.into())));
}

/// What a metric came to: the sum of a counter, the value of a gauge, each observation of a histogram.
pub fn metric(name: &str) -> Vec<f64> {
    arranged(|arranged| arranged.numbers.get(name).cloned().unwrap_or_default())
}

/// Clients made by hand. Natively only.
impl Client {
    pub fn new(id: ClientId) -> Self {
        let address = "127.0.0.1:50000".into();
        Self(gateway::Client { id, subject: None, labels: vec![], address, since: 0 })
    }

    #[must_use]
    pub fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.0.subject = Some(subject.into());
        self
    }

    #[must_use]
    pub fn with_label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.labels.push(Label::new(key, value));
        self
    }

    #[must_use]
    pub fn with_since(mut self, milliseconds: u64) -> Self {
        self.0.since = milliseconds;
        self
    }
}

/// Messages made by hand. Natively only.
impl Message {
    /// A text message.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of(Payload::text(text))
    }

    /// A text message of JSON.
    pub fn json(value: &serde_json::Value) -> Self {
        Self::text(value.to_string())
    }

    /// A message of these bytes, as a webhook delivers them: text when they are UTF-8, binary when they are not.
    pub fn delivered(data: impl Into<Vec<u8>>) -> Self {
        let data = data.into();
        let format = if std::str::from_utf8(&data).is_ok() { Format::Text } else { Format::Binary };
        Self::of(Payload { format, data })
    }

    fn of(payload: Payload) -> Self {
        Self(gateway::Message { id: 1, source: "test".into(), received: 0, payload, headers: vec![] })
    }

    #[must_use]
    pub fn with_id(mut self, id: u64) -> Self {
        self.0.id = id;
        self
    }

    #[must_use]
    pub fn with_source(mut self, source: impl Into<String>) -> Self {
        self.0.source = source.into();
        self
    }

    #[must_use]
    pub fn with_received(mut self, milliseconds: u64) -> Self {
        self.0.received = milliseconds;
        self
    }

    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.0.headers.push(Header { name: name.to_ascii_lowercase(), value: value.into() });
        self
    }
}

/// Requests made by hand. Natively only.
impl Request {
    /// A request to become a stream: `Request::get("/ws?token=x")`.
    pub fn get(target: impl Into<String>) -> Self {
        Self::of("GET", target)
    }

    /// A plain request: `Request::of("POST", "/hook")`.
    pub fn of(method: &str, target: impl Into<String>) -> Self {
        let (method, address) = (method.to_ascii_uppercase(), "127.0.0.1:50000".into());
        Self(gateway::Request { method, target: target.into(), address, headers: vec![], body: vec![] })
    }

    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = body.into();
        self
    }

    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.0.headers.push(Header { name: name.to_ascii_lowercase(), value: value.into() });
        self
    }

    #[must_use]
    pub fn with_address(mut self, address: impl Into<String>) -> Self {
        self.0.address = address.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::Algorithm;
    use crate::{Error, clients, clock, config, kv, log, metrics, outbox, signing};
    use serde_json::json;
    use std::time::Duration;

    #[test]
    fn a_call_that_fails_has_done_nothing_and_one_that_does_not_has_done_all() {
        connect(Client::new(7).with_subject("ann").with_label("room", "a"));
        connect(Client::new(8));
        let work = || {
            outbox::to_label("room", "a", Payload::text("hello"));
            clients::add_label(8, "room", "a");
            clients::remove_label(7, "room", "a");
            clients::disconnect(7, Close::new(4000, "bye"));
            clients::pong(8, *b"x");
        };
        let failed: Result<()> = call(|| {
            work();
            kv::set("count", "1", None)?;
            Err(Error::new("no"))
        });
        assert!(failed.is_err() && sent().is_empty() && disconnected().is_empty() && pongs().is_empty());
        assert_eq!(kv::get("count").expect("it answers").as_deref(), Some(&b"1"[..]), "which acts at once");
        assert_eq!(clients::find(&Selector::label("room", "a"), 9), [7]);
        call(|| {
            work();
            assert_eq!(clients::count(&Selector::label("room", "a")), 1, "not yet");
            Ok(())
        })
        .expect("it does not fail");
        assert_eq!(sent()[0].text(), "hello");
        assert_eq!((disconnected(), pongs()), (vec![(7, Close::new(4000, "bye"))], vec![(8, b"x".to_vec())]));
        assert!(client(7).is_none() && client(8).is_some_and(|client| client.has_label("room", "a")));
    }

    #[test]
    fn what_is_kept_expires_and_may_be_full() {
        stop_clock(1_000);
        let ttl = Some(Duration::from_millis(50));
        assert_eq!((kv::add("id", [], ttl), kv::add("id", [], ttl)), (Ok(true), Ok(false)));
        assert_eq!((kv::increment("n", 2, ttl), kv::increment("n", 3, ttl)), (Ok(2), Ok(5)));
        kv::set_json("rooms", &["a", "b"], None).expect("it is kept");
        assert_eq!(kv::get_json::<Vec<String>>("rooms").expect("it is JSON").expect("it is there"), ["a", "b"]);
        assert_eq!(kv::increment("rooms", 1, None), Err(kv::Fault::NotANumber));
        assert_eq!(kv::keys("", Some("id"), 9), Ok(vec!["n".to_owned(), "rooms".to_owned()]));
        stop_clock(1_050);
        assert_eq!((kv::add("id", [], ttl), kv::increment("n", 1, None)), (Ok(true), Ok(1)));
        assert_eq!(kv::swap("n", Some(b"1"), None), Ok(true));
        fill_kv(true);
        assert_eq!((kv::set("n", "1", None), kv::get("n")), (Err(kv::Fault::Full), Ok(None)));
    }

    #[test]
    fn signatures_and_metrics_are_those_of_the_gateway() {
        secret("partner", "key");
        let data = b"The quick brown fox jumps over the lazy dog";
        let signature = signing::sign("partner", Algorithm::HmacSha256, data).expect("the secret is there");
        assert_eq!(signature[..4], [0xf7, 0xbc, 0x83, 0xf4]);
        assert_eq!(signing::verify("partner", Algorithm::HmacSha256, data, &signature), Ok(true));
        assert_eq!(signing::verify("partner", Algorithm::HmacSha256, data, &signature[..9]), Ok(false));
        assert_eq!(signing::sign("other", Algorithm::HmacSha1, data), Err(signing::NoSuchSecret));
        metrics::count("words", 2);
        metrics::count("words", 3);
        metrics::gauge("rooms", 4.0);
        metrics::observe("length", 1.0);
        metrics::observe("length", 2.0);
        assert_eq!((metric("words"), metric("rooms"), metric("length")), (vec![5.0], vec![4.0], vec![1.0, 2.0]));
    }

    #[test]
    fn a_message_made_by_hand_answers_as_a_delivered_one_does() {
        let message = Message::json(&json!({ "a": [{ "b/c": "x", "n": 7, "o": {} }] }))
            .with_header("Content-Type", "application/json")
            .with_source("whatsapp");
        assert_eq!(message.pointer("/a/0/b~1c").as_deref(), Some("x"));
        assert_eq!(message.pointer("/a/0/n").as_deref(), Some("7"));
        assert_eq!(message.pointer("/a/0/o").as_deref(), Some("{}"));
        assert_eq!(message.pointer("/a/1"), None);
        assert_eq!(message.header("content-TYPE").as_deref(), Some(&b"application/json"[..]));
        assert_eq!((message.read(1, 3), message.read(message.size() - 1, 9)), (b"\"a\"".to_vec(), b"}".to_vec()));
        assert_eq!(message.read(u64::MAX, u64::MAX), b"");
        assert_eq!((message.source(), message.format()), ("whatsapp".to_owned(), Format::Text));
        assert_eq!(Message::delivered(*b"\xff").format(), Format::Binary);
    }

    #[test]
    fn a_body_of_the_wrong_shape_is_told_without_quoting_it() {
        let error =
            Message::text(r#"{"from": "15550100142"}"#).parse::<Vec<u8>>().expect_err("it is no list").to_string();
        assert!(error.contains("another shape") && !error.contains("1555"), "{error}");
        let error = Message::text("15550100142 is not JSON").parse::<String>().expect_err("it is no JSON").to_string();
        assert!(!error.contains("1555"), "{error}");
    }

    #[test]
    fn a_request_made_by_hand_is_taken_apart() {
        let request = Request::get("/ws?room=a%20b+c&room=d&flag&%6b=%").with_header("Authorization", "BEARER t");
        assert_eq!((request.path(), request.method()), ("/ws".to_owned(), "GET".to_owned()));
        assert_eq!(request.param("room").as_deref(), Some("a b c"));
        assert_eq!((request.param("flag").as_deref(), request.param("k").as_deref()), (Some(""), Some("%")));
        assert_eq!((request.param("none"), request.bearer().as_deref()), (None, Some("t")));
        assert_eq!(Request::get("/ws").query(), None);
    }

    #[test]
    fn what_a_test_arranges_is_what_the_filter_meets() {
        configure(json!({ "name": "x", "limit": 3 }));
        stop_clock(1_789_000_000_000);
        log_from(Level::Info);
        log::debug("nowhere");
        log::write(Level::Warn, "over the limit", &[("limit", "3")]);
        assert_eq!((config::get("name").as_deref(), config::get("limit").as_deref()), (Some("x"), Some("3")));
        assert_eq!(clock::now(), 1_789_000_000_000);
        let fields = vec![("limit".to_owned(), "3".to_owned())];
        assert_eq!(logged(), [Line { level: Level::Warn, text: "over the limit".into(), fields }]);
        assert_eq!(logged(), []);
    }
}
