//! What a filter says of a message.

/// Names one connection for as long as it lives.
pub type ClientId = u64;

/// What to do with a message.
///
/// Filters run in the order configured. Each decides for itself and the next sees the outcome; when none has narrowed
/// the audience, everyone gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Leave it as it is.
    Pass,
    /// Discard it; later filters never see it. The reason, if any, is logged and counted.
    Drop(Option<String>),
    /// Replace the body; the audience stays as it was.
    Rewrite(Payload),
    /// Send it to a selection. More than one delivery splits the message, and each part goes on down the chain by
    /// itself; an empty list is a drop. An audience is narrowed, never widened.
    Send(Vec<Delivery>),
}

impl Verdict {
    /// Drops the message, and says why.
    pub fn drop(reason: impl Into<String>) -> Self {
        Self::Drop(Some(reason.into()))
    }

    /// Replaces the body by text.
    pub fn rewrite(text: impl Into<String>) -> Self {
        Self::Rewrite(Payload::text(text))
    }

    /// Sends the message, unchanged, to those whom `to` chooses.
    pub fn send(to: Selector) -> Self {
        Self::Send(vec![Delivery::to(to)])
    }
}

/// Who gets what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub to: Selector,
    /// Left out even when `to` chooses them.
    pub except: Vec<ClientId>,
    /// What they get; `None` means the message in hand, unchanged.
    pub payload: Option<Payload>,
}

impl Delivery {
    /// The message in hand, unchanged, for those whom `to` chooses.
    pub fn to(to: Selector) -> Self {
        Self { to, except: vec![], payload: None }
    }
}

/// Chooses clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    Everyone,
    /// Those with these ids. Ids that are gone are passed over.
    Clients(Vec<ClientId>),
    /// Those that carry at least one of these labels.
    AnyLabel(Vec<Label>),
    /// Those that carry every one of these labels.
    AllLabels(Vec<Label>),
}

impl Selector {
    /// Those that carry this label.
    pub fn label(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::AllLabels(vec![Label::new(key, value)])
    }
}

/// Something known of a client, such as `room=lobby`. A client may carry one key with many values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    pub key: String,
    pub value: String,
}

impl Label {
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// The two kinds of WebSocket message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// UTF-8. Text that is not is an error of the filter that returned it.
    Text,
    /// Any bytes.
    Binary,
}

/// A body, and how it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    pub format: Format,
    pub data: Vec<u8>,
}

impl Payload {
    pub fn text(text: impl Into<String>) -> Self {
        Self { format: Format::Text, data: text.into().into_bytes() }
    }

    pub fn binary(data: impl Into<Vec<u8>>) -> Self {
        Self { format: Format::Binary, data: data.into() }
    }
}
