//! Everything that can be wrong with a configuration beyond its text: certificates, filters, the data directory. All of
//! it is looked at, so that all problems are told at once, each at its line. No socket is opened.

use super::acme;
use super::guards::{self, Guards};
use super::promised::Promised;
use crate::builtin;
use crate::clients::Clients;
use crate::config::{self, Component, Config, Identity, Problem};
use crate::error::Chain;
use crate::filter::{self, Host, HostConfig, Origin, Shelf};
use crate::keyspace::Keyspace;
use crate::metrics::Metrics;
use crate::reference::Digest;
use crate::registry::{self, Registries};
use crate::secret::Secret;
use crate::tls::{self, Acceptor, development};
use crate::verify::{EmptySecret, HmacKey};
use crate::ws;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;

/// A configuration that holds what it promises.
pub struct Plan {
    pub config: Config,
    pub(super) tls: Option<Acceptor>,
    /// The certificate that is to be got and kept, where that is the way.
    pub(super) acme: Option<crate::acme::Config>,
    pub(super) shelf: Arc<Shelf>,
    /// What lets clients in beside filters, by stream.
    pub(super) guards: BTreeMap<String, Guards>,
    /// What filters look at, and write to.
    pub(super) clients: Clients,
    pub(super) metrics: Metrics,
    /// The keyspaces that filters were given, by name. What they keep is there once the store is open.
    pub(super) keyspaces: BTreeMap<String, Arc<Promised>>,
}

/// Why a good plan could not be put into practice: a port in use, a data directory in use. Exit code 69.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Fault(String);

impl Fault {
    pub(super) fn of(error: impl Error + 'static) -> Self {
        Self(Chain(&error).to_string())
    }
}

impl Plan {
    /// Reads and checks all that the configuration names. Blocks: a large filter that was not compiled before takes
    /// many seconds.
    pub fn new(config: Config) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let data = writable(&config.data).map_err(|why| problem(&config, "data", why));
        problems.extend(data.err());
        let usable = problems.is_empty();
        let acme = acme::config(&config).unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        let tls = match identity(&config, usable, acme.as_ref()) {
            Ok(tls) => tls,
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        let (clients, metrics) = (Clients::default(), Metrics::default());
        let keyspaces = keyspaces(&config);
        let mut shelf = usable.then(|| load_filters(&config, &clients, &metrics, &keyspaces, &mut problems)).flatten();
        if let Some(shelf) = &mut shelf {
            check_uses(&config, shelf, &mut problems);
        }
        let guards = guards::guards(&config, &mut problems);
        match shelf {
            Some(shelf) if problems.is_empty() => {
                let shelf = Arc::new(shelf);
                Ok(Self { config, tls, acme, shelf, guards, clients, metrics, keyspaces })
            }
            _ => Err(problems),
        }
    }

    /// What it would do first that is not seen from here, a line each.
    pub fn intentions(&self) -> Vec<String> {
        self.acme.iter().flat_map(|acme| acme::intentions(&self.config, acme)).collect()
    }
}

pub(super) fn problem(config: &Config, key: &str, message: String) -> Problem {
    match message.split_once("\nhint: ") {
        Some((message, hint)) => config.problem(key, message).with_hint(hint),
        None => config.problem(key, message),
    }
}

/// Whether files can be made in a directory, which is made if absent.
fn writable(directory: &Path) -> Result<(), String> {
    let advice = "\nhint: let the user that postern runs as write there, or choose another `data`";
    let failed = |error: std::io::Error| {
        format!("failed to write to the data directory `{}`: {error}{advice}", directory.display())
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    let probe = directory.join(".postern-probe");
    OpenOptions::new().write(true).create(true).truncate(true).open(&probe).map_err(failed)?;
    std::fs::remove_file(&probe).map_err(failed)
}

fn identity(
    config: &Config,
    data_usable: bool,
    acme: Option<&crate::acme::Config>,
) -> Result<Option<Acceptor>, Problem> {
    let (handshake_timeout, client_ca) = (config.tls.handshake_timeout, config.tls.client_ca.clone());
    let tls = match &config.tls.identity {
        Identity::Plain => return Ok(None),
        Identity::Development if !data_usable => return Ok(None),
        Identity::Development => {
            let made = development::ensure(&config.data.join("tls"))
                .map_err(|error| problem(config, "data", Chain(&error).to_string()))?;
            let (certificate, key) = (made.certificate, made.key);
            tls::Config { certificate, key, key_password: None, client_ca, acme: None, handshake_timeout }
        }
        Identity::Acme(_) => {
            // What is wrong with it was said.
            let Some(acme) = acme else { return Ok(None) };
            let certificate = crate::acme::file(&acme.folder);
            let challenges = Some(acme.challenges.clone());
            let key = certificate.clone();
            tls::Config { certificate, key, key_password: None, client_ca, acme: challenges, handshake_timeout }
        }
        Identity::Files { certificate, key, key_password } => {
            let (certificate, key) = (certificate.clone(), key.clone());
            tls::Config {
                certificate,
                key,
                key_password: key_password.clone(),
                client_ca,
                acme: None,
                handshake_timeout,
            }
        }
    };
    let of_authority = |path: &Path| tls.client_ca.iter().any(|authority| authority == path);
    let key = |error: &tls::Error| match error {
        tls::Error::Unreadable { path, .. }
        | tls::Error::NoCertificate { path, .. }
        | tls::Error::DamagedCertificate { path, .. }
            if of_authority(path) =>
        {
            "tls.client_ca"
        }
        tls::Error::PasswordMissing { .. } | tls::Error::PasswordWrong { .. } => "tls.key_password",
        tls::Error::Unreadable { path, .. } if *path != tls.key => "tls.certificate",
        tls::Error::NoCertificate { .. } | tls::Error::DamagedCertificate { .. } | tls::Error::WrongOrder { .. } => {
            "tls.certificate"
        }
        _ => "tls.key",
    };
    Acceptor::new(&tls).map(Some).map_err(|error| problem(config, key(&error), Chain(&error).to_string()))
}

/// The name of the keyspace that each filter has.
pub(super) fn keyspace<'a>(name: &'a str, filter: &'a config::Filter) -> &'a str {
    filter.keyspace.as_deref().unwrap_or(name)
}

fn keyspaces(config: &Config) -> BTreeMap<String, Arc<Promised>> {
    config.filters.iter().map(|(name, filter)| (keyspace(name, filter).to_owned(), Arc::default())).collect()
}

fn load_filters(
    config: &Config,
    clients: &Clients,
    metrics: &Metrics,
    keyspaces: &BTreeMap<String, Arc<Promised>>,
    problems: &mut Vec<Problem>,
) -> Option<Shelf> {
    let host_config = HostConfig {
        clients: clients.clone(),
        metrics: metrics.clone(),
        output: config.limits.filter_output,
        labels: config.limits.labels,
        ..HostConfig::new(config.data.join("compiled"))
    };
    let host = match Host::new(&host_config) {
        Ok(host) => host,
        Err(error) => {
            problems.push(problem(config, "filters", Chain(&error).to_string()));
            return None;
        }
    };
    let registries = registries(config);
    let mut shelf = Shelf::new(host, config.data.join("filters"));
    for (name, settings) in &config.filters {
        let space = keyspaces.get(keyspace(name, settings)).map(|space| space.clone() as Arc<dyn Keyspace>);
        let loaded = origin(&registries, name, settings).and_then(|origin| {
            shelf.add(name, origin, limits(settings, space)).map_err(|error| Chain(&error).to_string())
        });
        problems.extend(loaded.err().map(|why| problem(config, &format!("filters.{name}.file"), why)));
    }
    Some(shelf)
}

fn registries(config: &Config) -> Registries {
    let settings = config.registries.iter().map(|(host, config::Registry { account, ca, timeout })| {
        (host.clone(), registry::Settings { account: account.clone(), ca: ca.clone(), timeout: *timeout })
    });
    Registries::new(&config.data.join("registry"), settings.collect())
}

fn limits(settings: &config::Filter, keyspace: Option<Arc<dyn Keyspace>>) -> filter::Config {
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
        keyspace,
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

/// Whether each filter can do what it is used for.
fn check_uses(config: &Config, shelf: &mut Shelf, problems: &mut Vec<Problem>) {
    let mut check = |key: String, names: &[String], handler: &'static str| {
        for name in names {
            if shelf.filter(name).is_some() && !shelf.needs(name, handler) {
                let why = format!(
                    "`{key}` uses filter `{name}`, which does not export `{handler}`\n\
                     hint: use another filter here, or one that handles this too"
                );
                problems.push(problem(config, &key, why));
            }
        }
    };
    for (name, webhook) in &config.webhooks {
        check(format!("webhooks.{name}.filters"), &webhook.filters, "message-handler");
    }
    for (name, stream) in &config.streams {
        let key = |list: &str| format!("streams.{name}.{list}");
        check(key("admission"), &stream.admission, "admission-handler");
        check(key("audience"), &stream.audience, "audience-handler");
        check(key("client"), &stream.client, "client-handler");
        check(key("events"), &stream.events, "event-handler");
    }
    for (name, page) in &config.http {
        check(format!("http.{name}.filter"), std::slice::from_ref(&page.filter), "http-handler");
    }
    let in_shadow = |name: &String| config.filters.get(name).is_some_and(|filter| filter.shadow);
    for (name, stream) in &config.streams {
        let others = stream.jwt.is_some() || stream.callout.is_some();
        if !others && !stream.admission.is_empty() && stream.admission.iter().all(in_shadow) {
            let key = format!("streams.{name}.admission");
            let why = format!(
                "`{key}` names filters in shadow only, and what they say is not done: everybody would be let in\n\
                 hint: name one that is not in shadow, or write `open = true` in its stead if anyone may connect"
            );
            problems.push(problem(config, &key, why));
        }
    }
}

pub(super) fn keys(secrets: &[Secret]) -> Result<Vec<HmacKey>, EmptySecret> {
    secrets.iter().map(HmacKey::new).collect()
}

pub(super) fn slow(slow: config::Slow) -> ws::Slow {
    match slow {
        config::Slow::CatchUp => ws::Slow::CatchUp,
        config::Slow::Disconnect => ws::Slow::Disconnect,
    }
}
