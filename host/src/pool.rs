//! A fixed number of threads for work that blocks or computes, with a bounded queue before them. Full means refused,
//! at once: whoever asks has an answer to that.

use crate::task;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

type Work = Box<dyn FnOnce() + Send>;

#[derive(Clone)]
pub struct Pool(SyncSender<Work>);

/// The queue is full, or the work has panicked.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused;

impl Pool {
    /// Threads called `name`, before which at most `waiting` pieces of work wait. They end when the pool is dropped.
    pub fn start(name: &str, threads: usize, waiting: usize) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(waiting);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..threads.max(1) {
            let receiver = receiver.clone();
            task::thread(name, move || work(&receiver))?;
        }
        Ok(Self(sender))
    }

    /// Does `work` on one of the threads. Cancel safe: work that has not begun is left, and work that has is finished
    /// for nobody.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refused> {
        let (answer, answered) = oneshot::channel();
        let work = Box::new(move || {
            // Whoever asked may have gone: then nobody needs the answer.
            if !answer.is_closed() {
                let _ = answer.send(work());
            }
        });
        self.0.try_send(work).map_err(|_| Refused)?;
        answered.await.map_err(|_| Refused)
    }
}

fn work(receiver: &Mutex<Receiver<Work>>) {
    loop {
        let next = receiver.lock().expect("waiting for work does not panic").recv();
        let Ok(work) = next else { return };
        // A panic is the end of this piece of work, not of the thread.
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
            tracing::error!("a worker panicked: this is a bug of postern");
        }
    }
}
