//! Other people's JSON, read. serde_json's words quote what they met, and that may be somebody's mail: the operator is
//! told where it is wrong, not what stands there.

use crate::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// `what` is for the error: `the message`.
pub(crate) fn read<T: DeserializeOwned>(what: &str, data: &[u8]) -> Result<T> {
    serde_json::from_slice(data).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Error::new(match error.classify() {
            Category::Data => {
                format!("{what} is JSON of another shape than this filter reads: line {line} column {column}")
            }
            _ => format!("{what} is not JSON: line {line} column {column}"),
        })
    })
}
