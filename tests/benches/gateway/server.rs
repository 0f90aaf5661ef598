//! Starts what is measured: the gateway, or the floor. Both are a process of their own in a directory of their own, are
//! asked in the same way, and are gone when this is dropped.

use crate::load::Door;
use crate::measure::Meter;
use postern_tests::{APP_SECRET, Config, Gateway, Home, VERIFY_TOKEN};
use rustls::client::Resumption;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::sync::Arc;
use tokio::runtime::Runtime;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Floor,
    Postern,
}

/// What differs between servers of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub tls: bool,
    /// Streams, each with a webhook of its own: `/ws/0` has what comes to `/hook/0`.
    pub streams: usize,
    /// What comes is judged, and not only kept.
    pub dispatch: bool,
}

pub struct Server {
    pub kind: Kind,
    pub setting: Setting,
    pub meter: Meter,
    pub door: Door,
    // After the door, so that clients go first.
    gateway: Gateway,
}

impl Server {
    pub fn start(runtime: &Runtime, kind: Kind, setting: Setting) -> Result<Self, String> {
        let floor = std::env::current_exe().map_err(|error| error.to_string())?.display().to_string();
        let binary = if kind == Kind::Floor { &floor } else { env!("CARGO_BIN_EXE_postern-under-test") };
        let home = Home::new(binary, &config(setting));
        let streams = setting.streams.to_string();
        let arguments = match (kind, setting.tls) {
            (Kind::Postern, _) => vec!["run", "-c", "postern.toml"],
            (Kind::Floor, false) => vec!["floor", &streams],
            (Kind::Floor, true) => vec!["floor", &streams, "cert.pem", "key.pem"],
        };
        let started = runtime.block_on(home.try_start(&arguments));
        let gateway = started.map_err(|ended| format!("{kind:?} did not start: {}", ended.stderr))?;
        let tls = setting.tls.then(|| trust(&home));
        let door = Door { address: gateway.edge(), tls };
        Ok(Self { kind, setting, meter: Meter::new(gateway.process_id()), door, gateway })
    }

    /// Where its data is: the disk that an acknowledgement waits for.
    pub fn directory(&self) -> std::path::PathBuf {
        self.gateway.home.directory().to_owned()
    }
}

fn config(setting: Setting) -> Config {
    let mut config = Config::basic()
        .without("webhooks.whatsapp")
        .without("streams.agents")
        // Nobody answers pings here, nor are they what is measured.
        .limits("connections_per_address = 100000\nidle = \"10m\"")
        .section("filters.drop-statuses", "file = \"builtin:drop-statuses\"");
    if !setting.tls {
        config = config.section("tls", "plain = true");
    }
    for number in 0..setting.streams {
        let webhook = format!(
            "path = \"/hook/{number}\"\nprovider = \"meta\"\nverify_token = \"{VERIFY_TOKEN}\"\n\
             app_secret = \"{APP_SECRET}\"\nfilters = [\"drop-statuses\"]\ndispatch = {}",
            setting.dispatch
        );
        let stream =
            format!("path = \"/ws/{number}\"\nwebhooks = [\"hook-{number}\"]\nopen = true\nheartbeat = \"9m\"");
        config = config
            .section(&format!("webhooks.hook-{number}"), &webhook)
            .section(&format!("streams.stream-{number}"), &stream);
    }
    config
}

/// One suite and no resumption, so that all do the same work.
fn trust(home: &Home) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(home.authority.root().as_bytes()).expect("it is written as PEM");
    roots.add(root).expect("our root is a certificate");
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites = vec![TLS13_AES_128_GCM_SHA256];
    let builder =
        ClientConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&[&rustls::version::TLS13]);
    let mut config = builder.expect("ring speaks it").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Arc::new(config)
}
