//! The first request of a connection of HTTP/1.1. One that asks for an upgrade, as most that open a connection to a stream
//! do, is answered here: what comes of it is no HTTP, so hyper would be set up for one head. Every other is hyper's, with
//! what was read of it; and so is an upgrade that is refused, with its answer, for its client may ask for something else.

use super::begun::Begun;
use super::body::Body;
use super::drive::FIRST_REQUEST;
use super::reply::{Content, Heir};
use super::upgrade::{Upgrade, Upgraded};
use super::{Arrived, Config, Io, LEAST_HEADERS, Reply, head};
use bytes::{Bytes, BytesMut};
use std::future::{Future, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

/// How much one go reads: most heads are smaller. It is on the stack, and only while something is read.
const PIECE: usize = 4 << 10;

/// A connection that is hyper's now.
pub struct Rest {
    pub begun: Begun,
    /// What its first request is answered, if that was found already.
    pub answer: Option<Reply>,
    /// The drain has begun.
    pub draining: bool,
}

/// Reads the first head, and answers it if it asks for an upgrade. `None`: the connection is over, or somebody else's.
pub async fn request<H, A>(
    mut io: Io,
    config: &Config,
    handle: &H,
    drain: Pin<&mut impl Future<Output = ()>>,
) -> Option<Rest>
where
    H: Fn(Arrived) -> A,
    A: Future<Output = Reply>,
{
    let mut read = BytesMut::new();
    let most = config.headers.max(LEAST_HEADERS);
    let mut draining = false;
    let in_time = tokio::select! {
        biased;
        came = timeout(config.header_timeout, read_head(&mut io, &mut read, most)) => came.is_ok(),
        () = drain => {
            draining = true;
            timeout(FIRST_REQUEST.min(config.header_timeout), read_head(&mut io, &mut read, most)).await.is_ok()
        }
    };
    if !in_time {
        tracing::debug!("no request came in time");
        let _ = timeout(FIRST_REQUEST, io.shutdown()).await;
        return None;
    }
    let read = read.freeze();
    let Some((head, length)) = head::upgrade(&read, config.header_count) else {
        return Some(Rest { begun: Begun::new(io, read), answer: None, draining });
    };
    let mut behind = read.slice(length..);
    let mut reply = {
        // Whoever answers may need much room, and the connection needs none before that.
        let answer = Box::pin(handle(Arrived { head, body: Body::Read(Bytes::new()), upgrade: Upgrade::bare() }));
        tokio::select! {
            biased;
            reply = answer => reply,
            () = gone(&mut io, &mut behind) => {
                tracing::debug!("a client went away before it was answered");
                return None;
            }
        }
    };
    match std::mem::replace(&mut reply.body, Bytes::new().into()) {
        Content::Heir(heir) => {
            drop(read);
            let head = head::written(&reply);
            hand_over(io, head, behind, heir, config.header_timeout).await;
            None
        }
        body => {
            let read = [&read[..length], &behind].concat().into();
            Some(Rest { begun: Begun::new(io, read), answer: Some(Reply { body, ..reply }), draining })
        }
    }
}

/// Reads until a head is whole, or so long that hyper is to say so, or there is no more of it. Cancel safe.
async fn read_head(io: &mut Io, read: &mut BytesMut, most: usize) {
    loop {
        let seen = read.len();
        match poll_fn(|context| poll_piece(io, context, read)).await {
            Ok(more) if more > 0 && !head::is_whole(read, seen) && read.len() < most => {}
            // At its end, or broken: it is so for whoever reads next too.
            _ => return,
        }
    }
}

fn poll_piece(io: &mut Io, context: &mut Context<'_>, read: &mut BytesMut) -> Poll<io::Result<usize>> {
    let mut room = [MaybeUninit::uninit(); PIECE];
    let mut piece = ReadBuf::uninit(&mut room);
    ready!(Pin::new(io).poll_read(context, &mut piece))?;
    read.extend_from_slice(piece.filled());
    Poll::Ready(Ok(piece.filled().len()))
}

/// Returns when the client has gone away, as far as that can be seen: once it has said something, `behind` its request,
/// that is for whoever comes next to read, and nothing more is read here.
async fn gone(io: &mut Io, behind: &mut Bytes) {
    if behind.is_empty() {
        let mut read = BytesMut::new();
        if !matches!(poll_fn(|context| poll_piece(io, context, &mut read)).await, Ok(1..)) {
            return;
        }
        *behind = read.freeze();
    }
    std::future::pending().await
}

async fn hand_over(mut io: Io, head: Vec<u8>, behind: Bytes, heir: Heir, patience: Duration) {
    let written = async {
        io.write_all(&head).await?;
        io.flush().await
    };
    match timeout(patience, written).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return tracing::debug!(%error, "a client went away before it was told that it is let in"),
        Err(_) => return tracing::debug!("a client does not read that it is let in"),
    }
    if let Ok((tcp, tls)) = io.into_parts() {
        heir(Upgraded::Socket { tcp, tls, early: behind.into() }).await;
    }
}

#[cfg(test)]
mod tests;
