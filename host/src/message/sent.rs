//! What a filter or an operator sends, as a delivery of its own: it goes through the inbox like what a webhook brings, so
//! it is durable, in order, resumed and replayed like that.

use super::{Audience, Changes, Delivery, Fingerprint, Item, Keys, Orders, Payload, SENT, Sending, Timestamp};
use bytes::{Bytes, BytesMut};
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::Arc;

impl Delivery {
    /// A delivery of these, in this order, with these changes around them. At least one is sent. Each is an event of its own that
    /// was never seen before. The total is less than 4 GiB, here and below.
    pub fn sent(kind: &str, sends: Vec<(Payload, Audience)>, changes: Changes) -> Self {
        compose(SENT.into(), sends.into_iter().map(|(payload, audience)| (kind, payload, Some(audience))), changes)
    }

    /// What a filter takes for a webhook, and what it sends with that: all of it is there, or nothing.
    pub fn accepted(webhook: Arc<str>, payload: Payload, sends: Vec<(Payload, Audience)>, changes: Changes) -> Self {
        let sends = sends.into_iter().map(|(payload, audience)| ("send", payload, Some(audience)));
        compose(webhook, std::iter::once(("http", payload, None)).chain(sends), changes)
    }
}

fn compose<'a>(
    webhook: Arc<str>,
    parts: impl Iterator<Item = (&'a str, Payload, Option<Audience>)>,
    changes: Changes,
) -> Delivery {
    let (mut items, mut sends, mut body) = (Vec::new(), Vec::new(), BytesMut::new());
    for (kind, payload, audience) in parts {
        let from = body.len() as u32;
        body.extend_from_slice(&payload.data);
        let pieces = vec![(from, body.len() as u32)];
        items.push(Item { kind: kind.to_owned(), keys: Keys::default(), pieces, fingerprint: Fingerprint::random() });
        sends.push(audience.map(|audience| Sending { format: payload.format, audience }));
    }
    Delivery {
        webhook,
        received: Timestamp::now(),
        content_type: None,
        unparsed: false,
        items,
        body: body.freeze(),
        orders: Some(Orders { sends, changes }),
    }
}

impl Fingerprint {
    /// One that nothing else has.
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).expect("the system gives random bytes");
        Self(bytes)
    }
}

impl Sending {
    /// A part of a delivery, as it was before.
    pub fn payload(&self, data: Bytes) -> Payload {
        Payload { format: self.format, data }
    }
}
