//! What is known of a client, and what may be done to one.

use super::{ClientId, Label, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;

/// What is known of a connected client. A card does not change: a client whose labels change gets another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    pub id: ClientId,
    /// The stream it is connected to.
    pub stream: Arc<str>,
    /// Who it is, as admission said.
    pub subject: Option<String>,
    pub labels: Vec<Label>,
    /// The peer's, after any trusted proxy headers.
    pub address: SocketAddr,
    pub since: Timestamp,
}

/// What a filter or an operator has done to a client. One that is gone is passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    AddLabel {
        client: ClientId,
        label: Label,
    },
    RemoveLabel {
        client: ClientId,
        label: Label,
    },
    /// With a close code of RFC 6455, section 7.4, that a server may send.
    Disconnect {
        client: ClientId,
        code: u16,
        reason: String,
    },
    /// An answer to a ping, at most 125 bytes.
    Pong {
        client: ClientId,
        data: Vec<u8>,
    },
}

/// What is to be done to clients around what is sent to them: whoever is given a label hears what is sent then, and whoever
/// is closed then has heard what was sent before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    pub before: Vec<Change>,
    pub after: Vec<Change>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }

    /// All of them, where nothing is sent.
    pub fn all(self) -> Vec<Change> {
        self.before.into_iter().chain(self.after).collect()
    }
}

/// Whose clients somebody may see and reach: those of some streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(pub Arc<[Arc<str>]>);

impl Change {
    pub fn client(&self) -> ClientId {
        match self {
            Self::AddLabel { client, .. }
            | Self::RemoveLabel { client, .. }
            | Self::Disconnect { client, .. }
            | Self::Pong { client, .. } => *client,
        }
    }
}

impl Scope {
    pub fn of(streams: impl IntoIterator<Item = Arc<str>>) -> Self {
        Self(streams.into_iter().collect())
    }

    pub fn has(&self, stream: &str) -> bool {
        self.0.iter().any(|name| **name == *stream)
    }
}

#[cfg(test)]
impl Card {
    /// A client of the stream `agents`.
    pub fn test(id: u64) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 4000));
        Self { id: ClientId(id), stream: "agents".into(), subject: None, labels: vec![], address, since: Timestamp(0) }
    }
}
