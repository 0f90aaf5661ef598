//! What is answered: a status, a few headers, a text for the outside. What went wrong inside is logged, never told.

use super::leash::Held;
use super::upgrade::Upgraded;
use crate::pipe::Far;
use ::http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use ::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;
use http_body_util::Either;
use http_body_util::Full;
use std::future::Future;
use std::pin::Pin;

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Content,
}

/// What follows the head.
pub enum Content {
    Bytes(Bytes),
    /// Whatever comes out of a pipe, for as long as its near end is open.
    Stream(Far),
    /// Nothing more of HTTP: who has the connection when this was sent.
    Heir(Heir),
}

/// Whoever is given what stops being HTTP. It is dropped when the client goes away before.
pub type Heir = Box<dyn FnOnce(Upgraded) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

pub(super) type Body = Either<Full<Bytes>, Far>;

impl<T: Into<Bytes>> From<T> for Content {
    fn from(bytes: T) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl Reply {
    /// No body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new().into() }
    }

    /// A line of plain text, never taken for anything else by a browser, never kept by a cache.
    pub fn text(status: StatusCode, text: impl Into<Bytes>) -> Self {
        Self::of(status, "text/plain; charset=utf-8", text)
    }

    /// A body of some type, never taken for another, never kept by a cache.
    pub fn of(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { body: Content::Bytes(body.into()), ..Self::empty(status) }.typed(content_type)
    }

    /// 200, and whatever comes out of the pipe as it comes: kept back neither by a cache nor by a proxy, nginx and its
    /// like included.
    pub fn stream(content_type: &'static str, body: Far) -> Self {
        Self { body: Content::Stream(body), ..Self::empty(StatusCode::OK) }
            .typed(content_type)
            .with(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"))
    }

    /// 503: come again in a moment.
    pub fn later(text: &'static str) -> Self {
        Self::text(StatusCode::SERVICE_UNAVAILABLE, text).with(RETRY_AFTER, HeaderValue::from_static("5"))
    }

    /// 405, with the methods that would do.
    pub fn method_not_allowed(allowed: &'static str) -> Self {
        Self::text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n")
            .with(ALLOW, HeaderValue::from_static(allowed))
    }

    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    fn typed(self, content_type: &'static str) -> Self {
        self.with(CONTENT_TYPE, HeaderValue::from_static(content_type))
            .with(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"))
            .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
    }

    pub(super) fn into_response(self, http2: bool, held: Held) -> Response<Body> {
        let mut headers = self.headers;
        let body = match self.body {
            Content::Bytes(bytes) => Either::Left(Full::new(bytes)),
            Content::Stream(far) => {
                far.keep(Box::new(held.streaming()));
                if !http2 {
                    // After a stream its connection is on a leash, and of no use for another request.
                    headers.insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Either::Right(far)
            }
            // Only of an upgrade that hyper does not know of, which is not answered through it.
            Content::Heir(_) => Either::Left(Full::default()),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}
