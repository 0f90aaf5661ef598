//! What a filter is asked. It follows from what a case gives.

use super::field::{Field, Read, Table};
use super::world::{address, card, loopback, time};
use super::{Origin, body};
use crate::filter::{HttpRequest, Lifecycle, Question};
use crate::message::{Audience, Card, ClientId, EventId, Format, Message, Payload};
use crate::trial::case::{Asked, World};
use bytes::Bytes;
use std::sync::Arc;

/// Reads it, and connects whom it speaks of.
pub fn asked(table: &mut Table<'_>, world: &mut World, origin: &Origin<'_>) -> Read<Asked> {
    let client = table.read("client", |client| sender(client, world))?;
    let message = table.take("message");
    let event = table.read("event", lifecycle)?;
    let among = table.read("among", |ids| among(ids, world))?;
    let connect = table.read("connect", |asking| request(asking, false, origin))?;
    let plain = table.read("request", |asking| request(asking, true, origin))?;
    let connected = |world: &mut World, client: &Arc<Card>| {
        if !world.clients.iter().any(|other| other.id == client.id) {
            world.clients.push(client.clone());
        }
    };
    let question = match (message, client, event, among, connect, plain) {
        (None, None, None, None, None, None) => return Ok(Asked::Configure),
        (Some(message), None, None, None, None, None) => Question::Message(read(&message, 1, SOURCE, world, origin)?),
        (Some(message), Some(sender), None, None, None, None) => {
            connected(world, &sender);
            let message = read(&message, 0, &sender.stream, world, origin)?;
            Question::Client { sender, message }
        }
        (None, Some(client), Some(what), None, None, None) => {
            match what {
                // It is gone when this is told.
                Lifecycle::Disconnect(_) => world.clients.retain(|other| other.id != client.id),
                _ => connected(world, &client),
            }
            Question::Event { client, what }
        }
        (Some(message), None, None, Some(among), None, None) => {
            Question::Audience { message: read(&message, 1, SOURCE, world, origin)?, among }
        }
        (None, None, None, None, Some(request), None) => Question::Connect(Arc::new(request)),
        (None, None, None, None, None, Some(request)) => Question::Http(Arc::new(request)),
        _ => {
            return Err(table.wrong(
                "what is asked is not clear\n\
                 hint: give `message`, or `message` and `client`, or `message` and `among`, or `client` and `event`, or \
                 `connect`, or `request`",
            ));
        }
    };
    Ok(Asked::Question(question))
}

/// The webhook that messages come from, unless it is said.
const SOURCE: &str = "whatsapp";

fn read(field: &Field<'_>, id: u64, source: &str, world: &World, origin: &Origin<'_>) -> Read<Message> {
    let made = |id, source: &str, received, content_type, payload| Message {
        id: EventId(id),
        webhook: source.into(),
        received,
        content_type,
        payload,
        audience: Audience::default(),
    };
    if let Some(text) = field.value.as_str() {
        let payload = Payload::of(Bytes::copy_from_slice(text.as_bytes()));
        return Ok(made(id, source, world.now, None, payload));
    }
    let mut table = field.table()?;
    let bytes = body::taken(&mut table, origin)?;
    let bytes =
        bytes.ok_or_else(|| table.wrong("has no body\nhint: give `json`, `body`, `base64`, `file` or `fixture`"))?;
    let format = table.read("format", |format| format.word(&[("text", Format::Text), ("binary", Format::Binary)]))?;
    let payload = match format {
        None => Payload::of(bytes),
        Some(Format::Text) if std::str::from_utf8(&bytes).is_err() => {
            return Err(table.wrong("is said to be text, and is not UTF-8"));
        }
        Some(format) => Payload { format, data: bytes },
    };
    let id = table.read("id", Field::number)?.unwrap_or(id);
    let source = table.read("source", Field::text)?.unwrap_or(source);
    let received = table.read("received", time)?.unwrap_or(world.now);
    let content_type = table.read("content_type", |text| text.text().map(str::to_owned))?;
    table.finish()?;
    Ok(made(id, source, received, content_type, payload))
}

/// A client, or the id of one that is connected.
fn sender(field: &Field<'_>, world: &World) -> Read<Arc<Card>> {
    match field.value.as_u64() {
        Some(id) => known(field, id, world),
        None => card(field, world.now).map(Arc::new),
    }
}

fn among(field: &Field<'_>, world: &World) -> Read<Vec<Arc<Card>>> {
    field.numbers()?.into_iter().map(|id| known(field, id, world)).collect()
}

fn known(field: &Field<'_>, id: u64, world: &World) -> Read<Arc<Card>> {
    let card = world.clients.iter().find(|card| card.id == ClientId(id));
    card.cloned().ok_or_else(|| field.wrong(format_args!("of those in `clients`, which has no `id = {id}`")))
}

fn lifecycle(field: &Field<'_>) -> Read<Lifecycle> {
    if field.value.is_string() {
        return Ok(match field.word(&[("connect", 0), ("disconnect", 1), ("close", 2)])? {
            0 => Lifecycle::Connect,
            1 => Lifecycle::Disconnect(None),
            _ => Lifecycle::Close(None),
        });
    }
    let mut table = field.table()?;
    let bytes = |data: &Field<'_>| match data.value.is_string() {
        true => data.text().map(|text| text.as_bytes().to_vec()),
        false => {
            let mut table = data.table()?;
            let bytes = table.read("base64", body::base64)?;
            table.finish()?;
            bytes.map(|bytes| bytes.to_vec()).ok_or_else(|| data.wrong("a string, or `{ base64 = \"…\" }`"))
        }
    };
    let events = [
        table.read("disconnect", |why| Ok(Lifecycle::Disconnect(Some(why.text()?.to_owned()))))?,
        table.read("close", |close| close_frame(close).map(|close| Lifecycle::Close(Some(close))))?,
        table.read("ping", |data| bytes(data).map(Lifecycle::Ping))?,
        table.read("pong", |data| bytes(data).map(Lifecycle::Pong))?,
    ];
    table.finish()?;
    let mut events = events.into_iter().flatten();
    match (events.next(), events.next()) {
        (Some(event), None) => Ok(event),
        _ => Err(field.wrong("one event: \"connect\", `disconnect`, `close`, `ping` or `pong`")),
    }
}

fn close_frame(field: &Field<'_>) -> Read<(u16, String)> {
    let mut table = field.table()?;
    let code = table.read("code", Field::short)?.unwrap_or(1000);
    let reason = table.read("reason", Field::text)?.unwrap_or_default().to_owned();
    table.finish()?;
    Ok((code, reason))
}

/// One that asks to become a client has no body, and is a GET.
fn request(field: &Field<'_>, is_plain: bool, origin: &Origin<'_>) -> Read<HttpRequest> {
    let mut table = field.table()?;
    let mut method = "GET".to_owned();
    let mut content = Bytes::new();
    if is_plain {
        method = table.read("method", Field::text)?.unwrap_or("GET").to_ascii_uppercase();
        content = table.read("body", |content| body::body(content, origin))?.unwrap_or_default();
    }
    let path = table.read("path", Field::text)?.unwrap_or(if is_plain { "/" } else { "/ws" });
    if !path.starts_with('/') || path.contains('?') {
        return Err(table.wrong(
            "has a `path` that does not begin with `/`, or has a query in it\nhint: `query` has a key of its own",
        ));
    }
    let query = table.read("query", Field::text)?.map(str::to_owned);
    let headers = table.read("headers", headers)?.unwrap_or_default();
    let address = table.read("address", address)?.unwrap_or_else(loopback);
    table.finish()?;
    Ok(HttpRequest { method, path: path.to_owned(), query, headers, address, body: content })
}

fn headers(field: &Field<'_>) -> Read<Vec<(String, Vec<u8>)>> {
    let mut headers = Vec::new();
    for (name, value) in field.named()? {
        let values = if value.value.is_array() { value.list()? } else { vec![value] };
        for value in values {
            headers.push((name.to_ascii_lowercase(), value.text()?.as_bytes().to_vec()));
        }
    }
    Ok(headers)
}
