use super::testing::{answer, request, server, tls};
use super::*;
use crate::error::Chain;
use http::HeaderMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::AsyncWriteExt;

fn address(url: &str, kind: Kind) -> Address {
    Address::parse(url, kind).unwrap_or_else(|error| panic!("{url}: {error}"))
}

#[test]
fn a_url_is_taken_apart() {
    let http = address("HTTPS://gw.example.com/a/b?c=d#e", Kind::Http);
    assert_eq!((http.secure, http.host.as_str(), http.port), (true, "gw.example.com", 443));
    assert_eq!((http.authority.as_bytes(), http.target.to_string().as_str()), (&b"gw.example.com"[..], "/a/b?c=d"));
    let ws = address("ws://[::1]:8443", Kind::WebSocket);
    assert_eq!((ws.secure, ws.host.as_str(), ws.port), (false, "::1", 8443));
    assert_eq!((ws.authority.as_bytes(), ws.target.path()), (&b"[::1]:8443"[..], "/"));
    let same = address("https://h/ws", Kind::WebSocket);
    assert!(same.secure && !address("http://h/ws", Kind::WebSocket).secure, "a WebSocket is asked for over HTTP");
    assert_eq!(address("http://localhost?x=1", Kind::Http).target.to_string(), "/?x=1");
    assert_eq!(address("ws://h:1/ws?token=hunter2", Kind::WebSocket).to_string(), "ws://h:1/ws");
}

#[test]
fn a_url_that_is_none_is_refused_without_showing_its_query() {
    for (url, kind) in [
        ("localhost:8443/ws?token=hunter2", Kind::WebSocket),
        ("ftp://h/ws?token=hunter2", Kind::WebSocket),
        ("wss://h/ws?token=hunter2", Kind::Http),
        ("wss://h:99999/ws?token=hunter2", Kind::WebSocket),
        ("wss://h:/ws?token=hunter2", Kind::WebSocket),
        ("wss://h:0/ws?token=hunter2", Kind::WebSocket),
        ("wss:///ws?token=hunter2", Kind::WebSocket),
        ("wss://me:hunter2@h/ws", Kind::WebSocket),
        ("wss://h/a b?token=hunter2", Kind::WebSocket),
        ("wss://h/ws?token=hunter2\n", Kind::WebSocket),
        ("", Kind::Http),
    ] {
        let told = Chain(&Address::parse(url, kind).expect_err(url)).to_string();
        assert!(told.contains("hint: it looks like") && !told.contains("hunter2"), "{told}");
    }
}

async fn greeting(url: &str, trust: &Trust) -> Result<u8, Error> {
    let mut stream = Destination::new(url, Kind::Http, trust)?.open().await?;
    Ok(tokio::io::AsyncReadExt::read_u8(&mut stream).await.expect("the server greets"))
}

#[tokio::test]
async fn a_certificate_is_taken_if_it_is_trusted_or_if_any_is() {
    let (acceptor, trusted) = tls();
    let (_, other) = tls();
    let port = server(move |_, tcp| {
        let acceptor = acceptor.clone();
        async move {
            // A client that refuses the certificate breaks off.
            if let Ok(mut tls) = acceptor.accept(tcp).await {
                let _ = tls.write_all(b"!").await;
                let _ = tls.shutdown().await;
            }
        }
    });
    let port = port.await.port();
    let by = |file: &tempfile::NamedTempFile| Trust { ca: Some(file.path().to_owned()), insecure: false };
    let anyone = Trust { ca: None, insecure: true };
    let (named, numbered) = (format!("https://localhost:{port}"), format!("https://127.0.0.1:{port}"));

    assert_eq!(greeting(&named, &by(&trusted)).await.unwrap(), b'!');
    assert_eq!(greeting(&numbered, &anyone).await.unwrap(), b'!');

    let untrusted = greeting(&named, &by(&other)).await.unwrap_err();
    assert!(
        !untrusted.passing() && Chain(&untrusted).to_string().contains("hint: name the authority"),
        "{}",
        Chain(&untrusted).to_string()
    );
    let misnamed = greeting(&numbered, &by(&trusted)).await.unwrap_err();
    assert!(
        !misnamed.passing() && Chain(&misnamed).to_string().contains("localhost"),
        "{}",
        Chain(&misnamed).to_string()
    );
}

#[tokio::test]
async fn tls_with_a_server_that_speaks_none_is_told_as_such() {
    let port = server(|_, mut tcp| async move {
        let _ = tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = request(&mut tcp).await;
    });
    let url = format!("https://127.0.0.1:{}", port.await.port());
    let error = greeting(&url, &Trust { ca: None, insecure: true }).await.unwrap_err();
    assert!(
        !error.passing() && Chain(&error).to_string().contains("hint: no TLS may be spoken there"),
        "{}",
        Chain(&error).to_string()
    );
}

#[test]
fn an_authority_file_without_certificates_is_named() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    for (path, why) in [(empty.path(), "there is none in it"), ("/nowhere/ca.pem".as_ref(), "No such file")] {
        let trust = Trust { ca: Some(path.to_owned()), insecure: false };
        let error = Destination::new("https://h", Kind::Http, &trust).map(|_| ()).unwrap_err();
        let told = Chain(&error).to_string();
        assert!(told.contains(&*path.to_string_lossy()) && told.contains(why) && told.contains("hint:"), "{told}");
    }
}

fn client(port: u16) -> Client {
    let url = format!("http://127.0.0.1:{port}/");
    Client::new(Destination::new(&url, Kind::Http, &Trust::default()).unwrap())
}

#[tokio::test]
async fn a_connection_is_kept_and_one_that_was_closed_is_opened_again() {
    let connections = Arc::new(AtomicU64::new(0));
    let counted = connections.clone();
    // Each connection takes three requests and answers two: the third finds no answer, and is sent again.
    let port = server(move |number, mut tcp| {
        counted.store(number + 1, Ordering::Relaxed);
        async move {
            for _ in 0..2 {
                let (_, body) = request(&mut tcp).await.unwrap();
                let body = String::from_utf8(body).unwrap();
                tcp.write_all(answer("200 OK", &body).as_bytes()).await.unwrap();
            }
            let _ = request(&mut tcp).await;
        }
    });
    let mut client = client(port.await.port());
    for number in 0..6 {
        let body = format!("number {number}");
        let answer = client.post(&HeaderMap::new(), body.clone().into()).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.text), (200, body));
    }
    assert_eq!(connections.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_new_connection_that_gives_no_answer_is_an_error_and_not_tried_for_ever() {
    let port = server(|_, mut tcp| async move {
        let _ = request(&mut tcp).await;
    });
    let error = client(port.await.port()).post(&HeaderMap::new(), "x".into()).await.unwrap_err();
    assert!(matches!(&error, Error::Exchange(_)) && error.passing(), "{}", Chain(&error).to_string());
}

#[tokio::test]
async fn of_an_answer_only_the_beginning_is_kept() {
    let port = server(|_, mut tcp| async move {
        let _ = request(&mut tcp).await;
        let _ = tcp.write_all(answer("500 Oh", &"x".repeat(100_000)).as_bytes()).await;
    });
    let answer = client(port.await.port()).post(&HeaderMap::new(), "x".into()).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.text.len()), (500, 16 << 10));
}
