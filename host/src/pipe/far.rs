//! The far end: a stream of bytes, or what hyper takes for the body of an answer.

use super::Shared;
use bytes::Bytes;
use hyper::body::{Body, Frame};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The end of whoever may wait.
pub struct Far(Arc<Shared>);

impl Far {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Keeps one thing for as long as both ends are open: it is dropped at once when either is closed or dropped,
    /// whatever is still under way.
    pub fn keep(&self, thing: Box<dyn Send>) {
        self.0.out.keep(thing);
    }

    /// All that is under way to it, as one piece. `None` is the end. Cancel safe.
    pub async fn piece(&self) -> Option<Bytes> {
        poll_fn(|context| self.0.out.read_all(context.waker())).await
    }

    /// Writes all of it. Fails when the near end is gone.
    pub async fn give(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let write =
                |context: &mut Context<'_>| poll(self.0.back.write(&[IoSlice::new(bytes)], Some(context.waker())));
            let given = poll_fn(write).await?;
            bytes = &bytes[given..];
        }
        Ok(())
    }

    /// Says that nothing more will be written.
    pub fn finish(&self) {
        self.0.back.end();
    }

    /// Returns when the near end is gone, so that nobody will read what is written. Not beside a `give`. Cancel safe.
    pub async fn unheard(&self) {
        poll_fn(|context| match self.0.back.is_abandoned(context.waker()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        self.finish();
        self.0.out.abandon();
    }
}

fn poll<T>(tried: io::Result<T>) -> Poll<io::Result<T>> {
    match tried {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    }
}

impl AsyncRead for Far {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = self.0.out.read(buffer.initialize_unfilled(), Some(context.waker()));
        poll(read).map_ok(|given| buffer.advance(given))
    }
}

impl AsyncWrite for Far {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        poll(self.0.back.write(slices, Some(context.waker())))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finish();
        Poll::Ready(Ok(()))
    }
}

/// What is under way comes as one piece.
impl Body for Far {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.out.read_all(context.waker()).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.out.is_exhausted()
    }
}
