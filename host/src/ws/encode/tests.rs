use super::*;
use crate::message::{ClientId, Gap, Keys, Loss};
use crate::ws::tests::{Got, cursor, entry, inflate, understand};
use proptest::prelude::*;
use serde_json::Value;

const RAW: Manner = Manner { form: Form::Raw, deflate: false, frame_size: None };
const V1: Manner = Manner { form: Form::V1, deflate: false, frame_size: None };
const SSE: Manner = Manner { form: Form::Sse, deflate: false, frame_size: None };

/// What goes out to a client of which `given` was the last thing.
fn sent(manner: Manner, frame: &Frame, given: Cursor) -> Vec<u8> {
    let given = crate::hub::letters(given);
    let view = manner.view(frame);
    let mut slices = [IoSlice::new(&[]); PARTS];
    let count = view.fill(&given, &mut slices);
    let bytes = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect::<Vec<u8>>();
    assert_eq!(bytes.len(), view.length());
    bytes
}

fn got(manner: Manner, frame: &Frame, given: Cursor) -> Got {
    let mut bytes = sent(manner, frame, given);
    let got = understand(manner.form, &mut bytes).expect("something whole was sent");
    assert!(bytes.is_empty(), "and nothing else");
    got
}

fn message(manner: Manner, frame: &Frame, given: Cursor) -> String {
    let Got::Text(message) = got(manner, frame, given) else { panic!("no text") };
    message
}

fn framed(entry: Entry) -> Arc<Frame> {
    frame(entry, Source::Webhook(0))
}

#[test]
fn raw_is_the_body_in_one_message() {
    let short = framed(entry(4, "[1]"));
    assert_eq!(sent(RAW, &short, cursor(1)), b"\x81\x03[1]");
    assert_eq!(got(RAW, &framed(entry(4, &b"\xff"[..])), cursor(1)), Got::Binary(vec![0xff]));
    for length in [125, 126, 65_535, 65_536] {
        assert_eq!(message(RAW, &framed(entry(4, vec![b'x'; length])), cursor(1)).len(), length);
    }
}

#[test]
fn v1_is_this_text() {
    let (this, before) = (cursor(5), cursor(2));
    let wanted = |body: &str| {
        format!(
            r#"{{"type":"event","cursor":"{this}","prev":"{before}","id":"0000000000000104","webhook":"whats\"app","kind":"messages","received":"1970-01-01T00:00:01.000Z","keys":{{"waba":"1","user":"a\nb"}},{body}}}"#
        )
    };
    for (body, shown) in [
        (&b"{\"a\": 1}"[..], "\"body\":{\"a\": 1}"),
        (b" [1,\r\n2] ", "\"body\": [1,\r\n2] "),
        (b"text", "\"base64\":\"dGV4dA==\""),
        (b"", "\"base64\":\"\""),
        (b"\"\xff\"", "\"base64\":\"Iv8i\""),
        (b"{} {}", "\"base64\":\"e30ge30=\""),
        (b"\"a\0b\"", "\"base64\":\"ImEAYiI=\""),
        (b"\xef\xbb\xbf{}", "\"base64\":\"77u/e30=\""),
    ] {
        assert_eq!(message(V1, &framed(entry(4, body)), before), wanted(shown));
    }
    let bare = Entry { keys: Arc::new(Keys::default()), ..entry(4, "1") };
    assert!(message(V1, &framed(bare), before).contains(r#""keys":{},"body":1"#));
}

#[test]
fn json_however_deep_stands_in_v1_as_it_is() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let text = message(V1, &framed(entry(4, deep.clone())), cursor(1));
    assert!(text.ends_with(&format!(r#""body":{deep}}}"#)));
}

#[test]
fn a_time_that_has_no_name_does_no_harm() {
    let late = Entry { received: crate::message::Timestamp(u64::MAX), ..entry(4, "1") };
    assert!(message(V1, &framed(late), cursor(1)).contains("9999-12-31T23:59:59.999Z"));
}

#[test]
fn an_event_is_this_block() {
    let this = cursor(5);
    let sse = |body: &'static [u8]| String::from_utf8(sent(SSE, &framed(entry(4, body)), cursor(1))).expect("UTF-8");
    assert_eq!(sse(b"{\"a\":1}"), format!("id: {this}\nevent: messages\ndata: {{\"a\":1}}\n\n"));
    let lines = "data: a\ndata: b\ndata: \ndata:  c\ndata: \n\n";
    assert_eq!(sse(b"a\r\nb\r\n\n c\r"), format!("id: {this}\nevent: messages\n{lines}"));
    assert_eq!(sse(b"\xff"), format!("id: {this}\nevent: messages\ndata: {{\"base64\":\"/w==\"}}\n\n"));
}

#[test]
fn a_kind_neither_ends_its_line_nor_passes_for_ours() {
    for (kind, name) in [("a\nid: x", "a_id: x"), ("postern.drain", "_postern.drain"), ("é\r", "é_")] {
        let frame = framed(Entry { kind: kind.into(), ..entry(4, "1") });
        let Got::Block { id, event, .. } = got(SSE, &frame, cursor(1)) else { panic!("no block") };
        assert_eq!((id, event), (Some(cursor(5).to_string()), name.to_owned()));
    }
}

#[test]
fn what_is_said_to_one_client_is_this() {
    let (from, to) = (cursor(1), cursor(9));
    let (c, d) = (from.to_string(), to.to_string());
    let greeting = Payload::of("\"hi\"".into());
    let all = [
        Own::Hello { cursor: &c, client: ClientId(10) },
        Own::Gap(Gap { from, to, loss: Loss::Expired }),
        Own::Live,
        Own::Drain { cursor: &c, retry_after_ms: 700 },
        Own::Greeting(&greeting),
        Own::Heartbeat { cursor: &c },
    ];
    let texts = [
        format!(r#"{{"type":"hello","cursor":"{c}","client":"000000000000000a"}}"#),
        format!(r#"{{"type":"gap","from":"{c}","to":"{d}","reason":"expired"}}"#),
        r#"{"type":"live"}"#.to_owned(),
        format!(r#"{{"type":"drain","cursor":"{c}","retry_after_ms":700}}"#),
        r#"{"type":"greeting","body":"hi"}"#.to_owned(),
    ];
    let say = |form, own: &Own<'_>| {
        let mut out = BytesMut::new();
        super::own(form, own, &mut out);
        out.to_vec()
    };
    for (own, text) in all.iter().zip(&texts) {
        assert_eq!(understand(Form::V1, &mut say(Form::V1, own)), Some(Got::Text(text.clone())));
    }
    let blocks = [
        format!(": postern\nretry: 3000\n\nid: {c}\nevent: postern.hello\ndata: {}\n\n", texts[0]),
        format!("id: {d}\nevent: postern.gap\ndata: {}\n\n", texts[1]),
        format!("event: postern.live\ndata: {}\n\n", texts[2]),
        format!("id: {c}\nevent: postern.drain\ndata: {}\n\nretry: 700\n\n", texts[3]),
        format!("event: postern.greeting\ndata: {}\n\n", texts[4]),
        format!(": {c}\n\n"),
    ];
    for (own, block) in all.iter().zip(blocks) {
        assert_eq!(String::from_utf8(say(Form::Sse, own)), Ok(block));
    }
    let raw: Vec<_> = all.iter().map(|own| say(Form::Raw, own)).collect();
    assert_eq!(raw, [&b""[..], b"", b"", b"", b"\x81\x04\"hi\"", b""]);
}

#[test]
fn what_does_not_get_shorter_goes_as_it_is() {
    let deflate = |form| Manner { form, deflate: true, frame_size: None };
    let short = framed(entry(4, "x".repeat(63)));
    assert_eq!(sent(deflate(Form::Raw), &short, cursor(1)), sent(RAW, &short, cursor(1)));
    // Bytes without a pattern.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(5000)
    .collect();
    let noise = framed(entry(4, noise));
    assert_eq!(sent(deflate(Form::Raw), &noise, cursor(1)), sent(RAW, &noise, cursor(1)));
    let long = framed(entry(4, "x".repeat(3 << 20)));
    assert!(sent(deflate(Form::Raw), &long, cursor(1)).len() < 20_000);
    assert!(sent(deflate(Form::V1), &long, cursor(1)).len() < 40_000);
    assert_eq!(inflate(&sent(deflate(Form::Raw), &long, cursor(1))[4..]), long.payload());
}

proptest! {
    #[test]
    fn whatever_the_body_every_form_gives_it_back(body: Vec<u8>, text: String, which in 0..3, given: u64) {
        let body = match which {
            0 => body,
            1 => text.into_bytes(),
            _ => serde_json::to_vec(&vec![text; 20]).expect("it is JSON"),
        };
        let (frame, given) = (framed(entry(4, body.clone())), cursor(given));
        let is_text = std::str::from_utf8(&body).is_ok();
        for deflate in [false, true] {
            let raw = got(Manner { form: Form::Raw, deflate, frame_size: None }, &frame, given);
            prop_assert_eq!(raw, if is_text { Got::Text(String::from_utf8(body.clone())?) } else { Got::Binary(body.clone()) });
            let v1: Value = serde_json::from_str(&message(Manner { form: Form::V1, deflate, frame_size: None }, &frame, given))?;
            let prev = given.to_string();
            prop_assert_eq!(v1["prev"].as_str(), Some(prev.as_str()));
            match v1.get("base64").and_then(Value::as_str) {
                Some(base64) => prop_assert_eq!(data_encoding::BASE64.decode(base64.as_bytes())?, &body[..]),
                None => prop_assert_eq!(&v1["body"], &serde_json::from_slice::<Value>(&body)?),
            }
        }
        let Got::Block { data, .. } = got(SSE, &frame, given) else { panic!("no block") };
        if is_text {
            let lines = String::from_utf8(body)?.replace("\r\n", "\n").replace('\r', "\n");
            prop_assert_eq!(data, lines);
        }
    }

    #[test]
    fn one_encoding_serves_every_client_of_v1(first: u64, second: u64, body in "[a-z]{0,2000}") {
        let frame = framed(entry(4, body));
        for deflate in [false, true] {
            let manner = Manner { form: Form::V1, deflate, frame_size: None };
            let (one, other) = (sent(manner, &frame, cursor(first)), sent(manner, &frame, cursor(second)));
            prop_assert_eq!(one.len(), other.len());
            let different = one.iter().zip(&other).filter(|(one, other)| one != other).count();
            prop_assert!(different <= Cursor::LENGTH);
            let text = message(manner, &frame, cursor(second));
            let prev = format!(r#""prev":"{}""#, cursor(second));
            prop_assert!(text.contains(&prev));
        }
    }
}

/// A message put together again as RFC 6455, section 5.4, has it, and how many bytes its frames had.
fn together(mut bytes: &[u8]) -> (u8, Vec<u8>, Vec<usize>) {
    let (mut first, mut payload, mut sizes) = (0, Vec::new(), Vec::new());
    while !bytes.is_empty() {
        let (head, length) = match bytes[1] {
            126 => (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
            127 => {
                (10, usize::try_from(u64::from_be_bytes(bytes[2..10].try_into().expect("eight"))).expect("it is here"))
            }
            length => (2, usize::from(length)),
        };
        match sizes.is_empty() {
            true => first = bytes[0],
            false => assert_eq!(bytes[0] & 0x7f, 0, "a continuation"),
        }
        assert_eq!(bytes[0] & 0x80 != 0, bytes.len() == head + length, "the last is the last");
        payload.extend_from_slice(&bytes[head..head + length]);
        sizes.push(length);
        bytes = &bytes[head + length..];
    }
    (first | 0x80, payload, sizes)
}

#[test]
fn a_message_in_several_frames_is_the_message() {
    let body: String = (0..40_000).map(|number| char::from(b'a' + (number % 26) as u8)).collect();
    let framed = framed(entry(4, body));
    for manner in [RAW, V1, Manner { deflate: true, ..RAW }, Manner { deflate: true, ..V1 }] {
        let (first, whole, _) = together(&sent(manner, &framed, cursor(1)));
        for size in [128, 1000, 65_535, 65_536] {
            let (opening, payload, sizes) =
                together(&sent(Manner { frame_size: Some(size), ..manner }, &framed, cursor(1)));
            assert_eq!((opening, payload == whole), (first, true), "{manner:?} {size}");
            assert!(sizes.iter().rev().skip(1).all(|length| *length == size), "{sizes:?}");
        }
    }
    let one = Manner { frame_size: Some(128), ..RAW };
    assert_eq!(together(&sent(one, &framed, cursor(1))).2.len(), 313);
}
