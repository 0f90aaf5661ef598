//! The only place that starts tasks and threads: each has a name, and those that hold work are counted, so that a
//! drain knows when the last is done.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
pub use tokio::runtime::Handle;
use tokio::sync::Notify;
pub use tokio::task::AbortHandle;

/// Counts work under way. Clones count together.
#[derive(Clone, Default)]
pub struct Tracker(Arc<Count>);

#[derive(Default)]
struct Count {
    under_way: AtomicUsize,
    /// Told when nothing is.
    idle: Notify,
}

/// Work under way, until it is dropped.
pub struct Guard(Tracker);

impl Tracker {
    pub fn begin(&self) -> Guard {
        self.0.under_way.fetch_add(1, Ordering::SeqCst);
        Guard(self.clone())
    }

    pub fn count(&self) -> usize {
        self.0.under_way.load(Ordering::SeqCst)
    }

    /// Returns when nothing is under way. Cancel safe.
    pub async fn idle(&self) {
        loop {
            // Who waits from here on is told of what ends from here on.
            let told = self.0.idle.notified();
            if self.count() == 0 {
                return;
            }
            told.await;
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.0.0.under_way.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.0.idle.notify_waiters();
        }
    }
}

/// Starts a task that the drain waits for.
pub fn tracked<F>(tracker: &Tracker, work: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let guard = tracker.begin();
    background(async move {
        work.await;
        drop(guard);
    });
}

/// Starts a task that ends with the process, or when whoever feeds it goes.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn background<F>(work: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(work);
}

/// As `background`, from a thread that is none of the runtime's.
pub fn background_on<F>(runtime: &Handle, work: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    runtime.spawn(work);
}

/// Starts a task on the thread of the caller, which runs a `LocalSet`. It ends with that, or when it is aborted.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn local<F>(work: F) -> AbortHandle
where
    F: Future<Output = ()> + 'static,
{
    tokio::task::spawn_local(work).abort_handle()
}

/// Starts a named operating-system thread. Names show in `top -H` and in panics; Linux cuts them at 15 bytes.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn thread<F, T>(name: &str, work: F) -> io::Result<JoinHandle<T>>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_idle_when_the_last_is_done_and_at_once_when_nothing_is_under_way() {
        let tracker = Tracker::default();
        tracker.idle().await;
        let (one, other) = (tracker.begin(), tracker.clone().begin());
        let waits = tracker.clone();
        let (told, mut heard) = tokio::sync::oneshot::channel();
        background(async move {
            waits.idle().await;
            let _ = told.send(());
        });
        tokio::task::yield_now().await;
        drop(one);
        tokio::task::yield_now().await;
        assert!(heard.try_recv().is_err() && tracker.count() == 1);
        drop(other);
        heard.await.expect("it is told");
    }
}
