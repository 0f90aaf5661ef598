//! One direction of a pipe. Looking and leaving word to be woken are done under one lock, so no wake-up is lost.

use bytes::{Buf, Bytes, BytesMut};
use std::io::{self, ErrorKind, IoSlice};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

pub(super) struct Way {
    limit: usize,
    // Held for a copy of at most `limit` bytes, never across an await.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bytes: BytesMut,
    /// Nothing more will be written.
    ended: bool,
    /// Nothing more will be read.
    abandoned: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    kept: Option<Box<dyn Send>>,
}

impl Way {
    pub fn new(limit: usize) -> Self {
        // A pipe of no room would never move a byte.
        Self { limit: limit.max(1), state: Mutex::default() }
    }

    /// Takes what there is room for. When that is nothing, `waiting` is woken once there is.
    pub fn write(&self, slices: &[IoSlice<'_>], waiting: Option<&Waker>) -> io::Result<usize> {
        let mut state = self.state();
        if state.ended || state.abandoned {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let room = self.limit - state.bytes.len();
        let mut taken = 0;
        for slice in slices {
            let most = slice.len().min(room - taken);
            state.bytes.extend_from_slice(&slice[..most]);
            taken += most;
        }
        if taken > 0 {
            let reader = state.reader.take();
            drop(state);
            wake(reader);
        } else if slices.iter().any(|slice| !slice.is_empty()) {
            leave_word(&mut state.writer, waiting);
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(taken)
    }

    /// Gives what there is. When that is nothing yet, `waiting` is woken once there is; 0 is the end.
    pub fn read(&self, buffer: &mut [u8], waiting: Option<&Waker>) -> io::Result<usize> {
        let mut state = self.state();
        let given = state.bytes.len().min(buffer.len());
        if given == 0 && !state.ended && !buffer.is_empty() {
            leave_word(&mut state.reader, waiting);
            return Err(ErrorKind::WouldBlock.into());
        }
        buffer[..given].copy_from_slice(&state.bytes[..given]);
        state.bytes.advance(given);
        if state.bytes.is_empty() {
            // Most pipes are idle most of the time, and there are many.
            state.bytes = BytesMut::new();
        }
        if given > 0 {
            let writer = state.writer.take();
            drop(state);
            wake(writer);
        }
        Ok(given)
    }

    /// Gives all there is at once. `None` is the end.
    pub fn read_all(&self, waiting: &Waker) -> Poll<Option<Bytes>> {
        let mut state = self.state();
        if state.bytes.is_empty() {
            if state.ended {
                return Poll::Ready(None);
            }
            leave_word(&mut state.reader, Some(waiting));
            return Poll::Pending;
        }
        let bytes = std::mem::take(&mut state.bytes).freeze();
        let writer = state.writer.take();
        drop(state);
        wake(writer);
        Poll::Ready(Some(bytes))
    }

    pub fn has_room(&self, waiting: &Waker) -> bool {
        let mut state = self.state();
        let worth_it = state.bytes.len() < self.limit || state.ended || state.abandoned;
        if !worth_it {
            leave_word(&mut state.writer, Some(waiting));
        }
        worth_it
    }

    pub fn has_something(&self, waiting: &Waker) -> bool {
        let mut state = self.state();
        let worth_it = !state.bytes.is_empty() || state.ended;
        if !worth_it {
            leave_word(&mut state.reader, Some(waiting));
        }
        worth_it
    }

    /// Keeps something until one of the ends is closed or gone.
    pub fn keep(&self, thing: Box<dyn Send>) {
        let mut state = self.state();
        if !state.ended && !state.abandoned {
            state.kept = Some(thing);
        }
    }

    pub fn is_abandoned(&self, waiting: &Waker) -> bool {
        let mut state = self.state();
        if !state.abandoned {
            leave_word(&mut state.writer, Some(waiting));
        }
        state.abandoned
    }

    pub fn is_exhausted(&self) -> bool {
        let state = self.state();
        state.ended && state.bytes.is_empty()
    }

    /// Nothing more will be written.
    pub fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        let (wakers, kept) = ([state.reader.take(), state.writer.take()], state.kept.take());
        drop(state);
        wakers.into_iter().for_each(wake);
        drop(kept);
    }

    /// Nothing more will be read.
    pub fn abandon(&self) {
        let mut state = self.state();
        state.abandoned = true;
        state.bytes = BytesMut::new();
        let (wakers, kept) = ([state.reader.take(), state.writer.take()], state.kept.take());
        drop(state);
        wakers.into_iter().for_each(wake);
        drop(kept);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can panic half-way through a change, so a poisoned state is still right.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn leave_word(place: &mut Option<Waker>, waiting: Option<&Waker>) {
    let Some(waiting) = waiting else { return };
    if !place.as_ref().is_some_and(|left| left.will_wake(waiting)) {
        *place = Some(waiting.clone());
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
