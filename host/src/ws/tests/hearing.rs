//! What clients say, as whoever wants to hear it hears it; and what is done to clients.

use super::*;
use crate::message::{ClientId, Label, Narrowing, Selector};
use crate::ws::encode::deflated;

/// A stream of which somebody hears all, and his ear.
fn heard(kinds: Kinds) -> (Stream, mpsc::Receiver<Said>) {
    let (listener, ear) = mpsc::channel(4);
    let hearing = Some(Hearing { kinds, listeners: [listener].into() });
    (Stream { hearing, ..shape(Slow::CatchUp) }, ear)
}

const ALL: Kinds = Kinds { message: true, connect: true, close: true, disconnect: true, ping: true, pong: true };

/// A frame of a client's: masked, with a mask of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126).expect("a short one");
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

fn text(said: &str) -> What {
    What::Message(Payload { format: crate::message::Format::Text, data: said.to_owned().into() })
}

async fn hear(ear: &mut mpsc::Receiver<Said>) -> What {
    let Said { what, answer, .. } = ear.recv().await.expect("there is something to be heard");
    let _ = answer.send(Answer::Heard);
    what
}

fn joining(stream: Stream, form: Form) -> Who {
    Who { stream: Arc::new(stream), ..who(form, cursor(1)) }
}

#[test]
fn what_a_client_says_is_heard_in_order_and_the_next_when_the_last_was() {
    run(async {
        let edge = Edge::start(0);
        let (stream, mut ear) = heard(ALL);
        let mut client = edge.join(joining(stream, Form::Raw), 1000).await;
        assert_eq!(hear(&mut ear).await, What::Connect);
        let all = [frame(0x81, b"one"), frame(0x89, b"ping"), frame(0x82, b"\xff"), frame(0x88, b"\x03\xe8bye")];
        client.far.write_all(&all.concat()).await.expect("a pipe is written");
        let first = ear.recv().await.expect("the first is heard");
        assert_eq!(first.what, text("one"));
        assert!(ear.try_recv().is_err(), "the second waits for an answer to the first");
        first.answer.send(Answer::Heard).expect("it is waited for");
        assert_eq!(hear(&mut ear).await, What::Ping("ping".into()));
        assert!(matches!(hear(&mut ear).await, What::Message(Payload { format: crate::message::Format::Binary, .. })));
        assert_eq!(hear(&mut ear).await, What::Close(Some((1000, "bye".into()))));
        let mut bytes = [0; 6];
        client.far.read_exact(&mut bytes).await.expect("a pipe is read");
        assert_eq!(&bytes, b"\x8a\x04ping");
        assert_eq!(client.next().await, Some(Got::Close(1000, "bye".into())));
        drop(client);
        assert_eq!(hear(&mut ear).await, What::Disconnect(None));
    });
}

#[test]
fn a_client_that_was_not_heard_is_told_so() {
    run(async {
        let edge = Edge::start(0);
        let (stream, mut ear) = heard(Kinds { message: true, ..Kinds::default() });
        let mut client = edge.join(joining(stream, Form::Raw), 1000).await;
        client.far.write_all(&frame(0x81, b"one")).await.expect("a pipe is written");
        let said = ear.recv().await.expect("it is heard");
        said.answer.send(Answer::Lost).expect("it is waited for");
        assert_eq!(client.next().await, Some(Got::Close(1011, String::new())));
    });
}

#[test]
fn a_compressed_message_is_heard_as_it_was_and_one_too_many_bytes_is_1009() {
    run(async {
        let edge = Edge::start(0);
        let (stream, mut ear) = heard(Kinds { message: true, ..Kinds::default() });
        let manner = Manner { form: Form::Raw, deflate: true, frame_size: None };
        let mut client = edge.join(Who { manner, ..joining(stream, Form::Raw) }, 1000).await;
        let said = "hello ".repeat(100);
        let wire = deflated(said.as_bytes()).expect("it gets shorter");
        client.far.write_all(&frame(0xc1, &wire)).await.expect("a pipe is written");
        assert_eq!(hear(&mut ear).await, text(&said));
        let wire = deflated("hello ".repeat(1000).as_bytes()).expect("it gets shorter");
        client.far.write_all(&frame(0xc1, &wire)).await.expect("a pipe is written");
        assert_eq!(client.next().await, Some(Got::Close(1009, "the message is too large".into())));
    });
}

#[test]
fn with_manual_pongs_and_closes_the_answers_are_the_filters() {
    run(async {
        let edge = Edge::start(0);
        let (stream, mut ear) = heard(ALL);
        let stream = Stream { manual_pong: true, manual_close: true, ..stream };
        let mut client = edge.join(joining(stream, Form::Raw), 1000).await;
        assert_eq!(hear(&mut ear).await, What::Connect);
        client.far.write_all(&frame(0x89, b"x")).await.expect("a pipe is written");
        assert_eq!(hear(&mut ear).await, What::Ping("x".into()));
        edge.shards.applied(vec![Change::Pong { client: ClientId(1), data: b"y".to_vec() }], Offset(0)).await;
        let mut bytes = [0; 3];
        client.far.read_exact(&mut bytes).await.expect("a pipe is read");
        assert_eq!(&bytes, b"\x8a\x01y", "the filter's, and no other before it");
        client.far.write_all(&frame(0x88, b"\x03\xe8bye")).await.expect("a pipe is written");
        assert_eq!(hear(&mut ear).await, What::Close(Some((1000, "bye".into()))));
        let change = Change::Disconnect { client: ClientId(1), code: 4001, reason: "so long".into() };
        edge.shards.applied(vec![change], Offset(0)).await;
        assert_eq!(client.next().await, Some(Got::Close(4001, "so long".into())));
        assert_eq!(client.next().await, None);
    });
}

#[test]
fn a_close_that_no_filter_answers_is_answered_all_the_same() {
    run(async {
        let edge = Edge::start(0);
        let (stream, mut ear) = heard(Kinds { close: true, ..Kinds::default() });
        let stream = Stream { manual_close: true, ..stream };
        let mut client = edge.join(joining(stream, Form::Raw), 1000).await;
        client.far.write_all(&frame(0x88, b"\x03\xe8bye")).await.expect("a pipe is written");
        assert!(matches!(hear(&mut ear).await, What::Close(_)));
        assert_eq!(client.next().await, Some(Got::Close(1000, "bye".into())));
    });
}

#[test]
fn a_label_given_before_an_event_decides_of_that_event() {
    run(async {
        let edge = Edge::start(0);
        let mut client = edge.join(who(Form::Raw, cursor(1)), 1000).await;
        let label = Label { key: "room".into(), value: "a".into() };
        let for_room = |body: &str| {
            let narrowing = Narrowing { to: Selector::AnyLabel(vec![label.clone()]), except: vec![] };
            let entry = Entry { audience: Audience(vec![narrowing]), ..entry(edge.memory.tail(), body.to_owned()) };
            let frame = encode::frame(entry, Source::Webhook(0));
            edge.memory.frames.lock().expect("no test panics here").push(frame.clone());
            edge.hub.publish(&[frame]);
        };
        for number in 0..100 {
            edge.shards.applied(vec![Change::AddLabel { client: ClientId(1), label: label.clone() }], Offset(0)).await;
            let inside = format!("inside {number}");
            for_room(&inside);
            assert_eq!(client.text().await, inside);
            edge.shards
                .applied(vec![Change::RemoveLabel { client: ClientId(1), label: label.clone() }], Offset(0))
                .await;
        }
    });
}

#[test]
fn who_is_there_is_told_to_those_who_want_to_know() {
    run(async {
        let edge = Edge::start(0);
        let stream = Arc::new(Stream { presence: Some(vec![]), ..shape(Slow::CatchUp) });
        edge.clients.tell_news(&"agents".into());
        edge.clients.tell_news(&"s".into());
        let card = |id| Arc::new(Card { stream: "s".into(), ..Card::test(id) });
        let join = |id, form| Who { card: card(id), stream: stream.clone(), ..who(form, cursor(1)) };
        let mut ann = edge.join(join(1, Form::V1), 4000).await;
        let presence = async |client: &mut Receiver| loop {
            let told: serde_json::Value = serde_json::from_str(&client.text().await).expect("JSON");
            if told["type"] == "presence" {
                return told;
            }
        };
        let first = presence(&mut ann).await;
        assert_eq!((&first["count"], first["clients"].as_array().map(Vec::len)), (&1.into(), Some(1)));
        let bob = edge.join(join(2, Form::Raw), 4000).await;
        let came = presence(&mut ann).await;
        assert_eq!((&came["joined"][0]["client"], &came["count"]), (&"0000000000000002".into(), &2.into()));
        drop(bob);
        let went = presence(&mut ann).await;
        assert_eq!((&went["left"][0], &went["count"]), (&"0000000000000002".into(), &1.into()));
        ann.far.write_all(&frame(0x81, br#"{"type":"presence"}"#)).await.expect("a pipe is written");
        assert_eq!(presence(&mut ann).await["clients"].as_array().map(Vec::len), Some(1));
    });
}
