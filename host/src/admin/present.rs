//! Who is connected, and who is to be so no longer.

use super::chosen::{Chosen, client};
use super::{Admin, json};
use crate::http::Reply;
use crate::message::{Card, Change};
use crate::ws::encode::texts::rfc3339;
use ::http::StatusCode;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A page has at most so many.
const MOST: usize = 1000;

/// RFC 6455, section 5.5.1: what is left in a close frame beside its code.
const REASON: usize = 123;

/// Policy violation: what an operator's word is, unless he says otherwise.
const POLICY: u16 = 1008;

#[derive(Serialize)]
struct Page {
    clients: Vec<Shown>,
    /// How many there are in all.
    count: usize,
    /// To be given as `after` for those that follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
struct Shown {
    client: String,
    stream: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    labels: BTreeMap<String, Vec<String>>,
    address: String,
    since: String,
    /// How many entries of the outbox it has before it, those for others included.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag: Option<u64>,
}

impl Shown {
    fn of(card: &Card, lag: Option<u64>) -> Self {
        let mut labels = BTreeMap::<String, Vec<String>>::new();
        for label in &card.labels {
            labels.entry(label.key.clone()).or_default().push(label.value.clone());
        }
        Self {
            client: card.id.to_string(),
            stream: card.stream.clone(),
            subject: card.subject.clone(),
            labels,
            address: card.address.to_string(),
            since: rfc3339(card.since).to_string(),
            lag,
        }
    }
}

pub async fn list(admin: &Admin, query: &str) -> Reply {
    let asked = Chosen::parse(query, &admin.streams, &["after", "limit"]).and_then(|chosen| {
        let after = chosen.said("after").map(client).transpose()?;
        let limit = chosen.said("limit").map_or(Ok(MOST), |limit| match limit.parse() {
            Ok(limit @ 1..=MOST) => Ok(limit),
            _ => Err(format!("`limit` is a number from 1 to {MOST}\n")),
        })?;
        Ok((chosen, after, limit))
    });
    let (chosen, after, limit) = match asked {
        Ok(asked) => asked,
        Err(wrong) => return Reply::text(StatusCode::BAD_REQUEST, wrong),
    };
    let mut found = meant(admin, &chosen);
    let count = found.len();
    found.retain(|card| after.is_none_or(|after| card.id > after));
    let next = (found.len() > limit).then(|| found[limit - 1].id.to_string());
    found.truncate(limit);
    let lags = admin.shards.lags(found.iter().map(|card| card.id).collect()).await;
    let clients = found.iter().map(|card| Shown::of(card, lags.get(&card.id).copied())).collect();
    json(&Page { clients, count, next })
}

pub async fn disconnect(admin: &Admin, query: &str) -> Reply {
    #[derive(Serialize)]
    struct Disconnected {
        disconnected: usize,
    }
    let asked = Chosen::parse(query, &admin.streams, &["code", "reason", "all"]).and_then(|chosen| {
        if chosen.is_everyone() && chosen.said("all") != Some("true") {
            return Err("it does not say whom: by `stream`, `label`, `client` or `subject`, or `all=true`\n".to_owned());
        }
        let code =
            chosen.said("code").map_or(Ok(POLICY), |code| match code.parse() {
                Ok(code @ (1000..=1003 | 1007..=1014 | 3000..=4999)) => Ok(code),
                _ => Err("`code` is a close code that a server may send: 1000 to 1003, 1007 to 1014, 3000 to 4999\n"
                    .to_owned()),
            })?;
        let reason = chosen.said("reason").unwrap_or_default().to_owned();
        if reason.len() > REASON {
            return Err(format!("`reason` has at most {REASON} bytes\n"));
        }
        Ok((chosen, code, reason))
    });
    let (chosen, code, reason) = match asked {
        Ok(asked) => asked,
        Err(wrong) => return Reply::text(StatusCode::BAD_REQUEST, wrong),
    };
    let found = meant(admin, &chosen);
    let disconnected = found.len();
    let change = |card: Arc<Card>| Change::Disconnect { client: card.id, code, reason: reason.clone() };
    admin.shards.applied(found.into_iter().map(change).collect(), admin.journal.tail()).await;
    tracing::info!(disconnected, code, "an operator has disconnected clients");
    json(&Disconnected { disconnected })
}

/// Those who are meant, the longest connected first.
pub fn meant(admin: &Admin, chosen: &Chosen) -> Vec<Arc<Card>> {
    let mut found = admin.clients.find(&chosen.first(), &chosen.scope(&admin.streams), None, usize::MAX);
    let audience = chosen.audience();
    found.retain(|card| audience.includes(card));
    found
}
