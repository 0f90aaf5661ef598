//! One client: a cursor, a socket, and the frame that is under way. No queue.

use super::socket::Socket;
use super::{Stream, Who};
use crate::hub::{Frame, Ring};
use crate::message::{ClientId, Label, Offset};
use crate::metrics::CloseReason;
use rustls::ServerConnection;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

/// How many frames one system call carries at most. Linux takes 1024 slices; more than this gains nothing.
const SLICES: usize = 256;

pub struct Client {
    pub id: ClientId,
    pub stream: Arc<Stream>,
    pub socket: Socket,
    pub context: WebSocketContext,
    /// Frames for this client alone: pings, pongs, close. They go between events, never inside one.
    pub control: Vec<u8>,
    pub heard: Instant,
    /// A ping was sent since.
    pub pinged: bool,
    pub allowance: Allowance,
    /// Waits for the kernel to take more.
    pub blocked: bool,
    /// Waits for what it missed, from the disk.
    pub fetching: bool,
    pub closing: Option<Closing>,
    labels: Box<[Label]>,
    cursor: Offset,
    /// The event that is half sent, and how much of it is.
    partial: Option<(Arc<Frame>, usize)>,
}

/// What a client has sent in the present second, and when that began.
pub struct Allowance {
    pub messages: u32,
    pub bytes: usize,
    pub since: Instant,
}

/// A goodbye under way.
pub struct Closing {
    pub reason: CloseReason,
    /// The client broke the protocol: what it sends is no longer looked at.
    pub discard: bool,
    /// It has answered with a close frame of its own, or needs not.
    pub answered: bool,
    /// Nothing more will be written.
    pub finished: bool,
}

/// How a client stands after it was given what there is.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has all.
    Live,
    /// Its socket is full.
    Full,
    /// What it needs next is no longer in the ring.
    Behind(Offset),
}

/// What was sent in one round, for the metrics: counted here, added up once.
#[derive(Default)]
pub struct Sent {
    pub frames: u64,
    pub bytes: u64,
}

impl Client {
    /// A client on `tcp`, whose messages may have `limit` bytes, and who sent `early` behind its handshake.
    pub fn new(
        who: Who,
        tcp: Rc<TcpStream>,
        tls: Option<Box<ServerConnection>>,
        early: Vec<u8>,
        limit: usize,
        now: Instant,
    ) -> Self {
        // Small buffers: a client that says nothing should hold next to nothing.
        let config = WebSocketConfig::default()
            .read_buffer_size(512)
            .write_buffer_size(0)
            .max_write_buffer_size(64 << 10)
            .max_message_size(Some(limit))
            .max_frame_size(Some(limit));
        Self {
            id: who.id,
            stream: who.stream,
            socket: Socket::new(tcp, tls),
            context: WebSocketContext::from_partially_read(early, Role::Server, Some(config)),
            control: Vec::new(),
            heard: now,
            pinged: false,
            allowance: Allowance { messages: 0, bytes: 0, since: now },
            blocked: false,
            fetching: false,
            closing: None,
            labels: who.labels,
            cursor: who.cursor,
            partial: who.greeting.map(|frame| (frame, 0)),
        }
    }

    /// Sends what the ring has for this client, as far as its socket takes it.
    pub fn pump(&mut self, ring: &Ring, scratch: &mut Vec<u8>, sent: &mut Sent) -> io::Result<Standing> {
        match ring.since(self.cursor) {
            Some(frames) => self.send(frames, ring.end(), scratch, sent),
            None => match self.send(std::iter::empty(), self.cursor, scratch, sent)? {
                Standing::Live if self.closing.is_none() => Ok(Standing::Behind(self.cursor)),
                standing => Ok(standing),
            },
        }
    }

    /// Sends those of `frames` that are for this client and not behind its cursor, as far as its socket takes them.
    /// `end` is the offset after them.
    pub fn send<'a>(
        &mut self,
        frames: impl Iterator<Item = &'a Arc<Frame>> + Clone,
        end: Offset,
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
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut count = 0;
            for frame in self.wanted(frames.clone()).take(SLICES) {
                slices[count] = IoSlice::new(&frame.bytes);
                count += 1;
            }
            if count == 0 {
                self.cursor = self.cursor.max(end);
                return Ok(Standing::Live);
            }
            let written = self.socket.write(&slices[..count], scratch)?;
            sent.bytes += written.accepted as u64;
            let (cursor, partial, whole) = self.advance(self.wanted(frames.clone()), written.accepted);
            sent.frames += whole;
            (self.cursor, self.partial) = (cursor, partial);
            if written.full {
                return Ok(Standing::Full);
            }
        }
    }

    fn wanted<'a, I>(&self, frames: I) -> impl Iterator<Item = &'a Arc<Frame>> + use<'_, 'a, I>
    where
        I: Iterator<Item = &'a Arc<Frame>>,
    {
        frames.filter(|frame| {
            frame.offset >= self.cursor
                && self.stream.carries.get(frame.webhook) == Some(&true)
                && frame.audience.includes(self.id, &self.labels)
        })
    }

    /// Where the cursor stands after `accepted` bytes of the wanted frames, which of them is cut, and how many went
    /// out whole.
    fn advance<'a>(
        &self,
        wanted: impl Iterator<Item = &'a Arc<Frame>>,
        mut accepted: usize,
    ) -> (Offset, Option<(Arc<Frame>, usize)>, u64) {
        let mut cursor = self.cursor;
        let mut whole = 0;
        for frame in wanted {
            if accepted == 0 {
                break;
            }
            cursor = Offset(frame.offset.0 + 1);
            if accepted < frame.bytes.len() {
                return (cursor, Some((frame.clone(), accepted)), whole);
            }
            accepted -= frame.bytes.len();
            whole += 1;
        }
        (cursor, None, whole)
    }

    /// Finishes what was begun: sealed bytes, the frame under way, control frames. False when the socket is full.
    pub fn flush(&mut self, scratch: &mut Vec<u8>, sent: &mut Sent) -> io::Result<bool> {
        if !self.socket.flush(scratch)? {
            return Ok(false);
        }
        while let Some((frame, at)) = &mut self.partial {
            let written = self.socket.write(&[IoSlice::new(&frame.bytes[*at..])], scratch)?;
            *at += written.accepted;
            sent.bytes += written.accepted as u64;
            if *at == frame.bytes.len() {
                sent.frames += 1;
                self.partial = None;
            }
            if written.full {
                return Ok(false);
            }
        }
        while !self.control.is_empty() {
            let written = self.socket.write(&[IoSlice::new(&self.control)], scratch)?;
            self.control.drain(..written.accepted);
            if self.control.is_empty() {
                // Given back: most clients never need it again soon.
                self.control = Vec::new();
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
            self.socket.finish(scratch);
        }
        Ok(true)
    }

    /// Whether what it needs next is no longer in the ring.
    pub fn is_behind(&self, ring: &Ring) -> bool {
        self.cursor < ring.first()
    }

    /// After a read from disk that found nothing: go on at `from`.
    pub fn skip_to(&mut self, from: Offset) {
        self.cursor = self.cursor.max(from);
    }
}
