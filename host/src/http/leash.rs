//! A leash on what hyper runs for us. hyper has no notion of an answer that must end: one whose client does not read
//! stays as long as the client likes. Here each task of hyper's (the connection in HTTP/1.1, a stream in HTTP/2) has a
//! leash, and when the stream or tunnel in it is over, the task has a moment left to see that its last bytes are taken.

use crate::task::{self, Guard};
use hyper::rt::Executor;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a client may take for the last bytes of what has ended: as long as a shard waits for a closing client.
pub const FAREWELL: Duration = if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(2) };

tokio::task_local! {
    /// hyper does not tell in which of its tasks a request is answered; but it answers it in that task.
    static LEASH: Leash;
}

/// One task's. Clones are the same.
#[derive(Clone)]
pub struct Leash(Arc<watch::Sender<bool>>);

impl Default for Leash {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Leash {
    /// The leash of the task that this is called in.
    pub fn here() -> Self {
        LEASH.try_with(Self::clone).unwrap_or_default()
    }

    /// Returns a moment after what was on it is over; for an ordinary answer that is never.
    pub async fn overdue(&self) {
        let mut over = self.0.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = over.wait_for(|over| *over).await;
        tokio::time::sleep(FAREWELL).await;
    }

    /// Runs one of hyper's tasks on this leash.
    pub async fn around(self, work: impl Future<Output = ()>) {
        let limited = async {
            tokio::select! {
                () = work => {}
                () = self.overdue() => tracing::debug!("the end of a stream was not read, let go"),
            }
        };
        LEASH.scope(self.clone(), limited).await;
    }
}

/// A request under way: it keeps its connection from being let go in a drain.
#[derive(Clone)]
pub struct Held {
    leash: Leash,
    _guard: Arc<Guard>,
}

/// A stream or a tunnel. It is over when this is dropped.
pub struct Streaming(Held);

impl Held {
    /// In the task that answers the request.
    pub fn new(guard: Guard) -> Self {
        Self { leash: Leash::here(), _guard: Arc::new(guard) }
    }

    pub fn streaming(self) -> Streaming {
        Streaming(self)
    }
}

impl Streaming {
    pub fn leash(&self) -> &Leash {
        &self.0.leash
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.leash.0.send_replace(true);
    }
}

/// Starts hyper's tasks. What a task starts, such as the writing half of a tunnel, is on the leash of that task.
#[derive(Clone, Copy)]
pub struct Tasks;

impl<F> Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, work: F) {
        task::background(Leash::here().around(work));
    }
}
