//! The stream over real sockets, against tokio-rustls.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

async fn pair(version: &'static SupportedProtocolVersion) -> (Stream, TlsStream<TcpStream>) {
    let (server, client) = configured(version);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let mut stream = Stream::new(listener.accept().await.unwrap().0, server).unwrap();
    let client = TlsConnector::from(client).connect(ServerName::try_from("localhost").unwrap(), tcp);
    let served = async {
        assert_eq!(stream.first().await.unwrap(), Some(22));
        stream.handshake().await
    };
    let (client, served) = tokio::join!(client, served);
    served.unwrap();
    (stream, client.unwrap())
}

#[tokio::test]
async fn much_goes_both_ways_when_nobody_reads_for_a_while() {
    const MUCH: usize = 8 << 20;
    for version in BOTH {
        let (server, client) = pair(version).await;
        let (mut hears, mut says) = tokio::io::split(server);
        let (mut client_hears, mut client_says) = tokio::io::split(client);
        let write = async {
            says.write_all(&vec![1; MUCH]).await.unwrap();
            says.shutdown().await.unwrap();
        };
        let client_write = async {
            client_says.write_all(&vec![2; MUCH]).await.unwrap();
            client_says.shutdown().await.unwrap();
        };
        let read = async {
            // Both writes were tried before, and wait.
            let (mut heard, mut client_heard) = (Vec::new(), Vec::new());
            let both = tokio::join!(hears.read_to_end(&mut heard), client_hears.read_to_end(&mut client_heard));
            assert_eq!((both.0.unwrap(), both.1.unwrap()), (MUCH, MUCH));
            assert!(heard.iter().all(|byte| *byte == 2) && client_heard.iter().all(|byte| *byte == 1));
        };
        tokio::join!(write, client_write, read);
    }
}

#[tokio::test]
async fn tickets_come_with_the_first_answer() {
    let (mut server, mut client) = pair(BOTH[0]).await;
    server.flush().await.unwrap();
    client.write_all(b"?").await.unwrap();
    assert_eq!(server.read_u8().await.unwrap(), b'?');
    server.write_all(b"!").await.unwrap();
    server.flush().await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'!');
    assert!(client.get_ref().1.tls13_tickets_received() > 0);
}

#[tokio::test]
async fn parts_go_on_where_the_stream_was() {
    for (version, taken) in ALL {
        let (mut server, mut client) = pair(version).await;
        client.write_all(b"one, two").await.unwrap();
        let mut said = [0; 3];
        server.read_exact(&mut said).await.unwrap();
        let (tcp, mut records) = server.into_parts();
        if taken {
            records.take_keys();
        }
        let tcp = tcp.into_std().unwrap();
        let mut rest = [0; 64];
        let read = records.read(&mut &tcp, &mut &mut rest[..]).unwrap();
        assert_eq!((&said, &rest[..read]), (b"one", &b", two"[..]));
        records.write(&mut &tcp, &[IoSlice::new(b"three")], &mut Vec::new()).unwrap();
        let mut answer = [0; 5];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"three");
        assert_eq!(matches!(records.layer, Layer::Own(_)), taken);
        client.write_all(b"four").await.unwrap();
        tcp.set_nonblocking(false).unwrap();
        let read = records.read(&mut &tcp, &mut &mut rest[..]).unwrap();
        assert_eq!(&rest[..read], b"four");
    }
}

#[tokio::test]
async fn a_client_that_leaves_at_any_time_is_an_error_and_no_more() {
    let (server, client) = configured(BOTH[0]);
    let mut hello = Vec::new();
    let mut client = ClientConnection::new(client, ServerName::try_from("localhost").unwrap()).unwrap();
    client.write_tls(&mut hello).unwrap();
    for said in [&hello[..1], &hello[..hello.len() / 2], &hello] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut stream = Stream::new(listener.accept().await.unwrap().0, server.clone()).unwrap();
        tcp.write_all(said).await.unwrap();
        tcp.shutdown().await.unwrap();
        assert_eq!(stream.first().await.unwrap(), Some(22));
        assert_eq!(kind(stream.handshake().await), ErrorKind::UnexpectedEof);
    }
}
