//! A client gets an event only if what the event says at one place is among the client's labels of one key: the number it
//! works for, the tenant it belongs to. An event that says nothing there goes to those who carry `everything`, if that
//! label is configured, and to nobody otherwise.

use postern_filter::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByLabel {
    /// An RFC 6901 JSON Pointer into the event.
    pointer: String,
    /// The key of the labels that are compared.
    label: String,
    /// Whoever carries this value of the key gets everything.
    everything: Option<String>,
}

impl Filter for ByLabel {
    fn configure() -> Result<Self> {
        let filter: Self = config::parse()?;
        if !filter.pointer.starts_with('/') {
            return Err(Error::new(format!("`pointer` is {:?}, and a JSON Pointer begins with `/`", filter.pointer)));
        }
        Ok(filter)
    }

    fn choose(&self, message: &Message, among: &[Client]) -> Result<Vec<bool>> {
        let value = message.pointer(&self.pointer);
        let wants = |client: &Client| {
            let mine = client.labels().into_iter().filter(|label| label.key == self.label);
            let mut values = mine.map(|label| Some(label.value));
            values.any(|mine| mine == value || mine == self.everything)
        };
        Ok(among.iter().map(wants).collect())
    }
}

postern_filter::filter!(ByLabel: audience);

#[cfg(test)]
mod tests {
    use super::*;
    use postern_filter::testing;
    use serde_json::json;

    #[test]
    fn each_gets_what_is_about_a_label_of_its_own() {
        testing::configure(json!({ "pointer": "/to", "label": "number", "everything": "*" }));
        let filter = ByLabel::configure().expect("it is right");
        let number = |value: &str| Client::new(1).with_label("number", value).with_label("desk", "5");
        let clients = [number("1"), number("2").with_label("number", "1"), number("*"), Client::new(2), number("5")];
        let chosen = |body| filter.choose(&Message::json(&body), &clients).expect("it answers");
        assert_eq!(chosen(json!({ "to": "1" })), [true, true, true, false, false]);
        assert_eq!(chosen(json!({ "to": 5 })), [false, false, true, false, true], "a number is its digits");
        assert_eq!(chosen(json!({ "from": "1" })), [false, false, true, false, false]);
    }

    #[test]
    fn without_a_label_for_everything_nobody_has_everything() {
        testing::configure(json!({ "pointer": "/to", "label": "number" }));
        let filter = ByLabel::configure().expect("it is right");
        let clients = [Client::new(1), Client::new(2).with_label("number", "1")];
        assert_eq!(filter.choose(&Message::json(&json!({})), &clients).expect("it answers"), [false, false]);
    }

    #[test]
    fn a_pointer_that_is_none_is_refused() {
        testing::configure(json!({ "pointer": "to", "label": "number" }));
        assert!(ByLabel::configure().is_err());
    }
}
