//! A sender as Meta's: HTTP/1.1 or HTTP/2 over TLS, one connection kept alive, every body signed with HMAC-SHA-256.

use crate::{APP_SECRET, Gateway, patiently, spawn};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ring::hmac;
use rustls_pki_types::ServerName;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

pub struct Sender {
    connection: Connection,
    pub secret: String,
}

enum Connection {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Sender {
    /// Connects, agreeing on the protocol by ALPN.
    pub async fn connect(gateway: &Gateway, protocol: Protocol) -> Self {
        let name = if protocol == Protocol::Http2 { "h2" } else { "http/1.1" };
        let config = gateway.home.authority.trust(&[name], rustls::ALL_VERSIONS);
        let stream = tls(gateway.edge(), config).await.expect("the gateway answers the TLS handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(name.as_bytes()), "the protocol agreed on by ALPN");
        Self::over(stream, protocol).await
    }

    /// Without TLS: the admin listener, or an edge behind a load balancer.
    pub async fn plain(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the gateway accepts");
        Self::over(stream, Protocol::Http1).await
    }

    pub async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, protocol: Protocol) -> Self {
        let io = TokioIo::new(stream);
        // A connection's own error is told again to each request on it, which is where tests look.
        let connection = match protocol {
            Protocol::Http1 => {
                // As most senders write them; HTTP/2 has lower case alone.
                let shake = http1::Builder::new().title_case_headers(true).handshake(io).await;
                let (requests, connection) = shake.expect("nothing is sent yet");
                spawn(connection);
                Connection::Http1(requests)
            }
            Protocol::Http2 => {
                let shake = http2::handshake(TokioExecutor::new(), io).await;
                let (requests, connection) = shake.expect("the gateway speaks HTTP/2");
                spawn(connection);
                Connection::Http2(requests)
            }
        };
        Self { connection, secret: APP_SECRET.to_owned() }
    }

    /// The same where the gateway may be gone before the first word.
    pub async fn try_over(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        protocol: Protocol,
    ) -> Option<Self> {
        if protocol == Protocol::Http1 {
            return Some(Self::over(stream, protocol).await);
        }
        let (requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.ok()?;
        spawn(connection);
        Some(Self { connection: Connection::Http2(requests), secret: APP_SECRET.to_owned() })
    }

    /// Posts a signed body and gives the answer.
    pub async fn post(&mut self, path: &str, body: impl Into<Bytes>) -> Reply {
        self.try_post(path, body).await.expect("the gateway answers")
    }

    /// The same where the gateway may be gone.
    pub async fn try_post(&mut self, path: &str, body: impl Into<Bytes>) -> Result<Reply, hyper::Error> {
        let body = body.into();
        let signature = sign(&self.secret, &body);
        self.send(Method::POST, path, &[("x-hub-signature-256", &signature)], body).await
    }

    /// Posts and demands a 200.
    pub async fn deliver(&mut self, path: &str, body: impl Into<Bytes>) {
        let reply = self.post(path, body).await;
        assert_eq!(reply.status, 200, "a signed webhook is accepted: {reply:?}");
    }

    pub async fn get(&mut self, target: &str) -> Reply {
        self.send(Method::GET, target, &[], Bytes::new()).await.expect("the gateway answers")
    }

    /// Any request, not signed.
    pub async fn send(
        &mut self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Reply, hyper::Error> {
        let mut request = match self.connection {
            Connection::Http1(_) => Request::builder().uri(target).header("host", "localhost"),
            Connection::Http2(_) => Request::builder().uri(format!("https://localhost{target}")),
        }
        .method(method);
        for (name, value) in headers {
            request = request.header(*name, value.as_bytes());
        }
        if !request.headers_ref().is_some_and(|headers| headers.contains_key("content-type")) {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Full::new(body.into())).expect("the test's request is well formed");
        patiently(format!("an answer to {target}"), async {
            let response = match &mut self.connection {
                Connection::Http1(requests) => {
                    requests.ready().await?;
                    requests.send_request(request).await?
                }
                Connection::Http2(requests) => {
                    requests.ready().await?;
                    requests.send_request(request).await?
                }
            };
            Reply::read(response).await
        })
        .await
    }
}

impl Reply {
    #[expect(clippy::disallowed_methods, reason = "the gateway under test is not a stranger")]
    pub(crate) async fn read(response: Response<Incoming>) -> Result<Self, hyper::Error> {
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Self { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// A header's value, when it is there once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What Meta writes into `X-Hub-Signature-256`.
pub fn sign(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::sign(&key, body).as_ref().iter().fold("sha256=".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}

pub(crate) async fn tls(
    address: SocketAddr,
    config: Arc<rustls::ClientConfig>,
) -> std::io::Result<TlsStream<TcpStream>> {
    patiently("the TLS handshake", tls_by(address, config)).await
}

/// The same for one who looks at the time himself.
pub(crate) async fn tls_by(
    address: SocketAddr,
    config: Arc<rustls::ClientConfig>,
) -> std::io::Result<TlsStream<TcpStream>> {
    tls_over(TcpStream::connect(address).await?, config).await
}

pub(crate) async fn tls_over(
    stream: TcpStream,
    config: Arc<rustls::ClientConfig>,
) -> std::io::Result<TlsStream<TcpStream>> {
    stream.set_nodelay(true)?;
    let name = ServerName::try_from("localhost").expect("it is a name");
    TlsConnector::from(config).connect(name, stream).await
}
