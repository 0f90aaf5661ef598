//! What stands in the place of handles: the values themselves.

use super::as_text;
use crate::{ClientId, Format, Header, Label, Payload, Selector};

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) source: String,
    pub(crate) received: u64,
    pub(crate) payload: Payload,
    pub(crate) headers: Vec<Header>,
}

impl Message {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn source(&self) -> String {
        self.source.clone()
    }

    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    pub(crate) fn format(&self) -> Format {
        self.payload.format
    }

    pub(crate) fn size(&self) -> u64 {
        self.payload.data.len() as u64
    }

    pub(crate) fn data(&self) -> Vec<u8> {
        self.payload.data.clone()
    }

    pub(crate) fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        let size = self.size();
        let (from, to) = (offset.min(size), offset.saturating_add(length).min(size));
        self.payload.data[from as usize..to as usize].to_vec()
    }

    pub(crate) fn pointer(&self, pointer: &str) -> Option<String> {
        let tree: serde_json::Value = serde_json::from_slice(&self.payload.data).ok()?;
        tree.pointer(pointer).map(as_text)
    }

    pub(crate) fn header(&self, name: &str) -> Option<Vec<u8>> {
        first(&self.headers, name)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) address: String,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn method(&self) -> String {
        self.method.clone()
    }

    pub(crate) fn path(&self) -> String {
        self.target.split_once('?').map_or(&*self.target, |(path, _)| path).to_owned()
    }

    pub(crate) fn query(&self) -> Option<String> {
        self.target.split_once('?').map(|(_, query)| query.to_owned())
    }

    pub(crate) fn param(&self, name: &str) -> Option<String> {
        let query = self.query()?;
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decoded(key) == name).then(|| percent_decoded(value))
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<Vec<u8>> {
        first(&self.headers, name)
    }

    pub(crate) fn headers(&self) -> Vec<Header> {
        self.headers.clone()
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        self.body.clone()
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: ClientId,
    pub(crate) subject: Option<String>,
    pub(crate) labels: Vec<Label>,
    pub(crate) address: String,
    pub(crate) since: u64,
}

impl Client {
    pub(crate) fn id(&self) -> ClientId {
        self.id
    }

    pub(crate) fn subject(&self) -> Option<String> {
        self.subject.clone()
    }

    pub(crate) fn label(&self, key: &str) -> Option<String> {
        self.labels.iter().find(|label| label.key == key).map(|label| label.value.clone())
    }

    pub(crate) fn labels(&self) -> Vec<Label> {
        self.labels.clone()
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    pub(crate) fn since(&self) -> u64 {
        self.since
    }

    pub(crate) fn is_chosen(&self, by: &Selector) -> bool {
        match by {
            Selector::Everyone => true,
            Selector::Clients(ids) => ids.contains(&self.id),
            Selector::AnyLabel(wanted) => wanted.iter().any(|label| self.labels.contains(label)),
            Selector::AllLabels(wanted) => wanted.iter().all(|label| self.labels.contains(label)),
        }
    }
}

fn first(headers: &[Header], name: &str) -> Option<Vec<u8>> {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.clone())
}

/// As `application/x-www-form-urlencoded` has it, which is what postern decodes parameters by.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match (bytes[at], escape.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
