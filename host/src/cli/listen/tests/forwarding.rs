//! A server nearby, which takes events or does not.

use super::gateway::{at, event, gateway, hello, v1};
use super::run;
use crate::outward::testing::{answer, header, request, server};
use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

type Arrived = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Answers one request a connection, with these statuses, then with 204.
async fn nearby(statuses: &'static [&'static str]) -> (SocketAddr, Arrived) {
    let arrived = Arrived::default();
    let into = arrived.clone();
    let address = server(move |number, mut tcp| {
        let into = into.clone();
        async move {
            let request = request(&mut tcp).await.unwrap();
            into.lock().unwrap().push(request);
            let status = statuses.get(usize::try_from(number).unwrap()).copied().unwrap_or("204 No Content");
            let _ = tcp.write_all(answer(status, "").as_bytes()).await;
        }
    });
    (address.await, arrived)
}

fn bodies(arrived: &Arrived) -> Vec<String> {
    arrived.lock().unwrap().iter().map(|(_, body)| String::from_utf8_lossy(body).into_owned()).collect()
}

#[tokio::test]
async fn events_are_forwarded_byte_for_byte_and_in_order_before_it_ends() {
    let (local, arrived) = nearby(&[]).await;
    let said = vec![Message::text("{ \"a\":\n1 }"), Message::text("hello"), Message::binary(vec![0, 0xff])];
    let (address, _) = gateway(vec![(vec![], said)]).await;
    let (url, local) = (format!("ws://{address}/ws"), format!("http://{local}/"));
    let (done, lines) = run(&[&url, "--count", "3", "--forward", &local], pending()).await;
    done.unwrap();
    assert_eq!(lines.len(), 3);
    let expected: [(&str, &[u8]); 3] = [
        ("application/json", b"{ \"a\":\n1 }"),
        ("text/plain; charset=utf-8", b"hello"),
        ("application/octet-stream", &[0, 0xff]),
    ];
    let arrived = arrived.lock().unwrap();
    let arrived: Vec<_> =
        arrived.iter().map(|(head, body)| (header(head, "content-type").unwrap(), body.as_slice())).collect();
    assert_eq!(arrived, expected);
}

#[tokio::test]
async fn framed_events_go_with_their_own_bytes_content_type_and_names() {
    let (local, arrived) = nearby(&[]).await;
    let body = " {\r\n \"z\": 1e40, \"caf\\u00e9\": 12345678901234567890 } ";
    let (address, _) = gateway(vec![(v1(), vec![hello(at(10)), event(11, body)])]).await;
    let (url, local) = (format!("ws://{address}/ws"), format!("http://{local}/hook?x=1"));
    run(&[&url, "--count", "1", "--forward", &local], pending()).await.0.unwrap();
    let arrived = arrived.lock().unwrap();
    let (head, received) = &arrived[0];
    assert_eq!(String::from_utf8_lossy(received), body);
    assert!(head.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{head}");
    for (name, value) in [
        ("content-type", "application/json; charset=utf-8"),
        ("postern-event-id", "000000000000000b"),
        ("postern-cursor", &at(11).to_string()),
        ("postern-webhook", "whatsapp"),
        ("postern-kind", "messages"),
        ("postern-received", "2026-01-31T12:00:00.000Z"),
    ] {
        assert_eq!(header(head, name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn one_that_is_not_taken_is_sent_again_before_the_next_and_given_up_in_the_end() {
    let (local, arrived) = nearby(&["500 Oh", "503 Oh", "500 Oh", "429 Oh", "502 Oh", "404 Not Found"]).await;
    let (address, _) = gateway(vec![(v1(), vec![hello(at(10)), event(11, "1"), event(12, "2"), event(13, "3")])]).await;
    let (url, local) = (format!("ws://{address}/ws"), format!("http://{local}/"));
    run(&[&url, "--count", "3", "--forward", &local], pending()).await.0.unwrap();
    // A refusal of the event itself is not asked again.
    assert_eq!(bodies(&arrived), ["1", "1", "1", "1", "1", "2", "3"]);
}

#[tokio::test]
async fn with_a_cursor_file_it_stays_until_an_event_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cursor");
    let (local, arrived) = nearby(&["500 Oh"; 8]).await;
    let (address, _) = gateway(vec![(v1(), vec![hello(at(10)), event(11, "1"), event(12, "2")])]).await;
    let (url, local, name) = (format!("ws://{address}/ws"), format!("http://{local}/"), file.to_str().unwrap());
    run(&[&url, "--count", "2", "--forward", &local, "--cursor-file", name], pending()).await.0.unwrap();
    assert_eq!(bodies(&arrived), [&["1"; 9][..], &["2"]].concat());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{}\n", at(12)));
}

#[tokio::test]
async fn the_cursor_file_says_no_more_than_what_was_taken() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cursor");
    // It takes one event, and answers nothing to the second.
    let (second, asked) = tokio::sync::oneshot::channel();
    let mut second = Some(second);
    let local = server(move |number, mut tcp| {
        let second = (number == 1).then(|| second.take().unwrap());
        async move {
            request(&mut tcp).await.unwrap();
            match second {
                None => drop(tcp.write_all(answer("200 OK", "").as_bytes()).await),
                Some(second) => {
                    second.send(()).unwrap();
                    drop(request(&mut tcp).await);
                }
            }
        }
    });
    let local = format!("http://{}/", local.await);
    let (address, _) = gateway(vec![(v1(), vec![hello(at(10)), event(11, "1"), event(12, "2")])]).await;
    let (url, name) = (format!("ws://{address}/ws"), file.to_str().unwrap());
    let stop = async { asked.await.unwrap() };
    let (done, lines) = run(&[&url, "--forward", &local, "--cursor-file", name], stop).await;
    done.unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{}\n", at(11)));
}
