use super::*;
use crate::pipe::{Near, pair};
use crate::task;
use ::http::StatusCode;
use ::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream, SendStream};
use std::io::ErrorKind;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

const LIMIT: usize = 8 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that is served: `/stream` streams, `/slow` answers when it is let, an extended CONNECT tunnels, all
/// else is answered at once.
struct Served {
    tcp: Option<TcpStream>,
    nears: mpsc::Receiver<Near>,
    let_go: Arc<Notify>,
    drain: Option<oneshot::Sender<()>>,
    ended: oneshot::Receiver<()>,
}

async fn served(http2: bool) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (accepted, _) = listener.accept().await.unwrap();
    let (hand, nears) = mpsc::channel(10);
    let (drain, draining) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let let_go = Arc::new(Notify::new());
    let slow = let_go.clone();
    let handle = move |request: Arrived| {
        let (hand, slow) = (hand.clone(), slow.clone());
        async move {
            if request.connect_protocol() == Some("websocket") {
                let (_, upgrade) = request.into_upgrade();
                task::background(async move {
                    let Some(Upgraded::Stream(tunnel)) = upgrade.done().await else { panic!("a stream") };
                    let (near, far) = pair(LIMIT);
                    hand.send(near).await.unwrap();
                    bridge(tunnel, far).await;
                });
                return Reply::empty(StatusCode::OK);
            }
            match request.head.uri.path() {
                "/stream" => {
                    let (near, far) = pair(LIMIT);
                    hand.send(near).await.unwrap();
                    Reply::stream("text/event-stream", far)
                }
                "/slow" => {
                    slow.notified().await;
                    Reply::text(StatusCode::OK, "slow\n")
                }
                _ => Reply::text(StatusCode::OK, "at once\n"),
            }
        }
    };
    let config = Config { headers: 32 << 10, header_count: 100, header_timeout: PATIENCE };
    task::background(async move {
        let drained = async {
            let _ = draining.await;
        };
        serve_as(http2, Io::Plain(accepted), config, handle, drained).await;
        let _ = end.send(());
    });
    Served { tcp: Some(tcp), nears, let_go, drain: Some(drain), ended }
}

impl Served {
    /// Speaks HTTP/2 with windows of one KiB for each stream.
    async fn http2(&mut self) -> SendRequest<Bytes> {
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(1024).enable_push(false);
        let (client, mut connection) = builder.handshake(self.tcp.take().unwrap()).await.unwrap();
        let mut ping = connection.ping_pong().unwrap();
        task::background(async move {
            let _ = connection.await;
        });
        // The server's settings have come when it answers this.
        ping.ping(h2::Ping::opaque()).await.unwrap();
        client
    }

    async fn near(&mut self) -> Near {
        timeout(PATIENCE, self.nears.recv()).await.unwrap().unwrap()
    }

    fn begin_drain(&mut self) {
        self.drain.take().unwrap().send(()).unwrap();
    }

    async fn has_ended(self) {
        timeout(PATIENCE, self.ended).await.expect("the connection ends").unwrap();
    }
}

async fn get(client: &SendRequest<Bytes>, path: &str) -> RecvStream {
    let mut client = client.clone().ready().await.unwrap();
    let request = Request::get(format!("https://gateway{path}")).body(()).unwrap();
    let response = client.send_request(request, true).unwrap().0.await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.into_body()
}

async fn connect(client: &SendRequest<Bytes>) -> (SendStream<Bytes>, RecvStream) {
    let mut client = client.clone().ready().await.unwrap();
    assert!(client.is_extended_connect_protocol_enabled());
    let request = Request::connect("https://gateway/ws").extension(h2::ext::Protocol::from_static("websocket"));
    let (response, stream) = client.send_request(request.body(()).unwrap(), false).unwrap();
    let response = response.await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    (stream, response.into_body())
}

/// All that comes, with more asked for.
async fn heard(stream: &mut RecvStream, least: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < least {
        let Some(piece) = timeout(PATIENCE, stream.data()).await.unwrap() else { break };
        let piece = piece.unwrap();
        stream.flow_control().release_capacity(piece.len()).unwrap();
        bytes.extend_from_slice(&piece);
    }
    bytes
}

/// Writes until nobody takes any more for a while, and tells how much that was.
async fn clog(near: &Near) -> usize {
    let mut taken = 0;
    while timeout(Duration::from_millis(100), near.writable()).await.is_ok() {
        match near.try_write(&[b'x'; 4096]) {
            Ok(more) => taken += more,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    taken
}

/// What is read until the connection is closed.
async fn rest(tcp: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, tcp.read_to_end(&mut bytes)).await.expect("the connection ends");
    String::from_utf8(bytes).unwrap()
}

async fn gone(near: &Near) {
    loop {
        timeout(PATIENCE, near.readable()).await.expect("the near end is told").unwrap();
        if near.try_read(&mut [0; 100]).unwrap() == 0 {
            return;
        }
    }
}

#[tokio::test]
async fn a_stream_of_http1_comes_as_it_is_fed_and_ends_with_its_connection() {
    let mut served = served(false).await;
    let mut tcp = served.tcp.take().unwrap();
    tcp.write_all(b"GET /stream HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let near = served.near().await;
    near.try_write(b"first").unwrap();
    let mut text = String::new();
    while !text.ends_with("5\r\nfirst\r\n") {
        let mut buffer = [0; 1000];
        let read = timeout(PATIENCE, tcp.read(&mut buffer)).await.unwrap().unwrap();
        assert_ne!(read, 0, "{text}");
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    for (name, value) in [
        (CONTENT_TYPE.as_str(), "text/event-stream"),
        (CACHE_CONTROL.as_str(), "no-store"),
        ("x-accel-buffering", "no"),
        (CONNECTION.as_str(), "close"),
        (TRANSFER_ENCODING.as_str(), "chunked"),
    ] {
        assert!(text.contains(&format!("\r\n{name}: {value}\r\n")), "{name}: {text}");
    }
    assert!(!text.contains(CONTENT_LENGTH.as_str()));
    near.try_write(b"last").unwrap();
    drop(near);
    assert_eq!(rest(&mut tcp).await, "4\r\nlast\r\n0\r\n\r\n");
    served.has_ended().await;
}

#[tokio::test]
async fn a_client_that_goes_away_is_told_to_the_near_end() {
    let mut plain = served(false).await;
    let mut tcp = plain.tcp.take().unwrap();
    tcp.write_all(b"GET /stream HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let near = plain.near().await;
    drop(tcp);
    gone(&near).await;

    let mut served = served(true).await;
    let client = served.http2().await;
    let stream = get(&client, "/stream").await;
    let near = served.near().await;
    drop(stream);
    gone(&near).await;
    let (mut sender, receiver) = connect(&client).await;
    let near = served.near().await;
    sender.send_reset(Reason::CANCEL);
    drop(receiver);
    gone(&near).await;
}

#[tokio::test]
async fn a_stream_of_http1_that_is_over_and_not_read_is_let_go() {
    let mut served = served(false).await;
    let mut tcp = served.tcp.take().unwrap();
    tcp.write_all(b"GET /stream HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let near = served.near().await;
    clog(&near).await;
    near.close();
    served.has_ended().await;
    drop(tcp);
}

#[tokio::test]
async fn a_tunnel_in_http2_carries_bytes_both_ways_and_its_end() {
    let mut served = served(true).await;
    let client = served.http2().await;
    let (mut sender, mut receiver) = connect(&client).await;
    let near = served.near().await;
    sender.send_data(Bytes::from_static(b"from the client"), false).unwrap();
    near.readable().await.unwrap();
    let mut buffer = [0; 100];
    let read = near.try_read(&mut buffer).unwrap();
    assert_eq!(&buffer[..read], b"from the client");
    let taken = near.try_write(&[b'e'; 5000]).unwrap();
    assert_eq!(heard(&mut receiver, taken).await.len(), 5000);
    // A goodbye is heard though whoever said it is gone.
    near.try_write(b"goodbye").unwrap();
    drop(near);
    assert_eq!(heard(&mut receiver, usize::MAX).await, b"goodbye");

    let (mut sender, mut receiver) = connect(&client).await;
    let near = served.near().await;
    near.try_write(b"close").unwrap();
    near.close();
    assert_eq!(heard(&mut receiver, usize::MAX).await, b"close");
    sender.send_data(Bytes::from_static(b"close"), true).unwrap();
    gone(&near).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_blocks_only_itself_and_holds_little() {
    let mut served = served(true).await;
    let client = served.http2().await;
    let _unread = get(&client, "/stream").await;
    let stream = served.near().await;
    let (_sender, _receiver) = connect(&client).await;
    let tunnel = served.near().await;
    // What is in the pipe, what hyper has taken out of it, and what h2 has taken from hyper.
    let most = 3 * LIMIT + HTTP2_SEND_BUFFER;
    for near in [&stream, &tunnel] {
        let taken = clog(near).await;
        assert!((LIMIT..=most).contains(&taken), "{taken}");
    }
    assert_eq!(heard(&mut get(&client, "/").await, usize::MAX).await, b"at once\n");
}

#[tokio::test]
async fn what_is_over_and_not_read_is_reset_and_its_connection_goes_on() {
    let mut served = served(true).await;
    let client = served.http2().await;
    let mut unread = get(&client, "/stream").await;
    let stream = served.near().await;
    let (_sender, mut receiver) = connect(&client).await;
    let tunnel = served.near().await;
    clog(&stream).await;
    clog(&tunnel).await;
    stream.close();
    tunnel.close();
    for stream in [&mut unread, &mut receiver] {
        let reset = async {
            loop {
                // Read, but no more asked for.
                if let Err(error) = stream.data().await.expect("not a good end") {
                    return error;
                }
            }
        };
        assert_eq!(timeout(PATIENCE, reset).await.unwrap().reason(), Some(Reason::CANCEL));
    }
    gone(&stream).await;
    gone(&tunnel).await;
    assert_eq!(heard(&mut get(&client, "/").await, usize::MAX).await, b"at once\n");
}

#[tokio::test]
async fn a_drain_waits_for_streams_until_they_are_over_and_not_for_those_who_do_not_read() {
    let mut served = served(true).await;
    let client = served.http2().await;
    let mut read = get(&client, "/stream").await;
    let read_near = served.near().await;
    let _unread = get(&client, "/stream").await;
    let unread_near = served.near().await;
    let (_sender, _receiver) = connect(&client).await;
    let tunnel_near = served.near().await;
    served.begin_drain();
    clog(&unread_near).await;
    clog(&tunnel_near).await;
    assert!(served.ended.try_recv().is_err());
    read_near.try_write(b"still fed").unwrap();
    assert_eq!(heard(&mut read, 9).await, b"still fed");
    drop((read_near, unread_near, tunnel_near));
    assert_eq!(heard(&mut read, usize::MAX).await, b"");
    served.has_ended().await;
}

#[tokio::test]
async fn a_drain_finishes_requests_under_way() {
    for http2 in [false, true] {
        let mut served = served(http2).await;
        let answer = if http2 {
            let client = served.http2().await;
            let slow = get_later(client, "/slow");
            served.begin_drain();
            served.let_go.notify_one();
            slow.await.unwrap()
        } else {
            let mut tcp = served.tcp.take().unwrap();
            tcp.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
            served.begin_drain();
            served.let_go.notify_one();
            rest(&mut tcp).await
        };
        assert!(answer.ends_with("slow\n"), "{answer}");
        served.has_ended().await;
    }
}

fn get_later(client: SendRequest<Bytes>, path: &'static str) -> oneshot::Receiver<String> {
    let (tell, answer) = oneshot::channel();
    task::background(async move {
        let body = heard(&mut get(&client, path).await, usize::MAX).await;
        let _ = tell.send(String::from_utf8(body).unwrap());
    });
    answer
}

#[tokio::test]
async fn a_connection_accepted_at_the_last_moment_still_gets_its_answer() {
    let mut served = served(false).await;
    let mut tcp = served.tcp.take().unwrap();
    served.begin_drain();
    tcp.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let answer = rest(&mut tcp).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("at once\n"), "{answer}");
    served.has_ended().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_does_not_hold_up_a_drain() {
    let mut served = served(false).await;
    let tcp = served.tcp.take();
    served.begin_drain();
    served.has_ended().await;
    drop(tcp);
}
