//! What clients say and what becomes of them, on its way to whoever wants to hear it. A client is heard one thing at a
//! time: what it says next is read when this is done with, so it cannot say more than is taken in, and its order stays.

use crate::message::{Card, ClientId, Payload};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Something to be heard.
pub struct Said {
    /// Who it is now.
    pub client: Arc<Card>,
    pub what: What,
    pub answer: oneshot::Sender<Answer>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Message(Payload),
    Connect,
    /// A close frame: its code and reason, if it had any.
    Close(Option<(u16, String)>),
    /// It is gone. Why, if it did not close by itself.
    Disconnect(Option<String>),
    Ping(Bytes),
    Pong(Bytes),
}

/// What is to become of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Heard,
    /// What it said could not be judged or kept: it is closed, so that it does not take it for heard.
    Lost,
}

/// Which of these somebody wants to hear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    pub message: bool,
    pub connect: bool,
    pub close: bool,
    pub disconnect: bool,
    pub ping: bool,
    pub pong: bool,
}

/// Who hears, and what. Whatever one client says goes to the same of the listeners, so that it is heard in order.
#[derive(Clone, Debug)]
pub struct Hearing {
    pub kinds: Kinds,
    /// At least one.
    pub listeners: Arc<[mpsc::Sender<Said>]>,
}

impl Hearing {
    pub fn listener(&self, client: ClientId) -> mpsc::Sender<Said> {
        let index = usize::try_from(client.0 % self.listeners.len() as u64).unwrap_or_default();
        self.listeners[index].clone()
    }
}

/// Tells a listener something, and waits for what is to become of the client.
pub async fn tell(listener: &mpsc::Sender<Said>, client: Arc<Card>, what: What) -> Answer {
    let (answer, answered) = oneshot::channel();
    // A listener that has ended, or panicked over this, has not heard it.
    match listener.send(Said { client, what, answer }).await {
        Ok(()) => answered.await.unwrap_or(Answer::Lost),
        Err(_) => Answer::Lost,
    }
}
