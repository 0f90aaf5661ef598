//! What stops being HTTP: a connection of HTTP/1.1, which is taken apart so that another thread can have its socket, or
//! a stream of HTTP/2, which cannot leave its connection and is bridged to whoever wants it.

use super::begun::Begun;
use super::leash::{Held, Streaming};
use super::reply::Content;
use crate::error::Chain;
use crate::pipe::Far;
use crate::records::Records;
use crate::task::{self, Tracker};
use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

/// What one go of a bridge sends: a few events. hyper copies such pieces, and may keep four for each stream.
const PIECE: usize = 4 << 10;

/// And what it hears: clients say little, and most say nothing, so it is little that waits for it.
const SAID: usize = 1 << 10;

/// A connection, or a stream of one, that is to stop being HTTP.
pub struct Upgrade(Way);

enum Way {
    /// By way of hyper, which gives it up when the answer was sent.
    Hyper { upgrade: OnUpgrade, held: Held },
    /// The connection is still ours, and whoever answers gives it up.
    Bare,
}

/// One that has stopped.
pub enum Upgraded {
    /// All of the connection, in the parts it was made of.
    Socket {
        tcp: std::net::TcpStream,
        tls: Option<Box<Records>>,
        /// What was read behind the last request.
        early: Vec<u8>,
    },
    /// One stream of HTTP/2, for `bridge`.
    Stream(Tunnel),
}

/// Bytes both ways within one stream of HTTP/2.
pub struct Tunnel {
    // In this order: what has been dropped is over.
    io: TokioIo<hyper::upgrade::Upgraded>,
    streaming: Streaming,
}

impl Upgrade {
    pub(super) fn new(upgrade: OnUpgrade, held: Held) -> Self {
        Self(Way::Hyper { upgrade, held })
    }

    pub(super) fn bare() -> Self {
        Self(Way::Bare)
    }

    /// What is to follow the head of an answer, 101 or 200, so that `heir` is given what it was about.
    pub fn then<F, W>(self, tasks: &Tracker, heir: F) -> Content
    where
        F: FnOnce(Upgraded) -> W + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        if let Way::Bare = self.0 {
            return Content::Heir(Box::new(|upgraded| Box::pin(heir(upgraded))));
        }
        task::tracked(tasks, async move {
            if let Some(upgraded) = self.done().await {
                heir(upgraded).await;
            }
        });
        Bytes::new().into()
    }

    /// Waits until hyper has sent the answer, and gives what it was about. `None` when the client went away before.
    pub async fn done(self) -> Option<Upgraded> {
        let Way::Hyper { upgrade, held } = self.0 else { return None };
        match upgrade.await.ok()?.downcast::<TokioIo<Begun>>() {
            Ok(parts) => {
                let (tcp, tls, unread) = parts.io.into_inner().into_parts().ok()?;
                Some(Upgraded::Socket { tcp, tls, early: [parts.read_buf, unread].concat() })
            }
            Err(stream) => Some(Upgraded::Stream(Tunnel { io: TokioIo::new(stream), streaming: held.streaming() })),
        }
    }
}

/// Why a tunnel ended badly.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("failed to hear from the client")]
    Hearing(#[source] io::Error),
    #[error("failed to tell the client")]
    Telling(#[source] io::Error),
}

/// Copies both ways until the near end of the pipe is gone, or the client is. What the near end has written before that
/// still goes out, if the client takes it within a moment.
pub async fn bridge(tunnel: Tunnel, far: Far) {
    let Tunnel { io, streaming } = tunnel;
    let leash = streaming.leash().clone();
    // From here on it is the near end that says when it is over.
    far.keep(Box::new(streaming));
    let (mut client_says, mut client) = tokio::io::split(io);
    let out = async {
        while let Some(bytes) = far.piece().await {
            for piece in bytes.chunks(PIECE) {
                client.write_all(piece).await.map_err(Broken::Telling)?;
            }
        }
        client.shutdown().await.map_err(Broken::Telling)
    };
    let back = async {
        let copied = copy(&mut client_says, &far).await;
        // The near end is told, and closes in its own time.
        far.finish();
        copied
    };
    let copied = async { tokio::try_join!(out, back) };
    tokio::select! {
        copied = copied => if let Err(error) = copied {
            tracing::debug!(error = %Chain(&error), "tunnel ended badly");
        },
        () = leash.overdue() => tracing::debug!("the end of a tunnel was not read, let go"),
    }
}

/// Copies what the client says until it has said all, or nobody hears it.
async fn copy(client: &mut (impl AsyncRead + Unpin), far: &Far) -> Result<(), Broken> {
    let mut buffer = [0; SAID];
    loop {
        let read = tokio::select! {
            read = client.read(&mut buffer) => read.map_err(Broken::Hearing)?,
            () = far.unheard() => return Ok(()),
        };
        if read == 0 || far.give(&buffer[..read]).await.is_err() {
            return Ok(());
        }
    }
}
