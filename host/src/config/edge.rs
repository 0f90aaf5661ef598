//! The sections `[webhooks.NAME]` and `[streams.NAME]`: what comes in, and who gets it.

use super::admission::{callout, jwt};
use super::reader::{Read, Section, Value};
use super::schema::{ClientAuth, Demand, EventKind, Page, Relay, Slow, Stream, Webhook};
use super::signing::{Origin, origin};
use super::tree::Item;
use bytesize::ByteSize;
use std::collections::BTreeSet;

const PATH: &str = "a path that begins with `/`";

pub(super) fn webhook(mut section: Section<'_>, filters: &BTreeSet<String>) -> Read<Webhook> {
    let path = section.required("path").and_then(|value| value.url_path());
    let origin = origin(&mut section);
    let filters = section.optional("filters").map_or(Ok(vec![]), |value| value.names(filters, "filter"));
    let split = section.required("split").and_then(|value| value.boolean());
    let phone_number_ids = section.optional("phone_number_ids").map(|value| phone_number_ids(&value)).transpose();
    let ordered = section.required("ordered").and_then(|value| value.boolean());
    let dispatch = section.required("dispatch").and_then(|value| value.boolean());
    let client = client_auth(&mut section);
    section.finish(&[]);
    let Origin { signing, verify_token, kind } = origin?;
    Ok(Webhook {
        path: path?,
        signing,
        verify_token,
        kind,
        filters: filters?,
        split: split?,
        phone_number_ids: phone_number_ids?,
        ordered: ordered?,
        dispatch: dispatch?,
        client: client?,
    })
}

fn phone_number_ids(value: &Value<'_>) -> Read<Vec<String>> {
    let expected = "a list of ids of phone numbers: strings of digits";
    let elements = value.list();
    if elements.is_empty() {
        return Err(value.problem_with_hint("is empty", "leave it out to take what belongs to any phone number"));
    }
    let mut seen = BTreeSet::new();
    let ids: Vec<Read<String>> = elements
        .iter()
        .map(|element| {
            let id = element.text(expected)?;
            if !id.bytes().all(|byte| byte.is_ascii_digit()) {
                let hint = "the id of a phone number is not the number: Meta shows it beside the number";
                return Err(element.wrong_with_hint(expected, hint));
            }
            if !seen.insert(id) {
                return Err(element.problem_with_hint(format!("has an id twice: {id}"), "remove one of the two"));
            }
            Ok(id.to_owned())
        })
        .collect();
    ids.into_iter().collect()
}

pub(super) fn stream(
    mut section: Section<'_>,
    webhooks: &BTreeSet<String>,
    filters: &BTreeSet<String>,
) -> Read<Stream> {
    let all = || Ok(webhooks.iter().cloned().collect());
    let path = section.required("path").and_then(|value| value.url_path());
    let carried = section.optional("webhooks").map_or_else(all, |value| value.names(webhooks, "webhook"));
    let admission = section.optional("admission").map_or(Ok(vec![]), |value| value.names(filters, "filter"));
    let jwt = section.optional_section("jwt").map(jwt).transpose();
    let callout = section.optional_section("callout").map(callout).transpose();
    let open = section.required("open").and_then(|value| value.boolean());
    let slow = section
        .required("slow")
        .and_then(|value| value.choice(&[("catch-up", Slow::CatchUp), ("disconnect", Slow::Disconnect)]));
    let origins = section.optional("origins").map(|value| origins(&value)).transpose();
    let heartbeat = section.required("heartbeat").and_then(|value| value.duration());
    let compression = section.required("compression").and_then(|value| value.boolean());
    let chain = |section: &mut Section<'_>, name| {
        section.optional(name).map_or(Ok(vec![]), |value| value.names(filters, "filter"))
    };
    let audience = chain(&mut section, "audience");
    let client = chain(&mut section, "client");
    let events = chain(&mut section, "events");
    let relay = section.required("relay").and_then(|value| {
        value.choice(&[("nobody", Relay::Nobody), ("others", Relay::Others), ("everyone", Relay::Everyone)])
    });
    let event_kinds = section.required("event_kinds").and_then(|value| event_kinds(&value));
    let by_whom = [("auto", false), ("manual", true)];
    let manual_pong = section.required("pong").and_then(|value| value.choice(&by_whom));
    let manual_close = section.required("close").and_then(|value| value.choice(&by_whom));
    // So that what differs between two clients is always in the first frame.
    let frame_size = section.optional("frame_size");
    let frame_size = frame_size.map(|value| value.size(ByteSize::b(128)..=ByteSize::gib(1))).transpose();
    let presence = section.required("presence").and_then(|value| value.boolean());
    let presence_labels = section.optional("presence_labels").map_or(Ok(vec![]), |value| texts(&value));
    for (name, manual) in [("pong", &manual_pong), ("close", &manual_close)] {
        if matches!((manual, &events), (Ok(true), Ok(events)) if events.is_empty()) {
            let hint = "name a filter with an `event-handler` in `events`, or say `\"auto\"`";
            section.problem_with_hint(name, "is left to a filter, and `events` names none", hint);
        }
    }
    let guarded = !matches!((&jwt, &callout), (Ok(None), Ok(None)));
    let admitted = match (&admission, &open) {
        (Ok(filters), Ok(false)) if filters.is_empty() && !guarded => Err(section.problem_with_hint(
            "",
            "lets nobody in: it has no admission filter and is not open",
            "name a filter in `admission`, or say `open = true` if anyone may connect",
        )),
        (Ok(filters), Ok(true)) if !filters.is_empty() => Err(section.problem_with_hint(
            "open",
            "contradicts `admission`, which asks filters whom to let in",
            "keep one of the two",
        )),
        (_, Ok(true)) if guarded => Err(section.problem_with_hint(
            "open",
            "contradicts `jwt` or `callout`, which say whom to let in",
            "keep one of the two",
        )),
        _ => Ok(()),
    };
    let certificate = client_auth(&mut section);
    section.finish(&[]);
    admitted?;
    Ok(Stream {
        path: path?,
        webhooks: carried?,
        admission: admission?,
        jwt: jwt?,
        callout: callout?,
        slow: slow?,
        origins: origins?,
        heartbeat: heartbeat?,
        compression: compression?,
        audience: audience?,
        client: client?,
        relay: relay?,
        events: events?,
        event_kinds: event_kinds?,
        manual_pong: manual_pong?,
        manual_close: manual_close?,
        frame_size: frame_size?,
        presence: presence?,
        presence_labels: presence_labels?,
        certificate: certificate?,
    })
}

fn client_auth(section: &mut Section<'_>) -> Read<ClientAuth> {
    let demands = [("none", Demand::None), ("optional", Demand::Optional), ("required", Demand::Required)];
    let demand = section.required("client_auth").and_then(|value| value.choice(&demands));
    let name = section.optional("client_name").map(|value| Ok(value.text("a name")?.to_owned())).transpose();
    if let (Ok(Demand::None), Ok(Some(_))) = (&demand, &name) {
        let hint = "say `client_auth = \"required\"` beside it";
        section.problem_with_hint("client_name", "is compared with nothing: no certificate is asked for", hint);
    }
    Ok(ClientAuth { demand: demand?, name: name? })
}

fn event_kinds(value: &Value<'_>) -> Read<Vec<EventKind>> {
    let kinds = [
        ("connect", EventKind::Connect),
        ("disconnect", EventKind::Disconnect),
        ("close", EventKind::Close),
        ("ping", EventKind::Ping),
        ("pong", EventKind::Pong),
    ];
    value.list().iter().map(|element| element.choice(&kinds)).collect()
}

fn texts(value: &Value<'_>) -> Read<Vec<String>> {
    value.list().iter().map(|element| Ok(element.text("a list of texts")?.to_owned())).collect()
}

/// A section `[http.NAME]`.
pub(super) fn page(
    mut section: Section<'_>,
    webhooks: &BTreeSet<String>,
    streams: &BTreeSet<String>,
    filters: &BTreeSet<String>,
) -> Read<Page> {
    let all = || Ok(streams.iter().cloned().collect());
    let path = section.required("path").and_then(|value| value.url_pattern());
    let filter = section.required("filter").and_then(|value| value.name(filters, "filter"));
    let webhook = section.optional("webhook").map(|value| value.name(webhooks, "webhook")).transpose();
    let reached = section.optional("streams").map_or_else(all, |value| value.names(streams, "stream"));
    section.finish(&[]);
    Ok(Page { path: path?, filter: filter?, webhook: webhook?, streams: reached? })
}

fn origins(value: &Value<'_>) -> Read<Vec<String>> {
    let expected = "origins such as `https://desk.example.com`: scheme, host and port, no path";
    let origins: Vec<Read<String>> = value
        .list()
        .iter()
        .map(|element| {
            let text = element.text(expected)?;
            match text.split_once("://") {
                Some((scheme, host)) if is_origin(scheme, host) => Ok(text.to_ascii_lowercase()),
                _ if text == "*" => Err(element.wrong_with_hint(expected, "leave `origins` out to let any origin in")),
                _ => Err(element.wrong(expected)),
            }
        })
        .collect();
    origins.into_iter().collect()
}

fn is_origin(scheme: &str, host: &str) -> bool {
    let allowed = |c: char| c.is_ascii_graphic() && !"/?#@*\\".contains(c);
    !scheme.is_empty()
        && !host.is_empty()
        && scheme.chars().all(|c| c.is_ascii_alphanumeric())
        && host.chars().all(allowed)
}

impl Value<'_> {
    /// The path of a URL, as it stands in a request: it is compared byte for byte. An empty one is any.
    fn url_path(&self) -> Read<String> {
        match &self.node.item {
            Item::Text(text) if text.is_empty() => Ok(String::new()),
            _ => self.path_of(self.text(PATH)?),
        }
    }

    /// A path, or with `*` at its end all that begin so.
    fn url_pattern(&self) -> Read<String> {
        let text = self.text(PATH)?;
        match text.strip_suffix("/*") {
            Some(above) => Ok(self.path_of(&format!("{above}/"))? + "*"),
            None => self.path_of(text),
        }
    }

    fn path_of(&self, text: &str) -> Read<String> {
        let what_for = |character: char| match character {
            '?' => Some("must be a path without a query"),
            '#' => Some("must be a path without a fragment"),
            '*' => Some("must be one path: `*` matches nothing here"),
            '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' => {
                Some("must be a path as a request has it: percent-encoded")
            }
            _ if !character.is_ascii_graphic() => Some("must be a path as a request has it: percent-encoded"),
            _ => None,
        };
        match text.chars().find_map(what_for) {
            _ if !text.starts_with('/') => Err(self.wrong(PATH)),
            Some(what) => Err(self.problem(what)),
            None => Ok(text.to_owned()),
        }
    }
}
