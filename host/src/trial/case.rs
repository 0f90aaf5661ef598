//! What a case is, once it is read.

use crate::filter::Question;
use crate::message::{Card, Scope, Timestamp};
use crate::secret::Secret;
use bytes::Bytes;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tracing::Level;

#[derive(Clone)]
pub struct Case {
    pub name: String,
    pub world: World,
    pub asked: Asked,
    pub expect: Expect,
}

/// What holds while a filter is asked.
#[derive(Clone)]
pub struct World {
    pub config: Value,
    /// The clock stands still at this.
    pub now: Timestamp,
    /// Lines below it go nowhere.
    pub log: Level,
    pub secrets: BTreeMap<String, Secret>,
    pub kept: Vec<(String, Bytes)>,
    pub quota: u64,
    pub clients: Vec<Arc<Card>>,
    /// The streams that the filter works for.
    pub scope: Scope,
    pub deadline: Duration,
    pub memory: u64,
}

#[derive(Clone)]
pub enum Asked {
    /// To start, and nothing more.
    Configure,
    Question(Question),
}

/// What is to come of it, in the words of case files; what is not named is not looked at, but that it does not fail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expect {
    pub verdict: Option<Value>,
    pub sends: Option<Vec<Value>>,
    pub clients: Option<Vec<String>>,
    pub kv: Map<String, Value>,
    pub kv_absent: Vec<String>,
    pub metrics: Map<String, Value>,
    pub logs: Vec<String>,
}
