//! Registries that lie, dawdle and send astray, written by hand. What a real one does is tested in `tests/e2e/registry.rs`.

use super::*;
use crate::error::Chain;
use crate::outward::testing::{header, request, server, tls};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0 and so on";

/// What was asked of a registry: the heads of the requests.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    /// `GET /path` of each.
    fn lines(&self) -> Vec<String> {
        let heads = self.0.lock().unwrap();
        heads.iter().map(|head| head.split(" HTTP").next().unwrap_or_default().to_owned()).collect()
    }

    /// What the requests brought as `Authorization`.
    fn shown(&self) -> Vec<Option<String>> {
        let heads = self.0.lock().unwrap();
        heads.iter().map(|head| header(head, "authorization").map(str::to_owned)).collect()
    }
}

/// A server that answers each request, by its head, with these bytes.
async fn fake(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> (SocketAddr, Asked) {
    let (asked, answer) = (Asked::default(), Arc::new(answer));
    let seen = asked.clone();
    let address = server(move |_, tcp| {
        task::background(serve(tcp, answer.clone(), seen.clone()));
        std::future::ready(())
    });
    (address.await, asked)
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, answer: Arc<impl Fn(&str) -> Vec<u8>>, asked: Asked) {
    while let Some((head, _)) = request(&mut stream).await {
        let bytes = answer(&head);
        asked.0.lock().unwrap().push(head);
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn ok(body: &[u8]) -> Vec<u8> {
    response("200 OK", "", body)
}

fn manifest_of(component: &[u8]) -> Vec<u8> {
    manifest::manifest(&manifest::config(&Digest::of(component), &[], &[]), component)
}

/// What an honest registry answers.
fn honest(head: &str) -> Vec<u8> {
    if head.contains("/manifests/") { ok(&manifest_of(COMPONENT)) } else { ok(COMPONENT) }
}

fn by_tag(address: SocketAddr) -> Reference {
    format!("oci://{address}/acme/redact:1").parse().unwrap()
}

fn by_digest(address: SocketAddr, manifest: &[u8]) -> Reference {
    format!("oci://{address}/acme/redact@{}", Digest::of(manifest)).parse().unwrap()
}

fn account() -> Option<(String, Secret)> {
    Some(("robot".to_owned(), Secret::new("hunter2")))
}

fn settings(timeout: u64, account: Option<(String, Secret)>) -> Settings {
    Settings { account, timeout: Duration::from_millis(timeout), ..Settings::default() }
}

/// A pull with nothing kept from before.
fn pull(reference: &Reference, settings: &Settings) -> Result<Vec<u8>, String> {
    let directory = tempfile::tempdir().unwrap();
    let all = Registries::new(directory.path(), BTreeMap::from([(reference.registry.clone(), settings.clone())]));
    all.pull(reference, None).map_err(|error| Chain(&error).to_string())
}

#[track_caller]
fn refused(reference: &Reference, settings: &Settings, parts: &[&str]) {
    let why = pull(reference, settings).expect_err("it is refused");
    let reference = reference.to_string();
    for part in parts.iter().copied().chain([reference.as_str(), "failed to pull", "\nhint: "]) {
        assert!(why.contains(part), "`{part}` is not in: {why}");
    }
    assert!(!why.contains("hunter2") && !why.contains("secret-query"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_by_digest_is_pulled_once_and_what_is_damaged_is_pulled_anew() {
    let (address, asked) = fake(honest).await;
    let reference = by_digest(address, &manifest_of(COMPONENT));
    let directory = tempfile::tempdir().unwrap();
    let all = Registries::new(directory.path(), BTreeMap::new());
    for _ in 0..3 {
        assert_eq!(all.pull(&reference, None).unwrap(), COMPONENT);
    }
    assert_eq!(asked.lines().len(), 2, "a manifest and a layer, once");
    for damaged in [COMPONENT.to_vec(), manifest_of(COMPONENT)] {
        let path = directory.path().join(format!("sha256-{}", Digest::of(&damaged).hex()));
        std::fs::write(&path, &damaged[1..]).unwrap();
        assert_eq!(all.pull(&reference, None).unwrap(), COMPONENT);
        assert_eq!(std::fs::read(&path).unwrap(), damaged);
    }
    assert_eq!(asked.lines().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_is_asked_again_unless_the_component_is_pinned() {
    let (address, asked) = fake(honest).await;
    let directory = tempfile::tempdir().unwrap();
    let all = Registries::new(directory.path(), BTreeMap::new());
    for _ in 0..2 {
        assert_eq!(all.pull(&by_tag(address), None).unwrap(), COMPONENT);
    }
    assert_eq!(asked.lines().len(), 4);
    let pin = Digest::of(COMPONENT);
    assert_eq!(all.pull(&by_tag(address), Some(&pin)).unwrap(), COMPONENT);
    assert_eq!(asked.lines().len(), 4, "its content is known, and it is here");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_used_that_has_another_digest_than_was_asked() {
    let other = b"\0asm\x0d\0\x01\0 and so no";
    let (address, _) = fake(honest).await;
    refused(&by_digest(address, &manifest_of(other)), &settings(9000, None), &["another manifest", "not used"]);
    let swapped = |head: &str| if head.contains("/manifests/") { honest(head) } else { ok(other) };
    let (address, asked) = fake(swapped).await;
    for reference in [by_tag(address), by_digest(address, &manifest_of(COMPONENT))] {
        let digest = Digest::of(COMPONENT).to_string();
        refused(&reference, &settings(9000, None), &["another layer", &digest, "not used"]);
    }
    assert_eq!(asked.lines().len(), 4, "one that lies is not asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_that_is_no_component_is_told_by_what_it_is() {
    let of = |config: &str, layers: &str| format!(r#"{{"config":{config},"layers":[{layers}]}}"#);
    let one = |media_type: &str, digest: &str, size: u64| {
        format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}}}"#)
    };
    let digest = Digest::of(COMPONENT).to_string();
    let (config, wasm) = (one(manifest::CONFIG, &digest, 1), one(manifest::WASM, &digest, 1));
    let docker = "application/vnd.docker.container.image.v1+json";
    let cases = [
        ("<html>".to_owned(), "its manifest is not JSON"),
        ("{}".to_owned(), "no config"),
        (r#"{"manifests":[],"layers":[]}"#.to_owned(), "an index"),
        (of(&one(docker, &digest, 1), &wasm), docker),
        (of(&config, ""), "it has 0 layers"),
        (of(&config, &format!("{wasm},{wasm}")), "it has 2 layers"),
        (of(&config, &one("application/x-tar", &digest, 1)), "`application/x-tar`"),
        (of(&config, &one(manifest::WASM, "sha512:00", 1)), "not named by a SHA-256"),
        (of(&config, &one(manifest::WASM, &digest, u64::MAX)), "a component of more than the 67108864 bytes"),
        (of(&config, &one(manifest::WASM, &digest, (64 << 20) + 1)), "a component of more than the 67108864 bytes"),
    ];
    for (manifest, told) in cases {
        let (address, asked) = fake(move |_| ok(manifest.as_bytes())).await;
        refused(&by_tag(address), &settings(9000, None), &[told]);
        assert_eq!(asked.lines(), ["GET /v2/acme/redact/manifests/1"], "no layer of it is asked for");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_sends_too_much_or_for_ever_is_given_up() {
    let large = vec![b' '; (1 << 20) + 1];
    let (address, _) = fake(move |_| ok(&large)).await;
    refused(&by_tag(address), &settings(9000, None), &["a manifest of more than the 1048576 bytes"]);
    let longer = |head: &str| {
        if head.contains("/manifests/") { honest(head) } else { ok(&[COMPONENT, b"!".as_slice()].concat()) }
    };
    let (address, _) = fake(longer).await;
    let told = format!("a layer longer than the {} bytes that its manifest says", COMPONENT.len());
    refused(&by_tag(address), &settings(9000, None), &[&told]);

    // Without an end: bytes as fast as they go are cut by their number, one now and then by the time.
    let endless = || {
        server(|_, mut tcp| async move {
            let _ = request(&mut tcp).await;
            let _ = tcp.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            while tcp.write_all(format!("10000\r\n{}\r\n", "x".repeat(0x10000)).as_bytes()).await.is_ok() {}
        })
    };
    refused(&by_tag(endless().await), &settings(30_000, None), &["a manifest of more than the 1048576 bytes"]);
    let dripping = server(|_, mut tcp| async move {
        let _ = request(&mut tcp).await;
        let _ = tcp.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        while tcp.write_all(b"1\r\nx\r\n").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    let begun = Instant::now();
    refused(&by_tag(dripping.await), &settings(300, None), &["took longer than 300ms", "raise `timeout`"]);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detour_is_followed_and_no_account_is_shown_there() {
    let (storage, stored) = fake(|_| ok(COMPONENT)).await;
    let (address, asked) = fake(move |head| {
        if header(head, "authorization").is_none() {
            return response("401 Unauthorized", "WWW-Authenticate: Basic realm=\"r\"\r\n", b"");
        }
        match head.contains("/manifests/") {
            true => honest(head),
            false => response("307 Temporary Redirect", &format!("Location: http://{storage}/b?secret-query\r\n"), b""),
        }
    })
    .await;
    assert_eq!(pull(&by_tag(address), &settings(9000, account())).unwrap(), COMPONENT);
    assert_eq!((stored.lines(), stored.shown()), (vec!["GET /b?secret-query".to_owned()], vec![None]));
    let basic = Some("Basic cm9ib3Q6aHVudGVyMg==".to_owned());
    assert_eq!(asked.shown(), [None, basic.clone(), basic]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detour_away_from_https_or_without_an_end_is_not_gone() {
    let (acceptor, trusted) = tls();
    let (plain, reached) = fake(honest).await;
    let location = Arc::new(Mutex::new(String::new()));
    let current = location.clone();
    let secure = server(move |_, tcp| {
        let (acceptor, current) = (acceptor.clone(), current.clone());
        let detour = move |_: &str| {
            let location = format!("Location: {}\r\n", current.lock().unwrap());
            response("302 Found", &location, b"")
        };
        task::background(async move {
            if let Ok(stream) = acceptor.accept(tcp).await {
                serve(stream, Arc::new(detour), Asked::default()).await;
            }
        });
        std::future::ready(())
    });
    let reference: Reference = format!("oci://localhost:{}/acme/redact:1", secure.await.port()).parse().unwrap();
    let settings = Settings { ca: Some(trusted.path().to_owned()), ..settings(9000, None) };
    let there = format!("http://{plain}/m");
    for (to, told) in [
        (there.as_str(), "is not `https://`"),
        ("http://example.com/m?secret-query", "`http://example.com/m` is not `https://`"),
        ("ftp://example.com/m?secret-query", "must begin with"),
        ("m?secret-query", "must begin with"),
        ("//example.com/m?secret-query", "must begin with"),
        ("https://ann:hunter2@example.com/", "user name"),
        ("/v2/round/and/round?secret-query", "on and on"),
    ] {
        to.clone_into(&mut location.lock().unwrap());
        refused(&reference, &settings, &["sends elsewhere", told]);
    }
    assert!(reached.lines().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_had_from_the_server_of_tokens_and_shown_to_the_registry_alone() {
    let (tokens, asked_for_tokens) = fake(|_| ok(br#"{"access_token":"t0ken"}"#)).await;
    let (address, asked) = fake(move |head| match header(head, "authorization") {
        Some("Bearer t0ken") => honest(head),
        _ => {
            let scope = "repository:acme/redact:pull";
            let challenge =
                format!("WWW-Authenticate: Bearer realm=\"http://{tokens}/t\",service=\"r\",scope=\"{scope}\"\r\n");
            response("401 Unauthorized", &challenge, b"")
        }
    })
    .await;
    assert_eq!(pull(&by_tag(address), &settings(9000, None)).unwrap(), COMPONENT);
    assert_eq!(pull(&by_tag(address), &settings(9000, account())).unwrap(), COMPONENT);
    let line = "GET /t?service=r&scope=repository%3Aacme%2Fredact%3Apull".to_owned();
    assert_eq!(asked_for_tokens.lines(), [line.clone(), line]);
    assert_eq!(asked_for_tokens.shown(), [None, Some("Basic cm9ib3Q6aHVudGVyMg==".to_owned())]);
    let token = Some("Bearer t0ken".to_owned());
    assert_eq!(asked.shown(), [None, token.clone(), token.clone(), None, token.clone(), token]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_let_in_is_told_what_to_look_at() {
    let challenged = |challenge: String| {
        fake(move |_| {
            response("401 Unauthorized", &challenge, br#"{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}"#)
        })
    };
    let (address, asked) = challenged("WWW-Authenticate: Basic realm=\"r\"\r\n".to_owned()).await;
    let section = format!("[registries.\"{address}\"]");
    refused(&by_tag(address), &settings(9000, None), &["UNAUTHORIZED: no", "may need an account", &section]);
    refused(&by_tag(address), &settings(9000, account()), &["UNAUTHORIZED: no", "may be wrong", &section]);
    assert_eq!(asked.lines().len(), 3, "once without, once with the account, and no more");

    let (tokens, _) = fake(|_| response("403 Forbidden", "", b"who are you")).await;
    let bearer = |realm: String| format!("WWW-Authenticate: Bearer realm=\"{realm}\"\r\n");
    let (address, _) = challenged(bearer(format!("http://{tokens}/"))).await;
    refused(&by_tag(address), &settings(9000, account()), &["403 Forbidden, who are you", "may be wrong"]);
    for (realm, told) in
        [(format!("http://{}/", "example.com"), "is not `https://`"), ("not a url".to_owned(), "cannot be followed")]
    {
        let (address, _) = challenged(bearer(realm)).await;
        refused(&by_tag(address), &settings(9000, account()), &[told]);
    }
    let (tokens, _) = fake(|_| ok(b"{}")).await;
    let (address, _) = challenged(bearer(format!("http://{tokens}/"))).await;
    refused(&by_tag(address), &settings(9000, None), &["gives no token"]);
    let (address, _) = challenged("WWW-Authenticate: Negotiate\r\n".to_owned()).await;
    refused(&by_tag(address), &settings(9000, None), &["`negotiate`"]);
    let (address, _) = fake(|_| response("404 Not Found", "", b"")).await;
    refused(&by_tag(address), &settings(9000, None), &["has no such manifest", "404", "not public"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_busy_is_asked_again_and_its_last_word_is_told() {
    let count = Arc::new(Mutex::new(0));
    let (address, _) = fake(move |head| {
        let mut count = count.lock().unwrap();
        *count += 1;
        if *count < 3 { response("503 Service Unavailable", "", b"busy") } else { honest(head) }
    })
    .await;
    assert_eq!(pull(&by_tag(address), &settings(9000, None)).unwrap(), COMPONENT);
    let (address, asked) = fake(|_| response("429 Too Many Requests", "", b"slow down")).await;
    refused(&by_tag(address), &settings(9000, None), &["429 Too Many Requests, slow down", "hint: wait"]);
    assert_eq!(asked.lines().len(), 1 + PAUSES.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_cannot_be_asked_is_what_it_was_and_one_that_is_gone_is_gone() {
    let state = Arc::new(Mutex::new("200 OK"));
    let current = state.clone();
    let (address, _) = fake(move |head| match *current.lock().unwrap() {
        "200 OK" => honest(head),
        status => response(status, "", b""),
    })
    .await;
    let directory = tempfile::tempdir().unwrap();
    let all = Registries::new(directory.path(), BTreeMap::new());
    let now = |status| {
        *state.lock().unwrap() = status;
        all.pull(&by_tag(address), None).map_err(|error| Chain(&error).to_string())
    };
    assert!(now("500 Internal Server Error").is_err(), "there is nothing yet");
    assert_eq!(now("200 OK").unwrap(), COMPONENT);
    assert_eq!(now("500 Internal Server Error").unwrap(), COMPONENT);
    assert!(now("404 Not Found").unwrap_err().contains("has no such manifest"));
    assert!(now("403 Forbidden").unwrap_err().contains("said no"));
}

#[test]
fn the_default_is_that_of_the_file() {
    let line = format!(
        "timeout = \"{}\"",
        humantime::format_duration(Settings::default().timeout).to_string().replace("1m", "60s")
    );
    let section = include_str!("../../config/default.toml").split("[registries.NAME]").nth(1).unwrap();
    assert!(section.contains(&line), "{line}");
}
