//! Answers to those whose deliveries are on disk, a group at a time.

use super::{Appended, Refused};
use tokio::sync::oneshot;

/// What became of a delivery, once that is known. Nothing comes when the thread has ended before its time.
pub type Answer = oneshot::Receiver<Result<Appended, Refused>>;

/// Who is to be answered.
pub(super) enum Waiter {
    /// A task that waits for nothing else.
    Task(oneshot::Sender<Answered>),
    /// Somebody who may look for his answer whenever he likes.
    Other(oneshot::Sender<Result<Appended, Refused>>),
}

/// An answer, and with that of the first task of a group those of the others: it hands them out when it drops them. So the
/// inbox wakes one task a group, and that one wakes the others where they run, which costs a tenth.
pub(super) struct Answered {
    pub answer: Result<Appended, Refused>,
    _others: Others,
}

#[derive(Default)]
struct Others(Vec<(oneshot::Sender<Answered>, Result<Appended, Refused>)>);

impl Drop for Others {
    fn drop(&mut self) {
        for (waiter, answer) in self.0.drain(..) {
            // A sender that has gone needs no answer, here and below.
            let _ = waiter.send(Answered { answer, _others: Self::default() });
        }
    }
}

/// Answers all of a group.
pub(super) fn answer(group: impl Iterator<Item = (Waiter, Result<Appended, Refused>)>) {
    let (mut first, mut others) = (None, Others::default());
    for (waiter, answer) in group {
        match waiter {
            Waiter::Other(waiter) => drop(waiter.send(answer)),
            Waiter::Task(waiter) if first.is_none() => first = Some((waiter, answer)),
            Waiter::Task(waiter) => others.0.push((waiter, answer)),
        }
    }
    if let Some((waiter, answer)) = first {
        let _ = waiter.send(Answered { answer, _others: others });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::EventId;

    fn appended(event: u64) -> Result<Appended, Refused> {
        Ok(Appended { first: EventId(event), new: 1, duplicates: 0 })
    }

    #[test]
    fn all_are_answered_though_the_first_has_gone_or_does_not_look() {
        for first_waits in [true, false] {
            let (waiters, mut answers): (Vec<_>, Vec<_>) = (0..3).map(|_| oneshot::channel()).unzip();
            let (other, mut told) = oneshot::channel();
            let first = answers.remove(0);
            let first = first_waits.then_some(first);
            let all = waiters.into_iter().map(Waiter::Task).chain([Waiter::Other(other)]);
            answer(all.zip(1..).map(|(waiter, event)| (waiter, appended(event))));
            assert_eq!(told.try_recv(), Ok(appended(4)), "who may look late keeps nobody waiting");
            // One that waited and was cancelled before it looked.
            drop(first);
            for (answer, event) in answers.iter_mut().zip(2..) {
                assert_eq!(answer.try_recv().map(|answered| answered.answer).ok(), Some(appended(event)));
            }
        }
    }
}
