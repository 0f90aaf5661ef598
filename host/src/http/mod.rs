//! One HTTP connection, by hyper: HTTP/1.1 or, when TLS has agreed on it, HTTP/2. Whoever serves is given whole heads
//! and a body to read under limits (`body`), and answers with a [`Reply`]: bytes, or a stream that somebody else feeds
//! for as long as it pleases. A connection (HTTP/1.1), or one stream of it (HTTP/2, RFC 8441), may also stop being HTTP
//! (`upgrade`); one that does so with its first request never comes to hyper (`first`).
//!
//! Nobody who does not read holds anything for ever: what is to end has ended a moment after it was told to (`leash`).
//!
//! Only `http`, `admin` and the far end of a `pipe` know hyper.

mod begun;
mod body;
mod calm;
mod drive;
mod first;
mod head;
mod io;
mod leash;
mod reply;
mod upgrade;

pub use body::{Body, Unread};
pub use io::Io;
pub use reply::Reply;
pub use upgrade::{Upgrade, Upgraded, bridge};

use ::http::{Request, Response, StatusCode, request};
use begun::Begun;
use bytes::Bytes;
use calm::calm;
use drive::Course;
use first::Rest;
use hyper::body::Incoming;
use hyper::ext::Protocol;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use leash::{Held, Leash, Tasks};
use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Heads are bounded here, bodies where they are read.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// A request's head, in bytes. HTTP/1.1 answers 431 beyond it.
    pub headers: usize,
    pub header_count: usize,
    /// How long a head may take to arrive; a kept-alive connection may be idle as long.
    pub header_timeout: Duration,
}

/// hyper asks for at least this much room for a head.
const LEAST_HEADERS: usize = 8192;

/// How many requests of one HTTP/2 connection may be under way: what nghttp2, and so curl and nginx, use.
const HTTP2_STREAMS: u32 = 100;

/// How much of a stream of HTTP/2 is taken from whoever makes it before the client wants it. What is under way to one
/// that does not read is little more than this, and it is its own flow control that stops it, not its connection's.
const HTTP2_SEND_BUFFER: usize = 16 << 10;

/// A request whose head has arrived.
pub struct Arrived {
    pub head: request::Parts,
    pub body: Body,
    upgrade: Upgrade,
}

impl Arrived {
    /// What a stream of HTTP/2 asks to become (RFC 8441): `websocket`. It is answered with 200, not 101.
    pub fn connect_protocol(&self) -> Option<&str> {
        self.head.extensions.get::<Protocol>().map(Protocol::as_str)
    }

    /// The same request, of which the body was read already, for somebody else.
    pub fn with_body(head: request::Parts, body: Bytes, upgrade: Upgrade) -> Self {
        Self { head, body: Body::Read(body), upgrade }
    }

    /// Its parts.
    pub fn into_parts(self) -> (request::Parts, Body, Upgrade) {
        (self.head, self.body, self.upgrade)
    }

    /// Takes what becomes of the connection once it was answered 101, or of the stream once it was answered 200.
    pub fn into_upgrade(self) -> (request::Parts, Upgrade) {
        (self.head, self.upgrade)
    }
}

/// Serves a connection until it ends. When `drain` is done, requests under way are finished, streams and tunnels are
/// left to whoever feeds them, and no more are taken.
pub fn serve<H, A, D>(io: Io, config: Config, handle: H, drain: D) -> impl Future<Output = ()> + use<H, A, D>
where
    H: Fn(Arrived) -> A + Clone + Send + 'static,
    A: Future<Output = Reply> + Send + 'static,
    D: Future<Output = ()>,
{
    // Were it a future of its own, it would hold all of this twice.
    let http2 = io.speaks_http2();
    serve_as(http2, io, config, handle, drain)
}

async fn serve_as<H, A>(http2: bool, io: Io, config: Config, handle: H, drain: impl Future<Output = ()>)
where
    H: Fn(Arrived) -> A + Clone + Send + 'static,
    A: Future<Output = Reply> + Send + 'static,
{
    // What hyper needs is much, and there are those who never come to it.
    let mut drain = pin!(drain);
    if http2 {
        return Box::pin(serve_http2(io, config, handle, drain)).await;
    }
    let Some(Rest { begun, answer, draining }) = first::request(io, &config, &handle, drain.as_mut()).await else {
        return;
    };
    let drain = async {
        if !draining {
            drain.await;
        }
    };
    Box::pin(serve_http1(begun, answer, config, handle, drain)).await;
}

async fn serve_http2<H, A>(io: Io, config: Config, handle: H, drain: impl Future<Output = ()>)
where
    H: Fn(Arrived) -> A + Clone + Send + 'static,
    A: Future<Output = Reply> + Send + 'static,
{
    let course = Course::default();
    let service = service(true, &course, config, None, handle);
    let mut builder = hyper::server::conn::http2::Builder::new(Tasks);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(u32::try_from(config.headers).unwrap_or(u32::MAX))
        .max_send_buf_size(HTTP2_SEND_BUFFER)
        .enable_connect_protocol()
        .keep_alive_interval(Some(config.header_timeout.max(Duration::from_secs(1))))
        .keep_alive_timeout(config.header_timeout.max(Duration::from_secs(1)));
    let connection = builder.serve_connection(TokioIo::new(io), service);
    // hyper waits for a first request, and between requests, as long as the other side answers pings or says nothing.
    let patience = Some(config.header_timeout.max(Duration::from_secs(1)));
    calm(course.run(connection, |connection| connection.graceful_shutdown(), drain, patience)).await;
}

/// `answer` is what the first request is answered, where that is known.
async fn serve_http1<H, A>(io: Begun, answer: Option<Reply>, config: Config, handle: H, drain: impl Future<Output = ()>)
where
    H: Fn(Arrived) -> A + Clone + Send + 'static,
    A: Future<Output = Reply> + Send + 'static,
{
    let course = Course::default();
    let service = service(false, &course, config, answer, handle);
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout)
        .max_headers(config.header_count)
        .max_buf_size(config.headers.max(LEAST_HEADERS));
    let connection = builder.serve_connection(TokioIo::new(io), service).with_upgrades();
    let driven = calm(course.run(connection, |connection| connection.graceful_shutdown(), drain, None));
    Leash::default().around(driven).await;
}

/// What hyper asks for answers.
fn service<H, A>(
    http2: bool,
    course: &Course,
    config: Config,
    answer: Option<Reply>,
    handle: H,
) -> impl Service<Request<Incoming>, Response = Response<reply::Body>, Error = Infallible, Future: Send> + Send + use<H, A>
where
    H: Fn(Arrived) -> A + Clone + Send + 'static,
    A: Future<Output = Reply> + Send + 'static,
{
    let progress = course.clone();
    // Never locked by two, but hyper wants a service that it could share.
    let answer = Mutex::new(answer);
    service_fn(move |request: Request<Incoming>| {
        let handle = handle.clone();
        let guard = progress.begin();
        let known = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        async move {
            let held = Held::new(guard);
            // hyper counts those of HTTP/1.1 only.
            if request.headers().len() > config.header_count {
                let reply = Reply::empty(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
                return Ok(reply.into_response(http2, held));
            }
            let reply = match known {
                Some(reply) => reply,
                None => handle(arrived(request, held.clone())).await,
            };
            Ok::<_, Infallible>(reply.into_response(http2, held))
        }
    })
}

fn arrived(mut request: Request<Incoming>, held: Held) -> Arrived {
    let upgrade = Upgrade::new(hyper::upgrade::on(&mut request), held);
    let (head, body) = request.into_parts();
    Arrived { head, body: Body::new(body), upgrade }
}

#[cfg(test)]
mod tests;
