//! The only place that starts tasks and threads: each has a name, and those that hold work are counted, so that a
//! drain knows when the last is done.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
pub use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Counts work under way. Clones count together.
#[derive(Clone, Default)]
pub struct Tracker(Arc<Count>);

#[derive(Default)]
struct Count {
    under_way: AtomicUsize,
    /// Told each time nothing is under way any more.
    none: Notify,
}

/// Work under way, until it is dropped.
pub struct Guard(Tracker);

impl Tracker {
    pub fn begin(&self) -> Guard {
        self.0.under_way.fetch_add(1, Ordering::AcqRel);
        Guard(self.clone())
    }

    pub fn count(&self) -> usize {
        self.0.under_way.load(Ordering::Acquire)
    }

    /// Returns when nothing is under way. Cancel safe.
    pub async fn idle(&self) {
        loop {
            // Told of whatever ends from here on, so nothing is missed between the look and the wait.
            let none = self.0.none.notified();
            if self.count() == 0 {
                return;
            }
            none.await;
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let count = &self.0.0;
        if count.under_way.fetch_sub(1, Ordering::AcqRel) == 1 {
            count.none.notify_waiters();
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
