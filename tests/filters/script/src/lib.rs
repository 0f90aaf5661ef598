//! A filter that does what it is told to: by the message, what the client says or the request's body, as a JSON list of
//! steps, or by its configuration for what becomes of clients and for admission. What is no such list it passes.
//!
//! | step | what it does |
//! | --- | --- |
//! | `["send", TO, TEXT]`, `["binary", TO, TEXT]` | the outbox; `TO` is `all`, `others`, `me`, an id in hex, or `KEY:VALUE` |
//! | `["label", ID, KEY, VALUE]`, `["unlabel", …]` | `ID` is `me` or an id in hex, here and below |
//! | `["disconnect", ID, CODE, REASON]`, `["pong", ID, TEXT]` | |
//! | `["set", KEY, VALUE]`, `["count", KEY]`, `["tell", KEY]` | kv; `tell` sends the value to `me` |
//! | `["metric", NAME]`, `["sign", SECRET, TEXT]`, `["clients", TO]` | the answer of the last two goes to `me` |
//! | `["fail"]`, `["trap"]`, `["loop"]` | an error, a trap, no end |
//! | `["pass"]`, `["drop"]`, `["rewrite", TEXT]`, `["split", TO, TEXT]` | the verdict, else `drop`; `split` adds a delivery |
//! | `["respond", STATUS, TEXT]`, `["accept", TEXT]` | the answer to a request |

use postern_filter::prelude::*;
use postern_filter::signing::{self, Algorithm};
use postern_filter::{ClientId, metrics};
use serde_json::{Value, json};

struct Script(Value);

/// Whom a step may mean by `me` and `others`.
#[derive(Clone, Copy)]
struct Here(Option<ClientId>);

/// What a script came to.
struct Done {
    verdict: Option<Verdict>,
    answer: HttpVerdict,
}

impl Filter for Script {
    fn configure() -> Result<Self> {
        config::parse().map(Self)
    }

    fn on_message(&self, message: &Message) -> Result<Verdict> {
        match message.pointer("/script") {
            Some(script) => run(&serde_json::from_str(&script)?, Here(None)).map(verdict),
            None => Ok(Verdict::Pass),
        }
    }

    fn on_connect(&self, request: &Request) -> Result<Admission> {
        run(&self.0["on_connect"], Here(None))?;
        let labels = request.param("label").unwrap_or_default();
        let labels = labels.split(',').filter_map(|label| label.split_once(':'));
        let grant = labels.fold(Grant::default(), |grant, (key, value)| grant.label(key, value));
        let subprotocol = request.param("subprotocol");
        Ok(Admission::Allow(Grant { subject: request.param("subject"), subprotocol, ..grant }))
    }

    fn on_client_message(&self, sender: &Client, message: &Message) -> Result<Verdict> {
        match message.parse::<Value>() {
            Ok(script @ Value::Array(_)) => run(&script, Here(Some(sender.id()))).map(verdict),
            _ => Ok(Verdict::Pass),
        }
    }

    fn on_event(&self, who: &Client, what: &Event) -> Result<()> {
        let here = Here(Some(who.id()));
        let (kind, said) = match what {
            Event::Connect => ("connect", json!(null)),
            Event::Disconnect(why) => ("disconnect", json!(why)),
            Event::Close(close) => ("close", json!(close.as_ref().map(|close| (close.code, &close.reason)))),
            Event::Ping(data) => ("ping", json!(String::from_utf8_lossy(data))),
            Event::Pong(_) => ("pong", json!(null)),
        };
        let told =
            json!({ "event": kind, "client": format!("{:016x}", who.id()), "subject": who.subject(), "said": said });
        if self.0["tell"].as_bool().unwrap_or(false) {
            outbox::to_label("hears", "events", Payload::text(told.to_string()));
        }
        run(&self.0["on_event"][kind], here)?;
        Ok(())
    }

    fn wants(&self, message: &Message, client: &Client) -> Result<bool> {
        if message.pointer("/fail").is_some() {
            return Err(Error::new("told to fail"));
        }
        Ok(message.pointer("/number").is_some_and(|number| client.has_label("number", &number)))
    }

    fn on_request(&self, request: &Request) -> Result<HttpVerdict> {
        if request.path().ends_with("/echo") {
            let all = json!({
                "method": request.method(), "path": request.path(), "query": request.query(),
                "body": String::from_utf8_lossy(&request.body()), "address": request.address(),
                "clients": clients::count(&Selector::Everyone),
            });
            return Ok(HttpVerdict::Respond(Response::json(&all)?));
        }
        match serde_json::from_slice(&request.body()) {
            Ok(script) => run(&script, Here(None)).map(|done| done.answer),
            Err(_) => Ok(HttpVerdict::Pass),
        }
    }
}

postern_filter::filter!(Script: message + admission + client + event + audience + http);

fn verdict(done: Done) -> Verdict {
    done.verdict.unwrap_or(Verdict::Drop(None))
}

fn run(script: &Value, here: Here) -> Result<Done> {
    let mut done = Done { verdict: None, answer: HttpVerdict::Pass };
    for step in script.as_array().map(Vec::as_slice).unwrap_or_default() {
        let text = |index: usize| step[index].as_str().unwrap_or_default();
        match text(0) {
            "send" => here.send(text(1), Payload::text(text(2))),
            "binary" => here.send(text(1), Payload::binary(text(2))),
            "label" => clients::add_label(here.id(text(1))?, text(2), text(3)),
            "unlabel" => clients::remove_label(here.id(text(1))?, text(2), text(3)),
            "disconnect" => {
                let code = u16::try_from(step[2].as_u64().unwrap_or(0))?;
                clients::disconnect(here.id(text(1))?, Close::new(code, text(3)));
            }
            "pong" => clients::pong(here.id(text(1))?, text(2)),
            "set" => kv::set(text(1), text(2), None)?,
            "count" => drop(kv::increment(text(1), 1, None)?.to_string()),
            "tell" => {
                let value = kv::get(text(1))?.map(|value| String::from_utf8_lossy(&value).into_owned());
                here.send("me", Payload::text(json!({ "kept": value }).to_string()));
            }
            "metric" => metrics::count(text(1), 1),
            "sign" => {
                let signature = signing::sign(text(1), Algorithm::HmacSha256, text(2).as_bytes())?;
                let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
                here.send("me", Payload::text(json!({ "signature": hex }).to_string()));
            }
            "clients" => {
                let found = clients::find(&here.selector(text(1)), 100);
                let found: Vec<String> = found.into_iter().map(|id| format!("{id:016x}")).collect();
                here.send("me", Payload::text(json!({ "clients": found }).to_string()));
            }
            "fail" => return Err(Error::new("told to fail")),
            "trap" => std::process::abort(),
            "loop" => loop {
                std::hint::spin_loop();
            },
            "pass" => done.verdict = Some(Verdict::Pass),
            "drop" => done.verdict = Some(Verdict::drop("told to")),
            "rewrite" => done.verdict = Some(Verdict::rewrite(text(1))),
            "split" => {
                let part = Delivery { payload: Some(Payload::text(text(2))), ..Delivery::to(here.selector(text(1))) };
                match &mut done.verdict {
                    Some(Verdict::Send(parts)) => parts.push(part),
                    _ => done.verdict = Some(Verdict::Send(vec![part])),
                }
            }
            "respond" => {
                let status = u16::try_from(step[1].as_u64().unwrap_or(0))?;
                done.answer = HttpVerdict::Respond(Response::text(text(2)).with_status(status));
            }
            "accept" => {
                let answer = Response::text("taken").with_status(202).with_header("x-taken", "yes");
                done.answer = HttpVerdict::Accept(Payload::text(text(1)), answer);
            }
            other => return Err(Error::new(format!("there is no step {other:?}"))),
        }
    }
    Ok(done)
}

impl Here {
    fn id(self, name: &str) -> Result<ClientId> {
        match self.0.filter(|_| name == "me") {
            Some(me) => Ok(me),
            None => Ok(ClientId::from_str_radix(name, 16)?),
        }
    }

    fn selector(self, to: &str) -> Selector {
        match to.split_once(':') {
            Some((key, value)) => Selector::label(key, value),
            None if matches!(to, "all" | "others") => Selector::Everyone,
            None => Selector::Clients(self.id(to).into_iter().collect()),
        }
    }

    fn send(self, to: &str, what: Payload) {
        let except: Vec<ClientId> = self.0.filter(|_| to == "others").into_iter().collect();
        outbox::send(&self.selector(to), &except, what);
    }
}
