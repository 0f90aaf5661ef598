//! Takes phone numbers and names out of messages: the values of the fields named, and nothing else. All other bytes,
//! the order of keys and the digits of numbers included, stay as they came.
//!
//! It fails closed. What it cannot read to the end by the grammar of JSON is an error, never a pass, for what it does
//! not understand may hold what it is here to hide.

mod scan;

use postern_filter::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Redact {
    /// Keys, or the last keys of a path: `from`, `profile.name`.
    fields: Vec<String>,
    /// What stands in the place of a value.
    replacement: String,
}

/// Where WhatsApp puts the phone numbers and names of people. Ids such as `user_id` say who is who without saying who.
const FIELDS: [&str; 19] = [
    "contacts.name",
    "customer",
    "first_name",
    "from",
    "full_name",
    "input",
    "new_wa_id",
    "phone",
    "phone_number",
    "profile.name",
    "profile.username",
    "recipient_id",
    "recipient_participant_id",
    "system.body",
    "threads.id",
    "to",
    "username",
    "vcard",
    "wa_id",
];

impl Default for Redact {
    fn default() -> Self {
        Self { fields: FIELDS.map(str::to_owned).into(), replacement: "[redacted]".into() }
    }
}

impl Filter for Redact {
    fn configure() -> Result<Self> {
        let filter: Self = config::parse()?;
        filter.check()?;
        Ok(filter)
    }

    fn on_message(&self, message: &Message) -> Result<Verdict> {
        let text = String::from_utf8(message.data()).map_err(|_| Error::new("the message is not UTF-8"))?;
        let fields: Vec<Vec<&str>> = self.fields.iter().map(|field| field.split('.').collect()).collect();
        let spans = scan::find(&text, &fields)?;
        if spans.is_empty() {
            return Ok(Verdict::Pass);
        }
        Ok(Verdict::Rewrite(Payload { format: message.format(), data: self.replace(&text, &spans).into_bytes() }))
    }
}

postern_filter::filter!(Redact: message);

impl Redact {
    fn check(&self) -> Result<()> {
        if self.fields.is_empty() {
            return Err(Error::new("`fields` is empty: nothing would be redacted"));
        }
        match self.fields.iter().position(|field| field.split('.').any(str::is_empty)) {
            Some(at) => Err(Error::new(format!("`fields[{at}]` is not a key or keys joined by dots"))),
            None => Ok(()),
        }
    }

    fn replace(&self, text: &str, spans: &[std::ops::Range<usize>]) -> String {
        let replacement = serde_json::Value::from(&*self.replacement).to_string();
        let mut redacted = String::with_capacity(text.len() + spans.len() * replacement.len());
        let mut end = 0;
        for span in spans {
            redacted.push_str(&text[end..span.start]);
            redacted.push_str(&replacement);
            end = span.end;
        }
        redacted.push_str(&text[end..]);
        redacted
    }
}

#[cfg(test)]
mod tests;
