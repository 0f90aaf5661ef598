//! Certificates swapped on disk, seen by real clients.

use super::super::tests::{BOTH, client, configure, connect, echoes, self_signed, serve};
use super::super::{Acceptor, Error, Reloaded};
use crate::challenges::Challenges;
use crate::metrics::Metrics;
use rcgen::KeyPair;
use rustls::{ClientConfig, HandshakeKind};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

struct Pair {
    certificate: String,
    key: String,
}

fn pair() -> Pair {
    let key = KeyPair::generate().unwrap();
    Pair { certificate: self_signed(&key), key: key.serialize_pem() }
}

/// A client that trusts both, and remembers no session: a resumed one shows the certificate it began with.
fn client_of(pairs: [&Pair; 2]) -> Arc<ClientConfig> {
    let mut config = client(&pairs.map(|pair| pair.certificate.as_str()), BOTH, &["h2"]);
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}

async fn presented(client: &Arc<ClientConfig>, address: SocketAddr) -> CertificateDer<'static> {
    let stream = connect(client, address).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

fn der(pair: &Pair) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()
}

/// Connects until the new certificate is presented.
async fn eventually(client: &Arc<ClientConfig>, address: SocketAddr, wanted: &Pair) {
    let patience = Duration::from_secs(20);
    let until = async {
        while presented(client, address).await != der(wanted) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(patience, until).await.expect("the new certificate is presented in time");
}

#[tokio::test]
async fn new_connections_get_the_new_certificate_and_open_ones_live_on() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (pair(), pair());
    let config = configure(directory.path(), &old.certificate, &old.key);
    let acceptor = Acceptor::new(&config).unwrap();
    let address = serve(acceptor.clone()).await;
    let client = client_of([&old, &new]);
    let mut open = connect(&client, address).await.unwrap();
    assert_eq!(acceptor.reload().unwrap(), Reloaded::Unchanged);

    // Half of the new pair is no pair.
    fs::write(&config.certificate, &new.certificate).unwrap();
    assert!(matches!(acceptor.reload(), Err(Error::Mismatch { .. })));
    assert_eq!(presented(&client, address).await, der(&old));

    fs::write(&config.key, &new.key).unwrap();
    assert_eq!(acceptor.reload().unwrap(), Reloaded::Replaced);
    assert_eq!(presented(&client, address).await, der(&new));
    assert!(echoes(&mut open).await);
}

#[tokio::test]
async fn a_watched_certificate_is_replaced_by_itself_and_a_broken_one_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (pair(), pair());
    let config = configure(directory.path(), &old.certificate, &old.key);
    let acceptor = Acceptor::new(&config).unwrap();
    let address = serve(acceptor.clone()).await;
    let client = client_of([&old, &new]);
    let watch = acceptor.watch(&Metrics::default()).unwrap();

    fs::write(&config.certificate, "broken").unwrap();
    assert!(matches!(acceptor.reload(), Err(Error::NoCertificate { .. })));
    assert_eq!(presented(&client, address).await, der(&old));
    fs::write(&config.certificate, &new.certificate).unwrap();
    fs::write(&config.key, &new.key).unwrap();
    eventually(&client, address, &new).await;

    // As certbot and editors do it: a new file over the old name.
    for (path, text) in [(&config.certificate, &old.certificate), (&config.key, &old.key)] {
        let beside = path.with_extension("new");
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, path).unwrap();
    }
    eventually(&client, address, &old).await;
    drop(watch);
}

#[cfg(unix)]
#[tokio::test]
async fn a_certificate_behind_links_is_followed() {
    use std::os::unix::fs::symlink;
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let (old, new) = (pair(), pair());
    let put = |name: &str, pair: &Pair| {
        fs::create_dir(at(name)).unwrap();
        configure(&at(name), &pair.certificate, &pair.key);
    };
    let swap = |target: &str, link: &Path| {
        symlink(target, at("unfinished")).unwrap();
        fs::rename(at("unfinished"), link).unwrap();
    };
    // As Kubernetes does it: cert.pem -> ..data/cert.pem, ..data -> ..1, and `..data` is what is swapped.
    put("..1", &old);
    swap("..1", &at("..data"));
    let mut config = configure(&at("..1"), &old.certificate, &old.key);
    (config.certificate, config.key) = (at("cert.pem"), at("key.pem"));
    symlink("..data/cert.pem", &config.certificate).unwrap();
    symlink("..data/key.pem", &config.key).unwrap();

    let acceptor = Acceptor::new(&config).unwrap();
    let address = serve(acceptor.clone()).await;
    let client = client_of([&old, &new]);
    let _watch = acceptor.watch(&Metrics::default()).unwrap();
    put("..2", &new);
    swap("..2", &at("..data"));
    fs::remove_dir_all(at("..1")).unwrap();
    eventually(&client, address, &new).await;

    // And a file that the links lead to, written in place.
    configure(&at("..2"), &old.certificate, &old.key);
    eventually(&client, address, &old).await;
}

/// A client that is resumed is not looked at again, so no ticket may outlive the authority by which it was given.
#[tokio::test]
async fn tickets_end_with_the_authorities_of_their_time() {
    let directory = tempfile::tempdir().unwrap();
    let (pair, one, other) = (pair(), pair(), pair());
    let mut config = configure(directory.path(), &pair.certificate, &pair.key);
    config.client_ca = vec![directory.path().join("roots.pem")];
    fs::write(&config.client_ca[0], &one.certificate).unwrap();
    let acceptor = Acceptor::new(&config).unwrap();
    let address = serve(acceptor.clone()).await;
    let client = Arc::new(client(&[&pair.certificate], BOTH, &["h2"]));
    let kind = async || {
        let mut stream = connect(&client, address).await.unwrap();
        assert!(echoes(&mut stream).await);
        stream.get_ref().1.handshake_kind().unwrap()
    };
    assert_eq!([kind().await, kind().await], [HandshakeKind::Full, HandshakeKind::Resumed]);
    fs::write(&config.client_ca[0], &other.certificate).unwrap();
    assert_eq!(acceptor.reload().unwrap(), Reloaded::Replaced);
    assert_eq!([kind().await, kind().await], [HandshakeKind::Full, HandshakeKind::Resumed]);
    // Its own certificate is another matter.
    fs::write(&config.certificate, pair.certificate.replace('\n', "\r\n")).unwrap();
    assert_eq!(acceptor.reload().unwrap(), Reloaded::Replaced);
    assert_eq!(kind().await, HandshakeKind::Resumed);
}

#[tokio::test]
async fn a_certificate_of_acme_may_come_later_and_a_damaged_one_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("acme.pem");
    let (first, second) = (pair(), pair());
    let whole = |pair: &Pair| format!("{}{}", pair.certificate, pair.key);
    let mut config = configure(directory.path(), &first.certificate, &first.key);
    (config.certificate, config.key, config.acme) = (file.clone(), file.clone(), Some(Challenges::default()));
    let acceptor = Acceptor::new(&config).unwrap();
    let address = serve(acceptor.clone()).await;
    let client = client_of([&first, &second]);
    assert!(connect(&client, address).await.is_err());
    assert_eq!(acceptor.reload().unwrap(), Reloaded::Unchanged);
    fs::write(&file, whole(&first)).unwrap();
    assert_eq!(acceptor.reload().unwrap(), Reloaded::Replaced);
    assert_eq!(presented(&client, address).await, der(&first));
    fs::write(&file, "nonsense").unwrap();
    assert!(acceptor.reload().is_err());
    assert_eq!(presented(&client, address).await, der(&first));
    // At a start there is nothing to go on with, and no reason not to start.
    let next = Acceptor::new(&config).unwrap();
    let address = serve(next.clone()).await;
    assert!(connect(&client, address).await.is_err());
    fs::write(&file, whole(&second)).unwrap();
    assert_eq!(next.reload().unwrap(), Reloaded::Replaced);
    assert_eq!(presented(&client, address).await, der(&second));
}
