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

/// A client asks once at a time. One that finds no room asks again when it is next looked at.
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
            let mut last: Option<Piece> = None;
            while let Some(Request { client, from, answer }) = receiver.blocking_recv() {
                // Those who fell behind together ask for the same.
                let known = last.as_ref().and_then(|piece| piece.since(from));
                let frames = known.or_else(|| {
                    reads.inc();
                    let frames = fetch(from)?;
                    last = Some(Piece { from, frames: frames.clone() });
                    Some(frames)
                });
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

/// What was read last, and from where.
struct Piece {
    from: Offset,
    frames: Vec<Arc<Frame>>,
}

impl Piece {
    /// What it has from `from` on; `None` when that is nothing, or not all.
    fn since(&self, from: Offset) -> Option<Vec<Arc<Frame>>> {
        let skip = self.frames.iter().position(|frame| frame.offset >= from)?;
        (from >= self.from).then(|| self.frames[skip..].to_vec())
    }
}
