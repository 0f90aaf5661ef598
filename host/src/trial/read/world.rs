//! What holds while a filter is asked: of a file, and of each case in it.

use super::field::{Field, Read, Table};
use super::{Origin, STREAM, body};
use crate::message::{Card, ClientId, Label, Scope, Timestamp};
use crate::secret::Secret;
use crate::trial::case::World;
use crate::trial::text::labelled;
use bytesize::ByteSize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use tracing::Level;

/// What a table says of it; the rest is as in `base`.
pub fn world(table: &mut Table<'_>, base: &World, origin: &Origin<'_>) -> Read<World> {
    let mut world = base.clone();
    set(&mut world.config, table.read("config", object)?);
    set(&mut world.now, table.read("now", time)?);
    set(&mut world.log, table.read("log", level)?);
    set(&mut world.secrets, table.read("secrets", secrets)?);
    let kept = table.read("kv", |kv| {
        kv.named()?.into_iter().map(|(key, value)| Ok((key.clone(), body::body(&value, origin)?))).collect()
    })?;
    set(&mut world.kept, kept);
    set(&mut world.quota, table.read("kv_quota", size)?);
    set(&mut world.deadline, table.read("deadline", duration)?);
    set(&mut world.memory, table.read("memory", size)?);
    let now = world.now;
    let clients = table.read("clients", |clients| {
        clients.list()?.iter().map(|client| card(client, now).map(Arc::new)).collect::<Read<Vec<_>>>()
    })?;
    let streams = table.read("streams", |streams| Ok(Scope::of(streams.texts()?.into_iter().map(Arc::from))))?;
    if let Some(clients) = clients {
        if streams.is_none() {
            world.scope = Scope::of(of(&clients));
        }
        world.clients = clients;
    }
    set(&mut world.scope, streams);
    Ok(world)
}

/// The streams of these, each once, and the usual one.
fn of(clients: &[Arc<Card>]) -> Vec<Arc<str>> {
    let mut streams: Vec<Arc<str>> = clients.iter().map(|card| card.stream.clone()).collect();
    streams.push(STREAM.into());
    streams.sort_unstable();
    streams.dedup();
    streams
}

fn set<T>(into: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *into = given;
    }
}

pub fn object(field: &Field<'_>) -> Read<Value> {
    field.named()?;
    Ok(field.value.clone())
}

/// As text, or in milliseconds.
pub fn time(field: &Field<'_>) -> Read<Timestamp> {
    if let Some(millis) = field.value.as_u64() {
        return Ok(Timestamp(millis));
    }
    let time = humantime::parse_rfc3339_weak(field.text()?).ok();
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let millis = since.and_then(|since| u64::try_from(since.as_millis()).ok());
    millis.map(Timestamp).ok_or_else(|| field.wrong("a time such as \"2026-01-31T12:00:00Z\""))
}

fn level(field: &Field<'_>) -> Read<Level> {
    field.word(&[
        ("trace", Level::TRACE),
        ("debug", Level::DEBUG),
        ("info", Level::INFO),
        ("warn", Level::WARN),
        ("error", Level::ERROR),
    ])
}

fn secrets(field: &Field<'_>) -> Read<BTreeMap<String, Secret>> {
    field.named()?.into_iter().map(|(name, text)| Ok((name.clone(), Secret::new(text.text()?)))).collect()
}

fn size(field: &Field<'_>) -> Read<u64> {
    let size = match field.value {
        Value::String(text) => text.trim().parse().ok().map(|size: ByteSize| size.as_u64()),
        value => value.as_u64(),
    };
    size.ok_or_else(|| field.wrong("a size such as \"64MiB\""))
}

fn duration(field: &Field<'_>) -> Read<std::time::Duration> {
    humantime::parse_duration(field.text()?).map_err(|_| field.wrong("a duration such as \"50ms\""))
}

/// Somebody who is connected.
pub fn card(field: &Field<'_>, now: Timestamp) -> Read<Card> {
    let mut table = field.table()?;
    let id = table.read("id", Field::number)?.ok_or_else(|| table.wrong("needs an `id`, a number"))?;
    let subject = table.read("subject", |subject| subject.text().map(str::to_owned))?;
    let labels = table.read("labels", labels)?.unwrap_or_default();
    let stream = table.read("stream", Field::text)?.unwrap_or(STREAM);
    let address = table.read("address", address)?.unwrap_or_else(loopback);
    let since = table.read("since", time)?.unwrap_or(now);
    table.finish()?;
    Ok(Card { id: ClientId(id), stream: stream.into(), subject, labels, address, since })
}

fn labels(field: &Field<'_>) -> Read<Vec<Label>> {
    let label = |text: &Field<'_>| labelled(text.text()?).ok_or_else(|| text.wrong("a label, `key=value`"));
    field.list()?.iter().map(label).collect()
}

pub fn address(field: &Field<'_>) -> Read<SocketAddr> {
    field.text()?.parse().map_err(|_| field.wrong("an address with its port, such as \"127.0.0.1:50000\""))
}

pub fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000))
}
