use super::*;
use crate::outward::testing::{answer, header, request, server};
use clap::Parser;
use std::sync::{Arc, Mutex};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

const SECRET: &str = "hunter2";

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    send: Send,
}

fn typed<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<Send, clap::Error> {
    Line::try_parse_from(["send"].into_iter().chain(arguments)).map(|line| line.send)
}

type Arrived = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A webhook that answers with these, one after the other, the last again and again.
async fn webhook(answers: &'static [&'static str]) -> (String, Arrived) {
    let arrived = Arrived::default();
    let into = arrived.clone();
    let address = server(move |_, mut tcp| {
        let into = into.clone();
        async move {
            while let Some(request) = request(&mut tcp).await {
                let number = {
                    let mut arrived = into.lock().unwrap();
                    arrived.push(request);
                    arrived.len()
                };
                tcp.write_all(answers[(number - 1).min(answers.len() - 1)].as_bytes()).await.unwrap();
            }
        }
    });
    (format!("http://{}/hook?token=opensesame", address.await), arrived)
}

fn file(body: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(body).unwrap();
    file
}

async fn run(arguments: &[&str], input: &[u8]) -> (Result<(), Failure>, String) {
    let mut out = Vec::new();
    let work = typed(arguments.iter().copied()).unwrap().prepare(&mut &*input);
    let done = match work {
        Ok(work) => work.run(&mut out).await,
        Err(failure) => Err(failure),
    };
    (done, String::from_utf8(out).unwrap())
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_payload_arrives_byte_for_byte_with_a_signature_that_fits() {
    let (url, arrived) = webhook(&[OK]).await;
    let body = b"{ \"caf\\u00e9\":\r\n \xff }\n";
    let (payload, secret) = (file(body), file(b"hunter2\r\n"));
    let (name, secret) = (payload.path().to_str().unwrap(), secret.path().to_str().unwrap());
    let (done, out) = run(&[name, "-", "--to", &url, "--secret-file", secret], b"from input").await;
    done.unwrap();
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with("200 in ") && lines[0].ends_with(&format!(" ms  {name}")), "{out}");
    assert!(lines[1].ends_with(" ms  -") && lines.len() == 2, "{out}");

    let arrived = arrived.lock().unwrap();
    assert_eq!((arrived[0].1.as_slice(), arrived[1].1.as_slice()), (&body[..], &b"from input"[..]));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    for (head, body) in arrived.iter() {
        assert!(head.starts_with("POST /hook?token=opensesame HTTP/1.1\r\n"), "{head}");
        assert_eq!(header(head, "content-type"), Some("application/json"));
        assert_eq!(header(head, "user-agent"), Some("facebookexternalua"));
        let signature = header(head, "x-hub-signature-256").unwrap().strip_prefix("sha256=").unwrap();
        hmac::verify(&key, body, &HEXLOWER.decode(signature.as_bytes()).unwrap()).unwrap();
    }
}

#[tokio::test]
async fn the_files_are_sent_in_order_as_often_as_was_asked() {
    let (url, arrived) = webhook(&[OK]).await;
    let (one, two) = (file(b"1"), file(b"2"));
    let files = [one.path().to_str().unwrap(), two.path().to_str().unwrap()];
    let rest = ["--to", &url, "--secret", SECRET, "--repeat", "3", "--rate", "1000/s"];
    let (done, out) = run(&[&files[..], &rest[..]].concat(), b"").await;
    done.unwrap();
    assert_eq!(out.lines().count(), 6);
    assert_eq!(arrived.lock().unwrap().iter().map(|(_, body)| body[0]).collect::<Vec<_>>(), b"121212");
}

#[tokio::test]
async fn repetitions_have_ids_of_their_own_and_signatures_that_fit_unless_the_same_is_asked_for() {
    let body = r#"{"messages":[{"id":"a"}]}"#;
    let payload = file(body.as_bytes());
    let name = payload.path().to_str().unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    for (flag, expected) in [
        (&[][..], vec![body.to_owned(), body.replace("\"a\"", "\"a-2\""), body.replace("\"a\"", "\"a-3\"")]),
        (&["--same"], vec![body.to_owned(); 3]),
    ] {
        let (url, arrived) = webhook(&[OK]).await;
        let rest = ["--to", &url, "--secret", SECRET, "--repeat", "3"];
        run(&[&[name][..], &rest, flag].concat(), b"").await.0.unwrap();
        let arrived = arrived.lock().unwrap();
        assert_eq!(arrived.iter().map(|(_, body)| String::from_utf8_lossy(body)).collect::<Vec<_>>(), expected);
        for (head, body) in arrived.iter() {
            let signature = header(head, "x-hub-signature-256").unwrap().strip_prefix("sha256=").unwrap();
            hmac::verify(&key, body, &HEXLOWER.decode(signature.as_bytes()).unwrap()).unwrap();
        }
    }
}

#[tokio::test]
async fn fresh_ids_are_new_the_first_time_too() {
    let payload = file(br#"{"statuses":[{"id":"a"}]}"#);
    let (url, arrived) = webhook(&[OK]).await;
    run(&[payload.path().to_str().unwrap(), "--to", &url, "--secret", SECRET, "--fresh"], b"").await.0.unwrap();
    let arrived = arrived.lock().unwrap();
    let text = String::from_utf8_lossy(&arrived[0].1);
    assert!(text.starts_with(r#"{"statuses":[{"id":"a-"#) && text.ends_with(r#"-1"}]}"#), "{text}");
}

#[tokio::test]
async fn one_refusal_makes_it_fail_and_the_others_are_still_sent() {
    let refusal: &'static str = answer("401 Unauthorized", "no such\u{1b} secret\nx").leak();
    let (url, arrived) = webhook(Vec::leak(vec![refusal, OK])).await;
    let (done, out) = run(&["-", "--to", &url, "--secret", SECRET, "--repeat", "2", "--json"], b"{}").await;
    let failure = done.unwrap_err();
    assert_eq!((failure.code, failure.message.as_str()), (1, "not answered with 200: 1 of 2"));
    assert_eq!(arrived.lock().unwrap().len(), 2);
    let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["status"], &lines[0]["answer"]), (&401.into(), &"no such\u{fffd} secret".into()));
    assert_eq!((&lines[1]["status"], &lines[1]["bytes"], &lines[1]["file"]), (&200.into(), &2.into(), &"-".into()));
    assert!(lines[1]["milliseconds"].is_number() && lines[1]["answer"].is_null(), "{out}");
    let summary = &lines[2]["summary"];
    assert_eq!((&summary["sent"], &summary["acknowledged"]), (&2.into(), &1.into()));
    assert!(summary["milliseconds"]["p99"].as_f64().is_some_and(|p99| p99 > 0.0), "{out}");
}

#[tokio::test]
async fn headers_of_the_users_choice_are_sent_beside_those_of_the_provider() {
    let (url, arrived) = webhook(&[OK]).await;
    let given = ["-", "--to", &url, "--secret", SECRET, "--header", "X-Request-Id: 7"];
    run(&given, b"{}").await.0.unwrap();
    let head = arrived.lock().unwrap()[0].0.clone();
    assert_eq!(header(&head, "x-request-id"), Some("7"));
    assert!(header(&head, "x-hub-signature-256").is_some(), "{head}");
    let failure = run(&["-", "--to", &url, "--secret", SECRET, "--header", "nonsense"], b"{}").await.0.unwrap_err();
    assert_eq!(failure.code, Failure::USAGE);
}

#[tokio::test]
async fn nothing_is_sent_when_one_file_cannot_be_read() {
    let (url, arrived) = webhook(&[OK]).await;
    let (done, out) = run(&["-", "/nowhere/x.json", "--to", &url, "--secret", SECRET], b"{}").await;
    let failure = done.unwrap_err();
    assert!(failure.code == 1 && failure.message.contains("`/nowhere/x.json`"), "{}", failure.message);
    assert!(out.is_empty() && arrived.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_and_neither_secret_nor_token_is_shown() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?token=opensesame", listener.local_addr().unwrap());
    drop(listener);
    let failure = run(&["-", "--to", &url, "--secret", SECRET], b"{}").await.0.unwrap_err();
    assert_eq!(failure.code, 1);
    assert!(failure.message.starts_with("failed to send `-` to `http://127.0.0.1:"), "{}", failure.message);
    assert!(failure.message.contains("refused"), "{}", failure.message);
    assert!(!failure.message.contains(SECRET) && !failure.message.contains("opensesame"), "{}", failure.message);
}

#[tokio::test]
async fn wrong_usage_is_refused_with_64() {
    let to = ["--to", "http://localhost:1/"];
    for wrong in [&["-", "-", "--secret", SECRET][..], &["-", "--secret", ""]] {
        let (done, _) = run(&[wrong, &to].concat(), b"").await;
        assert_eq!(done.unwrap_err().code, Failure::USAGE, "{wrong:?}");
    }
    for wrong in [
        &["-"][..],
        &["--secret", SECRET],
        &["-", "--secret", SECRET, "--secret-file", "x"],
        &["-", "--secret", SECRET, "--repeat", "0"],
        &["-", "--secret", SECRET, "--ca", "x", "--insecure"],
        &["-", "--secret", SECRET, "--rate", "0/s"],
        &["-", "--secret", SECRET, "--rate", "fast"],
        &["-", "--secret", SECRET, "--rate", "inf"],
        &["-", "--secret", SECRET, "--same", "--fresh"],
    ] {
        let error = typed([wrong, &to].concat()).err().unwrap_or_else(|| panic!("{wrong:?} is taken"));
        assert!(!error.to_string().contains(SECRET), "{error}");
    }
}

#[test]
fn a_rate_is_the_time_between_two() {
    assert_eq!(pace("100/s"), Ok(Duration::from_millis(10)));
    assert_eq!(pace("0.5"), Ok(Duration::from_secs(2)));
}
