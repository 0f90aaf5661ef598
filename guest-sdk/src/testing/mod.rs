//! Messages, requests and clients made by hand, and what stands in for the gateway when a filter is tested by `cargo test`.
//!
//! What is arranged here holds for the thread, and so for one test. As in the gateway, what a hook sends and does to
//! clients is done when it has returned `Ok`, and only then: run it within [`call`]. What breaks a rule for which the
//! gateway would end the call, such as a close code that a server may not send, panics.
//!
//! Beside these doubles there is the thing itself: a [`Component`] is built and run by the gateway's own engine.
//!
//! ```
//! use postern_filter::{prelude::*, testing};
//!
//! struct Greeter;
//!
//! impl Filter for Greeter {
//!     fn configure() -> Result<Self> {
//!         Ok(Self)
//!     }
//!
//!     fn on_event(&self, who: &Client, what: &Event) -> Result<()> {
//!         if *what == Event::Connect {
//!             outbox::to_client(who.id(), Payload::text("welcome"));
//!             clients::add_label(who.id(), "greeted", "yes");
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let ann = testing::connect(Client::new(1).with_subject("ann"));
//! testing::call(|| Greeter.on_event(&ann, &Event::Connect))?;
//! assert_eq!(testing::sent()[0].text(), "welcome");
//! assert!(testing::client(1).is_some_and(|ann| ann.has_label("greeted", "yes")));
//! # Ok::<(), Error>(())
//! ```

mod component;
mod made;

pub use component::{Component, Failed, Ran};

use crate::gateway::{self, arranged};
use crate::log::Level;
use crate::{Client, ClientId, Close, Format, Payload, Result, Selector};

/// A line that the filter logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    pub text: String,
    pub fields: Vec<(String, String)>,
}

/// Gives the filter its configuration: the `config` of `[filters.NAME]`.
pub fn configure(config: serde_json::Value) {
    arranged(|arranged| arranged.config = config);
}

/// Stops the wall clock at this many milliseconds since 1970-01-01T00:00:00Z.
pub fn stop_clock(at: u64) {
    arranged(|arranged| arranged.now = Some(at));
}

/// Lets lines below this level go nowhere, as an operator may.
pub fn log_from(level: Level) {
    arranged(|arranged| arranged.level = level);
}

/// Takes the lines logged so far.
pub fn logged() -> Vec<Line> {
    arranged(|arranged| std::mem::take(&mut arranged.lines))
}

/// Something that the filter sent by the [`outbox`](crate::outbox).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub to: Selector,
    pub except: Vec<ClientId>,
    pub payload: Payload,
    pub(crate) reached: Vec<ClientId>,
}

impl Sent {
    /// What was sent, as text. Panics when it was binary: that is what the test is told.
    pub fn text(&self) -> &str {
        assert_eq!(self.payload.format, Format::Text, "it is binary");
        std::str::from_utf8(&self.payload.data).expect("text is UTF-8")
    }

    /// Whether it has reached a client: one that was connected when it was sent, and carried the right labels then.
    pub fn reached(&self, client: ClientId) -> bool {
        self.reached.contains(&client)
    }
}

/// What a metric came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Metric {
    Count(u64),
    Gauge(f64),
    /// Each observation, in order.
    Observed(Vec<f64>),
}

/// Runs a hook as the gateway does: what it sends and does to clients is done if it returns `Ok`, and forgotten if not.
/// `testing::call(|| filter.on_client_message(&ann, &Message::text("hello")))`.
pub fn call<T>(hook: impl FnOnce() -> Result<T>) -> Result<T> {
    gateway::forget();
    let answer = hook();
    if answer.is_ok() {
        gateway::follow();
    }
    answer
}

/// Connects a client; once more under the same id, it is another of that name. Gives its handle.
pub fn connect(client: Client) -> Client {
    arranged(|arranged| drop(arranged.clients.insert(client.0.id, client.0.clone())));
    client
}

/// A client goes by itself.
pub fn leave(id: ClientId) {
    arranged(|arranged| drop(arranged.clients.remove(&id)));
}

/// A client as it is now; `None` when it is gone.
pub fn client(id: ClientId) -> Option<Client> {
    gateway::clients_get(id).map(Client)
}

/// Takes what was sent so far.
pub fn sent() -> Vec<Sent> {
    arranged(|arranged| std::mem::take(&mut arranged.sent))
}

/// Takes whom the filter has disconnected so far, and how.
pub fn disconnected() -> Vec<(ClientId, Close)> {
    arranged(|arranged| std::mem::take(&mut arranged.disconnected))
}

/// Takes the pings the filter has answered so far.
pub fn pongs() -> Vec<(ClientId, Vec<u8>)> {
    arranged(|arranged| std::mem::take(&mut arranged.pongs))
}

/// Lets the keyspace take nothing more, or take it again.
pub fn fill_kv(full: bool) {
    arranged(|arranged| arranged.kept_full = full);
}

/// Gives the filter a secret to sign with.
pub fn secret(name: impl Into<String>, value: impl Into<String>) {
    arranged(|arranged| drop(arranged.secrets.insert(name.into(), value.into())));
}

/// What a metric has come to; `None` when the filter has told nothing of that name.
pub fn metric(name: &str) -> Option<Metric> {
    arranged(|arranged| arranged.metrics.get(name).cloned())
}

#[cfg(test)]
mod tests;
