//! Behind proxies: whose a connection or a request is, by the PROXY protocol and by headers.

use crate::start;
use postern_tests::{
    Admin, Client, Config, Door, Feed, Form, Gateway, Protocol, Raw, Sender, Service, Socket, eventually, refusal,
    respond,
};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PROTOCOL: &str = "trusted = [\"127.0.0.0/8\"]\nprotocol = true";

/// Of a client of version 2: its address, this machine's, their ports, and a note of 12 bytes (PP2_TYPE_NOOP).
fn version_2(client: [u8; 4]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x1b".to_vec();
    header.extend(client);
    header.extend([127, 0, 0, 1, 0x12, 0x67, 0x01, 0xbb, 4, 0, 12]);
    header.extend([0; 12]);
    header
}

/// The addresses of those who are connected.
async fn addresses(gateway: &Gateway) -> Vec<String> {
    let listed = Admin::of(gateway).get("/v1/clients").await;
    let listed: Value = serde_json::from_slice(&listed.body).expect("JSON");
    let clients = listed["clients"].as_array().expect("clients");
    let mut addresses: Vec<_> =
        clients.iter().map(|client| client["address"].as_str().expect("an address").to_owned()).collect();
    addresses.sort();
    addresses
}

async fn addresses_become(gateway: &Gateway, wanted: &[&str]) {
    eventually(format!("{wanted:?}"), async || (addresses(gateway).await == wanted).then_some(())).await;
}

#[tokio::test]
async fn clients_behind_the_protocol_are_known_and_limited_by_their_own_address() {
    let config = Config::basic().section("proxy", PROTOCOL).limits("connections_per_address = 2");
    let gateway = start(&config).await;
    let connect = async |header: &[u8]| {
        let raw = Raw::behind(&gateway, header).await.ok()?;
        Some(Socket::over(raw, "/ws", &[]).await.expect("it is let in"))
    };
    let one = connect(b"PROXY TCP4 192.0.2.9 127.0.0.1 4711 443\r\n").await.expect("a place");
    let two = connect(&version_2([192, 0, 2, 9])).await.expect("a place");
    let six = connect(b"PROXY TCP6 2001:db8::9 ::1 4713 443\r\n").await.expect("a place");
    let wanted = ["192.0.2.9:4711", "192.0.2.9:4711", "[2001:db8::9]:4713"];
    addresses_become(&gateway, &wanted).await;
    assert!(connect(&version_2([192, 0, 2, 9])).await.is_none(), "it has its share");
    let admin = Admin::of(&gateway);
    let reason = [("reason", "too_many_from_address")];
    admin.metric_becomes("postern_connections_refused_total", &reason, 1.0).await;
    // The proxy itself has no share: it asks how we are as often as it likes, and others come through it.
    let mut asking = vec![];
    for _ in 0..4 {
        asking.push(Raw::behind(&gateway, b"PROXY UNKNOWN\r\n").await.expect("a handshake"));
    }
    let other = connect(&version_2([192, 0, 2, 10])).await;
    assert!(other.is_some());
    drop((one, two, six));
    addresses_become(&gateway, &["192.0.2.10:4711"]).await;
    assert!(connect(&version_2([192, 0, 2, 9])).await.is_some(), "its share is free again");
}

#[tokio::test]
async fn with_the_protocol_a_connection_without_its_header_or_from_a_stranger_is_refused() {
    let gateway = start(&Config::basic().section("proxy", PROTOCOL)).await;
    // Straight TLS, a header of another kind, one cut off.
    assert!(Raw::behind(&gateway, b"").await.is_err());
    for header in [&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], b"PROXY TCP4 192.0.2.9 nonsense 1 2\r\n"] {
        let mut stream = TcpStream::connect(gateway.edge()).await.expect("it accepts");
        stream.write_all(header).await.expect("it reads");
        assert!(matches!(stream.read(&mut [0]).await, Ok(0) | Err(_)), "{header:?}");
    }
    let admin = Admin::of(&gateway);
    let refused = [("reason", "unproxied")];
    admin.metric_becomes("postern_connections_refused_total", &refused, 3.0).await;
    gateway.says("says not whose its connections are").await;

    let strict = "trusted = [\"192.0.2.0/24\"]\nprotocol = true";
    let gateway = start(&Config::basic().section("proxy", strict)).await;
    assert!(Raw::behind(&gateway, &version_2([192, 0, 2, 9])).await.is_err(), "from an address that is not trusted");
    Admin::of(&gateway).metric_becomes("postern_connections_refused_total", &refused, 1.0).await;
}

#[tokio::test]
async fn the_protocol_stands_before_plain_http_as_well() {
    let config = Config::basic().section("tls", "plain = true").section("proxy", PROTOCOL);
    let gateway = start(&config).await;
    let mut stream = TcpStream::connect(gateway.edge()).await.expect("it accepts");
    stream.write_all(&version_2([192, 0, 2, 9])).await.expect("it reads");
    Sender::over(stream, Protocol::Http1).await.deliver("/whatsapp", "{}").await;
}

#[tokio::test]
async fn a_header_tells_whose_a_request_is_and_the_same_limit_holds() {
    let config = Config::basic()
        .section("proxy", "trusted = [\"127.0.0.0/8\", \"10.0.0.0/8\"]\nheaders = \"x-forwarded-for\"")
        .limits("connections_per_address = 2");
    let gateway = start(&config).await;
    let told = "203.0.113.1, 192.0.2.9, 10.0.0.7";
    let one = Client::connect_with(&gateway, "/ws", &[("x-forwarded-for", told)]).await;
    let door = Door::of(&gateway);
    let two = Feed::new(&door, "/ws", Form::Sse).over(Protocol::Http2).with("x-forwarded-for", told).opened().await;
    addresses_become(&gateway, &["192.0.2.9:0", "192.0.2.9:0"]).await;
    assert_eq!(refusal(&gateway, "/ws", &[("x-forwarded-for", told)]).await.status, 503, "it has its share");
    // Others come through the same proxy, whose own connections nobody counts.
    let mut others = vec![];
    for number in 1..=3 {
        let other = format!("192.0.2.{}", number + 100);
        others.push(Client::connect_with(&gateway, "/ws", &[("x-forwarded-for", &other)]).await);
    }
    drop((one, two));
    addresses_become(&gateway, &["192.0.2.101:0", "192.0.2.102:0", "192.0.2.103:0"]).await;
    Client::connect_with(&gateway, "/ws", &[("x-forwarded-for", told)]).await;
}

#[tokio::test]
async fn a_header_of_whoever_is_no_proxy_is_not_believed() {
    let config = Config::basic().section("proxy", "trusted = [\"10.0.0.0/8\"]\nheaders = \"forwarded\"");
    let gateway = start(&config).await;
    let _client = Client::connect_with(&gateway, "/ws", &[("forwarded", "for=192.0.2.9")]).await;
    eventually("a client", async || match addresses(&gateway).await.as_slice() {
        [address] => {
            assert!(address.starts_with("127.0.0.1:"), "{address}");
            Some(())
        }
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn those_who_are_asked_about_a_client_are_told_its_own_address() {
    let seen = Arc::new(Mutex::new(vec![]));
    let noted = Arc::clone(&seen);
    let service = Service::start(move |request| {
        let address = request.headers().get("x-forwarded-for").map(|value| value.to_str().expect("text").to_owned());
        noted.lock().expect("no test panics in here").push(address);
        respond(200, "{}")
    })
    .await;
    // A trusted proxy in front of a trusted proxy: one speaks the protocol, the other a header.
    let proxy = "trusted = [\"127.0.0.0/8\", \"10.0.0.0/8\"]\nprotocol = true\nheaders = \"forwarded\"";
    let config = Config::basic()
        .stream("agents", "/ws", &["whatsapp"], "")
        .section("streams.agents.callout", &format!("url = \"{}\"", service.url("/admit")))
        .section("proxy", proxy);
    let gateway = start(&config).await;
    let forwarded = [("forwarded", "for=\"[2001:db8::9]:4711\"")];
    for header in [version_2([10, 0, 0, 7]), version_2([192, 0, 2, 9])] {
        let raw = Raw::behind(&gateway, &header).await.expect("a handshake");
        Socket::over(raw, "/ws", &forwarded).await.expect("it is let in");
    }
    let seen = seen.lock().expect("no test panics in here").clone();
    assert_eq!(seen, [Some("2001:db8::9".to_owned()), Some("192.0.2.9".to_owned())], "the second is no proxy of ours");
}
