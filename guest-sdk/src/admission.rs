//! What a filter says of a client that asks to connect.

use crate::{Label, Payload};

/// Whether a client may connect. With several admission filters every one must allow it: labels add up, the last
/// subject given stands, and the first denial ends the matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    Allow(Grant),
    Deny(Denial),
}

/// What a client may connect as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Who it is, for other filters and for the logs.
    pub subject: Option<String>,
    /// What to know it by.
    pub labels: Vec<Label>,
    /// The WebSocket subprotocol to agree on; it must be one the client asked for.
    pub subprotocol: Option<String>,
    /// A first message for this client alone, sent before any other.
    pub greeting: Option<Payload>,
}

impl Grant {
    /// A grant to one whose name is known.
    pub fn to(subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..Self::default() }
    }

    /// The same with one more label.
    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push(Label::new(key, value));
        self
    }
}

/// Why a client may not connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// 400 to 599. Anything else is sent as 403.
    pub status: u16,
    /// Told to the client.
    pub body: String,
    /// For the log alone.
    pub reason: Option<String>,
}

impl Denial {
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), reason: None }
    }

    /// The same with a reason for the log. Never put what the client sent as its secret here.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}
