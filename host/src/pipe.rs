//! A pipe in memory between a shard, which never waits, and a task of HTTP, which does nothing else: bytes both ways,
//! in order, no more than `limit` of them under way in either direction.
//!
//! The near end is like a non-blocking socket: it tries, and is told when trying again is worth it. The far end is
//! like a stream of tokio's, and may be the body of an answer. Each end sees when the other is closed or dropped; what
//! was written before that can still be read. An end has room for one that waits to read and one that waits to write.

mod far;
mod way;

pub use far::Far;

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::Poll;
use way::Way;

struct Shared {
    /// From the near end to the far.
    out: Way,
    back: Way,
}

/// The end of whoever must not wait.
pub struct Near(Arc<Shared>);

/// Makes a pipe. It holds no memory but for bytes under way.
pub fn pair(limit: usize) -> (Near, Far) {
    let shared = Arc::new(Shared { out: Way::new(limit), back: Way::new(limit) });
    (Near(shared.clone()), Far::new(shared))
}

impl Near {
    #[cfg(test)]
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write_vectored(&[IoSlice::new(bytes)])
    }

    /// Writes as much as there is room for. `WouldBlock` when there is none, `BrokenPipe` when nobody will read it.
    pub fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.out.write(slices, None)
    }

    /// Reads what there is. `WouldBlock` when that is nothing, and 0 when nothing more will come.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.back.read(buffer, None)
    }

    /// Returns when trying to write is worth it: there is room, or the far end is gone. Cancel safe.
    pub async fn writable(&self) -> io::Result<()> {
        poll_fn(|context| match self.0.out.has_room(context.waker()) {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        })
        .await
    }

    /// Returns when trying to read is worth it: there is something, or nothing more will come. Cancel safe.
    pub async fn readable(&self) -> io::Result<()> {
        poll_fn(|context| match self.0.back.has_something(context.waker()) {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        })
        .await
    }

    /// Says that nothing more will be written. The far end still gets what was, and what it says can still be read.
    pub fn close(&self) {
        self.0.out.end();
    }
}

impl Drop for Near {
    fn drop(&mut self) {
        self.0.out.end();
        self.0.back.abandon();
    }
}

#[cfg(test)]
mod tests;
