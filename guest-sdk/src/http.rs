//! How a filter answers a plain HTTP request.

use crate::{Header, Payload};
use serde::Serialize;

/// How to answer a plain HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpVerdict {
    /// Not mine: the next filter, then the gateway's own routes.
    Pass,
    /// Answer so.
    Respond(Response),
    /// It is a webhook in a dialect of your own: this goes through the message chain of the webhook the operator named,
    /// and the answer is sent once it is on disk. It is an event of its own each time: to know it when it is sent again,
    /// ask [`kv::add`](crate::kv::add) first.
    Accept(Payload, Response),
}

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 200 to 599.
    pub status: u16,
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
}

impl Response {
    /// No body.
    pub fn status(status: u16) -> Self {
        Self { status, headers: vec![], body: vec![] }
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::of("text/plain; charset=utf-8", text.into())
    }

    pub fn html(html: impl Into<String>) -> Self {
        Self::of("text/html; charset=utf-8", html.into())
    }

    /// A value as JSON. What cannot be JSON, such as a map whose keys are no strings, is an error.
    pub fn json(value: &impl Serialize) -> crate::Result<Self> {
        Ok(Self::of("application/json", serde_json::to_vec(value)?))
    }

    /// 200, and a body of this type.
    pub fn of(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::status(200) }.with_header("content-type", content_type)
    }

    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push(Header { name: name.to_ascii_lowercase(), value: value.into() });
        self
    }
}
