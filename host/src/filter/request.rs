//! A request as filters see it: one that asks to become a client, or a plain one.

use super::bindings::RequestHandle;
use super::bindings::postern::filter::types::{self, HostRequest};
use super::state::State;
use ::http::request;
use bytes::Bytes;
use std::fmt;
use std::net::SocketAddr;
use wasmtime::component::Resource;

#[derive(Clone)]
pub struct HttpRequest {
    /// In upper case.
    pub method: String,
    /// Begins with `/`; without the query.
    pub path: String,
    /// What follows `?`, as sent.
    pub query: Option<String>,
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The peer's, after any trusted proxy headers.
    pub address: SocketAddr,
    /// All of it. Empty for one that asks to become a client.
    pub body: Bytes,
}

impl HttpRequest {
    pub fn new(head: &request::Parts, address: SocketAddr, body: Bytes) -> Self {
        let headers = head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
        Self {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            headers: headers.collect(),
            address,
            body,
        }
    }

    /// Whether the client asked for this WebSocket subprotocol.
    pub(super) fn offers(&self, subprotocol: &str) -> bool {
        self.headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-protocol"))
            .filter_map(|(_, value)| std::str::from_utf8(value).ok())
            .flat_map(|value| value.split(','))
            .any(|offered| offered.trim() == subprotocol)
    }
}

/// Tokens travel in queries and headers, so neither is printed.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpRequest({} {} from {})", self.method, self.path, self.address)
    }
}

impl HostRequest for State {
    fn method(&mut self, handle: Resource<RequestHandle>) -> wasmtime::Result<String> {
        Ok(self.request(&handle)?.method.clone())
    }

    fn path(&mut self, handle: Resource<RequestHandle>) -> wasmtime::Result<String> {
        Ok(self.request(&handle)?.path.clone())
    }

    fn query(&mut self, handle: Resource<RequestHandle>) -> wasmtime::Result<Option<String>> {
        Ok(self.request(&handle)?.query.clone())
    }

    fn param(&mut self, handle: Resource<RequestHandle>, name: String) -> wasmtime::Result<Option<String>> {
        let query = self.request(&handle)?.query.as_deref().unwrap_or_default();
        let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| *key == name);
        Ok(found.map(|(_, value)| value.into_owned()))
    }

    fn header(&mut self, handle: Resource<RequestHandle>, name: String) -> wasmtime::Result<Option<Vec<u8>>> {
        let mut headers = self.request(&handle)?.headers.iter();
        Ok(headers.find(|(key, _)| key.eq_ignore_ascii_case(&name)).map(|(_, value)| value.clone()))
    }

    fn headers(&mut self, handle: Resource<RequestHandle>) -> wasmtime::Result<Vec<types::Header>> {
        let header =
            |(name, value): &(String, Vec<u8>)| types::Header { name: name.to_ascii_lowercase(), value: value.clone() };
        Ok(self.request(&handle)?.headers.iter().map(header).collect())
    }

    fn address(&mut self, handle: Resource<RequestHandle>) -> wasmtime::Result<String> {
        Ok(self.request(&handle)?.address.to_string())
    }

    fn body(&mut self, handle: Resource<RequestHandle>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.request(&handle)?.body.to_vec())
    }

    fn drop(&mut self, _: Resource<RequestHandle>) -> wasmtime::Result<()> {
        Ok(()) // The store holds the request, and goes when the call ends.
    }
}
