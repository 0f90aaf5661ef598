//! A message, as a filter sees it.

use crate::{Format, Result, gateway, json};
use serde::de::DeserializeOwned;

/// A message bound for clients (a verified webhook delivery, or what a filter earlier in the chain made of it), or one that
/// a client sent.
///
/// It is a handle: nothing is copied into the filter until it is asked for.
#[derive(Debug)]
pub struct Message(pub(crate) gateway::Message);

impl Message {
    /// Identifies the delivery that began this message. The parts of a split message share it. Nought for what a client
    /// sent: it is not an event yet.
    pub fn id(&self) -> u64 {
        self.0.id()
    }

    /// The name, in postern's configuration, of the webhook it came through, or of the stream of the client that sent it.
    pub fn source(&self) -> String {
        self.0.source()
    }

    /// When postern accepted it, in milliseconds since 1970-01-01T00:00:00Z.
    pub fn received(&self) -> u64 {
        self.0.received()
    }

    /// Text or binary, without copying the data.
    pub fn format(&self) -> Format {
        self.0.format()
    }

    /// How many bytes of data there are, without copying them.
    pub fn size(&self) -> u64 {
        self.0.size()
    }

    /// All of the data, copied.
    pub fn data(&self) -> Vec<u8> {
        self.0.data()
    }

    /// At most `length` bytes of the data from `offset`, fewer at its end.
    pub fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        self.0.read(offset, length)
    }

    /// The value at an RFC 6901 JSON Pointer such as `/entry/0/id`: a string as its text, anything else as JSON;
    /// `None` when there is nothing there or the data is not JSON.
    ///
    /// postern parses a message once, however many filters ask, so this is the cheap way to a value or two.
    pub fn pointer(&self, pointer: &str) -> Option<String> {
        self.0.pointer(pointer)
    }

    /// A header of the HTTP request that delivered it, if the operator lets filters see that header.
    pub fn header(&self, name: &str) -> Option<Vec<u8>> {
        self.0.header(name)
    }

    /// The data as JSON of a shape of your own, or of [`whatsapp::Envelope`](crate::whatsapp::Envelope).
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        json::read("the message", &self.data())
    }
}
