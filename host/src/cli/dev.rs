//! `postern run --dev`: what it serves without a file, and what it tells its user to type next.

use super::Failure;
use super::check::Overrides;
use crate::config::{Config, Source};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const CONFIG: &str = include_str!("../../config/dev.toml");

/// A text message as Meta sends it, for the tour. Its names and numbers are invented.
const SAMPLE: &str = include_str!("../../config/sample.json");

/// The demo's configuration, with a file's values over it if one is named.
pub fn source(file: Option<PathBuf>, overrides: Overrides) -> Source {
    let embedded = Some(("dev.toml", CONFIG.to_owned()));
    Source { embedded, dev: true, overrides: overrides.into(), ..Source::of_process(file) }
}

/// What the user is shown.
pub struct Tour {
    program: String,
    authority: PathBuf,
    sample: PathBuf,
    config: Config,
}

impl Tour {
    pub fn prepare(config: &Config) -> Result<Self, Failure> {
        let sample = config.data.join("sample.json");
        std::fs::write(&sample, SAMPLE).map_err(|error| {
            Failure::new(Failure::CANNOT_START, format!("failed to write `{}`: {error}", sample.display()))
        })?;
        let program = std::env::args().next().unwrap_or_else(|| "postern".to_owned());
        let authority = config.data.join("tls").join("ca.pem");
        Ok(Self { program, authority: short(&authority), sample: short(&sample), config: config.clone() })
    }

    /// Prints the commands to try, as they can be typed in another terminal of the same directory.
    pub fn print(&self, edge: &[SocketAddr], admin: &[SocketAddr]) {
        let (Some(edge), Some(admin)) = (edge.first(), admin.first()) else { return };
        let (Some(webhook), Some(stream)) = (self.config.webhooks.values().next(), self.config.streams.values().next())
        else {
            return;
        };
        let Self { program, authority, sample, .. } = self;
        let (port, authority, sample) = (edge.port(), authority.display(), sample.display());
        let (hook, path) = (&webhook.path, &stream.path);
        println!(
            "postern is up, with a certificate of its own. In another terminal of this directory:\n\
             \n\
             1. the handshake Meta begins with:\n\
             \x20  curl --cacert {authority} 'https://localhost:{port}{hook}?hub.mode=subscribe&hub.challenge=42&hub.verify_token=postern-dev'\n\
             2. connect as a client, and leave it running:\n\
             \x20  {program} listen 'wss://localhost:{port}{path}?token=postern-dev-token' --ca {authority}\n\
             3. send a signed webhook, as Meta does, from a third terminal; the client sees it, names and numbers redacted:\n\
             \x20  {program} send {sample} --to https://localhost:{port}{hook} --secret postern-dev-secret --ca {authority}\n\
             4. come back: what was missed, as an event stream, then live:\n\
             \x20  curl -N --cacert {authority} -H 'Accept: text/event-stream' 'https://localhost:{port}{path}?token=postern-dev-token&since=earliest'\n\
             5. see what it did:\n\
             \x20  {program} events ls --admin http://{admin}\n\
             \x20  curl http://{admin}/metrics\n"
        );
    }
}

/// Relative to the current directory where that is shorter.
fn short(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).to_owned()
}
