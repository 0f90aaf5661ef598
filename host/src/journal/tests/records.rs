//! Records: what is read is what was written, and no bytes make a decoder panic.

use super::*;
use crate::journal::record::{
    BatchHeader, EntryHeader, VerdictHeader, decode_delivery, decode_entries, decode_ordered, decode_verdicts,
    encode_batch, encode_delivery, webhook_of,
};
use crate::message::{Change, Changes, ClientId, Format, Label, Narrowing, Orders, Selector, Sending};
use crate::random::cases;
use proptest::prelude::*;

fn audience() -> impl Strategy<Value = Audience> {
    let label = || (".*", ".*").prop_map(|(key, value)| Label { key, value });
    let selector = prop_oneof![
        Just(Selector::Everyone),
        prop::collection::vec(any::<u64>().prop_map(ClientId), 0..4).prop_map(Selector::Clients),
        prop::collection::vec(label(), 0..3).prop_map(Selector::AnyLabel),
        prop::collection::vec(label(), 0..3).prop_map(Selector::AllLabels),
        prop::collection::vec(".*", 0..3).prop_map(Selector::Subjects),
        prop::collection::vec(".*", 0..3).prop_map(Selector::Streams),
    ];
    let except = prop::collection::vec(any::<u64>().prop_map(ClientId), 0..3);
    let narrowing = (selector, except).prop_map(|(to, except)| Narrowing { to, except });
    prop::collection::vec(narrowing, 0..3).prop_map(Audience)
}

/// A record as it lies on disk.
fn joined((head, body): (Bytes, Bytes)) -> Bytes {
    [head, body].concat().into()
}

proptest! {
    #![proptest_config(cases(64))]
    #[test]
    fn a_record_read_is_the_record_written(
        numbers in any::<[u64; 3]>(), webhook in ".*", content_type in any::<Option<String>>(), unparsed in any::<bool>(),
        text in any::<bool>(), audience in audience(), bodies in prop::collection::vec(any::<Vec<u8>>(), 1..4),
    ) {
        let (received, webhook) = (Timestamp(numbers[0]), Arc::<str>::from(webhook));
        let items = bodies.iter().map(|body| item(body, vec![(0, body.len() as u32)])).collect();
        let body = Bytes::from(bodies.concat());
        let delivery = Delivery { webhook: webhook.clone(), received, content_type, unparsed, items, body, orders: None };
        let seen = vec![None, Some(EventId(numbers[1])), None];
        let record = joined(encode_delivery(&delivery, &seen));
        prop_assert_eq!(webhook_of(&record).expect("whole"), &*webhook);
        let (header, body) = decode_delivery(record).expect("whole");
        prop_assert_eq!(&body, &delivery.body);
        prop_assert_eq!(header.size as usize, delivery.body.len());
        prop_assert_eq!(header.items.iter().map(|item| item.item.clone()).collect::<Vec<_>>(), delivery.items.clone());
        prop_assert!(header.items.iter().map(|item| item.duplicate_of).eq(seen.iter().copied().take(bodies.len())));
        let all = vec![Some(EventId(1)); bodies.len()];
        let (header, body) = decode_delivery(joined(encode_delivery(&delivery, &all))).expect("whole");
        prop_assert!(body.is_empty() && header.size as usize == delivery.body.len());

        let sends = bodies.iter().map(|_| Some(Sending { format: Format::Binary, audience: audience.clone() })).collect();
        let change = Change::Disconnect { client: ClientId(numbers[2]), code: 1008, reason: webhook.to_string() };
        let changes = Changes { before: vec![change.clone()], after: vec![change] };
        let ordered = Delivery { orders: Some(Orders { sends, changes }), ..delivery.clone() };
        let record = joined(encode_delivery(&ordered, &seen));
        prop_assert_eq!(webhook_of(&record).expect("whole"), &*webhook);
        let (header, orders, body) = decode_ordered(record).expect("whole");
        prop_assert_eq!((header.items.len(), &orders, &body), (bodies.len(), &ordered.orders, &ordered.body));

        let (event, offset) = (EventId(numbers[1]), Offset(numbers[2] >> 1));
        let (kind, keys) = (Arc::<str>::from("messages"), Arc::new(keys("5")));
        let format = if text { Format::Text } else { Format::Binary };
        let entry_header = |body: &Vec<u8>| EntryHeader {
            event, received, content_type: delivery.content_type.clone(), unparsed, kind: kind.clone(),
            keys: keys.clone(), format, audience: audience.clone(), length: body.len() as u64,
        };
        let outcome = Outcome::Delivered { first: offset, count: bodies.len() as u32 };
        let trail = vec![Step { filter: "f".into(), sha256: "0".into(), verdict: "pass".into(), micros: numbers[2] }];
        let verdict = VerdictHeader {
            event, received, decided: received, kind: kind.to_string(), keys: Keys::clone(&keys), outcome, trail,
        };
        let entries = bodies.iter().map(entry_header).collect();
        let header = BatchHeader { webhook: webhook.to_string(), verdicts: vec![verdict], entries };
        let bodies: Vec<Bytes> = bodies.into_iter().map(Bytes::from).collect();
        let record = joined(encode_batch(&header, &bodies));
        prop_assert_eq!(decode_verdicts(record.clone()).expect("whole"), (header.webhook, header.verdicts));
        let read = decode_entries(offset, 7, record.clone()).expect("whole");
        prop_assert!(read.iter().map(|entry| &entry.payload.data).eq(bodies.iter()));
        prop_assert!(read.iter().map(|entry| entry.offset.0).eq(offset.0..offset.0 + bodies.len() as u64));
        prop_assert!(read.iter().all(|entry| entry.audience == audience && entry.epoch == 7 && entry.keys == keys));

        // Cut short or with a byte turned, it is another record or a damaged one, and never a panic.
        let mut record = record.to_vec();
        let at = numbers[0] as usize % record.len();
        record[at] ^= 1 << (numbers[1] % 8);
        let _ = decode_entries(offset, 7, record.clone().into());
        record.truncate(numbers[2] as usize % record.len());
        let _ = decode_entries(offset, 7, record.into());
    }

    #[test]
    fn no_bytes_whatever_make_a_decoder_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), shape in any::<bool>()) {
        // Half of them get past the version and the length.
        if shape && bytes.len() > 5 {
            let header = (bytes.len() - 5) as u8;
            bytes[..5].copy_from_slice(&[1 + header % 2, 0, 0, 0, header]);
        }
        let bytes = Bytes::from(bytes);
        let _ = (webhook_of(&bytes).is_ok(), decode_entries(Offset(1), 0, bytes.clone()), decode_verdicts(bytes.clone()));
        if let Ok((header, body)) = decode_delivery(bytes) {
            header.items.iter().for_each(|item| drop(item.part(&body)));
        }
    }
}
