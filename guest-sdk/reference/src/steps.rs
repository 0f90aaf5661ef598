//! What the reference filter does before it answers: `/do/0`, `/do/1`, … of the message, each of which reports a line.

use crate::words;
use postern_filter::log::Level;
use postern_filter::prelude::*;
use postern_filter::signing::Algorithm;
use postern_filter::{ClientId, Format, kv};
use std::str::FromStr;
use std::time::Duration;

/// Does what the message says, and reports.
pub fn report(message: &Message, sender: Option<&Client>) -> Result<String> {
    let mut lines = Vec::new();
    while let Some(op) = message.pointer(&format!("/do/{}/op", lines.len())) {
        let step = Step { message, number: lines.len() };
        lines.push(step.run(&op, sender)?);
    }
    Ok(lines.join("\n"))
}

struct Step<'a> {
    message: &'a Message,
    number: usize,
}

impl Step<'_> {
    fn option(&self, name: &str) -> Option<String> {
        self.message.pointer(&format!("/do/{}/{name}", self.number))
    }

    fn text(&self, name: &str) -> String {
        self.option(name).unwrap_or_default()
    }

    fn number<T: FromStr<Err: std::error::Error>>(&self, name: &str) -> Result<T> {
        Ok(self.text(name).parse()?)
    }

    fn time(&self, name: &str) -> Result<Option<Duration>> {
        Ok(self.option(name).map(|millis| millis.parse().map(Duration::from_millis)).transpose()?)
    }

    fn selector(&self) -> Result<Selector> {
        words::selector(&self.text("a"))
    }

    /// Does what has no result; or says that it is not such.
    fn acts(&self, op: &str) -> Result<bool> {
        let (a, b, c) = (self.text("a"), self.text("b"), self.text("c"));
        match op {
            "log" => {
                let (key, value) = (self.option("c"), self.text("d"));
                let field = key.as_ref().map(|key| (key.as_str(), value.as_str()));
                log::write(level(&a)?, &b, field.as_slice());
            }
            "count" => metrics::count(&a, self.number("b")?),
            "gauge" => metrics::gauge(&a, self.number("b")?),
            "observe" => metrics::observe(&a, self.number("b")?),
            "label" => clients::add_label(self.number("a")?, b, c),
            "unlabel" => clients::remove_label(self.number("a")?, b, c),
            "disconnect" => clients::disconnect(self.number("a")?, Close::new(self.number("b")?, c)),
            "pong" => clients::pong(self.number("a")?, b),
            "send" => outbox::send(&self.selector()?, &words::ids(&c)?, Payload::text(b)),
            "send-binary" => outbox::send(&self.selector()?, &words::ids(&c)?, Payload::binary(b)),
            "loop" => loop {
                std::hint::spin_loop();
            },
            "trap" => std::process::abort(),
            "grow" => drop(std::hint::black_box(vec![1_u8; self.number::<usize>("a")? << 20])),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn run(&self, op: &str, sender: Option<&Client>) -> Result<String> {
        if self.acts(op)? {
            return Ok("ok".to_owned());
        }
        let (a, b, c) = (self.text("a"), self.text("b"), self.text("c"));
        let message = self.message;
        Ok(match op {
            "id" => message.id().to_string(),
            "source" => message.source(),
            "received" => message.received().to_string(),
            "format" => match message.format() {
                Format::Text => "text".to_owned(),
                Format::Binary => "binary".to_owned(),
            },
            "size" => message.size().to_string(),
            "data" => words::text(&message.data()),
            "read" => words::text(&message.read(self.number("a")?, self.number("b")?)),
            "json" => words::option(message.pointer(&a)),
            "header" => words::option(message.header(&a).map(|value| words::text(&value))),
            "config" => words::option(config::get(&a)),
            "config-json" => config::json(),
            "enabled" => log::enabled(level(&a)?).to_string(),
            "now" => clock::now().to_string(),
            "monotonic" => {
                let first = clock::monotonic();
                if clock::monotonic() < first { "back".to_owned() } else { "ok".to_owned() }
            }
            "kv-get" => kept(kv::get(&a).map(|value| words::option(value.map(|value| words::text(&value))))),
            "kv-set" => kept(kv::set(&a, b, self.time("c")?).map(done)),
            "kv-add" => kept(kv::add(&a, b, self.time("c")?)),
            "kv-increment" => kept(kv::increment(&a, self.number("b")?, self.time("c")?)),
            "kv-swap" => {
                let (old, new) = (self.option("b"), self.option("c"));
                kept(kv::swap(&a, old.as_ref().map(String::as_bytes), new.as_ref().map(String::as_bytes)))
            }
            "kv-delete" => kept(kv::delete(&a).map(done)),
            "kv-keys" => kept(kv::keys(&a, self.option("b").as_deref(), self.number("c")?).map(|keys| keys.join(","))),
            "sign" => match signing::sign(&a, algorithm(&b)?, c.as_bytes()) {
                Ok(signature) => words::hex(&signature),
                Err(signing::NoSuchSecret) => "no-such-secret".to_owned(),
            },
            "verify" => match signing::verify(&a, algorithm(&b)?, c.as_bytes(), &from_hex(&self.text("d"))?) {
                Ok(is_right) => is_right.to_string(),
                Err(signing::NoSuchSecret) => "no-such-secret".to_owned(),
            },
            "clients-count" => clients::count(&self.selector()?).to_string(),
            "clients-find" => {
                let found = clients::find(&self.selector()?, self.number("b")?);
                found.iter().map(ClientId::to_string).collect::<Vec<_>>().join(",")
            }
            "client" => words::option(clients::get(self.number("a")?).map(|client| words::client(&client))),
            "sender" => words::option(sender.map(words::client)),
            "recurse" => recurse(0).to_string(),
            other => return Err(Error::new(format!("there is no step `{other}`"))),
        })
    }
}

fn done((): ()) -> String {
    "ok".to_owned()
}

fn kept(result: Result<impl ToString, kv::Fault>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(kv::Fault::TooLarge) => "too-large".to_owned(),
        Err(kv::Fault::Full) => "full".to_owned(),
        Err(kv::Fault::NotANumber) => "not-a-number".to_owned(),
        Err(kv::Fault::Unavailable) => "unavailable".to_owned(),
    }
}

fn level(name: &str) -> Result<Level> {
    Ok(match name {
        "trace" => Level::Trace,
        "debug" => Level::Debug,
        "info" => Level::Info,
        "warn" => Level::Warn,
        "error" => Level::Error,
        other => return Err(Error::new(format!("there is no level `{other}`"))),
    })
}

fn algorithm(name: &str) -> Result<Algorithm> {
    Ok(match name {
        "hmac-sha1" => Algorithm::HmacSha1,
        "hmac-sha256" => Algorithm::HmacSha256,
        "hmac-sha512" => Algorithm::HmacSha512,
        other => return Err(Error::new(format!("there is no algorithm `{other}`"))),
    })
}

fn from_hex(text: &str) -> Result<Vec<u8>> {
    let digits = |from: usize| text.get(from..from + 2).unwrap_or_default();
    (0..text.len()).step_by(2).map(|from| Ok(u8::from_str_radix(digits(from), 16)?)).collect()
}

/// Without end, in a way that no compiler makes a loop of.
fn recurse(depth: u64) -> u64 {
    let below = std::hint::black_box(recurse as fn(u64) -> u64);
    below(depth + 1).wrapping_add(depth)
}
