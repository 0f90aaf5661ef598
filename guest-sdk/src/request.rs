//! An HTTP request as a filter sees it: one that asks to become a client, or a plain one.

use crate::gateway;

/// One HTTP header. Names are in lower case; values may be any bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub name: String,
    pub value: Vec<u8>,
}

/// An HTTP request. A handle, as a [`Message`](crate::Message) is.
#[derive(Debug)]
pub struct Request(pub(crate) gateway::Request);

impl Request {
    /// In upper case: `GET`, `POST`, …
    pub fn method(&self) -> String {
        self.0.method()
    }

    /// Begins with `/` and never includes the query.
    pub fn path(&self) -> String {
        self.0.path()
    }

    /// What follows `?`, as sent.
    pub fn query(&self) -> Option<String> {
        self.0.query()
    }

    /// The first value of the query parameter `name`, percent-decoded.
    pub fn param(&self, name: &str) -> Option<String> {
        self.0.param(name)
    }

    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<Vec<u8>> {
        self.0.header(name)
    }

    pub fn headers(&self) -> Vec<Header> {
        self.0.headers()
    }

    /// The peer's address, `ip:port`, after any trusted proxy headers.
    pub fn address(&self) -> String {
        self.0.address()
    }

    /// The body, read in full and within the operator's limit. Empty for a request that asks to become a client.
    pub fn body(&self) -> Vec<u8> {
        self.0.body()
    }

    /// What `Authorization: Bearer …` carries. The scheme is found in any case, as RFC 9110 has it.
    pub fn bearer(&self) -> Option<String> {
        let value = String::from_utf8(self.header("authorization")?).ok()?;
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    }
}
