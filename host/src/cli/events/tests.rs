use super::chosen::Chosen;
use super::gateway::Gateway;
use super::source::{Pages, Source};
use super::*;
use crate::admin::events::{Again, Query, Which};
use crate::message::EventId;
use crate::outward::testing::{answer, header, request, server};
use crate::secret::Secret;
use clap::Parser;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt;

fn summary(id: &str) -> Summary {
    let json = serde_json::json!({
        "id": id, "webhook": "w", "kind": "messages\u{1b}[2J", "keys": {"user": "1066"}, "received": "2026-01-31T12:00:00.000Z",
        "unparsed": false, "bytes": 2, "body_sha256": "00", "state": "held", "filter": "f", "reason": "it trapped"
    });
    serde_json::from_value(json).unwrap()
}

type Asked = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// An admin listener that answers with these, one after the other.
async fn admin(answers: Vec<String>) -> (SocketAddr, Asked) {
    let asked = Asked::default();
    let into = asked.clone();
    let address = server(move |_, mut tcp| {
        let (into, answers) = (into.clone(), answers.clone());
        async move {
            while let Some(request) = request(&mut tcp).await {
                let number = {
                    let mut asked = into.lock().unwrap();
                    asked.push(request);
                    asked.len() - 1
                };
                tcp.write_all(answers[number].as_bytes()).await.unwrap();
            }
        }
    });
    (address.await, asked)
}

fn gateway(address: SocketAddr) -> Gateway {
    Gateway::at(&format!("http://{address}"), Some(Secret::new("hunter2")), &outward::Trust::default()).unwrap()
}

fn page(ids: &[&str], next: Option<&str>) -> String {
    let events: Vec<_> = ids.iter().map(|id| summary(id)).collect();
    answer("200 OK", &serde_json::json!({"events": events, "next": next}).to_string())
}

const IDS: [&str; 3] = ["0000000000000001", "0000000000000002", "000000000000000a"];

#[tokio::test]
async fn a_gateway_is_asked_page_by_page_with_its_token() {
    // A page without events is not the end.
    let answers = vec![page(&IDS[..2], Some(IDS[1])), page(&[], Some("0000000000000009")), page(&IDS[2..], None)];
    let (address, asked) = admin(answers).await;
    let mut source = Source::Gateway(Box::new(gateway(address)));
    let mut pages = Pages::new(Query { webhook: Some("w".into()), ..Query::default() }, Some(5));
    let mut found = vec![];
    while let Some(events) = pages.next(&mut source).await.unwrap() {
        found.extend(events.into_iter().map(|event| event.id));
    }
    assert_eq!(found, IDS);
    let asked = asked.lock().unwrap();
    let lines: Vec<_> = asked.iter().map(|(head, _)| head.lines().next().unwrap()).collect();
    let expected = ["limit=5", "after=0000000000000002&limit=3", "after=0000000000000009&limit=3"];
    assert_eq!(lines, expected.map(|rest| format!("GET /v1/events?webhook=w&{rest} HTTP/1.1")));
    assert!(asked.iter().all(|(head, _)| header(head, "authorization") == Some("Bearer hunter2")));
}

#[tokio::test]
async fn one_that_answers_for_ever_with_the_same_place_is_asked_once_more_at_most() {
    let (address, asked) = admin(vec![page(&[], Some(IDS[0])), page(&[], Some(IDS[0]))]).await;
    let mut source = Source::Gateway(Box::new(gateway(address)));
    let mut pages = Pages::new(Query::default(), None);
    while pages.next(&mut source).await.unwrap().is_some() {}
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn held_events_are_tried_again_and_counted() {
    let counts = Again { retried: Some(3), replayed: None, delivered: 2, dropped: 0, held: 1 };
    let (address, asked) = admin(vec![answer("200 OK", &serde_json::to_string(&counts).unwrap())]).await;
    let which = Which::Matching(Query::default()).held();
    assert_eq!(gateway(address).retry(&which).await.unwrap(), counts);
    let asked = asked.lock().unwrap();
    assert!(asked[0].0.starts_with("POST /v1/events/retry HTTP/1.1\r\n"), "{}", asked[0].0);
    assert_eq!(asked[0].1, b"{\"held\":true}");
}

#[tokio::test]
async fn an_event_that_is_not_there_is_none_and_what_goes_wrong_is_told() {
    let answers = [
        ("404 Not Found", ""),
        ("401 Unauthorized", ""),
        ("400 Bad Request", "`since` is\nnothing"),
        ("200 OK", "hello"),
    ];
    let (address, _) = admin(answers.map(|(status, body)| answer(status, body)).to_vec()).await;
    let mut gateway = gateway(address);
    assert!(gateway.show(EventId(1)).await.unwrap().is_none());
    for told in ["hint: the configuration has it as `admin.token`", "400 Bad Request: `since` is", "is not understood"]
    {
        let failure = gateway.show(EventId(1)).await.unwrap_err();
        assert!(failure.message.contains(told) && !failure.message.contains("hunter2"), "{}", failure.message);
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let failure = self::gateway(nobody).replay(&Which::These(vec![EventId(1)])).await.unwrap_err();
    assert!(failure.message.contains("hint: start one with `postern run`"), "{}", failure.message);
}

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    chosen: Chosen,
}

fn which(arguments: &[&str]) -> Result<Which, Failure> {
    Line::try_parse_from(["retry"].iter().chain(arguments)).unwrap().chosen.which()
}

#[test]
fn what_is_judged_again_must_be_said_and_in_one_way() {
    assert_eq!(which(&[IDS[0], IDS[2]]).unwrap(), Which::These(vec![EventId(1), EventId(10)]));
    assert_eq!(which(&["--all"]).unwrap(), Which::Matching(Query::default()));
    assert!(matches!(which(&["--since", "2h"]), Ok(Which::Matching(query)) if query.since.is_some()));
    for wrong in [&[][..], &["--all", "--kind", "messages"], &[IDS[0], "--all"], &[IDS[0], "--held"]] {
        assert_eq!(which(wrong).unwrap_err().code, Failure::USAGE, "{wrong:?}");
    }
    for wrong in [&["1"][..], &["--since", "yesterday"], &["--until", IDS[0]]] {
        assert!(Line::try_parse_from(["retry"].iter().chain(wrong)).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_line_says_what_became_of_an_event_and_does_nothing_to_a_terminal() {
    assert_eq!(
        line(&summary(IDS[0])),
        "0000000000000001  2026-01-31T12:00:00.000Z  held       messages\u{fffd}[2J  w  user=1066  2 bytes  by f: it trapped"
    );
}

#[derive(clap::Parser)]
struct PlaceLine {
    #[command(flatten)]
    place: Place,
}

async fn opened(config: &std::path::Path) -> Result<Source, Failure> {
    Source::open(PlaceLine::try_parse_from(["ls".as_ref(), "-c".as_ref(), config.as_os_str()]).unwrap().place).await
}

#[tokio::test]
async fn a_journal_is_read_and_when_it_is_in_use_its_gateway_is_asked() {
    let (address, asked) = admin(vec![answer("200 OK", "live\n"), page(&IDS[..1], None)]).await;
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("postern.toml");
    let write = |admin: &str| {
        let rest = "data = \"data\"\nlisten = [\"127.0.0.1:0\"]\n[tls]\nplain = true\n[streams.s]\npath = \"/ws\"\nopen = true\n";
        std::fs::write(&config, format!("{rest}[admin]\nlisten = \"{admin}\"\n")).unwrap();
    };
    write(&address.to_string());
    let failure = opened(&config).await.map(|_| ()).unwrap_err();
    assert!(failure.message.contains("there is no journal"), "{}", failure.message);
    assert!(!directory.path().join("data").exists());

    std::fs::create_dir_all(directory.path().join("data").join("journal")).unwrap();
    let mut source = opened(&config).await.unwrap();
    assert!(matches!(source, Source::Journal(_)));
    assert!(source.list(&Query::default()).await.unwrap().events.is_empty());

    // This process has it now.
    let mut gateway = opened(&config).await.unwrap();
    assert_eq!(gateway.list(&Query::default()).await.unwrap().events[0].id, IDS[0]);
    assert_eq!(asked.lock().unwrap().len(), 2);
    write("127.0.0.1:0");
    let failure = opened(&config).await.map(|_| ()).unwrap_err();
    assert!(failure.message.contains("hint: name it with `--admin URL`"), "{}", failure.message);
    drop(source);
}
