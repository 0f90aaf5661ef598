//! Coming back: after a loss, after a restart, in both forms.

use super::gateway::{at, event, following, gateway, hello, raw, v1};
use super::{Line, run, typed};
use crate::cli::listen::keeper;
use clap::Parser;
use std::future::pending;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

fn ping(offset: u64) -> Message {
    Message::Ping(at(offset).to_string().into())
}

#[tokio::test]
async fn framed_events_say_what_they_are_and_a_new_connection_goes_on_after_the_last() {
    let drain = Message::text(format!(r#"{{"type":"drain","cursor":"{}","retry_after_ms":1}}"#, at(12)));
    let (address, asked) = gateway(vec![
        (
            v1(),
            vec![hello(at(10)), event(11, " {\"a\": 1}"), Message::text(r#"{"type":"live"}"#), event(12, "2"), drain],
        ),
        (v1(), vec![hello(at(12)), event(13, "3")]),
    ])
    .await;
    let url = format!("http://{address}/ws?token=x&since=earliest");
    let (done, lines) = run(&[&url, "--since", "last:7", "--count", "3"], pending()).await;
    done.unwrap();
    assert_eq!((&lines[0]["body"]["a"], &lines[0]["bytes"]), (&1.into(), &9.into()));
    assert_eq!((&lines[0]["kind"], &lines[0]["id"]), (&"messages".into(), &"000000000000000b".into()));
    assert_eq!((&lines[0]["keys"]["waba"], &lines[0]["webhook"]), (&"1".into(), &"whatsapp".into()));
    assert_eq!(lines[2]["cursor"], at(13).to_string());
    let expected = ["/ws?token=x&since=last:7".to_owned(), format!("/ws?token=x&since={}", at(12))];
    assert_eq!(*asked.lock().unwrap(), expected);
}

#[tokio::test]
async fn raw_events_are_counted_from_the_last_cursor_that_was_told() {
    let away = CloseFrame { code: CloseCode::Away, reason: format!("{}~1", at(40)).into() };
    let mut greeted = raw(at(10));
    greeted.push(("postern-greeting", "1".to_owned()));
    let (address, asked) = gateway(vec![
        (raw(at(10)), vec![Message::text("1"), Message::text("2")]),
        // It begins where it was asked to, and passes over the two.
        (raw(at(10)), vec![Message::text("3")]),
        (greeted, vec![Message::text("hello"), ping(30), Message::binary(vec![0xff])]),
        (raw(at(30)), vec![Message::Close(Some(away))]),
        (raw(at(40)), vec![Message::text("5")]),
    ])
    .await;
    let url = format!("ws://{address}/ws");
    let (done, lines) = run(&[&url, "--protocol", "raw", "--count", "5"], pending()).await;
    done.unwrap();
    assert_eq!(lines.len(), 5);
    let expected = [
        "/ws".to_owned(),
        format!("/ws?since={}~2", at(10)),
        format!("/ws?since={}~3", at(10)),
        format!("/ws?since={}~1", at(30)),
        format!("/ws?since={}~1", at(40)),
    ];
    assert_eq!(*asked.lock().unwrap(), expected);
}

#[tokio::test]
async fn what_a_raw_run_had_already_a_framed_one_leaves_out_and_comes_back_for_the_same() {
    let (address, asked) =
        gateway(vec![(v1(), vec![hello(at(10))]), (v1(), vec![hello(at(10)), following(13, at(10), "3")])]).await;
    let since = format!("{}~2", at(10));
    let (done, _) = run(&[&format!("ws://{address}/ws"), "--since", &since, "--count", "1"], pending()).await;
    done.unwrap();
    assert_eq!(*asked.lock().unwrap(), [format!("/ws?since={since}"), format!("/ws?since={since}")]);
}

#[tokio::test]
async fn after_a_gap_a_raw_client_counts_from_behind_it() {
    let mut headers = raw(at(10));
    headers.push(("postern-gap", format!("{} {} expired", at(10), at(50))));
    let (address, asked) =
        gateway(vec![(headers, vec![Message::text("1")]), (raw(at(50)), vec![Message::text("2")])]).await;
    let since = format!("{}~2", at(10));
    let (done, _) = run(&[&format!("ws://{address}/ws"), "--since", &since, "--count", "2"], pending()).await;
    done.unwrap();
    assert_eq!(asked.lock().unwrap()[1], format!("/ws?since={}~1", at(50)));
}

#[tokio::test]
async fn a_gap_is_a_line_of_its_own_in_both_forms_and_counts_as_no_event() {
    let told = format!(r#"{{"type":"gap","from":"{}","to":"{}","reason":"expired"}}"#, at(10), at(50));
    let framed = vec![(v1(), vec![hello(at(10)), Message::text(told), event(51, "1")])];
    let mut headers = raw(at(10));
    headers.push(("postern-gap", format!("{} {} expired", at(10), at(50))));
    for script in [framed, vec![(headers, vec![Message::text("1")])]] {
        let (address, _) = gateway(script).await;
        let since = at(10).to_string();
        let (done, lines) = run(&[&format!("ws://{address}/ws"), "--since", &since, "--count", "1"], pending()).await;
        done.unwrap();
        let gap = serde_json::json!({"gap": {"from": since, "to": at(50).to_string(), "reason": "expired"}});
        assert_eq!((&lines[0], &lines[1]["body"], lines.len()), (&gap, &1.into(), 2));
    }
}

#[tokio::test]
async fn an_event_that_does_not_follow_the_last_is_not_taken_and_it_goes_back_to_that() {
    let (address, asked) = gateway(vec![
        // The cursor of a ping is past what was lost: it is not where to go back to.
        (v1(), vec![hello(at(10)), event(11, "1"), ping(13), following(14, at(13), "4")]),
        (v1(), vec![hello(at(11)), event(12, "2"), event(13, "3"), event(14, "4")]),
    ])
    .await;
    let (done, lines) = run(&[&format!("ws://{address}/ws"), "--count", "4"], pending()).await;
    done.unwrap();
    assert_eq!(lines.iter().map(|line| line["body"].clone()).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(asked.lock().unwrap()[1], format!("/ws?since={}", at(11)));
}

#[tokio::test]
async fn what_is_no_frame_breaks_the_connection_and_nothing_is_skipped() {
    let (address, asked) = gateway(vec![
        (v1(), vec![hello(at(10)), Message::text("hello")]),
        (v1(), vec![hello(at(10)), Message::binary(vec![1])]),
        (v1(), vec![hello(at(10)), event(11, "null")]),
    ])
    .await;
    let (done, lines) = run(&[&format!("ws://{address}/ws"), "--protocol", "v1", "--count", "1"], pending()).await;
    done.unwrap();
    assert!(lines[0]["body"].is_null() && lines[0]["bytes"] == 4, "{}", lines[0]);
    assert_eq!(asked.lock().unwrap()[2], format!("/ws?since={}", at(10)));
}

#[tokio::test]
async fn a_cursor_file_is_where_the_next_run_begins() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cursor");
    let name = file.to_str().unwrap();
    let (address, asked) =
        gateway(vec![(v1(), vec![hello(at(10)), event(11, "1")]), (v1(), vec![hello(at(11)), event(12, "2")])]).await;
    let url = format!("ws://{address}/ws");
    for _ in 0..2 {
        let (done, lines) = run(&[&url, "--since", "earliest", "--cursor-file", name, "--count", "1"], pending()).await;
        done.unwrap();
        assert_eq!(lines.len(), 1);
    }
    assert_eq!(*asked.lock().unwrap(), ["/ws?since=earliest".to_owned(), format!("/ws?since={}", at(11))]);
    assert_eq!(keeper::read(&file).unwrap().unwrap().cursor, at(12));

    let (address, _) = gateway(vec![(raw(at(20)), vec![Message::text("1"), Message::text("2")])]).await;
    let (done, _) = run(&[&format!("ws://{address}/ws"), "--cursor-file", name, "--count", "2"], pending()).await;
    done.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{}~2\n", at(20)));

    std::fs::write(&file, "hello").unwrap();
    let failure = typed(&[&url, "--cursor-file", name]).map(|_| ()).unwrap_err();
    assert!(failure.code == 1 && failure.message.contains(name), "{failure:?}");
}

#[tokio::test]
async fn a_server_that_speaks_no_frames_is_taken_raw_unless_frames_were_asked_for() {
    let (address, asked) = gateway(vec![(vec![], vec![Message::text("1")]), (vec![], vec![Message::text("2")])]).await;
    let url = format!("ws://{address}/ws");
    // It knows no places either: asked for all again, it would send all again.
    let (done, lines) = run(&[&url, "--since", "earliest", "--count", "2"], pending()).await;
    done.unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!(*asked.lock().unwrap(), ["/ws?since=earliest", "/ws"]);

    let (address, _) = gateway(vec![(vec![], vec![])]).await;
    let failure = run(&[&format!("ws://{address}/ws"), "--protocol", "v1"], pending()).await.0.unwrap_err();
    assert!(failure.message.contains("hint: `--protocol raw`"), "{failure:?}");
}

#[test]
fn each_way_to_say_since_can_be_typed() {
    for since in ["earliest", "last:10", "2026-01-31T12:00:00Z", &at(1).to_string(), &format!("{}~3", at(1))] {
        assert!(Line::try_parse_from(["listen", "ws://h/ws", "--since", since]).is_ok(), "{since}");
    }
}
