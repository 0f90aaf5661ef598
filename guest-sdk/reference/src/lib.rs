//! The reference filter: it has every handler, uses every import, and does what it is told to, so that one suite of cases
//! (`tests/behaviour`) can hold the SDK of every language to the same. What it takes and says is in that suite's README.

mod answer;
mod steps;
mod words;

use postern_filter::prelude::*;

struct Reference;

impl Filter for Reference {
    fn configure() -> Result<Self> {
        if let Some(words) = config::get("fail") {
            return Err(Error::new(words));
        }
        if config::get("trap").is_some() {
            std::process::abort();
        }
        Ok(Self)
    }

    fn on_message(&self, message: &Message) -> Result<Verdict> {
        answer::verdict(message, &steps::report(message, None)?)
    }

    fn on_client_message(&self, sender: &Client, message: &Message) -> Result<Verdict> {
        answer::verdict(message, &steps::report(message, Some(sender))?)
    }

    fn on_connect(&self, request: &Request) -> Result<Admission> {
        if let Some(words) = request.param("error") {
            return Err(Error::new(words));
        }
        if let Some(body) = request.param("deny") {
            let status = request.param("status").map_or(Ok(403), |status| status.parse())?;
            return Ok(Admission::Deny(Denial { status, body, reason: request.param("reason") }));
        }
        Ok(Admission::Allow(Grant {
            subject: request.param("subject"),
            labels: request.param("label").map_or_else(Vec::new, |labels| words::labels(&labels)),
            subprotocol: request.param("subprotocol"),
            greeting: request.param("greeting").map(Payload::text),
        }))
    }

    fn on_request(&self, request: &Request) -> Result<HttpVerdict> {
        Ok(match request.param("do").as_deref() {
            Some("echo") => HttpVerdict::Respond(Response::of("text/plain", answer::echo(request))),
            Some("accept") => {
                let body = String::from_utf8_lossy(&request.body()).into_owned();
                HttpVerdict::Accept(Payload::text(body), Response::text("taken").with_status(202))
            }
            Some("error") => return Err(Error::new("told to")),
            _ => HttpVerdict::Pass,
        })
    }

    fn on_event(&self, who: &Client, what: &Event) -> Result<()> {
        let (kind, detail) = match what {
            Event::Connect => ("connect", String::new()),
            Event::Disconnect(why) => ("disconnect", words::option(why.clone())),
            Event::Close(close) => {
                ("close", words::option(close.as_ref().map(|close| format!("{} {}", close.code, close.reason))))
            }
            Event::Ping(data) => ("ping", words::text(data)),
            Event::Pong(data) => ("pong", words::text(data)),
        };
        let text = format!("{kind}:{detail}");
        kv::set("event", &text, None)?;
        clients::add_label(who.id(), "seen", kind);
        outbox::broadcast(Payload::text(text));
        Ok(())
    }

    fn choose(&self, message: &Message, among: &[Client]) -> Result<Vec<bool>> {
        if let Some(words) = message.pointer("/fail") {
            return Err(Error::new(words));
        }
        let room = message.pointer("/room");
        Ok(among.iter().map(|client| room.is_some() && client.label("room") == room).collect())
    }
}

postern_filter::filter!(Reference: message + admission + client + event + audience + http);
