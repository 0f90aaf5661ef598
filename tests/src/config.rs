//! The configuration of a gateway under test, in the TOML a user would write.

use crate::{APP_SECRET, VERIFY_TOKEN};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Sections by name, each a piece of TOML; a section given twice is replaced.
#[derive(Clone)]
pub struct Config {
    /// Keys above every section.
    top: BTreeMap<&'static str, String>,
    sections: BTreeMap<String, String>,
}

impl Config {
    /// One webhook at `/whatsapp` that one open stream at `/ws` carries, TLS from `cert.pem` and `key.pem`, every port 0.
    pub fn basic() -> Self {
        Self { top: BTreeMap::new(), sections: BTreeMap::new() }
            .top("listen", r#"["127.0.0.1:0"]"#)
            .top("data", r#""data""#)
            .section("tls", "certificate = \"cert.pem\"\nkey = \"key.pem\"")
            .section("admin", "listen = \"127.0.0.1:0\"")
            .webhook("whatsapp", "/whatsapp", "")
            .stream("agents", "/ws", &["whatsapp"], "open = true")
    }

    /// A key above every section; its value is TOML.
    pub fn top(mut self, key: &'static str, value: &str) -> Self {
        self.top.insert(key, value.to_owned());
        self
    }

    pub fn section(mut self, name: &str, toml: &str) -> Self {
        self.sections.insert(name.to_owned(), toml.to_owned());
        self
    }

    pub fn without(mut self, section: &str) -> Self {
        self.sections.remove(section);
        self
    }

    /// Every delivery is new, however often it is sent: for tests that send the same fixtures again.
    pub fn without_dedupe(self) -> Self {
        self.section("dedupe", "window = \"0s\"")
    }

    pub fn limits(self, toml: &str) -> Self {
        self.section("limits", toml)
    }

    /// A Meta webhook with the fixtures' secrets; `more` is TOML added to it. Its deliveries are not split unless `more`
    /// has a word about that.
    pub fn webhook(self, name: &str, path: &str, more: &str) -> Self {
        let split = if more.contains("split = ") { "" } else { "split = false" };
        let toml = format!(
            "path = \"{path}\"\nprovider = \"meta\"\nverify_token = \"{VERIFY_TOKEN}\"\napp_secret = \"{APP_SECRET}\"\n\
             {split}\n{more}"
        );
        self.section(&format!("webhooks.{name}"), &toml)
    }

    pub fn stream(self, name: &str, path: &str, webhooks: &[&str], more: &str) -> Self {
        self.section(&format!("streams.{name}"), &format!("path = \"{path}\"\nwebhooks = {webhooks:?}\n{more}"))
    }

    pub fn filter(self, name: &str, file: &Path, more: &str) -> Self {
        self.section(&format!("filters.{name}"), &format!("file = '{}'\n{more}", file.display()))
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        for (key, value) in &self.top {
            writeln!(text, "{key} = {value}").expect("a string takes all");
        }
        for (name, toml) in &self.sections {
            writeln!(text, "\n[{name}]\n{toml}").expect("a string takes all");
        }
        text
    }
}
