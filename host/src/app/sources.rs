//! Webhooks by number: a frame says by a number where it came from, and a stream by numbers what it carries. A name keeps
//! its number for as long as the process lives, whatever is configured.

use crate::hub::Source;
use crate::message::SENT;
use std::sync::{PoisonError, RwLock};

#[derive(Default)]
pub struct Sources(RwLock<Vec<String>>);

impl Sources {
    /// The number of a webhook, given now if it has none.
    pub fn number(&self, webhook: &str) -> usize {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        names.iter().position(|name| name == webhook).unwrap_or_else(|| {
            names.push(webhook.to_owned());
            names.len() - 1
        })
    }

    /// Which of all numbers are those of `webhooks`.
    pub fn numbers(&self, webhooks: &[String]) -> Vec<bool> {
        let mut carried = Vec::new();
        for webhook in webhooks {
            let number = self.number(webhook);
            carried.resize(carried.len().max(number + 1), false);
            carried[number] = true;
        }
        carried
    }

    /// What an entry of the outbox came from.
    pub fn of(&self, webhook: &str) -> Source {
        if webhook == SENT {
            return Source::Sent;
        }
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.iter().position(|name| name == webhook).map_or(Source::Gone, Source::Webhook)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_keeps_its_number_and_what_was_never_configured_has_none() {
        let sources = Sources::default();
        assert_eq!(sources.numbers(&["a".into(), "b".into()]), [true, true]);
        assert_eq!(sources.numbers(&["c".into(), "b".into()]), [false, true, true]);
        assert_eq!((sources.of("b"), sources.of("c")), (Source::Webhook(1), Source::Webhook(2)));
        assert_eq!((sources.of("d"), sources.of(SENT)), (Source::Gone, Source::Sent));
        assert!(sources.numbers(&[]).is_empty());
    }
}
