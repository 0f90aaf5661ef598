//! One connection of a client: a WebSocket over HTTP/1.1 or HTTP/2, or an event stream over either.

use super::{Form, News, Parser};
use crate::door::{Door, Wire};
use crate::{Protocol, Reply, patiently, spawn};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::ext::Protocol as Extended;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Why there is no connection.
#[derive(Debug)]
pub enum Failure {
    /// The gateway said no.
    Refused(Reply),
    /// It did not get so far.
    Broken(String),
}

pub enum Link {
    Socket(Box<WebSocketStream<Wire>>),
    Stream { body: Incoming, parser: Parser, ready: VecDeque<News> },
}

/// One thing that came.
pub enum Came {
    Text(String),
    Binary(Bytes),
    Ping(Bytes),
    News(News),
    /// The connection is over, without a word.
    End,
}

fn broken(error: impl std::fmt::Display) -> Failure {
    Failure::Broken(error.to_string())
}

fn limits() -> WebSocketConfig {
    // Small buffers: there may be ten thousand of these.
    WebSocketConfig::default().max_message_size(None).max_frame_size(None).read_buffer_size(8 * 1024)
}

impl Link {
    /// Asks; gives the connection and the head of the answer.
    pub async fn open(
        door: &Door,
        form: Form,
        protocol: Protocol,
        target: &str,
        headers: &[(String, String)],
    ) -> Result<(Self, HeaderMap), Failure> {
        let wire = door.open(protocol).await.map_err(broken)?;
        match (form, protocol) {
            (Form::Sse, Protocol::Http1) => event_stream_over_http1(wire, target, headers).await,
            (Form::Sse, Protocol::Http2) => over_http2(wire, target, headers, false).await,
            (_, Protocol::Http1) => socket_over_http1(wire, target, headers).await,
            (_, Protocol::Http2) => over_http2(wire, target, headers, true).await,
        }
    }

    pub async fn next(&mut self) -> Came {
        match self {
            Self::Socket(socket) => match patiently("something from the stream", socket.next()).await {
                Some(Ok(Message::Text(text))) => Came::Text(text.as_str().to_owned()),
                Some(Ok(Message::Binary(bytes))) => Came::Binary(bytes),
                Some(Ok(Message::Ping(payload))) => Came::Ping(payload),
                Some(Ok(Message::Close(Some(frame)))) => {
                    let reason = frame.reason.as_str().to_owned();
                    Came::News(News::Closed { code: frame.code.into(), reason })
                }
                Some(Ok(Message::Pong(_) | Message::Frame(_))) => Came::Ping(Bytes::new()),
                Some(Ok(Message::Close(None)) | Err(_)) | None => Came::End,
            },
            Self::Stream { body, parser, ready } => loop {
                if let Some(news) = ready.pop_front() {
                    return Came::News(news);
                }
                match patiently("something from the event stream", body.frame()).await {
                    Some(Ok(frame)) => {
                        let data = frame.into_data().unwrap_or_default();
                        ready.extend(parser.feed(&data).into_iter().map(News::of_sse));
                    }
                    Some(Err(_)) | None => return Came::End,
                }
            },
        }
    }
}

async fn socket_over_http1(
    wire: Wire,
    target: &str,
    headers: &[(String, String)],
) -> Result<(Link, HeaderMap), Failure> {
    let mut request = format!("wss://localhost{target}").into_client_request().expect("the target is one");
    add(request.headers_mut(), headers);
    match patiently("the upgrade", client_async_with_config(request, wire, Some(limits()))).await {
        Ok((socket, response)) => Ok((Link::Socket(Box::new(socket)), response.headers().clone())),
        Err(Error::Http(response)) => {
            let (head, body) = response.into_parts();
            let body = body.unwrap_or_default().into();
            Err(Failure::Refused(Reply { status: head.status.as_u16(), headers: head.headers, body }))
        }
        Err(error) => Err(broken(error)),
    }
}

async fn event_stream_over_http1(
    wire: Wire,
    target: &str,
    headers: &[(String, String)],
) -> Result<(Link, HeaderMap), Failure> {
    let (mut requests, connection) = http1::handshake(TokioIo::new(wire)).await.map_err(broken)?;
    spawn(connection);
    let mut request = Request::builder().uri(target).header("host", "localhost").header("accept", "text/event-stream");
    add(request.headers_mut().expect("it is well formed so far"), headers);
    let request = request.body(Empty::<Bytes>::new()).expect("the request is well formed");
    let response = patiently("the event stream's head", requests.send_request(request)).await.map_err(broken)?;
    event_stream(response).await
}

async fn over_http2(
    wire: Wire,
    target: &str,
    headers: &[(String, String)],
    socket: bool,
) -> Result<(Link, HeaderMap), Failure> {
    let shake = http2::handshake(TokioExecutor::new(), TokioIo::new(wire)).await;
    let (mut requests, mut connection) = shake.map_err(broken)?;
    // The settings that allow WebSockets come with the gateway's first words (RFC 8441, section 3).
    let (tell, allowed) = oneshot::channel();
    spawn(async move {
        // Nobody is woken when they come.
        while !connection.is_extended_connect_protocol_enabled() {
            tokio::select! {
                _ = &mut connection => return,
                () = tokio::time::sleep(Duration::from_millis(2)) => {}
            }
        }
        // Event streams do not wait for it.
        let _ = tell.send(());
        let _ = connection.await;
    });
    let mut request = Request::builder().uri(format!("https://localhost{target}"));
    if socket {
        patiently("leave to connect WebSockets over HTTP/2", allowed).await.map_err(broken)?;
        let extended = Extended::from_static("websocket");
        request = request.method(Method::CONNECT).extension(extended).header("sec-websocket-version", "13");
    } else {
        request = request.header("accept", "text/event-stream");
    }
    add(request.headers_mut().expect("it is well formed so far"), headers);
    let request = request.body(Empty::<Bytes>::new()).expect("the request is well formed");
    let response = patiently("the stream's head", requests.send_request(request)).await.map_err(broken)?;
    if !socket {
        return event_stream(response).await;
    }
    let head = response.headers().clone();
    if response.status() != 200 {
        return Err(Failure::Refused(Reply::read(response).await.map_err(broken)?));
    }
    let upgraded = hyper::upgrade::on(response).await.map_err(broken)?;
    let wire: Wire = Box::new(TokioIo::new(upgraded));
    let socket = WebSocketStream::from_raw_socket(wire, Role::Client, Some(limits())).await;
    Ok((Link::Socket(Box::new(socket)), head))
}

async fn event_stream(response: http::Response<Incoming>) -> Result<(Link, HeaderMap), Failure> {
    if response.status() != 200 {
        return Err(Failure::Refused(Reply::read(response).await.map_err(broken)?));
    }
    let (head, body) = response.into_parts();
    let kind = head.headers.get("content-type").map(http::HeaderValue::as_bytes).unwrap_or_default();
    assert!(kind.starts_with(b"text/event-stream"), "{:?}", head.headers);
    Ok((Link::Stream { body, parser: Parser::default(), ready: VecDeque::new() }, head.headers))
}

fn add(map: &mut HeaderMap, headers: &[(String, String)]) {
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().expect("the header's name is one");
        map.append(name, value.parse().expect("the header's value is one"));
    }
}
