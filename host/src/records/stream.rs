//! TLS over TCP for those who wait: the handshake, and then a stream of bytes.

use super::opening::broken;
use super::{End, Records, shared};
use rustls::{CommonState, ProtocolVersion, ServerConfig};
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

#[derive(Debug)]
pub struct Stream {
    tcp: TcpStream,
    records: Box<Records>,
    /// Something was written since the handshake.
    written: bool,
}

impl Stream {
    /// To shake hands on.
    pub fn new(tcp: TcpStream, config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        Ok(Self { tcp, records: Records::new(config)?, written: false })
    }

    /// Waits for the other side's first byte; `None` when it has left without one. Before the handshake, and once. Cancel
    /// safe.
    pub async fn first(&mut self) -> io::Result<Option<u8>> {
        let Self { tcp, records, .. } = self;
        poll_fn(|context| {
            let read = shared::came(|came| {
                let read = Line(tcp, context).read(came)?;
                records.begun.extend_from_slice(&came[..read]);
                Ok(())
            });
            polled(read)
        })
        .await?;
        Ok(self.records.begun.first().copied())
    }

    /// Shakes hands. After an error, the other side was told by an alert. Cancel safe.
    pub async fn handshake(&mut self) -> io::Result<()> {
        self.records.open(&mut [], &mut <&mut [u8]>::default());
        poll_fn(|context| self.poll_handshake(context)).await
    }

    fn poll_handshake(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let line = &mut Line(&mut self.tcp, context);
        let records = &mut self.records;
        loop {
            let agreed = records.agreed();
            let shaking = agreed.is_some_and(CommonState::is_handshaking);
            // All that is left to be said in TLS 1.3 are tickets. They have time until there is an answer to send them with.
            let version = agreed.and_then(CommonState::protocol_version);
            let tickets = !shaking && version == Some(ProtocolVersion::TLSv1_3);
            if !tickets && !records.flush(line)? {
                return Poll::Pending;
            }
            match &records.end {
                Some(End::Broken(error)) => return Poll::Ready(Err(broken(error))),
                _ if !shaking => return Poll::Ready(Ok(())),
                Some(_) => return Poll::Ready(Err(ErrorKind::UnexpectedEof.into())),
                None => {}
            }
            ready!(polled(records.hear(line, &mut <&mut [u8]>::default()).map(drop)))?;
        }
    }

    /// What the two sides have agreed on.
    pub fn agreed(&self) -> Option<&CommonState> {
        self.records.agreed()
    }

    /// The protocol on top of TLS.
    pub fn alpn_protocol(&self) -> Option<&[u8]> {
        self.agreed()?.alpn_protocol()
    }

    /// The socket, for those who have something to say outside of TLS, or its parts for somebody else.
    pub fn into_parts(self) -> (TcpStream, Box<Records>) {
        (self.tcp, self.records)
    }
}

/// A line that wakes whoever polls when it has something, or room.
struct Line<'a, 'b, 'c>(&'a mut TcpStream, &'b mut Context<'c>);

impl Read for Line<'_, '_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut *self.0).poll_read(self.1, &mut buffer) {
            Poll::Ready(read) => read.map(|()| buffer.filled().len()),
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Line<'_, '_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match Pin::new(&mut *self.0).poll_write(self.1, bytes) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn polled<A>(done: io::Result<A>) -> Poll<io::Result<A>> {
    match done {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.records.read(&mut Line(&mut this.tcp, context), buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            read => polled(read.map(drop)),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if slices.iter().all(|slice| slice.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        this.written = true;
        let written =
            shared::scratch(|scratch| this.records.write(&mut Line(&mut this.tcp, context), slices, scratch))?;
        // Nothing is accepted only while the line takes nothing, and that wakes us.
        if written.accepted > 0 { Poll::Ready(Ok(written.accepted)) } else { Poll::Pending }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Tickets wait for the first content.
        if !this.written || this.records.flush(&mut Line(&mut this.tcp, context))? {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.records.close();
        if !this.records.flush(&mut Line(&mut this.tcp, context))? {
            return Poll::Pending;
        }
        match ready!(Pin::new(&mut this.tcp).poll_shutdown(context)) {
            // It is over already.
            Err(error) if error.kind() == ErrorKind::NotConnected => Poll::Ready(Ok(())),
            done => Poll::Ready(done),
        }
    }
}
