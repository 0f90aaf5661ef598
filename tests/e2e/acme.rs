//! Certificates from a real authority by ACME, on this machine (pebble, Let's Encrypt's own for tests).

use crate::home;
use futures_util::future::join_all;
use postern_tests::tools::pebble::{Pebble, shown};
use postern_tests::{Admin, Config, Frame, Gateway, Protocol, Raw, Sender, Socket, alone, eventually, report};
use rustls::ClientConfig;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The certificate that is shown, as soon as there is one.
async fn certified(gateway: &Gateway, trust: &Arc<ClientConfig>) -> rustls_pki_types::CertificateDer<'static> {
    eventually("a certificate", async || shown(gateway, trust).await).await
}

/// The file of the certificate, wherever below the data directory.
fn file(gateway: &Gateway) -> PathBuf {
    let folders = std::fs::read_dir(gateway.home.path("data/acme")).expect("it is there");
    let folders: Vec<PathBuf> = folders.map(|entry| entry.expect("it can be read").path()).collect();
    assert_eq!(folders.len(), 1, "one folder an authority: {folders:?}");
    folders[0].join("certificate.pem")
}

#[tokio::test]
async fn a_certificate_is_got_by_tls_kept_to_oneself_and_used_by_the_next_start_without_asking() {
    let Some(mut pebble) = Pebble::start(90 * DAY).await else { return };
    let home = home(&pebble.configure(Config::basic(), ""));
    let checked = home.run(&["check", "-c", "postern.toml"]).await;
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    assert!(checked.stdout.contains("acme: no certificate yet: would ask https://localhost:"), "{}", checked.stdout);
    let gateway = home.start().await;
    let trust = pebble.trust().await;
    let begun = Instant::now();
    let first = certified(&gateway, &trust).await;
    report(format_args!("a certificate by tls-alpn-01 in {} ms", begun.elapsed().as_millis()));
    gateway.says("no certificate yet: TLS handshakes fail").await;
    let client = Raw::with(&gateway, trust.clone()).await.expect("a handshake");
    Socket::over(client, "/ws", &[]).await.expect("it is let in");
    let kept = file(&gateway);
    for path in [kept.clone(), kept.with_file_name("account.json")] {
        let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
    let admin = Admin::of(&gateway);
    admin.metric_becomes("postern_acme_renewals_total", &[("outcome", "renewed")], 1.0).await;
    let ends = eventually("when it ends", async || {
        let ends = admin.metric("postern_certificate_expiry_seconds", &[("source", "acme")]).await;
        (ends > 0.0).then_some(ends)
    })
    .await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is after 1970");
    let days = (ends - now.as_secs_f64()) / DAY.as_secs_f64();
    assert!((89.0..91.0).contains(&days), "{days}");

    // Nobody is there to be asked.
    pebble.stop();
    let (home, _) = gateway.stop().await;
    let checked = home.run(&["check", "-c", "postern.toml"]).await;
    assert!(checked.stdout.contains("acme: a certificate for localhost until "), "{}", checked.stdout);
    let gateway = home.start().await;
    assert_eq!(shown(&gateway, &trust).await, Some(first));
    gateway.says("the certificate of ACME is used").await;
}

#[tokio::test]
async fn a_certificate_is_got_by_http_where_all_else_is_sent_on_to_https() {
    let Some(pebble) = Pebble::start(90 * DAY).await else { return };
    let more = format!("challenge = \"http-01\"\nhttp = \"127.0.0.1:{}\"", pebble.http_port);
    let gateway = home(&pebble.configure(Config::basic(), &more)).start().await;
    let trust = pebble.trust().await;
    certified(&gateway, &trust).await;
    let mut sender = Sender::plain(gateway.http()).await;
    let sent_on = sender.get("/whatsapp?hub.mode=subscribe").await;
    assert_eq!(
        (sent_on.status, sent_on.header("location")),
        (308, Some("https://localhost/whatsapp?hub.mode=subscribe"))
    );
    assert_eq!(sender.get("/.well-known/acme-challenge/made-up").await.status, 404);
    let foreign = sender.send(http::Method::GET, "/", &[("host", "evil.example")], "").await.expect("an answer");
    assert!(foreign.header("location").is_none_or(|location| !location.contains("evil")), "{foreign:?}");
    // A webhook that is sent there by mistake is not taken.
    assert_eq!(sender.post("/whatsapp", "{}").await.status, 308);
}

#[tokio::test]
async fn nobody_but_an_authority_that_is_expected_gets_an_answer_to_its_protocol() {
    let Some(pebble) = Pebble::start(90 * DAY).await else { return };
    let gateway = home(&pebble.configure(Config::basic(), "")).start().await;
    let trust = pebble.trust().await;
    certified(&gateway, &trust).await;
    let offering = |protocols: &[&[u8]]| {
        let mut trust = ClientConfig::clone(&trust);
        trust.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Arc::new(trust)
    };
    assert!(Raw::with(&gateway, offering(&[b"acme-tls/1"])).await.is_err(), "nothing is expected any more");
    let mixed = Raw::with(&gateway, offering(&[b"acme-tls/1", b"http/1.1"])).await.expect("a handshake");
    assert_eq!(mixed.session().alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[tokio::test]
async fn a_failure_is_told_with_the_authority_s_own_words_and_not_repeated_at_once() {
    let Some(mut pebble) = Pebble::start(90 * DAY).await else { return };
    // Another port than the one where it will look.
    let listen = format!("[\"127.0.0.1:{}\"]", postern_tests::lasting_port());
    let config = pebble.configure(Config::basic(), "").top("listen", &listen);
    let home = home(&config);
    let gateway = home.start().await;
    let admin = Admin::of(&gateway);
    let failed = [("outcome", "failed")];
    admin.metric_becomes("postern_acme_renewals_total", &failed, 1.0).await;
    let log = gateway.says("could not see that `localhost` is ours").await;
    assert!(log.contains("urn:ietf:params:acme:error:"), "{log}");
    assert!(log.contains("\"again\":\"1m"), "it says when it tries again: {log}");
    TcpStream::connect(gateway.edge()).await.expect("it listens all the same");
    // A restart does not ask either.
    let (home, _) = gateway.stop().await;
    let gateway = home.start().await;
    gateway.says("no certificate yet").await;
    let admin = Admin::of(&gateway);
    assert_eq!(admin.metric("postern_acme_renewals_total", &[]).await, 0.0);
    // It is mended, and the operator does not want to wait; the authority has forgotten who we are meanwhile.
    let (home, _) = gateway.stop().await;
    home.configure(&pebble.configure(Config::basic(), ""));
    pebble.again().await;
    let gateway = home.start().await;
    let asked = Admin::of(&gateway).post("/v1/acme/renew", &serde_json::Value::Null).await;
    assert_eq!(asked["asked"], true);
    certified(&gateway, &pebble.trust().await).await;
}

/// Certificates of a quarter of a minute, so that what happens in two months can be seen.
#[tokio::test]
async fn certificates_are_renewed_in_time_by_themselves_and_by_the_authority_s_window() {
    let Some(pebble) = Pebble::start(Duration::from_secs(15)).await else { return };
    let gateway = home(&pebble.configure(Config::basic(), "")).start().await;
    let trust = pebble.trust().await;
    let first = certified(&gateway, &trust).await;
    let another = eventually("the next certificate", async || {
        shown(&gateway, &trust).await.filter(|certificate| *certificate != first)
    })
    .await;
    eventually("the one after it", async || {
        shown(&gateway, &trust).await.filter(|certificate| *certificate != another && *certificate != first)
    })
    .await;
    let admin = Admin::of(&gateway);
    let renewed = eventually("three of them", async || {
        let renewed = admin.metric("postern_acme_renewals_total", &[("outcome", "renewed")]).await;
        (renewed >= 3.0).then_some(renewed)
    })
    .await;
    assert!(renewed < 6.0, "no more than it takes: {renewed}");
    let log = pebble.log();
    assert!(log.matches("renewalInfo").count() >= 2, "it is asked when it would have them renewed: {log}");
}

#[tokio::test]
async fn a_renewal_under_a_thousand_connections_is_noticed_by_new_ones_alone() {
    let _alone = alone().await;
    let Some(pebble) = Pebble::start(90 * DAY).await else { return };
    rlimit::increase_nofile_limit(16 * 1024).expect("the limit of open files can be raised");
    let config = pebble.configure(Config::basic(), "").limits("connections_per_address = 4000");
    let gateway = home(&config).start().await;
    let trust = pebble.trust().await;
    let first = certified(&gateway, &trust).await;
    let mut clients = vec![];
    for _ in 0..20 {
        let (gateway, trust, first) = (&gateway, &trust, &first);
        let connecting = (0..50).map(|_| async move {
            let raw = Raw::with(gateway, trust.clone()).await.expect("a handshake");
            assert_eq!(raw.session().peer_certificates().expect("it shows one")[0], *first);
            Socket::over(raw, "/ws", &[]).await.expect("it is let in")
        });
        clients.extend(join_all(connecting).await);
    }
    let admin = Admin::of(&gateway);
    admin.metric_becomes("postern_clients", &[("stream", "agents")], 1000.0).await;
    let begun = Instant::now();
    admin.post("/v1/acme/renew", &serde_json::Value::Null).await;
    let second = eventually("the next certificate", async || {
        shown(&gateway, &trust).await.filter(|certificate| *certificate != first)
    })
    .await;
    report(format_args!("renewed under 1000 connections in {} ms", begun.elapsed().as_millis()));
    assert_ne!(first, second);
    // Every one of those of the old chain is there, and hears what comes now.
    let body = b"{\"after\":\"the renewal\"}";
    let stream = Raw::with(&gateway, trust.clone()).await.expect("a handshake");
    let mut sender = Sender::over(stream.into_stream(), Protocol::Http1).await;
    sender.deliver("/whatsapp", &body[..]).await;
    for client in &mut clients {
        let frame = client.read_event().await.expect("it is still connected");
        assert_eq!((frame.opcode, &frame.payload[..]), (Frame::TEXT, &body[..]));
    }
    assert_eq!(admin.metric("postern_clients", &[("stream", "agents")]).await, 1000.0);
    assert_eq!(admin.metric("postern_closes_total", &[]).await, 0.0);
}
