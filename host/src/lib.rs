#![doc = include_str!("../ARCHITECTURE.md")]
#![forbid(unsafe_op_in_unsafe_fn)]

// Words.
mod challenges;
mod clients;
mod error;
mod journey;
mod keyspace;
mod message;
mod metrics;
mod network;
mod outward;
mod phase;
mod pipe;
mod pool;
mod provider;
#[cfg(test)]
mod random;
mod records;
mod reference;
mod secret;
mod seldom;
mod supervisor;
mod tap;
mod task;
mod watch;

// Organs.
mod acme;
mod callout;
mod filter;
mod hub;
mod journal;
mod jwt;
mod kv;
mod listen;
mod proxy;
mod registry;
mod route;
mod split;
mod tls;
mod trace;
mod verify;

// Mouths.
mod http;
mod ws;

// Stories.
mod audience;
mod connect;
mod converse;
mod dispatch;
mod forward;
mod ingest;
mod respond;

// House.
mod admin;
mod app;
mod builtin;
pub mod cli;
mod config;
mod edge;
#[doc(hidden)]
pub mod parts;
mod plain;
mod trial;
