mod forwarding;
mod gateway;
mod resuming;

use super::*;
use crate::outward::testing::{answer, header, request, server, tls};
use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, accept_async};

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    listen: Listen,
}

fn typed(arguments: &[&str]) -> Result<Work, Failure> {
    let line = Line::try_parse_from(["listen"].iter().chain(arguments)).unwrap();
    // Tests are not to wait for what they need not.
    line.listen.prepare().map(|work| Work { first_wait: Duration::from_millis(1), ..work })
}

async fn run(arguments: &[&str], stop: impl Future<Output = ()>) -> (Result<(), Failure>, Vec<serde_json::Value>) {
    let mut out = Vec::new();
    let done = typed(arguments).unwrap().run(&mut out, stop).await;
    let out = String::from_utf8(out).unwrap();
    (done, out.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Reads until the client has answered the goodbye; gives what it said before.
async fn until_closed(mut socket: WebSocketStream<TcpStream>) -> Vec<Message> {
    let mut said = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        said.push(message);
    }
    said
}

#[tokio::test]
async fn each_event_is_a_line_and_pings_are_answered() {
    let (sender, mut said) = mpsc::channel(1);
    let address = server(move |_, tcp| {
        let sender = sender.clone();
        async move {
            let mut socket = accept_async(tcp).await.unwrap();
            socket.send(Message::text("{\"a\": 1}")).await.unwrap();
            socket.send(Message::Ping("are you there".into())).await.unwrap();
            socket.send(Message::text("hello")).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong("are you there".into()));
            socket.send(Message::binary(vec![0xff])).await.unwrap();
            sender.send(until_closed(socket).await).await.unwrap();
        }
    });
    let url = format!("ws://{}/ws", address.await);
    let (done, lines) = run(&[&url, "--count", "3"], pending()).await;
    done.unwrap();
    assert_eq!((&lines[0]["body"]["a"], &lines[0]["bytes"]), (&1.into(), &8.into()));
    assert_eq!(lines[1]["text"], "hello");
    assert_eq!((&lines[2]["base64"], lines.len()), (&"/w==".into(), 3));
    assert!(lines[0]["received"].as_str().unwrap().ends_with('Z'));
    assert!(matches!(said.recv().await.unwrap().as_slice(), [Message::Close(_)]));
}

#[tokio::test]
async fn what_is_asked_for_at_the_handshake_is_sent() {
    let (sender, mut heads) = mpsc::channel(1);
    let address = server(move |_, mut tcp| {
        let sender = sender.clone();
        async move {
            sender.send(request(&mut tcp).await.unwrap().0).await.unwrap();
            tcp.write_all(answer("403 Forbidden", "").as_bytes()).await.unwrap();
        }
    });
    let address = address.await;
    let url = format!("ws://{address}/ws?token=hunter2");
    let headers = ["--header", "Authorization: Bearer a:b", "--header", "X-Room:one"];
    let (done, _) = run(&[&[url.as_str()][..], &headers].concat(), pending()).await;
    let failure = done.unwrap_err();
    assert_eq!(failure.message, format!("`ws://{address}/ws` refused the connection with 403 Forbidden"));
    let head = heads.recv().await.unwrap();
    assert!(head.starts_with("GET /ws?token=hunter2 HTTP/1.1\r\n"), "{head}");
    assert_eq!(header(&head, "host"), Some(address.to_string().as_str()));
    assert_eq!(header(&head, "authorization"), Some("Bearer a:b"));
    assert_eq!(header(&head, "x-room"), Some("one"));
    assert_eq!(header(&head, "sec-websocket-protocol"), Some("postern.v1"));
}

#[tokio::test]
async fn a_refusal_is_told_with_its_whole_body_and_not_asked_again() {
    let address = server(|number, mut tcp| async move {
        assert_eq!(number, 0, "it asked again");
        request(&mut tcp).await.unwrap();
        // The body comes in another packet than the head.
        tcp.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 14\r\n\r\n").await.unwrap();
        tcp.flush().await.unwrap();
        tokio::task::yield_now().await;
        tcp.write_all(b"no such token\n").await.unwrap();
    });
    let url = format!("ws://{}/ws", address.await);
    let failure = run(&[&url], pending()).await.0.unwrap_err();
    assert_eq!(failure.code, 1);
    assert!(failure.message.ends_with("refused the connection with 401 Unauthorized: no such token"), "{failure:?}");
}

#[tokio::test]
async fn an_answer_to_another_handshake_is_refused() {
    let address = server(|_, mut tcp| async move {
        request(&mut tcp).await.unwrap();
        let wrong = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
        tcp.write_all(format!("HTTP/1.1 101 Switching Protocols\r\n{wrong}\r\n\r\n").as_bytes()).await.unwrap();
    });
    let url = format!("ws://{}/ws", address.await);
    let failure = run(&[&url], pending()).await.0.unwrap_err();
    assert!(failure.message.contains("not to the WebSocket handshake that was sent"), "{failure:?}");
}

#[tokio::test]
async fn it_comes_back_after_503_after_a_goodbye_and_after_a_loss() {
    let address = server(|number, mut tcp| async move {
        if number == 0 {
            request(&mut tcp).await.unwrap();
            return tcp.write_all(answer("503 Service Unavailable", "draining").as_bytes()).await.unwrap();
        }
        let mut socket = accept_async(tcp).await.unwrap();
        socket.send(Message::text(number.to_string())).await.unwrap();
        match number {
            1 => {
                let frame = CloseFrame { code: CloseCode::Away, reason: "draining".into() };
                socket.close(Some(frame)).await.unwrap();
                until_closed(socket).await;
            }
            2 => drop(socket),
            _ => drop(until_closed(socket).await),
        }
    });
    let url = format!("ws://{}/ws", address.await);
    let (done, lines) = run(&[&url, "--count", "3"], pending()).await;
    done.unwrap();
    assert_eq!(lines.iter().map(|line| line["body"].clone()).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn a_stop_ends_it_well_and_says_goodbye() {
    let (stop, stopped) = oneshot::channel::<()>();
    let (sender, mut said) = mpsc::channel(1);
    let mut stop = Some(stop);
    let address = server(move |_, tcp| {
        let (sender, stop) = (sender.clone(), stop.take().unwrap());
        async move {
            let mut socket = accept_async(tcp).await.unwrap();
            // Once it has answered, the handshake is behind it.
            socket.send(Message::Ping("ready".into())).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong("ready".into()));
            stop.send(()).unwrap();
            sender.send(until_closed(socket).await).await.unwrap();
        }
    });
    let url = format!("ws://{}/ws", address.await);
    let stop = async { stopped.await.unwrap() };
    let (done, lines) = run(&[&url], stop).await;
    done.unwrap();
    assert!(lines.is_empty());
    assert!(matches!(said.recv().await.unwrap().as_slice(), [Message::Close(_)]));
}

#[tokio::test]
async fn a_stop_is_heard_while_it_waits_to_connect_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    drop(listener);
    let work = Work { first_wait: Duration::from_secs(3600), ..typed(&[&url]).unwrap() };
    // Long enough in its first wait, or still connecting: either way it must end.
    let stop = tokio::time::timeout(Duration::from_millis(20), pending::<()>());
    work.run(&mut Vec::new(), async { drop(stop.await) }).await.unwrap();
}

#[tokio::test]
async fn over_tls_too() {
    let (acceptor, trusted) = tls();
    let address = server(move |_, tcp| {
        let acceptor = acceptor.clone();
        async move {
            let mut socket = accept_async(acceptor.accept(tcp).await.unwrap()).await.unwrap();
            socket.send(Message::text("[]")).await.unwrap();
            while let Some(Ok(_)) = socket.next().await {}
        }
    });
    let url = format!("wss://localhost:{}/ws", address.await.port());
    let (done, lines) = run(&[&url, "--count", "1", "--ca", trusted.path().to_str().unwrap()], pending()).await;
    done.unwrap();
    assert_eq!(lines[0]["body"], serde_json::json!([]));
}

#[tokio::test]
async fn a_reader_that_has_gone_ends_it_well() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let address = server(|_, tcp| async move {
        let mut socket = accept_async(tcp).await.unwrap();
        socket.send(Message::text("1")).await.unwrap();
        until_closed(socket).await;
    });
    let url = format!("ws://{}/ws", address.await);
    typed(&[&url]).unwrap().run(&mut Gone, pending()).await.unwrap();
}

#[test]
fn a_wrong_header_or_url_is_refused_with_64_and_no_value_shown() {
    let url = "ws://localhost:1/ws";
    for wrong in [
        &[url, "--header", "hunter2"][..],
        &[url, "--header", "a b: hunter2"],
        &[url, "--header", "x: hunter2\u{7}"],
        &[url, "--header", "Sec-WebSocket-Key: hunter2"],
        &["ftp://localhost/?hunter2"],
        &[url, "--forward", "ws://localhost/?hunter2"],
    ] {
        let failure = typed(wrong).map(|_| ()).unwrap_err();
        assert!(failure.code == Failure::USAGE && !failure.message.contains("hunter2"), "{failure:?}");
    }
    for wrong in [["--since", "yesterday"], ["--protocol", "v2"]] {
        assert!(Line::try_parse_from(["listen", url].into_iter().chain(wrong)).is_err(), "{wrong:?}");
    }
}
