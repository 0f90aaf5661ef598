//! The gateway as a component meets it: the imports of `postern:filter`.
//!
//! Only what postern hosts is named here, and a function that a filter does not call is not imported by its component.

use crate::log::Level;
use crate::{Format, Header};
use imports::postern::filter::{clock, config, log, types};

pub(crate) mod imports {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        inline: "
            package postern:sdk;
            world imports {
                import postern:filter/types@0.1.0;
                import postern:filter/config@0.1.0;
                import postern:filter/log@0.1.0;
                import postern:filter/clock@0.1.0;
            }
        ",
        world: "postern:sdk/imports",
        generate_all,
        generate_unused_types: true,
    });
}

#[derive(Debug)]
pub(crate) struct Message(pub(crate) types::Message);

impl Message {
    pub(crate) fn id(&self) -> u64 {
        self.0.id()
    }

    pub(crate) fn source(&self) -> String {
        self.0.source()
    }

    pub(crate) fn received(&self) -> u64 {
        self.0.received()
    }

    pub(crate) fn format(&self) -> Format {
        match self.0.format() {
            types::Format::Text => Format::Text,
            types::Format::Binary => Format::Binary,
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.0.size()
    }

    pub(crate) fn data(&self) -> Vec<u8> {
        self.0.data()
    }

    pub(crate) fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        self.0.read(offset, length)
    }

    pub(crate) fn pointer(&self, pointer: &str) -> Option<String> {
        self.0.json(pointer)
    }

    pub(crate) fn header(&self, name: &str) -> Option<Vec<u8>> {
        self.0.header(name)
    }
}

#[derive(Debug)]
pub(crate) struct Request(pub(crate) types::Request);

impl Request {
    pub(crate) fn method(&self) -> String {
        self.0.method()
    }

    pub(crate) fn path(&self) -> String {
        self.0.path()
    }

    pub(crate) fn query(&self) -> Option<String> {
        self.0.query()
    }

    pub(crate) fn param(&self, name: &str) -> Option<String> {
        self.0.param(name)
    }

    pub(crate) fn header(&self, name: &str) -> Option<Vec<u8>> {
        self.0.header(name)
    }

    pub(crate) fn headers(&self) -> Vec<Header> {
        self.0.headers().into_iter().map(|header| Header { name: header.name, value: header.value }).collect()
    }

    pub(crate) fn address(&self) -> String {
        self.0.address()
    }
}

pub(crate) fn config_get(key: &str) -> Option<String> {
    config::get(key)
}

pub(crate) fn config_json() -> String {
    config::json()
}

pub(crate) fn log_enabled(level: Level) -> bool {
    log::enabled(lower(level))
}

pub(crate) fn log_write(level: Level, text: &str, fields: &[(&str, &str)]) {
    let fields: Vec<log::Field> =
        fields.iter().map(|(key, value)| log::Field { key: (*key).to_owned(), value: (*value).to_owned() }).collect();
    log::write(lower(level), text, &fields);
}

fn lower(level: Level) -> log::Level {
    match level {
        Level::Trace => log::Level::Trace,
        Level::Debug => log::Level::Debug,
        Level::Info => log::Level::Info,
        Level::Warn => log::Level::Warn,
        Level::Error => log::Level::Error,
    }
}

pub(crate) fn now() -> u64 {
    clock::now()
}

pub(crate) fn monotonic() -> u64 {
    clock::monotonic()
}
