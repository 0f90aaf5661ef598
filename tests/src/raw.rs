//! A TLS connection written to by hand, for what no decent HTTP client sends: slow bodies, half requests, early ends.

use crate::sender::{tls, tls_over};
use crate::{APP_SECRET, Gateway, Reply, patiently, sign};
use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;

pub struct Raw {
    stream: TlsStream<TcpStream>,
    /// Read and not yet used.
    pub(crate) ahead: BytesMut,
}

impl Raw {
    pub async fn connect(gateway: &Gateway) -> Self {
        let config = gateway.home.authority.trust(&["http/1.1"], rustls::ALL_VERSIONS);
        Self::with(gateway, config).await.expect("the gateway answers the TLS handshake")
    }

    /// One that says something before its TLS, as proxies do.
    pub async fn behind(gateway: &Gateway, header: &[u8]) -> io::Result<Self> {
        let mut stream = TcpStream::connect(gateway.edge()).await?;
        stream.write_all(header).await?;
        let config = gateway.home.authority.trust(&["http/1.1"], rustls::ALL_VERSIONS);
        Ok(Self { stream: patiently("the TLS handshake", tls_over(stream, config)).await?, ahead: BytesMut::new() })
    }

    /// One whose kernel takes little ahead of it, so that not to read is soon felt at the other end.
    pub(crate) async fn narrow(gateway: &Gateway) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4096)?;
        let stream = socket.connect(gateway.edge()).await?;
        let config = gateway.home.authority.trust(&["http/1.1"], rustls::ALL_VERSIONS);
        Ok(Self { stream: tls_over(stream, config).await?, ahead: BytesMut::new() })
    }

    pub async fn with(gateway: &Gateway, config: std::sync::Arc<rustls::ClientConfig>) -> io::Result<Self> {
        Ok(Self { stream: tls(gateway.edge(), config).await?, ahead: BytesMut::new() })
    }

    /// The connection itself, of which nothing was read ahead.
    pub fn into_stream(self) -> TlsStream<TcpStream> {
        assert!(self.ahead.is_empty(), "what was read ahead would be lost");
        self.stream
    }

    /// What TLS agreed on and showed.
    pub fn session(&self) -> &rustls::ClientConnection {
        self.stream.get_ref().1
    }

    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await?;
        self.stream.flush().await
    }

    /// Reads some more; `false` when the gateway has ended the connection, however rudely.
    pub(crate) async fn more(&mut self) -> bool {
        self.ahead.reserve(16 * 1024);
        patiently("more from the gateway", self.stream.read_buf(&mut self.ahead)).await.is_ok_and(|length| length > 0)
    }

    /// The next answer; `None` when the connection ends without one.
    pub async fn reply(&mut self) -> Option<Reply> {
        let end = loop {
            if let Some(end) = self.ahead.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            if !self.more().await {
                return None;
            }
        };
        let head = String::from_utf8(self.ahead.split_to(end).to_vec()).expect("the gateway's heads are text");
        self.ahead.advance(4);
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().expect("a status");
        let headers: HeaderMap = lines.map(header).collect();
        let length = headers.get("content-length").and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
        while self.ahead.len() < length && self.more().await {}
        let body = self.ahead.split_to(length.min(self.ahead.len())).freeze();
        Some(Reply { status, headers, body })
    }

    /// Waits until the gateway ends the connection, passing over what it still says.
    pub async fn closed(&mut self) {
        while self.more().await {
            self.ahead.clear();
        }
    }
}

fn header(line: &str) -> (HeaderName, HeaderValue) {
    let (name, value) = line.split_once(':').expect("a header has a colon");
    (name.parse().expect("a header's name"), value.trim().parse().expect("a header's value"))
}

/// The head of a webhook POST with the right signature and length, up to and with the empty line.
pub fn signed_head(path: &str, body: &Bytes) -> String {
    let (signature, length) = (sign(APP_SECRET, body), body.len());
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         X-Hub-Signature-256: {signature}\r\nContent-Length: {length}\r\n\r\n"
    )
}
