//! Deliveries of everyone but Meta: each is one event, its body the bytes that came. Here it is told of what kind it is, whom
//! it is about, and by what it is recognised when it comes again.
//!
//! It is recognised by what was signed and by nothing else: an id in the body, or one that its provider signs, or all of the
//! body. Ids in headers that are not signed (GitHub's, Shopify's) would let whoever got hold of one signed body have it
//! delivered as often as he likes. So to them two deliveries of the same bytes are one; where one object makes several
//! deliveries (Shopify's `orders/create` and `orders/paid` of an order), each wants a webhook of its own.
//!
//! A kind may come from such a header (`topic`), since their bodies do not say it. It is a name on the event, never a key;
//! and because the same body is not delivered twice, nobody can have one that arrived delivered again under another name.

use super::fingerprint;
use super::keys::is_good;
use super::look::{self, word};
use super::scan::Refusal;
use super::text::Text;
use super::{Split, UNPARSED};
use crate::message::{Item, Keys};
use crate::provider::{Pointer, Provider};
use http::{HeaderMap, HeaderName};
use std::borrow::Cow;

/// The kind of a delivery of which nothing better is known.
const DELIVERY: &str = "webhook";

/// What is known of a delivery beside its body.
#[derive(Clone, Copy, Default)]
pub struct Told<'a> {
    /// A hash of what its provider calls it, where that was signed and is not in the body.
    pub name: Option<&'a [u8; 32]>,
    /// See [`topic`].
    pub topic: Option<&'a str>,
    /// Where in the body its kind is, if the configuration says so.
    pub kind: Option<&'a Pointer>,
}

/// Of what kind a delivery is by a header that nobody signed.
pub fn topic(provider: Provider, headers: &HeaderMap) -> Option<&str> {
    let name = match provider {
        Provider::Github => HeaderName::from_static("x-github-event"),
        Provider::Shopify => HeaderName::from_static("x-shopify-topic"),
        _ => return None,
    };
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok().filter(|topic| is_good(topic))
}

/// The one event that a delivery is.
pub fn whole(provider: Provider, webhook: &str, body: &[u8], told: Told<'_>) -> Split {
    let said = said(provider, body);
    let unparsed = said.is_err();
    let Said { kind, user, id } = said.unwrap_or_default();
    let chosen = told.kind.and_then(|pointer| kind_at(body, &pointer.steps().collect::<Vec<_>>()).ok()?);
    let kind = chosen.or(told.topic.map(Cow::from)).or(kind).filter(|_| !unparsed);
    let kind = kind.unwrap_or_else(|| if unparsed { UNPARSED } else { DELIVERY }.into()).into_owned();
    let fingerprint = match (told.name, id) {
        (Some(name), _) => fingerprint::whole(webhook, "named", name),
        (None, Some(id)) if !id.is_empty() => fingerprint::named(webhook, provider.name(), &id),
        _ => fingerprint::whole(webhook, "delivery", body),
    };
    let keys = Keys { user, ..Keys::default() };
    Split { items: vec![Item { kind, keys, pieces: Vec::new(), fingerprint }], unparsed }
}

/// What a body says.
#[derive(Default)]
struct Said<'a> {
    kind: Option<Cow<'a, str>>,
    /// The other side of the conversation.
    user: Option<String>,
    /// What its provider calls it.
    id: Option<Text<'a>>,
}

/// A refusal: it is not what this provider sends.
fn said(provider: Provider, body: &[u8]) -> Result<Said<'_>, Refusal> {
    match provider {
        Provider::Github if body.starts_with(b"payload=") => Ok(Said::default()),
        Provider::Github | Provider::Shopify => object(body).map(|()| Said::default()),
        Provider::Stripe => {
            object(body)?;
            Ok(Said { kind: kind_at(body, &["type"])?, id: word(body, &["id"])?, user: None })
        }
        Provider::Slack if body.first() != Some(&b'{') => Ok(of_slack_form(body)),
        Provider::Slack => of_slack_event(body),
        Provider::Telegram => of_telegram(body),
        Provider::Twilio => Ok(of_twilio(body)),
        // What these send need not be JSON.
        Provider::StandardWebhooks => {
            Ok(Said { kind: kind_at(body, &["type"]).unwrap_or_default(), ..Said::default() })
        }
        Provider::Meta | Provider::Hmac | Provider::None => Ok(Said::default()),
    }
}

fn of_slack_event(body: &[u8]) -> Result<Said<'_>, Refusal> {
    object(body)?;
    let kind = match kind_at(body, &["event", "type"])? {
        None => kind_at(body, &["type"])?,
        kind => kind,
    };
    Ok(Said { kind, user: key_at(body, &["event", "user"])?, id: word(body, &["event_id"])? })
}

/// Slash commands, and what is done with buttons and the like.
fn of_slack_form(body: &[u8]) -> Said<'_> {
    if let Some(payload) = field(body, "payload") {
        let kind = kind_at(payload.as_bytes(), &["type"]).ok().flatten().map(Cow::into_owned);
        let user = key_at(payload.as_bytes(), &["user", "id"]).unwrap_or_default();
        return Said { kind: kind.map(Cow::from), user, id: None };
    }
    let kind = field(body, "command").map(|_| "command".into());
    Said { kind, user: field(body, "user_id").and_then(|user| key(&user)), id: None }
}

/// An update is its number and one object, which is named for what has happened.
fn of_telegram(body: &[u8]) -> Result<Said<'_>, Refusal> {
    object(body)?;
    let kind = look::first_object(body)?.and_then(plain);
    let user = match &kind {
        Some(kind) => key_at(body, &[kind, "from", "id"])?,
        None => None,
    };
    Ok(Said { kind, user, id: word(body, &["update_id"])? })
}

/// Twilio's own ids do not tell one callback from the next (a call has many of one status), so it is recognised by all
/// that was signed.
fn of_twilio(body: &[u8]) -> Said<'_> {
    let (status, message, call) = (field(body, "MessageStatus"), field(body, "MessageSid"), field(body, "CallSid"));
    let (kind, user) = match (status, message, call) {
        (Some(_), Some(_), _) => ("message-status", "To"),
        (None, Some(_), _) => ("message", "From"),
        (_, None, Some(_)) => ("call", "From"),
        _ => return Said::default(),
    };
    Said { kind: Some(kind.into()), user: field(body, user).and_then(|user| key(&user)), id: None }
}

fn object(body: &[u8]) -> Result<(), Refusal> {
    if look::is_object(body) { Ok(()) } else { Err(Refusal::Malformed) }
}

fn kind_at<'a>(body: &'a [u8], steps: &[&str]) -> Result<Option<Cow<'a, str>>, Refusal> {
    Ok(word(body, steps)?.and_then(plain))
}

fn key_at(body: &[u8], steps: &[&str]) -> Result<Option<String>, Refusal> {
    Ok(word(body, steps)?.and_then(|word| word.key().map(str::to_owned)))
}

/// A word that may be a kind.
fn plain(word: Text<'_>) -> Option<Cow<'_, str>> {
    match word {
        Text::Short(word) if is_good(&word) => Some(word),
        _ => None,
    }
}

fn key(word: &str) -> Option<String> {
    Text::Short(word.into()).key().map(str::to_owned)
}

/// A field of a form, when it is there once.
fn field<'a>(body: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    let mut values = form_urlencoded::parse(body).filter(|(given, _)| given == name);
    let (_, value) = values.next()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests;
