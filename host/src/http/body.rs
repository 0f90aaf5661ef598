//! A request's body, read whole, within a size and a time.

use ::http::HeaderMap;
use ::http::header::{CONTENT_LENGTH, EXPECT};
use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Incoming};
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A body that is refused is read on and forgotten, up to this much and this long: a sender that is still writing when
/// its connection is closed may never see the answer.
const FORGOTTEN: usize = 16 << 20;
const FORGETTING: Duration = Duration::from_secs(2);

/// So much room is made for a body at once, of whatever length it is said to be.
const RESERVED: usize = 1 << 20;

pub enum Body {
    /// It is still to be read, or part of it.
    Coming(Incoming),
    /// It was read, and nothing was done with it.
    Read(Bytes),
}

/// Why a body could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    TooLarge,
    TooSlow,
    /// The connection broke, or what came was not HTTP.
    Broken,
}

impl Body {
    pub(super) fn new(body: Incoming) -> Self {
        Self::Coming(body)
    }

    /// Reads all of it: at most `limit` bytes, in at most `patience`.
    pub async fn read(self, headers: &HeaderMap, limit: usize, patience: Duration) -> Result<Bytes, Unread> {
        self.read_by(headers, limit, patience, |_| ()).await
    }

    /// The same; `show` is given all of it, piece by piece, as it arrives.
    pub async fn read_by(
        mut self,
        headers: &HeaderMap,
        limit: usize,
        patience: Duration,
        mut show: impl FnMut(&[u8]),
    ) -> Result<Bytes, Unread> {
        if let Self::Read(bytes) = self {
            if bytes.len() > limit {
                return Err(Unread::TooLarge);
            }
            show(&bytes);
            return Ok(bytes);
        }
        let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if declared.is_some_and(|length| length > limit) {
            // One that asks first has not sent anything yet, and need not.
            if !headers.contains_key(EXPECT) {
                self.forget().await;
            }
            return Err(Unread::TooLarge);
        }
        let deadline = Instant::now() + patience;
        let mut whole = BytesMut::new();
        loop {
            let piece = match timeout_at(deadline, self.piece()).await {
                Err(_) => return Err(Unread::TooSlow),
                Ok(None) => break,
                Ok(Some(Err(()))) => return Err(Unread::Broken),
                Ok(Some(Ok(piece))) => piece,
            };
            if whole.len() + piece.len() > limit {
                self.forget().await;
                return Err(Unread::TooLarge);
            }
            show(&piece);
            if whole.is_empty() {
                // A buffer of its own: what is received into is larger, and to be used again.
                whole.reserve(declared.map_or(piece.len(), |length| length.min(RESERVED)).max(piece.len()));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    async fn piece(&mut self) -> Option<Result<Bytes, ()>> {
        let Self::Coming(incoming) = self else { return None };
        loop {
            let frame = poll_fn(|context| Pin::new(&mut *incoming).poll_frame(context)).await?;
            match frame {
                Err(_) => return Some(Err(())),
                // Trailers have nothing to say here.
                Ok(frame) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Some(Ok(data)),
                    _ => {}
                },
            }
        }
    }

    /// Reads on and forgets, within bounds, so that a sender still writing sees the answer.
    pub async fn forget(mut self) {
        let deadline = Instant::now() + FORGETTING;
        let mut left = FORGOTTEN;
        while let Ok(Some(Ok(piece))) = timeout_at(deadline, self.piece()).await {
            match left.checked_sub(piece.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    }
}
