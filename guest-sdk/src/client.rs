//! A connected client, as a filter sees it.

use crate::{ClientId, Label, gateway};

/// A client. A handle, as a [`Message`](crate::Message) is; what it says is what was so when the call began.
#[derive(Debug)]
pub struct Client(pub(crate) gateway::Client);

impl Client {
    /// Names the connection for as long as it lives.
    pub fn id(&self) -> ClientId {
        self.0.id()
    }

    /// Who it is, as admission said; `None` when admission did not say.
    pub fn subject(&self) -> Option<String> {
        self.0.subject()
    }

    /// The first value of the label `key`.
    pub fn label(&self, key: &str) -> Option<String> {
        self.0.label(key)
    }

    pub fn labels(&self) -> Vec<Label> {
        self.0.labels()
    }

    /// Whether it carries this label.
    pub fn has_label(&self, key: &str, value: &str) -> bool {
        self.labels().iter().any(|label| label.key == key && label.value == value)
    }

    /// The peer's address, `ip:port`, after any trusted proxy headers.
    pub fn address(&self) -> String {
        self.0.address()
    }

    /// When it connected, in milliseconds since 1970-01-01T00:00:00Z.
    pub fn since(&self) -> u64 {
        self.0.since()
    }
}

/// A WebSocket close code (RFC 6455, section 7.4) and its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    pub code: u16,
    pub reason: String,
}

impl Close {
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// What became of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Admitted and upgraded; it can be sent to.
    Connect,
    /// It sent a close frame; `Disconnect` follows. With `close = "manual"` on the stream, `clients::disconnect` is the
    /// answer.
    Close(Option<Close>),
    /// It is gone: the last event a client has. Why, if it did not close by itself.
    Disconnect(Option<String>),
    /// It sent a ping. With `pong = "manual"` on the stream, `clients::pong` is the answer.
    Ping(Vec<u8>),
    /// It answered a ping.
    Pong(Vec<u8>),
}
