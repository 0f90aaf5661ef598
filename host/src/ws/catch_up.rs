//! Reading the outbox for clients that fell out of the ring: one thread for all of them, one bounded piece at a time,
//! each in turn. A client asks again when it has taken its piece, so one that takes nothing costs nothing.

use super::shard::Command;
use crate::hub::Frame;
use crate::message::{ClientId, Offset};
use crate::task;
use prometheus_client::metrics::counter::Counter;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Reads frames from the outbox, from an offset on: a bounded piece, empty when there is nothing; `None` when it cannot
/// be read.
pub type Fetch = Arc<dyn Fn(Offset) -> Option<Vec<Arc<Frame>>> + Send + Sync>;

/// As many clients as may be connected; a client asks once at a time.
const WAITING: usize = 100_000;

#[derive(Clone)]
pub struct CatchUp(mpsc::Sender<Request>);

pub struct Request {
    pub client: ClientId,
    pub from: Offset,
    pub answer: mpsc::Sender<Command>,
}

impl CatchUp {
    pub fn start(fetch: Fetch, reads: Counter) -> std::io::Result<Self> {
        let (sender, mut receiver) = mpsc::channel::<Request>(WAITING);
        task::thread("catch-up", move || {
            while let Some(Request { client, from, answer }) = receiver.blocking_recv() {
                reads.inc();
                let frames = fetch(from);
                // A shard that has stopped needs no answer.
                let _ = answer.blocking_send(Command::Missed { client, frames });
            }
        })?;
        Ok(Self(sender))
    }

    /// False when too many wait already.
    pub fn ask(&self, request: Request) -> bool {
        self.0.try_send(request).is_ok()
    }
}
