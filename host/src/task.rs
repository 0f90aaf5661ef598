//! The only place that starts tasks and threads: each has a name, and those that hold work are counted, so that a
//! drain knows when the last is done.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
pub use tokio::runtime::Handle;
use tokio::sync::watch;
pub use tokio::task::AbortHandle;

/// Counts work under way. Clones count together.
#[derive(Clone)]
pub struct Tracker(Arc<watch::Sender<usize>>);

/// Work under way, until it is dropped.
pub struct Guard(Tracker);

impl Default for Tracker {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Tracker {
    pub fn begin(&self) -> Guard {
        self.0.send_modify(|count| *count += 1);
        Guard(self.clone())
    }

    pub fn count(&self) -> usize {
        *self.0.borrow()
    }

    /// Returns when nothing is under way. Cancel safe.
    pub async fn idle(&self) {
        let mut count = self.0.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = count.wait_for(|count| *count == 0).await;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
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
