//! A WebSocket frame by frame, with no manners of its own: it answers no ping and closes nothing, so a test decides what
//! a client does and sees exactly what it got.

use crate::{Gateway, Raw, Reply};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use std::io;

pub struct Socket {
    raw: Raw,
    /// What the gateway answered to the upgrade.
    pub answer: Reply,
    /// Whether frames may come deflated (RFC 7692), because the answer says so.
    deflate: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub last: bool,
    /// Its payload is deflated.
    pub deflated: bool,
    pub opcode: u8,
    pub payload: Bytes,
}

impl Frame {
    pub const TEXT: u8 = 1;
    pub const BINARY: u8 = 2;
    pub const CLOSE: u8 = 8;
    pub const PING: u8 = 9;
    pub const PONG: u8 = 10;

    /// The code of a close frame.
    pub fn close_code(&self) -> Option<u16> {
        (self.opcode == Self::CLOSE && self.payload.len() >= 2).then(|| (&self.payload[..2]).get_u16())
    }

    /// The reason beside it.
    pub fn close_reason(&self) -> String {
        String::from_utf8_lossy(self.payload.get(2..).unwrap_or_default()).into_owned()
    }

    /// What RFC 7692, section 7.2.1, makes of a message.
    pub fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut deflated = Vec::with_capacity(bytes.len() + 100);
        let mut compress = Compress::new(Compression::default(), false);
        compress.compress_vec(bytes, &mut deflated, FlushCompress::Sync).expect("there is room");
        assert!(deflated.ends_with(&[0, 0, 0xff, 0xff]), "a flushed block");
        deflated.truncate(deflated.len() - 4);
        deflated
    }

    /// The payload as it was before it was deflated: without context from an earlier frame.
    pub fn inflated(&self) -> Bytes {
        if !self.deflated {
            return self.payload.clone();
        }
        // With what RFC 7692, section 7.2.1, takes off the end.
        let whole = [&self.payload[..], &[0, 0, 0xff, 0xff]].concat();
        let mut inflated = Vec::with_capacity(16 << 20);
        let mut decompress = Decompress::new(false);
        decompress.decompress_vec(&whole, &mut inflated, FlushDecompress::Sync).expect("the payload is deflated");
        assert_eq!(decompress.total_in(), whole.len() as u64, "all of it");
        inflated.into()
    }
}

impl Socket {
    pub async fn connect(gateway: &Gateway, path: &str) -> Self {
        match Self::upgrade(gateway, path, &[]).await {
            Ok(socket) => socket,
            Err(reply) => panic!("no upgrade: {reply:?}"),
        }
    }

    /// One that will stop reading: see [`Raw::narrow`].
    pub async fn narrow(gateway: &Gateway, path: &str) -> Self {
        let raw = Raw::narrow(gateway).await.expect("the gateway answers the TLS handshake");
        Self::over(raw, path, &[]).await.expect("it is let in")
    }

    /// Asks for the upgrade with these headers besides the usual ones; a refusal is given back whole.
    pub async fn upgrade(gateway: &Gateway, path: &str, headers: &[(&str, &str)]) -> Result<Self, Reply> {
        Self::over(Raw::connect(gateway).await, path, headers).await
    }

    /// The same on a connection that is there.
    pub async fn over(mut raw: Raw, path: &str, headers: &[(&str, &str)]) -> Result<Self, Reply> {
        let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
        );
        raw.write(request).await.expect("the gateway reads");
        let reply = raw.reply().await.expect("the gateway answers the upgrade");
        if reply.status != 101 {
            return Err(reply);
        }
        // The answer to the key of RFC 6455, section 1.3.
        assert_eq!(reply.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        let deflate = reply.header("sec-websocket-extensions").is_some();
        Ok(Self { raw, answer: reply, deflate })
    }

    /// The next frame; `None` when the connection has ended. A server never masks (RFC 6455, section 5.1).
    pub async fn read(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = take_frame(&mut self.raw.ahead) {
                assert!(self.deflate || !frame.deflated, "the gateway deflated what it had not agreed to deflate");
                return Some(frame);
            }
            if !self.raw.more().await {
                return None;
            }
        }
    }

    /// The next frame that is no ping; pings are answered.
    pub async fn read_event(&mut self) -> Option<Frame> {
        loop {
            let frame = self.read().await?;
            if frame.opcode != Frame::PING {
                return Some(frame);
            }
            // Broken only when the gateway is gone, which the next read tells.
            let _ = self.write(0x80 | Frame::PONG, &frame.payload).await;
        }
    }

    /// Reads on to the close frame and gives its code; `None` when the connection ends without one.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            let frame = self.read().await?;
            if frame.opcode == Frame::CLOSE {
                return frame.close_code();
            }
        }
    }

    /// One masked frame. `first` is the first byte as it is sent: the last-frame bit, the reserved bits, the opcode.
    pub async fn write(&mut self, first: u8, payload: &[u8]) -> io::Result<()> {
        const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
        let mut frame = head(first, payload.len(), 0x80);
        frame.put_slice(&MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.raw.write(frame).await
    }

    /// One frame without a mask, which a client must never send.
    pub async fn write_unmasked(&mut self, first: u8, payload: &[u8]) -> io::Result<()> {
        let mut frame = head(first, payload.len(), 0);
        frame.put_slice(payload);
        self.raw.write(frame).await
    }

    /// Bytes as they are: frames by the thousand in one write.
    pub async fn write_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.raw.write(bytes).await
    }
}

fn head(first: u8, length: usize, mask: u8) -> BytesMut {
    let mut head = BytesMut::with_capacity(length + 14);
    head.put_u8(first);
    match length {
        0..126 => head.put_u8(mask | length as u8),
        126..0x1_0000 => {
            head.put_u8(mask | 126);
            head.put_u16(length as u16);
        }
        _ => {
            head.put_u8(mask | 127);
            head.put_u64(length as u64);
        }
    }
    head
}

/// Takes a whole frame off the front, if one is there.
pub(crate) fn take_frame(buffer: &mut BytesMut) -> Option<Frame> {
    let (first, second) = (*buffer.first()?, *buffer.get(1)?);
    assert_eq!(second & 0x80, 0, "the gateway masked a frame");
    let (start, length) = match second {
        126 => (4, u64::from(buffer.get(2..4)?.get_u16())),
        127 => (10, buffer.get(2..10)?.get_u64()),
        length => (2, u64::from(length)),
    };
    let end = start + usize::try_from(length).expect("the gateway sends no frame that long");
    if buffer.len() < end {
        buffer.reserve(end - buffer.len());
        return None;
    }
    let payload = buffer.split_to(end).freeze().slice(start..);
    assert_eq!(first & 0x30, 0, "the gateway set a reserved bit");
    Some(Frame { last: first & 0x80 != 0, deflated: first & 0x40 != 0, opcode: first & 0x0f, payload })
}
