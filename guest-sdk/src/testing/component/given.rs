//! What is made by hand, in the words of case files.

use crate::{Client, Event, Format, Label, Message, Request};
use data_encoding::BASE64;
use serde_json::{Map, Value, json};

pub fn body(bytes: &[u8]) -> Value {
    json!({ "base64": BASE64.encode(bytes) })
}

pub fn message(message: &Message) -> Value {
    let format = match message.format() {
        Format::Text => "text",
        Format::Binary => "binary",
    };
    let mut given = json!({
        "base64": BASE64.encode(&message.data()), "format": format, "id": message.id(), "source": message.source(),
        "received": message.received(),
    });
    // The gateway shows filters this header alone.
    if let Some(content_type) = message.header("content-type") {
        given["content_type"] = json!(String::from_utf8_lossy(&content_type));
    }
    given
}

pub fn client(client: &Client) -> Value {
    let label = |label: Label| format!("{}={}", label.key, label.value);
    let mut given = json!({
        "id": client.id(), "labels": client.labels().into_iter().map(label).collect::<Vec<_>>(),
        "address": client.address(), "since": client.since(),
    });
    if let Some(subject) = client.subject() {
        given["subject"] = json!(subject);
    }
    given
}

pub fn request(request: &Request, is_plain: bool) -> Value {
    let mut headers = Map::new();
    for header in request.headers() {
        let values = headers.entry(header.name).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(json!(String::from_utf8_lossy(&header.value)));
        }
    }
    let mut given = json!({ "path": request.path(), "headers": headers, "address": request.address() });
    if let Some(query) = request.query() {
        given["query"] = json!(query);
    }
    if is_plain {
        given["method"] = json!(request.method());
        given["body"] = body(&request.body());
    }
    given
}

pub fn event(event: &Event) -> Value {
    match event {
        Event::Connect => json!("connect"),
        Event::Disconnect(None) => json!("disconnect"),
        Event::Disconnect(Some(why)) => json!({ "disconnect": why }),
        Event::Close(None) => json!("close"),
        Event::Close(Some(close)) => json!({ "close": { "code": close.code, "reason": close.reason } }),
        Event::Ping(data) => json!({ "ping": body(data) }),
        Event::Pong(data) => json!({ "pong": body(data) }),
    }
}
