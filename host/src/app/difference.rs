//! What one configuration says otherwise than another, for the operator who has it taken.

use crate::admin::Difference;
use crate::config::{Config, JwtKeys, Setting, Shown};
use crate::secret::Secret;
use std::collections::BTreeMap;

const SECRET: &str = "(secret)";

/// All of it, in the order of the keys. Secrets are not told, but that they are others now is.
pub fn between(before: (&Config, &[Setting]), now: (&Config, &[Setting])) -> Vec<Difference> {
    let (former, present) = (texts(before.1), texts(now.1));
    let mut differences = BTreeMap::new();
    let keys = former.keys().chain(present.keys());
    for key in keys.filter(|key| former.get(*key) != present.get(*key)) {
        let (from, to) = (former.get(key).cloned(), present.get(key).cloned());
        differences.insert(key.clone(), Difference { key: key.clone(), from, to });
    }
    let (former, present) = (secrets(before.0), secrets(now.0));
    for (key, secret) in &present {
        if former.get(key).is_some_and(|former| former != secret) {
            let other = || Difference { key: key.clone(), from: Some(SECRET.into()), to: Some(SECRET.into()) };
            differences.entry(key.clone()).or_insert_with(other);
        }
    }
    differences.into_values().collect()
}

fn texts(settings: &[Setting]) -> BTreeMap<String, String> {
    let text = |setting: &Setting| match &setting.value {
        Shown::Value { toml, .. } => toml.clone(),
        Shown::Secret(None) => SECRET.to_owned(),
        Shown::Secret(Some(origin)) => format!("(secret, from {origin})"),
    };
    settings.iter().map(|setting| (setting.key.clone(), text(setting))).collect()
}

/// What is kept from everybody, by its key: secrets, and what filters are told, which may be one.
fn secrets(config: &Config) -> BTreeMap<String, Vec<String>> {
    let mut secrets = BTreeMap::new();
    let mut add = |key: String, values: Vec<&Secret>| {
        secrets.insert(key, values.into_iter().map(|secret| secret.reveal().to_owned()).collect::<Vec<_>>());
    };
    for (name, webhook) in &config.webhooks {
        add(format!("webhooks.{name}.verify_token"), vec![&webhook.verify_token]);
        add(format!("webhooks.{name}.app_secret"), webhook.app_secret.iter().collect());
    }
    for (name, stream) in &config.streams {
        if let Some(JwtKeys::Secret(secret)) = stream.jwt.as_ref().map(|jwt| &jwt.keys) {
            add(format!("streams.{name}.jwt.secret"), vec![secret]);
        }
        if let Some(callout) = &stream.callout {
            add(format!("streams.{name}.callout.secret"), callout.secret.iter().collect());
        }
    }
    for (name, registry) in &config.registries {
        add(format!("registries.{name}.password"), registry.account.iter().map(|(_, password)| password).collect());
    }
    if let Some(traces) = &config.traces {
        add("telemetry.traces.headers".to_owned(), traces.headers.values().collect());
    }
    add("admin.token".to_owned(), config.admin.token.iter().collect());
    for (name, filter) in &config.filters {
        add(format!("filters.{name}.secrets"), filter.secrets.values().collect());
    }
    for (name, filter) in &config.filters {
        for (key, value) in filter.config.as_object().into_iter().flatten() {
            secrets.insert(format!("filters.{name}.config.{key}"), vec![value.to_string()]);
        }
    }
    secrets
}
