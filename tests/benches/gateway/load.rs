//! The load: clients that count what they get, all in one loop, and publishers that sign and post, a thread each.
//!
//! What it costs is not measured, but it shares the machine with what is: it copies no frame and answers none.

mod body;
mod client;
mod clients;
mod frames;
mod post;
mod publishers;
mod tally;
mod window;

pub use clients::Clients;
pub use post::{Post, cursor};
pub use publishers::{Order, Publishers, Sent};
pub use tally::Tally;
pub use window::Window;

use rustls::ClientConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Where a server is, and the TLS it is spoken to with.
#[derive(Clone)]
pub struct Door {
    pub address: SocketAddr,
    pub tls: Option<Arc<ClientConfig>>,
}

/// The longest that anything is waited for.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What asks for a WebSocket.
fn upgrade(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}
