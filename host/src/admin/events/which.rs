//! Which events are to be judged again: these, those that a query is for, or all. It is the body of a POST.

use super::query::{ID, Query, id};
use crate::message::EventId;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    These(Vec<EventId>),
    Matching(Query),
}

/// The body of a POST.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    all: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<bool>,
}

impl Which {
    /// Of these, those only that are held.
    pub fn held(self) -> Self {
        match self {
            Self::Matching(query) => Self::Matching(Query { held: true, ..query }),
            these => these,
        }
    }

    /// Reads the body of a POST. Nothing said is not taken for everything.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let written: Written = serde_json::from_slice(body).map_err(|error| {
            format!("the body is not what is understood here: {error}\nit is {{\"ids\":[…]}}, {{\"all\":true}}, or filters as in {{\"webhook\":\"…\"}}\n")
        })?;
        let held = written.held.map(|held| held.to_string());
        let filters = [
            ("since", &written.since),
            ("until", &written.until),
            ("webhook", &written.webhook),
            ("kind", &written.kind),
            ("key", &written.key),
            ("number", &written.number),
            ("held", &held),
        ];
        let mut query = Query::default();
        for (name, value) in filters {
            if let Some(value) = value {
                query.set(name, value)?;
            }
        }
        match (written.ids, written.all, query.is_for_all()) {
            (Some(ids), false, true) => {
                let ids = ids.iter().map(|text| id(text).ok_or_else(|| format!("`ids` has one that is not {ID}\n")));
                ids.collect::<Result<_, _>>().map(Self::These)
            }
            (None, true, true) | (None, false, false) => Ok(Self::Matching(query)),
            _ => Err("it is one of these: `ids`, `all`, or filters\n".to_owned()),
        }
    }

    /// As the body of a POST, which `read` reads.
    pub fn text(&self) -> String {
        let written = match self {
            Self::These(ids) => {
                Written { ids: Some(ids.iter().map(EventId::to_string).collect()), ..Written::default() }
            }
            Self::Matching(query) => Written {
                all: query.is_for_all(),
                since: query.since.map(|since| since.to_string()),
                until: query.until.map(super::date),
                webhook: query.webhook.clone(),
                kind: query.kind.clone(),
                key: query.key.clone(),
                number: query.number.as_ref().map(|number| number.text().to_owned()),
                held: query.held.then_some(true),
                ids: None,
            },
        };
        serde_json::to_string(&written).expect("strings are serialisable")
    }
}
