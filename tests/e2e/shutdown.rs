//! SIGTERM: not ready, no new connections, open webhooks finished, clients told, nothing lost.

use crate::start;
use bytes::Bytes;
use postern_tests::{Admin, Client, Config, Raw, Socket, eventually, signed_head};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

#[tokio::test]
async fn sigterm_finishes_open_webhooks_delivers_them_and_closes_clients_with_1001() {
    let mut gateway = start(&Config::basic()).await;
    let admin = Admin::of(&gateway);
    let mut client = Client::connect(&gateway, "/ws").await;
    let body = Bytes::from_static(br#"{"object":"open"}"#);
    let mut open = Raw::connect(&gateway).await;
    open.write(signed_head("/whatsapp", &body)).await.expect("it reads");
    open.write(&body[..3]).await.expect("it reads");
    let mut late = Raw::connect(&gateway).await;
    let head = signed_head("/whatsapp", &body);
    late.write(&head[..20]).await.expect("it reads");
    assert_eq!(admin.get("/ready").await.status, 200);
    gateway.terminate();
    eventually("not ready", async || (admin.get("/ready").await.status == 503).then_some(())).await;
    assert_eq!(admin.get("/live").await.status, 200, "it is alive while it drains");
    eventually("a closed door", async || TcpStream::connect(gateway.edge()).await.is_err().then_some(())).await;
    // A webhook that comes now is sent elsewhere: 503, or an end without an answer. Never a 200.
    let _ = late.write(&head[20..]).await;
    let _ = late.write(&body).await;
    if let Some(reply) = late.reply().await {
        assert_eq!(reply.status, 503, "{reply:?}");
        assert!(reply.header("retry-after").is_some(), "{reply:?}");
    }
    // The one that was open has time to finish, and its event reaches the client before the goodbye.
    open.write(&body[3..]).await.expect("it reads on");
    assert_eq!(open.reply().await.expect("an answer").status, 200);
    client.expect(&body).await;
    assert_eq!(client.close_code().await, Some(1001));
    let ended = gateway.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn nobody_can_hold_up_the_end_for_longer_than_the_drain_timeout() {
    let mut gateway = start(&Config::basic().limits("drain_timeout = \"1s\"")).await;
    let body = Bytes::from_static(br#"{"object":"never"}"#);
    let mut endless = Raw::connect(&gateway).await;
    endless.write(signed_head("/whatsapp", &body)).await.expect("it reads");
    let mut deaf = Socket::connect(&gateway, "/ws").await;
    let begin = Instant::now();
    gateway.terminate();
    let ended = gateway.ended().await;
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(deaf.close_code().await, Some(1001), "it was told, though it never answered");
}

#[tokio::test]
async fn an_idle_gateway_ends_at_once_and_starts_again_on_the_same_data() {
    let gateway = start(&Config::basic()).await;
    let begin = Instant::now();
    let (home, ended) = gateway.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    let gateway = home.start().await;
    assert_eq!(Admin::of(&gateway).get("/ready").await.status, 200);
}
