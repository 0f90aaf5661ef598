//! Certificates of clients: Meta's rules for webhooks (a chain to a root that is trusted, an exact name), and who need not
//! show one.

use crate::{home, start};
use postern_tests::{APP_SECRET, Authority, Client, Config, Gateway, Issued, Protocol, Raw, Sender, eventually, sign};
use rustls::ClientConfig;
use std::sync::Arc;

const META: &str = "client.webhooks.fbclientcerts.com";

/// The webhook wants Meta's certificate; one stream wants one, one looks at it if there is one, one does not ask.
fn config() -> Config {
    Config::basic()
        .section("tls", "certificate = \"cert.pem\"\nkey = \"key.pem\"\nclient_ca = [\"old.pem\", \"new.pem\"]")
        .webhook("whatsapp", "/whatsapp", &format!("client_auth = \"required\"\nclient_name = \"{META}\""))
        .stream("agents", "/ws", &["whatsapp"], "open = true")
        .stream("desk", "/desk", &["whatsapp"], "open = true\nclient_auth = \"required\"\nclient_name = \"desk\"")
        .stream("any", "/any", &["whatsapp"], "open = true\nclient_auth = \"optional\"\nclient_name = \"desk\"")
}

/// What a webhook over a connection of this client is answered; `None` when there is no such connection.
async fn sent(gateway: &Gateway, trust: Arc<ClientConfig>) -> Option<u16> {
    let mut raw = Raw::with(gateway, trust).await.ok()?;
    let body = b"{}";
    let head = format!(
        "POST /whatsapp HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nX-Hub-Signature-256: {}\r\n\r\n",
        body.len(),
        sign(APP_SECRET, body)
    );
    raw.write([head.as_bytes(), body].concat()).await.ok()?;
    Some(raw.reply().await?.status)
}

/// What a request to connect is answered: 101, or a refusal.
async fn asked(gateway: &Gateway, path: &str, trust: Arc<ClientConfig>) -> Option<u16> {
    let mut raw = Raw::with(gateway, trust).await.ok()?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    raw.write(request).await.ok()?;
    Some(raw.reply().await?.status)
}

async fn running(trusted: &Authority) -> Gateway {
    let home = home(&config());
    home.write("old.pem", Authority::default().root());
    home.write("new.pem", trusted.root());
    home.start().await
}

#[tokio::test]
async fn the_name_is_one_of_the_certificate_s_own_whole_and_to_the_letter() {
    let meta = Authority::default();
    let gateway = running(&meta).await;
    let server = &gateway.home.authority;
    let send = async |client: &Issued| sent(&gateway, server.trust_as(client)).await;
    assert_eq!(send(&meta.issue_client(META)).await, Some(200), "as a common name");
    assert_eq!(send(&meta.issue_client_for(&["other.example", META])).await, Some(200), "as a DNS name");
    let evil = [format!("{META}.evil.example"), format!("evil.{META}"), format!("*.{META}"), META.to_uppercase()];
    for name in &evil {
        assert_eq!(send(&meta.issue_client(name)).await, Some(403), "{name}");
    }
    assert_eq!(send(&meta.issue_client_for(&[&evil[0]])).await, Some(403), "as a DNS name");
    assert_eq!(sent(&gateway, server.trust(&["http/1.1"], rustls::ALL_VERSIONS)).await, Some(403), "none at all");
    // With the right certificate a wrong signature is one all the same.
    let mut raw = Raw::with(&gateway, server.trust_as(&meta.issue_client(META))).await.expect("a handshake");
    raw.write("POST /whatsapp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}").await.expect("it reads");
    assert_eq!(raw.reply().await.expect("an answer").status, 401);
}

#[tokio::test]
async fn a_certificate_of_a_stranger_or_one_that_has_ended_or_is_for_servers_makes_no_connection() {
    let meta = Authority::default();
    let gateway = running(&meta).await;
    let server = &gateway.home.authority;
    let send = async |client: &Issued| sent(&gateway, server.trust_as(client)).await;
    assert_eq!(send(&Authority::default().issue_client(META)).await, None, "of another root");
    assert_eq!(send(&meta.issue_ended_client(META)).await, None, "ended");
    assert_eq!(send(&meta.issue_server(META)).await, None, "for servers");
    // Where it would not have been looked at, it is no better: one that is shown must be good.
    let stranger = server.trust_as(&Authority::default().issue_client(META));
    assert_eq!(asked(&gateway, "/ws", stranger).await, None);
}

#[tokio::test]
async fn each_stream_asks_for_itself() {
    let ours = Authority::default();
    let gateway = running(&ours).await;
    let server = &gateway.home.authority;
    let (desk, other) = (ours.issue_client("desk"), ours.issue_client("other"));
    for (path, none, named, another) in [("/ws", 101, 101, 101), ("/desk", 403, 101, 403), ("/any", 101, 101, 403)] {
        let nobody = server.trust(&["http/1.1"], rustls::ALL_VERSIONS);
        assert_eq!(asked(&gateway, path, nobody).await, Some(none), "{path}: none");
        assert_eq!(asked(&gateway, path, server.trust_as(&desk)).await, Some(named), "{path}: the one named");
        assert_eq!(asked(&gateway, path, server.trust_as(&other)).await, Some(another), "{path}: another");
    }
}

#[tokio::test]
async fn a_root_that_goes_takes_nobody_s_connection_and_nobody_comes_back_by_it() {
    let meta = Authority::default();
    let gateway = running(&meta).await;
    let (home, server) = (&gateway.home, &gateway.home.authority);
    let mut client = Client::connect(&gateway, "/ws").await;
    // One that comes back with a ticket, as every decent client does: it does not show its certificate again.
    let trust = server.trust_as(&meta.issue_client(META));
    assert_eq!(sent(&gateway, trust.clone()).await, Some(200));
    let mut open = Raw::with(&gateway, trust.clone()).await.expect("a handshake");
    assert_eq!(open.session().handshake_kind(), Some(rustls::HandshakeKind::Resumed));
    assert_eq!(sent(&gateway, trust.clone()).await, Some(200), "by its ticket");
    // The next root comes, the old one goes.
    let next = Authority::default();
    home.write("new.pem", next.root());
    let fresh = server.trust_as(&next.issue_client(META));
    eventually("the new root", async || (sent(&gateway, fresh.clone()).await == Some(200)).then_some(())).await;
    assert_eq!(sent(&gateway, trust).await, None, "by its ticket, or by its certificate");
    // What was open stays open, also with the certificate that was good when it was.
    let body = b"{\"open\":1}";
    let head = format!(
        "POST /whatsapp HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nX-Hub-Signature-256: {}\r\n\r\n",
        body.len(),
        sign(APP_SECRET, body)
    );
    open.write([head.as_bytes(), body].concat()).await.expect("it is open");
    assert_eq!(open.reply().await.expect("an answer").status, 200);
    client.until(body).await;
    // Roots that make no sense change nothing.
    home.write("new.pem", "nonsense");
    gateway.says("holds no certificate").await;
    assert_eq!(sent(&gateway, fresh).await, Some(200));
}

#[tokio::test]
async fn without_roots_nobody_is_asked() {
    let gateway = start(&Config::basic()).await;
    Sender::connect(&gateway, Protocol::Http2).await.deliver("/whatsapp", "{}").await;
}
