//! What comes: read into the buffer that all share, opened there, and given on.

use super::own::Fault;
use super::{End, Layer, Records, by_rustls, shared};
use bytes::BufMut;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;

/// What is kept of what has not come whole: rustls takes handshake messages of up to 64 KiB.
const MOST_BEGUN: usize = 64 << 10;

/// After so many reads that brought no content there is a pause: records may be empty, and somebody may send nothing else.
const EMPTY_READS: usize = 64;

impl Records {
    /// Content, as `Read` has it: 0 when the other side has said that there is no more. `UnexpectedEof` when the line has
    /// ended and it has not, `InvalidData` when it broke the protocol. `Interrupted` means that there may be more, but not
    /// now: come again after the others.
    pub fn read(&mut self, line: &mut (impl Read + Write), buffer: &mut impl BufMut) -> io::Result<usize> {
        if !buffer.has_remaining_mut() {
            return Ok(0);
        }
        for _ in 0..EMPTY_READS {
            let taken = self.take(buffer);
            if taken > 0 {
                return Ok(taken);
            }
            match &self.end {
                None => {}
                Some(End::Closed) => return Ok(0),
                Some(End::Cut) => return Err(ErrorKind::UnexpectedEof.into()),
                Some(End::Broken(error)) => return Err(broken(error)),
            }
            let given = self.hear(line, buffer)?;
            if given > 0 {
                return Ok(given);
            }
        }
        Err(ErrorKind::Interrupted.into())
    }

    /// Content that is here already.
    fn take(&mut self, buffer: &mut impl BufMut) -> usize {
        let ready = &self.opened[self.taken..];
        let taken = ready.len().min(buffer.remaining_mut());
        buffer.put_slice(&ready[..taken]);
        self.taken += taken;
        if self.taken == self.opened.len() {
            (self.opened, self.taken) = (Vec::new(), 0);
        }
        taken
    }

    /// Reads once, and opens what came. How much content of it is in `buffer`; what has no room there is kept.
    pub(super) fn hear(&mut self, line: &mut (impl Read + Write), buffer: &mut impl BufMut) -> io::Result<usize> {
        let given = shared::came(|came| {
            let read = line.read(came)?;
            if read == 0 {
                self.end = Some(End::Cut);
                return Ok::<_, io::Error>(0);
            }
            Ok(self.open(&mut came[..read], buffer))
        })?;
        if matches!(self.end, Some(End::Broken(_))) {
            // Its alert. Whether it is heard makes no difference to us.
            let _ = self.flush(line);
        }
        Ok(given)
    }

    /// Opens all that is whole of what has come, with what came now. Content goes to `buffer`, and how much of it is told;
    /// what has no room there is kept, behind what is kept already. What rustls has to say is left in `sealed`.
    pub(super) fn open(&mut self, came: &mut [u8], buffer: &mut impl BufMut) -> usize {
        let mut begun = mem::take(&mut self.begun);
        if self.end.is_some() {
            return 0;
        }
        let joined = !begun.is_empty();
        let bytes = if joined {
            begun.extend_from_slice(came);
            &mut begun[..]
        } else {
            came
        };
        let (mut given, opened) = (0, &mut self.opened);
        let give = |content: &[u8]| {
            let (here, kept) = content.split_at(content.len().min(buffer.remaining_mut()));
            buffer.put_slice(here);
            given += here.len();
            opened.extend_from_slice(kept);
        };
        self.settled = false;
        let (used, end) = match &mut self.layer {
            Layer::Rustls(rustls) => by_rustls::open(rustls, bytes, give, &mut self.sealed),
            Layer::Own(own) => match own.open(bytes, give) {
                (used, Ok(closed)) => (used, closed.then_some(End::Closed)),
                (used, Err(Fault { alert, error })) => {
                    if let Some(alert) = alert.filter(|_| !self.finished) {
                        own.fail(alert, &mut self.sealed);
                    }
                    (used, Some(End::Broken(Box::new(error))))
                }
            },
            Layer::Lost => (0, Some(End::Cut)),
        };
        self.end = end;
        let rest = &mut bytes[used..];
        match self.end {
            Some(End::Broken(_)) => self.say_why(rest),
            Some(_) => {}
            None if joined && used == 0 => self.begun = begun,
            None => self.begun = rest.to_vec(),
        }
        if self.begun.len() > MOST_BEGUN {
            self.begun = Vec::new();
            let error = rustls::Error::General("a handshake message in too many pieces".to_owned());
            self.end = Some(End::Broken(Box::new(error)));
        }
        given
    }

    /// The alert for an end, if rustls has one. After it nothing may be said.
    pub(super) fn say_why(&mut self, rest: &mut [u8]) {
        self.finished = true;
        if let Layer::Rustls(rustls) = &mut self.layer {
            by_rustls::say_why(rustls, rest, &mut self.sealed);
        }
    }
}

pub fn broken(error: &rustls::Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error.clone())
}
