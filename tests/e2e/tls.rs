//! TLS as a public server's: versions, protocols, the full chain, keys under a password, certificates that change.

use crate::{home, start};
use postern_tests::{Authority, Client, Config, Protocol, Raw, Sender, encrypted, eventually, patiently};
use rustls::crypto::aws_lc_rs::kx_group::{SECP256R1, SECP384R1, X25519, X25519MLKEM768};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, NamedGroup, ProtocolVersion};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn both_versions_and_both_protocols_are_spoken_and_http1_where_none_is_asked_for() {
    let gateway = start(&Config::basic()).await;
    for (version, name) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let offers: [(&[&str], Option<&str>); 4] = [
            (&["h2", "http/1.1"], Some("h2")),
            (&["http/1.1", "h2"], Some("h2")),
            (&["http/1.1"], Some("http/1.1")),
            (&[], None),
        ];
        for (offered, agreed) in offers {
            let config = gateway.home.authority.trust(offered, &[version]);
            let mut raw = Raw::with(&gateway, config).await.expect("the handshake succeeds");
            assert_eq!(raw.session().protocol_version(), Some(name));
            assert_eq!(raw.session().alpn_protocol(), agreed.map(str::as_bytes), "{offered:?}");
            if agreed != Some("h2") {
                raw.write("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("it reads");
                assert_eq!(raw.reply().await.expect("an answer").status, 404);
            }
        }
    }
}

/// X25519 with ML-KEM 768 is what browsers offer first: what is recorded today is not to be read by a quantum computer later.
#[tokio::test]
async fn keys_are_agreed_on_as_the_client_prefers_by_a_hybrid_with_ml_kem_too() {
    let gateway = start(&Config::basic()).await;
    let preferences: [(&[&'static dyn SupportedKxGroup], NamedGroup); 4] = [
        (&[X25519MLKEM768, X25519], NamedGroup::X25519MLKEM768),
        (&[X25519, X25519MLKEM768], NamedGroup::X25519),
        (&[SECP256R1], NamedGroup::secp256r1),
        (&[SECP384R1], NamedGroup::secp384r1),
    ];
    for (preferred, agreed) in preferences {
        let provider = CryptoProvider { kx_groups: preferred.to_vec(), ..aws_lc_rs::default_provider() };
        let config = gateway.home.authority.trust_by(provider, &["http/1.1"], &[&TLS13]);
        let mut raw = Raw::with(&gateway, config).await.expect("the handshake succeeds");
        let group = raw.session().negotiated_key_exchange_group().map(|group| group.name());
        assert_eq!((group, raw.session().handshake_kind()), (Some(agreed), Some(HandshakeKind::Full)));
        raw.write("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("it reads");
        assert_eq!(raw.reply().await.expect("an answer").status, 404);
    }
}

#[tokio::test]
async fn a_client_that_trusts_another_authority_does_not_trust_us() {
    let gateway = start(&Config::basic()).await;
    let config = Authority::default().trust(&[], rustls::ALL_VERSIONS);
    assert!(Raw::with(&gateway, config).await.is_err());
}

#[tokio::test]
async fn an_encrypted_key_is_opened_by_its_password_from_a_file() {
    let config = "certificate = \"cert.pem\"\nkey = \"key.pem\"\nkey_password = { file = \"key.pass\" }";
    let home = home(&Config::basic().section("tls", config));
    let key = std::fs::read_to_string(home.path("key.pem")).expect("it is there");
    home.write("key.pem", encrypted(&key, "correct horse"));
    // As an editor leaves it.
    home.write("key.pass", "correct horse\n");
    let gateway = home.start().await;
    Sender::connect(&gateway, Protocol::Http2).await.deliver("/whatsapp", "{}").await;
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_and_connections_stay() {
    let gateway = start(&Config::basic()).await;
    let home = &gateway.home;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let shown = async || {
        let raw = Raw::with(&gateway, home.authority.trust(&[], rustls::ALL_VERSIONS)).await.expect("a handshake");
        raw.session().peer_certificates().expect("it shows one")[0].clone().into_owned()
    };
    let first = shown().await;
    for _ in 0..2 {
        let issued = home.authority.issue();
        home.install(&issued);
        eventually("the new certificate", async || (shown().await == issued.leaf).then_some(())).await;
    }
    let last = shown().await;
    assert_ne!(first, last);
    // Files that make no sense change nothing but the log.
    home.write("cert.pem", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
    eventually("a complaint about the new certificate", async || {
        let complaint = gateway.stderr().lines().any(|line| line.contains("cert.pem") && !line.contains("\"INFO\""));
        complaint.then_some(())
    })
    .await;
    assert_eq!(shown().await, last);
    sender.deliver("/whatsapp", "on the old connections").await;
    client.expect(b"on the old connections").await;
}

#[tokio::test]
async fn those_who_never_finish_a_handshake_keep_nobody_waiting_and_are_let_go() {
    let config = "certificate = \"cert.pem\"\nkey = \"key.pem\"\nhandshake_timeout = \"1s\"";
    let gateway = start(&Config::basic().section("tls", config)).await;
    let mut silent = vec![];
    for _ in 0..200 {
        silent.push(TcpStream::connect(gateway.edge()).await.expect("it accepts"));
    }
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", "{}").await;
    for stream in silent {
        ends("the end of a handshake that never began", stream).await;
    }
}

#[tokio::test]
async fn what_is_not_tls_is_turned_away_and_the_next_served() {
    let gateway = start(&Config::basic()).await;
    for nonsense in [&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], &[0; 5000], &[0x16, 3, 1, 0xff, 0xff, 1]] {
        let mut stream = TcpStream::connect(gateway.edge()).await.expect("it accepts");
        stream.write_all(nonsense).await.expect("it reads");
        stream.shutdown().await.expect("it is open");
        ends("the end of the nonsense", stream).await;
    }
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", "{}").await;
}

#[tokio::test]
async fn without_tls_where_that_is_said_aloud() {
    let gateway = start(&Config::basic().section("tls", "plain = true")).await;
    Sender::plain(gateway.edge()).await.deliver("/whatsapp", "{}").await;
}

/// Waits until the gateway closes or resets a connection, an alert before it or not.
async fn ends(what: &str, mut stream: TcpStream) {
    let _ = patiently(what, tokio::io::copy(&mut stream, &mut tokio::io::sink())).await;
}
