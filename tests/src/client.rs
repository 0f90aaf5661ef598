//! A client as users write it: a WebSocket library over TLS, pings answered by the library.

use crate::sender::tls;
use crate::{Gateway, Protocol, Reply, Sender, patiently};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::Method;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

pub struct Client {
    stream: WebSocketStream<TlsStream<TcpStream>>,
}

impl Client {
    pub async fn connect(gateway: &Gateway, path: &str) -> Self {
        Self::connect_with(gateway, path, &[]).await
    }

    pub async fn connect_with(gateway: &Gateway, path: &str, headers: &[(&'static str, &str)]) -> Self {
        let config = gateway.home.authority.trust(&["http/1.1"], rustls::ALL_VERSIONS);
        let stream = tls(gateway.edge(), config).await.expect("the gateway answers the TLS handshake");
        let mut request = format!("wss://localhost{path}").into_client_request().expect("the path is one");
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().expect("the header is one"));
        }
        let limits = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let upgraded = client_async_with_config(request, stream, Some(limits));
        match patiently("the upgrade", upgraded).await {
            Ok((stream, _)) => Self { stream },
            Err(error) => panic!("no upgrade at {path}: {error}"),
        }
    }

    /// The next message with a body; fails the test when the gateway closes instead.
    pub async fn next(&mut self) -> Message {
        loop {
            match patiently("a message", self.stream.next()).await {
                Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => return message,
                Some(Ok(Message::Close(frame))) => panic!("the gateway closed instead of sending: {frame:?}"),
                Some(Ok(_)) => {}
                Some(Err(error)) => panic!("the connection broke instead of a message: {error}"),
                None => panic!("the connection ended instead of a message"),
            }
        }
    }

    /// The next message's bytes, having come as the contract says: text, or binary when they are not UTF-8.
    pub async fn body(&mut self) -> Bytes {
        let message = self.next().await;
        let binary = message.is_binary();
        let body = message.into_data();
        assert_eq!(binary, std::str::from_utf8(&body).is_err(), "binary exactly when it is not UTF-8: {body:?}");
        body
    }

    /// The next message's bytes, or nothing when the connection ends, however rudely.
    pub async fn try_body(&mut self) -> Option<Bytes> {
        loop {
            match patiently("a message or the end", self.stream.next()).await? {
                Ok(message @ (Message::Text(_) | Message::Binary(_))) => return Some(message.into_data()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Demands that the next message is this body, byte for byte.
    pub async fn expect(&mut self, body: &[u8]) {
        let got = self.body().await;
        assert!(got == body, "expected {:?}\n     got {:?}", beginning(body), beginning(&got));
    }

    /// Reads on to this body, passing over others.
    pub async fn until(&mut self, body: &[u8]) {
        while self.body().await != body {}
    }

    /// Reads on to the close frame and gives its code; `None` when the connection ends without one.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            match patiently("a close frame", self.stream.next()).await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Sends; an error is the gateway having closed, which the next read tells.
    pub async fn send(&mut self, message: Message) -> Result<(), Error> {
        self.stream.send(message).await
    }
}

/// Asks for an upgrade that must be refused, and gives the refusal whole, body included.
pub async fn refusal(gateway: &Gateway, path: &str, headers: &[(&str, &str)]) -> Reply {
    let usual = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let usual = usual.iter().filter(|(name, _)| headers.iter().all(|(given, _)| given != name));
    let all: Vec<(&str, &str)> = usual.chain(headers).copied().collect();
    let mut sender = Sender::connect(gateway, Protocol::Http1).await;
    let reply = sender.send(Method::GET, path, &all, Bytes::new()).await.expect("the gateway answers the upgrade");
    assert_ne!(reply.status, 101, "the gateway let a client in that it should refuse");
    reply
}

fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned()
}
