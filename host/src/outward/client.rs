//! A small HTTP/1.1 client: one connection, one request at a time, the connection kept for the next.

use super::{Destination, Error, Stream};
use crate::task;
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::error::Error as _;
use std::io;
use std::time::Duration;
use tokio::time::timeout;

/// For the answer to a POST.
const ANSWERING: Duration = Duration::from_secs(30);

/// Of an answer's body, this much is kept where it is only to be shown.
const KEPT: usize = 16 << 10;

/// An answer longer than this costs the connection, since its end would have to be waited for.
const LONGEST: usize = 4 << 20;

/// A request, and how much of its answer is wanted.
#[derive(Clone)]
pub struct Ask<'a> {
    pub method: Method,
    /// Path and query.
    pub target: Uri,
    pub headers: &'a HeaderMap,
    pub body: Bytes,
    /// From the first byte of the request to the last of its answer.
    pub patience: Duration,
    /// Of the answer's body, this much is kept.
    pub most: usize,
}

/// What a server said.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Its body, or the beginning of it.
    pub text: String,
    /// Whether `text` is all of it.
    pub complete: bool,
}

/// The same, of which the body is not text.
#[derive(Debug)]
pub struct Content {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    /// Whether `bytes` is all of it.
    pub complete: bool,
}

/// A connection to `destination`, opened when it is first needed and again when it was closed.
pub struct Client {
    destination: Destination,
    kept: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub fn new(destination: Destination) -> Self {
        Self { destination, kept: None }
    }

    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// POSTs `body` to the destination's own path and reads the beginning of the answer.
    pub async fn post(&mut self, headers: &HeaderMap, body: Bytes) -> Result<Answer, Error> {
        let target = self.destination.address.target.clone();
        self.ask(Ask { method: Method::POST, target, headers, body, patience: ANSWERING, most: KEPT }).await
    }

    /// The same with another query, or with none.
    pub async fn post_with(&mut self, query: Option<&str>, headers: &HeaderMap, body: Bytes) -> Result<Answer, Error> {
        let target = self.destination.with_query(query)?.address.target;
        self.ask(Ask { method: Method::POST, target, headers, body, patience: ANSWERING, most: KEPT }).await
    }

    /// Asks and reads the answer. Not cancel safe: dropped half way, it costs the connection.
    ///
    /// A server may close a kept connection at the very moment it is used again, so a request that found no answer
    /// there is sent once more on a new one. It may then arrive twice; without, it might not arrive at all.
    pub async fn ask(&mut self, ask: Ask<'_>) -> Result<Answer, Error> {
        self.fetch(ask).await.map(Answer::from)
    }

    /// As `ask`, for what is not text.
    pub async fn fetch(&mut self, ask: Ask<'_>) -> Result<Content, Error> {
        if let Some(sender) = self.kept.take() {
            match self.exchange(sender, ask.clone()).await {
                Err(Error::Exchange(error)) if gone(&error) => {}
                done => return done,
            }
        }
        let sender = connection(self.destination.open().await?).await?;
        self.exchange(sender, ask).await
    }

    async fn exchange(&mut self, mut sender: SendRequest<Full<Bytes>>, ask: Ask<'_>) -> Result<Content, Error> {
        let Ask { method, target, headers, body, patience, most } = ask;
        let mut request = request(&self.destination, method, headers, Full::new(body))?;
        *request.uri_mut() = target;
        let exchanged = async {
            sender.ready().await?;
            read_up_to(most, sender.send_request(request).await?).await
        };
        let exchanged = timeout(patience, exchanged).await;
        let (content, ended) =
            exchanged.map_err(|_| Error::Unanswered(patience.as_secs()))?.map_err(Error::Exchange)?;
        self.kept = ended.then_some(sender);
        Ok(content)
    }
}

/// A request for the path of `destination`.
pub fn request<B>(
    destination: &Destination,
    method: Method,
    headers: &HeaderMap,
    body: B,
) -> Result<Request<B>, Error> {
    let request = Request::builder().method(method).uri(destination.address.target.clone());
    let mut request = request.body(body).map_err(Error::Header)?;
    request.headers_mut().insert(HOST, destination.address.authority.clone());
    request.headers_mut().extend(headers.clone());
    Ok(request)
}

/// Begins HTTP/1.1 on `stream`. The connection lives on its own until both sides are done with it.
pub async fn connection(stream: Box<dyn Stream>) -> Result<SendRequest<Full<Bytes>>, Error> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(Error::Exchange)?;
    task::background(async move {
        // What goes wrong is told to whoever waits for an answer.
        let _ = connection.with_upgrades().await;
    });
    Ok(sender)
}

/// Reads the beginning of an answer.
pub async fn read(response: Response<Incoming>) -> Result<Answer, hyper::Error> {
    read_up_to(KEPT, response).await.map(|(content, _)| content.into())
}

/// Reads an answer of which `most` is kept, and says whether it was read to its end.
async fn read_up_to(most: usize, response: Response<Incoming>) -> Result<(Content, bool), hyper::Error> {
    let (head, mut body) = response.into_parts();
    let (mut bytes, mut length) = (Vec::new(), 0);
    let mut ended = true;
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else { continue };
        length += piece.len();
        bytes.extend_from_slice(&piece[..piece.len().min(most - bytes.len())]);
        if length > LONGEST.max(most) {
            ended = false;
            break;
        }
    }
    let complete = bytes.len() == length;
    Ok((Content { status: head.status, headers: head.headers, bytes, complete }, ended))
}

impl From<Content> for Answer {
    fn from(Content { status, headers, bytes, complete }: Content) -> Self {
        Self { status, headers, text: String::from_utf8_lossy(&bytes).into_owned(), complete }
    }
}

/// Whether the connection had ended before the server said anything.
fn gone(error: &hyper::Error) -> bool {
    let broken = error.source().and_then(|source| source.downcast_ref::<io::Error>()).is_some_and(|source| {
        matches!(
            source.kind(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted
        )
    });
    broken || error.is_closed() || error.is_canceled() || error.is_incomplete_message()
}
