//! One HTTP connection, by hyper: HTTP/1.1 or, when TLS has agreed on it, HTTP/2. Whoever serves is given whole heads
//! and a body to read under limits (`body`), and answers with a [`Reply`].
//!
//! Only `http` and `admin` know hyper.

mod body;
mod io;
mod reply;

pub use body::{Body, Unread};
pub use io::{Io, Upgraded};
pub use reply::Reply;

use ::http::{Request, Response, request};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
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

/// A request whose head has arrived.
pub struct Arrived {
    pub head: request::Parts,
    pub body: Body,
    upgrade: hyper::upgrade::OnUpgrade,
}

/// A connection that is to stop being HTTP.
pub struct Upgrade(hyper::upgrade::OnUpgrade);

impl Arrived {
    /// Takes what becomes of the connection once it was answered 101.
    pub fn into_upgrade(self) -> (request::Parts, Upgrade) {
        (self.head, Upgrade(self.upgrade))
    }
}

impl Upgrade {
    /// Waits until the 101 is sent, and gives the connection itself. `None` when the client went away before.
    pub async fn done(self) -> Option<Upgraded> {
        let upgraded = self.0.await.ok()?;
        let parts = upgraded.downcast::<TokioIo<Io>>().ok()?;
        parts.io.into_inner().into_upgraded(parts.read_buf.to_vec()).ok()
    }
}

/// Serves a connection until it ends. When `drain` is done, requests under way are finished and no more are taken.
pub async fn serve<H, A>(io: Io, config: Config, handle: H, drain: impl Future<Output = ()>)
where
    H: Fn(Arrived) -> A + Clone + Send + 'static,
    A: Future<Output = Reply> + Send,
{
    let http2 = io.speaks_http2();
    let service = service_fn(move |request: Request<Incoming>| {
        let handle = handle.clone();
        async move { Ok::<Response<Full<Bytes>>, Infallible>(handle(arrived(request)).await.into_response()) }
    });
    let io = TokioIo::new(io);
    if http2 {
        let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(HTTP2_STREAMS)
            .max_header_list_size(u32::try_from(config.headers).unwrap_or(u32::MAX))
            .keep_alive_interval(Some(config.header_timeout.max(Duration::from_secs(1))))
            .keep_alive_timeout(config.header_timeout.max(Duration::from_secs(1)));
        let connection = builder.serve_connection(io, service);
        until_drained(connection, |connection| connection.graceful_shutdown(), drain).await;
    } else {
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(config.header_timeout)
            .max_headers(config.header_count)
            .max_buf_size(config.headers.max(LEAST_HEADERS));
        let connection = builder.serve_connection(io, service).with_upgrades();
        until_drained(connection, |connection| connection.graceful_shutdown(), drain).await;
    }
}

/// Drives a connection to its end, and asks it once to come to one.
async fn until_drained<C, E>(connection: C, shut_down: impl Fn(Pin<&mut C>), drain: impl Future<Output = ()>)
where
    C: Future<Output = Result<(), E>>,
    E: std::fmt::Display,
{
    let mut connection = pin!(connection);
    let mut drain = pin!(drain);
    let mut draining = false;
    let ended = poll_fn(|context| {
        if !draining && drain.as_mut().poll(context).is_ready() {
            draining = true;
            shut_down(connection.as_mut());
        }
        match connection.as_mut().poll(context) {
            Poll::Ready(ended) => Poll::Ready(ended),
            Poll::Pending => Poll::Pending,
        }
    });
    if let Err(error) = ended.await {
        // The other side's doing, and their affair: a reset, half a request, a head too slow.
        tracing::debug!(%error, "connection ended badly");
    }
}

fn arrived(mut request: Request<Incoming>) -> Arrived {
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, body) = request.into_parts();
    Arrived { head, body: Body::new(body), upgrade }
}
