//! Drops the WhatsApp deliveries that hold statuses (sent, delivered, read, …) and nothing else.
//!
//! What may be dropped is written as a type: a body of exactly that shape is dropped, and all others, unreadable ones
//! included, are kept. A key that Meta adds tomorrow is therefore a reason to keep, not to drop.

use postern_filter::prelude::*;
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DropStatuses {}

impl Filter for DropStatuses {
    fn configure() -> Result<Self> {
        config::parse()
    }

    fn on_message(&self, message: &Message) -> Result<Verdict> {
        // Whatever has none is no such body, and to read it as one only to be told so, with line and column, is half a call.
        if str::from_utf8(&message.data()).is_ok_and(|body| !body.contains(STATUSES)) {
            return Ok(Verdict::Pass);
        }
        let delivery = message.parse::<Delivery>();
        Ok(if delivery.is_ok_and(|delivery| delivery.holds_only_statuses()) {
            Verdict::drop("only statuses")
        } else {
            Verdict::Pass
        })
    }
}

postern_filter::filter!(DropStatuses: message);

/// As Meta writes it. Who wrote it otherwise, `\u0073tatuses`, would be a reason to keep.
const STATUSES: &str = r#""statuses""#;

#[derive(Deserialize)]
struct Delivery {
    #[serde(rename = "object")]
    _object: Object,
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Object {
    WhatsappBusinessAccount,
}

#[derive(Deserialize)]
struct Entry {
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "field")]
    _field: Field,
    value: Value,
}

/// Calls have statuses too, under a field of their own, and those are news.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Field {
    Messages,
}

/// What comes with statuses. `errors` is not here: they are not about a message, and someone should see them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Value {
    #[serde(rename = "messaging_product")]
    _messaging_product: IgnoredAny,
    #[serde(rename = "metadata")]
    _metadata: IgnoredAny,
    #[serde(default, rename = "contacts")]
    _contacts: IgnoredAny,
    statuses: Vec<IgnoredAny>,
    #[serde(default)]
    messages: Vec<IgnoredAny>,
}

impl Delivery {
    fn holds_only_statuses(&self) -> bool {
        let mut values = self.entry.iter().flat_map(|entry| &entry.changes).map(|change| &change.value).peekable();
        values.peek().is_some() && values.all(|value| !value.statuses.is_empty() && value.messages.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    fn bodies(kind: &str) -> Vec<(String, Vec<u8>)> {
        let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(kind);
        let files = fs::read_dir(directory).expect("the fixtures are there").flatten();
        files
            .map(|file| (file.file_name().to_string_lossy().into(), fs::read(file.path()).expect("readable")))
            .collect()
    }

    fn drops(body: &[u8]) -> bool {
        let verdict = DropStatuses {}.on_message(&Message::delivered(body)).expect("it never fails");
        verdict == Verdict::drop("only statuses")
    }

    #[test]
    fn statuses_and_only_statuses_are_dropped() {
        let bodies = bodies("whatsapp");
        assert!(bodies.len() > 90);
        for (name, body) in bodies {
            let statuses = name.starts_with("status_") || name == "batch_100_statuses.json";
            assert_eq!(drops(&body), statuses, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_kept() {
        for (name, body) in bodies("bad").into_iter().chain(bodies("meta-other")) {
            assert!(!drops(&body), "{name}");
        }
    }

    #[test]
    fn a_status_beside_something_new_is_kept() {
        let body = r#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":
            {"messaging_product":"whatsapp","metadata":{},"statuses":[{"id":"wamid.1"}],"teleports":[]}}]}]}"#;
        assert!(!drops(body.as_bytes()));
        assert!(drops(body.replace(r#","teleports":[]"#, "").as_bytes()));
    }

    #[test]
    fn configuration_it_does_not_have_is_refused() {
        postern_filter::testing::configure(serde_json::json!({ "keep": ["failed"] }));
        assert!(DropStatuses::configure().is_err());
    }
}
