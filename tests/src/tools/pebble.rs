//! A real certificate authority by ACME: Let's Encrypt's own for tests, with its own DNS, in which every name is this
//! machine's. Built by Go from its modules, in the versions named here.

use super::{go, installed, wanting};
use crate::sender::tls;
use crate::{Authority, Config, Gateway, Process, Protocol, Sender, eventually, lasting_port};
use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::json;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::{TcpStream, UdpSocket};

const MODULE: &str = "github.com/letsencrypt/pebble/v2/cmd";
const VERSION: &str = "v2.10.3";

/// Dropped, it is gone, and with it all accounts and certificates it knows.
pub struct Pebble {
    /// Where it looks for challenges by TLS, and by HTTP: where a gateway must listen.
    pub tls_port: u16,
    pub http_port: u16,
    port: u16,
    management: u16,
    /// Of its own servers.
    authority: Authority,
    programs: PathBuf,
    directory: TempDir,
    dns: u16,
    _names: Process,
    process: Option<Process>,
}

impl Pebble {
    /// One that is ready, whose certificates are good for so long; `None`, reported, where it cannot be built.
    pub async fn start(validity: Duration) -> Option<Self> {
        let programs = programs()?;
        let directory = tempfile::Builder::new().prefix("postern-pebble-").tempdir().expect("a temporary directory");
        let [tls_port, http_port, port, management, dns, names_management] = [(); 6].map(|()| lasting_port());
        let mut names = Command::new(programs.join("pebble-challtestsrv"));
        names.args(["-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-defaultIPv6", ""]);
        names.args(["-dnsserver", &format!("127.0.0.1:{dns}")]);
        names.args(["-management", &format!("127.0.0.1:{names_management}")]);
        let authority = Authority::default();
        let issued = authority.issue();
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).expect("a temporary directory is writable");
            path
        };
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": file("chain.pem", &issued.chain),
            "privateKey": file("key.pem", &issued.key),
            "httpPort": http_port,
            "tlsPort": tls_port,
            "keyAlgorithm": "ecdsa",
            "profiles": { "default": { "description": "for tests", "validityPeriod": validity.as_secs() } },
        }});
        file("config.json", &config.to_string());
        file("authority.pem", &authority.root());
        let _names = Process::start(names);
        let mut pebble =
            Self { tls_port, http_port, port, management, authority, programs, directory, dns, _names, process: None };
        pebble.again().await;
        Some(pebble)
    }

    /// Starts it, anew if it was there: then it knows nobody, and its root is another.
    pub async fn again(&mut self) {
        self.stop();
        let mut command = Command::new(self.programs.join("pebble"));
        command.arg("-config").arg(self.directory.path().join("config.json"));
        command.args(["-dnsserver", &format!("127.0.0.1:{}", self.dns)]).env("PEBBLE_VA_NOSLEEP", "1");
        // It refuses one good nonce in twenty on purpose, and an order has some twenty: three refusals in a row, after which a
        // client gives up, would come once in fifty runs of these tests. One in a hundred is still one that is refused.
        command.env("PEBBLE_WFE_NONCEREJECT", "1");
        let mut process = Process::start(command);
        eventually("an authority that listens", async || {
            if let Some(ended) = process.ended() {
                panic!("pebble ended at once: {}{}", ended.stdout, ended.stderr);
            }
            TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
            TcpStream::connect(("127.0.0.1", self.management)).await.ok()
        })
        .await;
        // Its names are asked for by UDP, where nothing says that somebody listens but an answer.
        eventually("names", async || {
            let socket = UdpSocket::bind("127.0.0.1:0").await.ok()?;
            socket.connect(("127.0.0.1", self.dns)).await.ok()?;
            // `localhost`, A, IN.
            let question = b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09localhost\x00\x00\x01\x00\x01";
            socket.send(question).await.ok()?;
            tokio::time::timeout(Duration::from_millis(200), socket.recv(&mut [0; 512])).await.ok()?.ok()
        })
        .await;
        self.process = Some(process);
    }

    pub fn stop(&mut self) {
        self.process = None;
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        self.process.as_ref().map(Process::stdout).unwrap_or_default()
    }

    /// A gateway's configuration that has its certificate from here, for `localhost`. `more` is TOML added to `tls.acme`.
    pub fn configure(&self, config: Config, more: &str) -> Config {
        let directory = format!("https://localhost:{}/dir", self.port);
        let ca = self.directory.path().join("authority.pem");
        let acme = format!(
            "domains = [\"localhost\"]\nemail = \"ops@example.com\"\ndirectory = \"{directory}\"\nca = '{}'\nagree = true\n\
             {more}",
            ca.display()
        );
        config.top("listen", &format!("[\"127.0.0.1:{}\"]", self.tls_port)).without("tls").section("tls.acme", &acme)
    }

    /// The TLS of a client that trusts what it signs, and nothing else.
    pub async fn trust(&self) -> Arc<ClientConfig> {
        let address = ([127, 0, 0, 1], self.management).into();
        let stream = tls(address, self.authority.trust(&["http/1.1"], rustls::ALL_VERSIONS)).await;
        let mut sender = Sender::over(stream.expect("it speaks TLS"), Protocol::Http1).await;
        let root = sender.get("/roots/0").await;
        assert_eq!(root.status, 200, "{}", root.text());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&root.body).expect("PEM")).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(rustls::ALL_VERSIONS);
        let builder = builder.expect("ring speaks these versions");
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A session that is resumed shows the certificate it began with.
        config.resumption = Resumption::disabled();
        Arc::new(config)
    }
}

/// The certificate that a gateway shows to whoever trusts so; `None` when there is no handshake.
pub async fn shown(gateway: &Gateway, trust: &Arc<ClientConfig>) -> Option<CertificateDer<'static>> {
    let raw = crate::Raw::with(gateway, Arc::clone(trust)).await.ok()?;
    Some(raw.session().peer_certificates()?.first()?.clone().into_owned())
}

fn programs() -> Option<PathBuf> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match FOUND.get_or_init(build) {
        Ok(programs) => Some(programs.clone()),
        Err(why) => {
            wanting(&format!("a test needs pebble, an authority by ACME: {why}"), "https://go.dev/dl");
            None
        }
    }
}

fn build() -> Result<PathBuf, String> {
    installed(&format!("pebble-{VERSION}"), |directory| {
        for program in ["pebble", "pebble-challtestsrv"] {
            let mut go = Command::new(go::program()?);
            go.args(["install", &format!("{MODULE}/{program}@{VERSION}")]);
            go.env("GOBIN", directory).env("GOFLAGS", "-mod=mod").env("CGO_ENABLED", "0");
            go::run(&mut go)?;
        }
        Ok(())
    })
}
