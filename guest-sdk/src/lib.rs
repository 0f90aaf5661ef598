//! Write a filter for the postern gateway in Rust.
//!
//! A filter is a type that implements [`Filter`]; [`filter!`] makes a WebAssembly component of it that exports the
//! hooks named, and no more. Nothing else is needed: no WIT, no build script, no bindings.
//!
//! ```
//! use postern_filter::prelude::*;
//!
//! struct OnlyText;
//!
//! impl Filter for OnlyText {
//!     fn configure() -> Result<Self> {
//!         Ok(Self)
//!     }
//!
//!     fn on_message(&self, message: &Message) -> Result<Verdict> {
//!         Ok(match message.pointer("/entry/0/changes/0/value/messages/0/type").as_deref() {
//!             Some("text") => Verdict::Pass,
//!             _ => Verdict::drop("not a text"),
//!         })
//!     }
//! }
//!
//! postern_filter::filter!(OnlyText: message);
//!
//! // Natively the gateway's place is taken by doubles in memory, so that a filter is tested by `cargo test`:
//! let picture = Message::json(&serde_json::json!({ "entry": [] }));
//! assert_eq!(OnlyText.on_message(&picture)?, Verdict::drop("not a text"));
//! # Ok::<(), postern_filter::Error>(())
//! ```
//!
//! `Pass` is the default of what a filter decides, never of what it fails at: an `Err`, a panic or a missed deadline
//! is met with the operator's `on_error`, which holds the message unless told otherwise.

pub mod clients;
pub mod clock;
pub mod config;
pub mod kv;
pub mod log;
pub mod metrics;
pub mod outbox;
pub mod signing;
pub mod whatsapp;

mod admission;
mod client;
mod error;
mod filter;
mod http;
mod json;
#[cfg(target_family = "wasm")]
mod lower;
#[cfg(all(target_family = "wasm", feature = "allocator"))]
mod memory;
mod message;
mod request;
mod verdict;

#[cfg(not(target_family = "wasm"))]
pub mod testing;

/// What postern provides. The one place that knows whether it is there: in a component its functions are imports, in
/// a native test they are doubles.
#[cfg_attr(target_family = "wasm", path = "gateway/component.rs")]
#[cfg_attr(not(target_family = "wasm"), path = "gateway/double/mod.rs")]
mod gateway;

pub use admission::{Admission, Denial, Grant};
pub use client::{Client, Close, Event};
pub use error::{Error, Result};
pub use filter::Filter;
pub use http::{HttpVerdict, Response};
pub use message::Message;
pub use request::{Header, Request};
pub use verdict::{ClientId, Delivery, Format, Label, Payload, Selector, Verdict};

/// What a filter usually wants in scope.
pub mod prelude {
    pub use crate::{
        Admission, Client, Close, Delivery, Denial, Error, Event, Filter, Grant, HttpVerdict, Label, Message,
    };
    pub use crate::{Payload, Request, Response, Result, Selector, Verdict};
    pub use crate::{clients, clock, config, kv, log, metrics, outbox, signing, whatsapp};
}

/// Public for the expansion of [`filter!`] alone; no promise is made of anything in it.
#[doc(hidden)]
#[cfg(target_family = "wasm")]
pub mod export;
