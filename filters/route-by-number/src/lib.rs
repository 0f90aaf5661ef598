//! Sends each message to the clients that serve its phone number: those labelled `phone_number_id=<id>`.
//!
//! A delivery may hold changes of several numbers. Then each number's clients get a body of that number's changes only,
//! their bytes as received; nobody sees another number's.

mod delivery;

use delivery::Delivery;
use postern_filter::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RouteByNumber {
    /// The key of the label that says which numbers a client serves.
    label: String,
    otherwise: Otherwise,
}

/// What becomes of what is not about a phone number, such as news of an account or a template.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Otherwise {
    Drop,
    Everyone,
}

impl Default for RouteByNumber {
    fn default() -> Self {
        Self { label: "phone_number_id".into(), otherwise: Otherwise::Drop }
    }
}

impl Filter for RouteByNumber {
    fn configure() -> Result<Self> {
        let filter: Self = config::parse()?;
        if filter.label.is_empty() { Err(Error::new("`label` is empty")) } else { Ok(filter) }
    }

    fn on_message(&self, message: &Message) -> Result<Verdict> {
        let body = message.data();
        let delivery = Delivery::read(&body);
        Ok(match delivery.numbers().as_slice() {
            [] | [None] => self.without_number(),
            [Some(number)] => Verdict::send(Selector::label(&self.label, *number)),
            numbers => Verdict::Send(numbers.iter().filter_map(|number| self.part(&delivery, *number)).collect()),
        })
    }
}

postern_filter::filter!(RouteByNumber: message);

impl RouteByNumber {
    fn without_number(&self) -> Verdict {
        match self.otherwise {
            Otherwise::Drop => Verdict::drop("no phone number id"),
            Otherwise::Everyone => Verdict::Pass,
        }
    }

    fn part(&self, delivery: &Delivery<'_>, number: Option<&str>) -> Option<postern_filter::Delivery> {
        let to = match (number, self.otherwise) {
            (Some(number), _) => Selector::label(&self.label, number),
            (None, Otherwise::Everyone) => Selector::Everyone,
            (None, Otherwise::Drop) => return None,
        };
        let payload = Some(Payload::text(delivery.only(number)));
        Some(postern_filter::Delivery { to, except: vec![], payload })
    }
}

#[cfg(test)]
mod tests;
