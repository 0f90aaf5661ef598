//! The filters of a configuration: where each comes from, what holds for its calls, and whether it is what it was before.

use super::ground::Ground;
use super::plan::problem;
use super::service::Service;
use crate::builtin;
use crate::config::{self, Component, Config, Problem};
use crate::error::Chain;
use crate::filter::{self, Origin, Shelf};
use crate::keyspace::Keyspace;
use crate::reference::Digest;
use crate::registry::{self, Registries};
use std::sync::Arc;

/// Loads all of them. Those of the configuration before that have not changed are as they are.
pub fn load(config: &Config, ground: &Ground, before: Option<&Service>, problems: &mut Vec<Problem>) -> Shelf {
    let registries = registries(config);
    let mut shelf = match before {
        Some(before) => before.shelf.after(),
        None => Shelf::new(ground.host.clone(), config.data.join("filters")),
    };
    for (name, settings) in &config.filters {
        let unchanged = before.filter(|before| before.config.filters.get(name) == Some(settings));
        let loaded = match unchanged {
            Some(before) => shelf.keep(&before.shelf, name).map_err(|error| Chain(&error).to_string()),
            None => origin(&registries, name, settings).and_then(|origin| {
                let space: Arc<dyn Keyspace> = ground.promise(keyspace(name, settings));
                let former = before.map(|before| &*before.shelf);
                shelf.add(former, name, origin, limits(settings, space)).map_err(|error| Chain(&error).to_string())
            }),
        };
        problems.extend(loaded.err().map(|why| problem(config, &format!("filters.{name}.file"), why)));
    }
    shelf
}

/// The name of the keyspace that each filter has.
fn keyspace<'a>(name: &'a str, filter: &'a config::Filter) -> &'a str {
    filter.keyspace.as_deref().unwrap_or(name)
}

fn registries(config: &Config) -> Registries {
    let settings = config.registries.iter().map(|(host, config::Registry { account, ca, timeout })| {
        (host.clone(), registry::Settings { account: account.clone(), ca: ca.clone(), timeout: *timeout })
    });
    Registries::new(&config.data.join("registry"), settings.collect())
}

fn limits(settings: &config::Filter, keyspace: Arc<dyn Keyspace>) -> filter::Config {
    filter::Config {
        sha256: settings.sha256.clone(),
        on_error: match settings.on_error {
            config::OnError::Hold => filter::OnError::Hold,
            config::OnError::Pass => filter::OnError::Pass,
            config::OnError::Drop => filter::OnError::Drop,
        },
        deadline: settings.deadline,
        memory: settings.memory as u64,
        config: settings.config.clone(),
        secrets: settings.secrets.clone(),
        keyspace: Some(keyspace),
        instances: match settings.instances {
            config::Instances::Auto => filter::Instances::Auto,
            config::Instances::Fresh => filter::Instances::Fresh,
            config::Instances::Reuse => filter::Instances::Reuse,
        },
        shadow: settings.shadow,
        breaker: settings.breaker,
        rollback: settings
            .rollback
            .map(|rollback| filter::Rollback { failures: rollback.failures, within: rollback.within }),
    }
}

/// Where a filter's component comes from.
fn origin(registries: &Registries, name: &str, settings: &config::Filter) -> Result<Origin, String> {
    match &settings.file {
        Component::File(path) => Ok(Origin::File(path.clone())),
        Component::Builtin(builtin) => {
            let bytes = builtin::filter(builtin).ok_or_else(|| {
                let known = builtin::FILTERS.map(|(name, _)| name).join("`, `");
                format!(
                    "failed to load filter `{name}`: there is no built-in filter `{builtin}`\nhint: there are `{known}`"
                )
            })?;
            Ok(Origin::Bytes(format!("builtin:{builtin}"), bytes.into()))
        }
        Component::Registry(reference) => {
            let pin = settings.sha256.as_deref().and_then(Digest::from_hex);
            let failed = |error| format!("failed to load filter `{name}`: {}", Chain(&error));
            let pulled = registries.pull(reference, pin.as_ref()).map_err(failed)?;
            Ok(Origin::Bytes(reference.to_string(), pulled.into()))
        }
    }
}
