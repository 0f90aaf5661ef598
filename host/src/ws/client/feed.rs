//! Giving a client what it lacks: as much as its socket takes, in as few system calls as hold it.

use super::{Client, Sent, Standing};
use crate::hub::{Frame, Ring};
use crate::message::{Cursor, Offset};
use crate::ws::choose::Knowledge;
use crate::ws::encode::{Own, PARTS};
use bytes::{Buf, BytesMut};
use std::io::{self, IoSlice};
use std::sync::Arc;

/// How many slices one system call carries at most. Linux takes 1024; more than this gains nothing.
const SLICES: usize = 256;

/// An event that is half sent, what it says came before it, and how much of it is sent.
pub struct Partial {
    frame: Arc<Frame>,
    before: [u8; Cursor::LENGTH],
    at: usize,
}

impl Client {
    /// Sends what the ring has for this client, as far as its socket takes it.
    pub fn pump(&mut self, ring: &Ring, scratch: &mut Vec<u8>, sent: &mut Sent) -> io::Result<Standing> {
        match ring.since(self.cursor.offset) {
            Some(frames) => {
                let standing = self.give(frames, ring.cursor(), scratch, sent)?;
                self.stuck &= standing != Standing::Live;
                Ok(standing)
            }
            None => match self.send(std::iter::empty(), None, scratch, sent)? {
                Standing::Live if self.closing.is_none() => Ok(Standing::Behind(self.cursor.offset)),
                standing => Ok(standing),
            },
        }
    }

    /// Sends those of `frames` that are for this client and not behind its cursor, as far as its socket takes them and
    /// its stream's chooser has said whether it gets them. `end` is where a client stands that has them all.
    pub fn give<'a>(
        &mut self,
        frames: impl Iterator<Item = &'a Arc<Frame>> + Clone,
        end: Option<Cursor>,
        scratch: &mut Vec<u8>,
        sent: &mut Sent,
    ) -> io::Result<Standing> {
        let Some(first) = self.unknown(frames.clone()) else { return self.send(frames, end, scratch, sent) };
        let until = Cursor { epoch: first.entry.epoch, offset: first.offset() };
        let known = frames.take_while(|frame| frame.offset() < until.offset);
        Ok(match self.send(known, Some(until), scratch, sent)? {
            Standing::Live if self.closing.is_none() => Standing::Unknown,
            standing => standing,
        })
    }

    /// The first of `frames` of which it does not know yet whether it gets it.
    fn unknown<'a>(&self, mut frames: impl Iterator<Item = &'a Arc<Frame>>) -> Option<&'a Arc<Frame>> {
        let knowledge = self.knowledge.as_ref()?;
        frames.find(|frame| self.is_entitled(frame) && knowledge.of(frame.offset()).is_none())
    }

    fn send<'a>(
        &mut self,
        frames: impl Iterator<Item = &'a Arc<Frame>> + Clone,
        end: Option<Cursor>,
        scratch: &mut Vec<u8>,
        sent: &mut Sent,
    ) -> io::Result<Standing> {
        loop {
            if !self.flush(scratch, sent)? {
                return Ok(Standing::Full);
            }
            if self.closing.is_some() {
                return Ok(Standing::Live);
            }
            self.leave_out(frames.clone());
            let manner = self.manner;
            let given = self.given;
            let mut before = &given;
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut count = 0;
            for frame in self.wanted(frames.clone()) {
                if count + PARTS > SLICES {
                    break;
                }
                count += manner.view(frame).fill(before, &mut slices[count..]);
                if manner.has_link() {
                    before = frame.cursor_text();
                }
            }
            if count == 0 {
                let reached = end.map_or(self.cursor.offset, |end| end.offset.max(self.cursor.offset));
                if !self.live && reached >= self.live_from {
                    self.live = true;
                    self.tell(&Own::Live);
                    continue;
                }
                if let Some(end) = end.filter(|end| end.offset > self.cursor.offset) {
                    self.cursor = end;
                }
                return Ok(Standing::Live);
            }
            let written = self.socket.write(&slices[..count], scratch)?;
            sent.bytes += written.accepted as u64;
            self.taken |= written.accepted > 0;
            self.advance(frames.clone(), written.accepted, sent);
            if written.full {
                self.stuck = true;
                return Ok(Standing::Full);
            }
        }
    }

    /// Those of `frames` that it is to get now. As long as it lacks some of what was there when it came, those only:
    /// behind them it is told that it is live.
    fn wanted<'a, I>(&self, frames: I) -> impl Iterator<Item = &'a Arc<Frame>> + use<'_, 'a, I>
    where
        I: Iterator<Item = &'a Arc<Frame>>,
    {
        let until = if self.live { Offset(u64::MAX) } else { self.live_from };
        frames.take_while(move |frame| frame.offset() < until).filter(|frame| self.wants(frame))
    }

    /// Whether when it gets something says how quick the gateway is, and not how slow it is itself, or how long it was away.
    fn keeps_up(&self) -> bool {
        self.live && !self.stuck
    }

    fn is_entitled(&self, frame: &Frame) -> bool {
        frame.offset() >= self.cursor.offset && self.stream.entitles(frame, &self.card)
    }

    fn wants(&self, frame: &Frame) -> bool {
        let chosen = |knowledge: &Knowledge| knowledge.of(frame.offset()) == Some(true);
        self.is_entitled(frame) && self.knowledge.as_ref().is_none_or(|knowledge| chosen(knowledge))
    }

    /// Passes over those of `frames` that it has already.
    fn leave_out<'a>(&mut self, frames: impl Iterator<Item = &'a Arc<Frame>>) {
        if self.skip == 0 {
            return;
        }
        for frame in frames {
            if self.skip == 0 {
                break;
            }
            self.skip -= u64::from(self.wants(frame));
            if frame.offset() >= self.cursor.offset {
                self.cursor = frame.entry.cursor();
            }
        }
    }

    /// Moves on by `accepted` bytes of what it wants of `frames`.
    fn advance<'a>(&mut self, frames: impl Iterator<Item = &'a Arc<Frame>>, mut accepted: usize, sent: &mut Sent) {
        let (mut cursor, mut given, mut partial) = (self.cursor, self.given, None);
        let keeps_up = self.keeps_up();
        for frame in self.wanted(frames) {
            if accepted == 0 {
                break;
            }
            cursor = frame.entry.cursor();
            let length = self.manner.view(frame).length();
            if accepted < length {
                partial = Some(Partial { frame: frame.clone(), before: given, at: accepted });
                accepted = 0;
            } else {
                accepted -= length;
                sent.frames += 1;
                sent.reach.note(frame, 1, keeps_up);
            }
            if self.manner.has_link() {
                given = *frame.cursor_text();
            }
        }
        (self.cursor, self.given, self.partial) = (cursor, given, partial);
    }

    /// Its socket took `accepted` bytes of `frames`, and is full.
    pub fn accept(&mut self, frames: &[&Arc<Frame>], accepted: usize, sent: &mut Sent) {
        sent.bytes += accepted as u64;
        self.taken |= accepted > 0;
        self.advance(frames.iter().copied(), accepted, sent);
        // One that has begun to take an event larger than its socket holds may be as quick as any.
        self.stuck = self.partial.is_none();
    }

    /// Finishes what was begun: sealed bytes, the frame under way, what is for it alone. False when the socket is full.
    pub fn flush(&mut self, scratch: &mut Vec<u8>, sent: &mut Sent) -> io::Result<bool> {
        let keeps_up = self.keeps_up();
        if !self.socket.flush()? {
            return Ok(false);
        }
        while let Some(partial) = &mut self.partial {
            let view = self.manner.view(&partial.frame);
            let mut slices = [IoSlice::new(&[]); PARTS];
            let count = view.fill(&partial.before, &mut slices);
            let mut rest = &mut slices[..count];
            IoSlice::advance_slices(&mut rest, partial.at);
            let written = self.socket.write(rest, scratch)?;
            partial.at += written.accepted;
            sent.bytes += written.accepted as u64;
            self.taken |= written.accepted > 0;
            if partial.at == view.length() {
                sent.frames += 1;
                sent.reach.note(&partial.frame, 1, keeps_up);
                self.partial = None;
            }
            if written.full {
                return Ok(false);
            }
        }
        while !self.control.is_empty() {
            let written = self.socket.write(&[IoSlice::new(&self.control)], scratch)?;
            self.control.advance(written.accepted);
            self.taken |= written.accepted > 0;
            if self.control.is_empty() {
                // Given back: most clients never need it again soon.
                self.control = BytesMut::new();
                self.unasked = 0;
            }
            if written.full {
                return Ok(false);
            }
        }
        if let Some(closing) = &mut self.closing
            && (closing.answered || closing.discard)
            && !closing.finished
        {
            closing.finished = true;
            self.socket.finish();
        }
        Ok(true)
    }
}
