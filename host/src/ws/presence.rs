//! Who else is connected, for clients that speak `postern.v1` on a stream that tells it. Not an event: it is told as it is
//! now, at every beat at most once, and nobody gets it again who comes back. A client that is slow is told later, and then
//! all of it.

use super::encode::texts::{Quoted, rfc3339};
use super::shard::{Shard, Shared, pump_one};
use super::{Form, Stream};
use crate::clients::Clients;
use crate::message::{Card, Scope, Selector};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

/// So many are named at most; how many there are is always told.
const NAMED: usize = 1000;

/// A client that has so much waiting for it is told when it has taken that.
const WAITING: usize = 64 << 10;

/// What a client says to be told all over again.
const ASKED: &str = "presence";

/// Whether a message asks who is there: `{"type":"presence"}`.
pub fn is_asked(text: &[u8]) -> bool {
    let asked =
        |said: serde_json::Map<String, serde_json::Value>| said.len() == 1 && said.get("type") == Some(&ASKED.into());
    text.len() <= 64 && serde_json::from_slice(text).is_ok_and(asked)
}

/// A stream, and what a client has seen of it last.
type Heard = (Arc<str>, Option<u64>);

/// Tells the clients of a shard what they do not know yet.
pub fn tell(shared: &Shared, shard: &mut Shard) {
    // Most have seen the same.
    let mut texts: HashMap<Heard, (u64, Arc<str>)> = HashMap::new();
    let clients = shard.parts.clients.clone();
    let mut told = Vec::new();
    for slot in shard.clients.of(|stream, manner| stream.presence.is_some() && manner.form == Form::V1) {
        let client = &mut shard.clients.at(slot).client;
        let stream = client.stream.clone();
        let Some(keys) = &stream.presence else { continue };
        if client.closing.is_some() || client.blocked && client.control.len() > WAITING {
            continue;
        }
        let seen = client.presence;
        let (number, text) = texts.entry((stream.name.clone(), seen)).or_insert_with(|| {
            let number = clients.news(&stream.name);
            let text = if seen == Some(number) { String::new() } else { text(&clients, &stream, keys, seen) };
            (number, text.into())
        });
        client.presence = Some(*number);
        let id = client.card.id;
        if !text.is_empty()
            && let Some(seat) = shard.clients.reach(id)
        {
            seat.client.tell_text(text);
            told.push(id);
        }
    }
    for id in told {
        pump_one(shared, shard, id);
    }
}

/// What has changed since, or when that is too much or nothing was seen, who is there.
fn text(clients: &Clients, stream: &Stream, keys: &[String], seen: Option<u64>) -> String {
    let scope = Scope::of([stream.name.clone()]);
    let count = clients.count(&Selector::Everyone, &scope);
    let changed = seen.and_then(|seen| clients.news_since(&stream.name, seen));
    match changed.filter(|changed| changed.here.len() + changed.gone.len() <= NAMED) {
        Some(changed) => {
            let gone: Vec<String> = changed.gone.iter().map(|id| format!("\"{id}\"")).collect();
            let here = cards(&changed.here, keys);
            format!(r#"{{"type":"presence","joined":[{here}],"left":[{}],"count":{count}}}"#, gone.join(","))
        }
        None => {
            let all = clients.find(&Selector::Everyone, &scope, None, NAMED);
            format!(r#"{{"type":"presence","clients":[{}],"count":{count}}}"#, cards(&all, keys))
        }
    }
}

fn cards(cards: &[Arc<Card>], keys: &[String]) -> String {
    let mut out = String::new();
    for card in cards {
        if !out.is_empty() {
            out.push(',');
        }
        // Writing to a string does not fail, here and below.
        let _ = write!(out, r#"{{"client":"{}","since":"{}""#, card.id, rfc3339(card.since));
        if let Some(subject) = &card.subject {
            let _ = write!(out, r#","subject":{}"#, Quoted(subject));
        }
        if !keys.is_empty() {
            let shown = keys.iter().map(|key| {
                let values = card.labels.iter().filter(|label| label.key == *key);
                let values: Vec<String> = values.map(|label| Quoted(&label.value).to_string()).collect();
                format!("{}:[{}]", Quoted(key), values.join(","))
            });
            let _ = write!(out, r#","labels":{{{}}}"#, shown.collect::<Vec<_>>().join(","));
        }
        out.push('}');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Label;

    #[test]
    fn a_card_shows_the_labels_it_is_to_show_and_no_others() {
        let label = |key: &str, value: &str| Label { key: key.into(), value: value.into() };
        let labels = vec![label("room", "a"), label("tenant", "secret"), label("room", "b\"")];
        let card = Arc::new(Card { labels, subject: Some("ann".into()), ..Card::test(1) });
        let shown = cards(&[card], &["room".to_owned(), "desk".to_owned()]);
        let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(shown["labels"], serde_json::json!({ "room": ["a", "b\""], "desk": [] }));
        assert_eq!((&shown["client"], &shown["subject"]), (&"0000000000000001".into(), &"ann".into()));
    }

    #[test]
    fn who_is_there_is_asked_for_in_one_way() {
        assert!(is_asked(br#"{"type":"presence"}"#) && is_asked(br#" { "type" : "presence" } "#));
        for other in [r#"{"type":"live"}"#, r#"{"type":"presence","x":1}"#, "presence", "", r#"["presence"]"#] {
            assert!(!is_asked(other.as_bytes()), "{other}");
        }
    }
}
