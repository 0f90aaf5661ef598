//! The one place of the harness that starts tasks and threads.

use std::future::Future;
use tokio::task::JoinHandle;

/// Starts a task; it ends with the test that started it.
#[expect(clippy::disallowed_methods, reason = "the gateway's task.rs is for the gateway")]
pub fn spawn<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(work)
}

/// Runs all of them at once and gives their results in the order given. A panic in one is a panic here.
pub async fn together<F>(work: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let tasks: Vec<_> = work.into_iter().map(spawn).collect();
    let mut results = Vec::with_capacity(tasks.len());
    for task in tasks {
        match task.await {
            Ok(result) => results.push(result),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    results
}

#[expect(clippy::disallowed_methods, reason = "the gateway's task.rs is for the gateway")]
pub(crate) fn thread(work: impl FnOnce() + Send + 'static) -> std::thread::JoinHandle<()> {
    std::thread::spawn(work)
}
