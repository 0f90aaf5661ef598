//! Clients, messages and requests made by hand.

use crate::{Client, ClientId, Format, Header, Label, Message, Payload, Request, gateway};

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
    pub fn with_address(mut self, address: impl Into<String>) -> Self {
        self.0.address = address.into();
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
