//! The filter's own section of postern's configuration: `config` of `[filters.NAME]`.

mod reader;

use crate::{Error, Result, gateway};
use serde::de::DeserializeOwned;

/// The configuration as a value of your own type.
///
/// Put `#[serde(deny_unknown_fields)]` on it, and a key that is misspelt keeps the filter out when it is loaded. The
/// error names the key and never quotes its value, which may be a secret.
pub fn parse<T: DeserializeOwned>() -> Result<T> {
    let json = json();
    let json = if json.trim().is_empty() { "{}" } else { &json };
    let tree: serde_json::Value =
        serde_json::from_str(json).map_err(|_| Error::new("the configuration is not JSON: postern's own fault"))?;
    reader::read(&tree)
}

/// One setting: a string as its text, anything else as JSON.
pub fn get(key: &str) -> Option<String> {
    gateway::config_get(key)
}

/// All of them, as one JSON object.
pub fn json() -> String {
    gateway::config_json()
}
