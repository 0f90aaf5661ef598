//! Work that wakes itself while it runs. hyper does so for each body that it reads, and tokio takes that for much work: it has
//! another thread woken to help, who finds nothing, and lets the task run again later. Here it runs once more at once.

use futures_util::task::AtomicWaker;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// What wakes itself in so many goes one behind the other has to wait for its next turn, as tokio would have it: it may have used
/// up its budget.
const GOES: usize = 2;

const RESTING: u8 = 0;
const RUNNING: u8 = 1;
/// Running, and woken meanwhile.
const WOKEN: u8 = 2;

#[derive(Default)]
struct Doorbell {
    state: AtomicU8,
    task: AtomicWaker,
}

impl Wake for Doorbell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let noted = self.state.compare_exchange(RUNNING, WOKEN, Ordering::AcqRel, Ordering::Acquire);
        if noted == Err(RESTING) {
            self.task.wake();
        }
    }
}

/// Does work in the task that this is called in. The task is woken only when the work is woken while it does not run.
pub async fn calm<W: Future>(work: W) -> W::Output {
    let mut work = pin!(work);
    let doorbell = Arc::new(Doorbell::default());
    let waker = Waker::from(doorbell.clone());
    poll_fn(|context| {
        doorbell.task.register(context.waker());
        for _ in 0..GOES {
            doorbell.state.store(RUNNING, Ordering::Release);
            let ready = work.as_mut().poll(&mut Context::from_waker(&waker));
            let rests = doorbell.state.compare_exchange(RUNNING, RESTING, Ordering::AcqRel, Ordering::Acquire).is_ok();
            if ready.is_ready() || rests {
                return ready;
            }
        }
        doorbell.state.store(RESTING, Ordering::Release);
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task;
    use std::sync::atomic::AtomicUsize;
    use tokio::sync::{mpsc, oneshot};

    #[derive(Default)]
    struct Rung(AtomicUsize);

    impl Wake for Rung {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Polls work that wakes itself so many times once: whether it is done, how often it ran, and how often its task was woken.
    fn poll(itself: usize) -> (bool, usize, usize) {
        let (rung, mut ran) = (Arc::new(Rung::default()), 0);
        let is_ready = {
            let work = pin!(calm(poll_fn(|context| {
                ran += 1;
                if ran > itself {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })));
            work.poll(&mut Context::from_waker(&Waker::from(rung.clone()))).is_ready()
        };
        (is_ready, ran, rung.0.load(Ordering::SeqCst))
    }

    #[test]
    fn what_wakes_itself_goes_on_at_once_but_not_for_ever() {
        assert_eq!(poll(0), (true, 1, 0));
        assert_eq!(poll(1), (true, 2, 0), "nobody else hears of it");
        assert_eq!(poll(9), (false, GOES, 1), "others have their turn");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_others_wake_it_for_is_never_missed() {
        let (sender, mut receiver) = mpsc::channel(1);
        let (counted, count) = oneshot::channel();
        task::background(calm(async move {
            let mut count = 0;
            while receiver.recv().await.is_some() {
                count += 1;
            }
            let _ = counted.send(count);
        }));
        for number in 0..20_000 {
            sender.send(number).await.expect("it is read");
        }
        drop(sender);
        assert_eq!(count.await, Ok(20_000));
    }
}
