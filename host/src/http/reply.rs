//! What is answered: a status, a few headers, a text for the outside. What went wrong inside is logged, never told.

use ::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use ::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;
use http_body_util::Full;

#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    /// No body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A line of plain text, never taken for anything else by a browser, never kept by a cache.
    pub fn text(status: StatusCode, text: impl Into<Bytes>) -> Self {
        Self::of(status, "text/plain; charset=utf-8", text)
    }

    /// A body of some type, never taken for another, never kept by a cache.
    pub fn of(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::empty(status) }
            .with(CONTENT_TYPE, HeaderValue::from_static(content_type))
            .with(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"))
            .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
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

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
