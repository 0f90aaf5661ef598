//! Real handshakes over loopback, and what the tests of this module's parts share.

use super::*;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::{TlsConnector, client};

/// A self-signed certificate for localhost, PEM, and its key.
pub fn self_signed(key: &KeyPair) -> String {
    CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(key).unwrap().pem()
}

/// Writes both files and configures them.
pub fn configure(directory: &Path, certificate: &str, key: &str) -> Config {
    let config = Config {
        certificate: directory.join("cert.pem"),
        key: directory.join("key.pem"),
        key_password: None,
        client_ca: Vec::new(),
        acme: None,
        handshake_timeout: Duration::from_secs(10),
    };
    fs::write(&config.certificate, certificate).unwrap();
    fs::write(&config.key, key).unwrap();
    config
}

/// Serves every connection by echoing its first byte, until the test ends.
pub async fn serve(acceptor: Acceptor) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    crate::task::background(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            crate::task::background(async move {
                let Ok(mut stream) = acceptor.accept(tcp).await else { return };
                while let Ok(byte) = stream.read_u8().await {
                    stream.write_all(&[byte]).await.unwrap();
                }
            });
        }
    });
    address
}

pub fn client(trusted: &[&str], versions: &[&'static SupportedProtocolVersion], protocols: &[&str]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for pem in trusted {
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

pub async fn connect(config: &Arc<ClientConfig>, to: SocketAddr) -> io::Result<client::TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(to).await?;
    TlsConnector::from(config.clone()).connect(ServerName::try_from("localhost").unwrap(), tcp).await
}

pub async fn echoes(stream: &mut client::TlsStream<TcpStream>) -> bool {
    stream.write_all(b"x").await.is_ok() && matches!(stream.read_u8().await, Ok(b'x'))
}

pub const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

#[tokio::test]
async fn clients_of_tls_1_2_and_1_3_agree_on_the_protocol_they_offer() {
    let directory = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = self_signed(&key);
    let config = configure(directory.path(), &certificate, &key.serialize_pem());
    let address = serve(Acceptor::new(&config).unwrap()).await;
    for (version, name) in [(&rustls::version::TLS12, "TLSv1_2"), (&rustls::version::TLS13, "TLSv1_3")] {
        for (offered, agreed) in [
            (&["h2", "http/1.1"][..], Some("h2")),
            (&["http/1.1", "h2"], Some("h2")),
            (&["http/1.1"], Some("http/1.1")),
            (&[], None),
        ] {
            let client = Arc::new(client(&[&certificate], &[version], offered));
            let mut stream = connect(&client, address).await.unwrap();
            let (_, session) = stream.get_ref();
            assert_eq!(format!("{:?}", session.protocol_version().unwrap()), name);
            assert_eq!(session.alpn_protocol(), agreed.map(str::as_bytes), "{name}, {offered:?}");
            assert!(echoes(&mut stream).await);
        }
        let stranger = Arc::new(client(&[&certificate], &[version], &["spdy/3"]));
        assert!(connect(&stranger, address).await.is_err());
    }
}

#[tokio::test]
async fn a_client_that_returns_resumes_its_session() {
    let directory = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = self_signed(&key);
    let address = serve(Acceptor::new(&configure(directory.path(), &certificate, &key.serialize_pem())).unwrap()).await;
    for version in BOTH {
        let client = Arc::new(client(&[&certificate], &[version], &["h2"]));
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let mut stream = connect(&client, address).await.unwrap();
            assert!(echoes(&mut stream).await);
            kinds.push(stream.get_ref().1.handshake_kind().unwrap());
        }
        assert_eq!(kinds, [rustls::HandshakeKind::Full, rustls::HandshakeKind::Resumed], "{version:?}");
    }
}

/// Both ends of a connection that nobody has said anything on.
async fn silent_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (client, listener.accept().await.unwrap().0)
}

fn acceptor(handshake_timeout: Duration) -> Acceptor {
    let directory = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let config = configure(directory.path(), &self_signed(&key), &key.serialize_pem());
    Acceptor::new(&Config { handshake_timeout, ..config }).unwrap()
}

#[tokio::test]
async fn a_client_that_says_nothing_or_half_of_it_is_timed_out() {
    let acceptor = acceptor(Duration::from_millis(50));
    for said in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let (mut client, server) = silent_pair().await;
        client.write_all(said).await.unwrap();
        assert!(matches!(acceptor.accept(server).await, Err(HandshakeError::TimedOut)), "{said:?}");
        // The connection went with it.
        assert!(matches!(client.read(&mut [0; 16]).await, Ok(0) | Err(_)));
    }
}

#[tokio::test]
async fn a_client_that_leaves_or_talks_nonsense_is_told_from_one_that_is_slow() {
    let acceptor = acceptor(Duration::from_secs(10));
    let (client, server) = silent_pair().await;
    drop(client);
    assert!(matches!(acceptor.accept(server).await, Err(HandshakeError::Silent)));
    let (mut client, server) = silent_pair().await;
    client.write_all(&[0; 64]).await.unwrap();
    let refused = acceptor.accept(server).await.unwrap_err();
    assert!(matches!(refused, HandshakeError::Failed(_)), "{refused}");
}

#[tokio::test]
async fn plain_http_is_answered_in_plain_http() {
    let acceptor = acceptor(Duration::from_secs(10));
    let (mut client, server) = silent_pair().await;
    client.write_all(b"POST /whatsapp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
    assert!(matches!(acceptor.accept(server).await, Err(HandshakeError::PlainHttp)));
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
}
