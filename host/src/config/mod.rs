//! The configuration of `postern run` and `postern check`.
//!
//! [`load`] lays four layers over each other (the defaults, the file, `POSTERN_` environment variables, flags of the
//! command line) and answers with a [`Config`] in which nothing is left to parse: durations, sizes and addresses are
//! what they say, paths are absolute, secrets are fetched. Or it answers with every [`Problem`] there is, not the first
//! one, each with the place it comes from.
//!
//! It promises never to print a value that may be a secret, a mistyped one included, and never to look at the process's
//! environment: it sees what it is handed. It blocks (it reads files, and runs the commands that secrets name), so call
//! it where that does no harm. It opens neither certificates nor filters: whoever does tells what is wrong with them by
//! [`Config::problem`], with the line.
//!
//! Reading order: `source` is what goes in and `schema` what comes out; `environment` and `layers` make one `tree` of
//! the layers, with `locate` finding lines; `reader` and `values` take a tree apart and say what is wrong with it;
//! `edge`, `signing`, `filters`, `forward`, `registries`, `events`, `tls`, `acme`, `proxy`, `telemetry`, `sections` say which keys there are and which of them agree with each other.
//! What they ask for is `seen`: so `explain` knows what is a secret, and `learn` what there is, for the `json_schema`, with
//! what `documented` finds in the defaults.

mod problem;
mod schema;
mod source;

mod environment;
mod layers;
mod locate;
mod tree;

mod reader;
mod secret_source;
mod seen;
mod suggest;
mod values;

mod acme;
mod admission;
mod edge;
mod events;
mod filters;
mod forward;
mod proxy;
mod registries;
mod sections;
mod signing;
mod telemetry;
mod tls;

mod documented;
mod explain;
mod json_schema;
mod learn;

#[cfg(test)]
mod tests;

pub use explain::{Setting, Shown, explain};
pub use forward::Forward;
pub use json_schema::json_schema;
pub use problem::{Place, Problem};
pub use schema::{
    AcmeChallenge, Callout, ClientAuth, Component, Config, Demand, EventKind, Filter, ForwardedBy, Identity, Instances,
    Jwt, JwtAlgorithm, JwtKeys, Log, LogFormat, OnError, Page, Registry, Relay, Retention, Slow, Stream, TokenPlace,
    Traces, Webhook,
};
pub use source::{Override, Source};
pub use suggest::{nearest, one_of};

/// Every key with its default and what it is for, as `postern` itself reads it before all else.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "postern.toml";

/// Reads the configuration, all of it, or says all that is wrong with it.
pub fn load(source: &Source) -> Result<Config, Vec<Problem>> {
    let (tree, problems) = layers::merge(source).map_err(|problem| vec![problem])?;
    let context = reader::Context::new(source, &tree, problems, seen::Purpose::Serve);
    let config = sections::config(&context, &tree, source.dev);
    context.conclude(config)
}
