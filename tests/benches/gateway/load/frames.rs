//! WebSocket frames of a server, counted as their bytes pass: no frame is ever whole in memory, only its number is kept.

use super::body::NUMBER;

#[derive(Default)]
pub struct Frames {
    head: [u8; 10],
    headed: usize,
    /// Of the payload: how long it is, how much of it has passed, and what its number is so far.
    length: usize,
    passed: usize,
    number: u64,
}

impl Frames {
    /// Tells the number of each text frame that ends in these bytes; `Err` with what ends the connection.
    pub fn pass(&mut self, mut bytes: &[u8], mut each: impl FnMut(u64)) -> Result<(), String> {
        while let Some(first) = bytes.first() {
            if !self.has_head() {
                self.head[self.headed] = *first;
                self.headed += 1;
                bytes = &bytes[1..];
                if !self.has_head() {
                    continue;
                }
                self.begin()?;
            } else {
                let part = &bytes[..bytes.len().min(self.length - self.passed)];
                self.read(part);
                bytes = &bytes[part.len()..];
            }
            if self.passed == self.length {
                if self.head[0] == 0x81 {
                    each(self.number);
                }
                *self = Self::default();
            }
        }
        Ok(())
    }

    fn has_head(&self) -> bool {
        let whole = match self.head[1] {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        self.headed >= 2 && self.headed == whole
    }

    fn begin(&mut self) -> Result<(), String> {
        self.length = match self.head[1] {
            126 => u16::from_be_bytes([self.head[2], self.head[3]]).into(),
            127 => u64::from_be_bytes(self.head[2..].try_into().expect("eight of ten")) as usize,
            short @ 0..126 => short.into(),
            _ => return Err("a server masked a frame".to_owned()),
        };
        match self.head[0] {
            0x81 | 0x89 => Ok(()),
            0x88 => Err("a client was closed".to_owned()),
            other => Err(format!("a frame that begins with {other:#x}")),
        }
    }

    /// Takes the digits that are in this part of the payload.
    fn read(&mut self, part: &[u8]) {
        let end = self.passed + part.len();
        if self.passed < NUMBER.end && end > NUMBER.start {
            let digits = NUMBER.start.max(self.passed) - self.passed..NUMBER.end.min(end) - self.passed;
            for digit in &part[digits] {
                self.number = self.number.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')));
            }
        }
        self.passed = end;
    }
}
