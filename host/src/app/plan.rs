//! Everything that can be wrong with a configuration beyond its text: certificates, filters, the data directory. All of
//! it is looked at, so that all problems are told at once, each at its line. No socket is opened.

use super::acme;
use super::filters;
use super::forwards;
use super::ground::Ground;
use super::guards::{self, Guards};
use super::schemes;
use super::service::Service;
use super::telemetry;
use super::warnings::{Warning, warnings};
use crate::config::{self, Config, Identity, Problem};
use crate::error::Chain;
use crate::filter::Shelf;
use crate::forward;
use crate::tls::{self, Acceptor, development};
use crate::trace;
use crate::ws;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;

/// A configuration that holds what it promises.
pub struct Plan {
    pub config: Config,
    /// What is not right, and keeps nothing from starting.
    pub warnings: Vec<Warning>,
    pub(super) tls: Option<Acceptor>,
    /// The certificate that is to be got and kept, where that is the way.
    pub(super) acme: Option<crate::acme::Config>,
    pub(super) shelf: Shelf,
    /// What lets clients in beside filters, by stream.
    pub(super) guards: BTreeMap<String, Guards>,
    /// Where events are pushed to.
    pub(super) forwards: Vec<forward::Settings>,
    /// Where traces go.
    pub(super) traces: Option<trace::Config>,
    pub(super) ground: Arc<Ground>,
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
        let usable = writable(&config.data).map_err(|why| problem(&config, "data", why));
        let ground = usable.and_then(|()| {
            Ground::new(&config).map_err(|error| problem(&config, "filters", Chain(&error).to_string()))
        });
        let (ground, problems) = match ground {
            Ok(ground) => (Some(Arc::new(ground)), Vec::new()),
            Err(problem) => (None, vec![problem]),
        };
        Self::on(config, ground, None, problems)
    }

    /// The same for one that is to take the place of another: what has not changed is what it was. To be called while
    /// nobody exchanges filters.
    pub(super) fn after(config: Config, before: &Service) -> Result<Self, Vec<Problem>> {
        let problems = fixed(&config, &before.config);
        Self::on(config, Some(before.ground.clone()), Some(before), problems)
    }

    fn on(
        config: Config,
        ground: Option<Arc<Ground>>,
        before: Option<&Service>,
        mut problems: Vec<Problem>,
    ) -> Result<Self, Vec<Problem>> {
        let acme = ground.as_ref().and_then(|ground| {
            acme::config(&config, &ground.challenges).unwrap_or_else(|problem| {
                problems.push(problem);
                None
            })
        });
        let tls = match before.filter(|before| before.config.tls == config.tls) {
            Some(before) => before.tls.clone(),
            None => identity(&config, ground.is_some(), acme.as_ref()).unwrap_or_else(|problem| {
                problems.push(problem);
                None
            }),
        };
        let mut shelf = ground.as_ref().map(|ground| filters::load(&config, ground, before, &mut problems));
        if let Some(shelf) = &mut shelf {
            check_uses(&config, shelf, &mut problems);
        }
        let guards = guards::guards(&config, before, &mut problems);
        schemes::check(&config, &mut problems);
        let traces = telemetry::traces(&config, &mut problems);
        let forwards =
            shelf.as_ref().map(|shelf| forwards::settings(&config, shelf, &mut problems)).unwrap_or_default();
        match (shelf, ground) {
            (Some(shelf), Some(ground)) if problems.is_empty() => {
                let warnings = warnings(&config);
                Ok(Self { config, warnings, tls, acme, shelf, guards, forwards, traces, ground })
            }
            _ => Err(problems),
        }
    }
}

/// What would be done first that is not seen from here, a line each.
pub fn intentions(plan: &Plan) -> Vec<String> {
    plan.acme.iter().flat_map(|acme| acme::intentions(&plan.config, acme)).collect()
}

/// What cannot change while sockets and data are in use.
fn fixed(config: &Config, before: &Config) -> Vec<Problem> {
    let changed = [
        ("listen", config.listen != before.listen),
        ("reuse_port", config.reuse_port != before.reuse_port),
        ("data", config.data != before.data),
        ("shards", config.shards != before.shards),
        ("io_uring", config.io_uring != before.io_uring),
        ("admin.listen", config.admin.listen != before.admin.listen),
        ("log.format", config.log.format != before.log.format),
        ("tls.acme.http", acme::addresses(config) != acme::addresses(before)),
    ];
    let told = |(key, _)| {
        let why = format!("`{key}` cannot change while postern runs\nhint: restart it, or put the former value back");
        problem(config, key, why)
    };
    changed.into_iter().filter(|(_, changed)| *changed).map(told).collect()
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
    for (name, forward) in &config.forward {
        check(format!("forward.{name}.filter"), forward.filter.as_slice(), "message-handler");
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

pub(super) fn slow(slow: config::Slow) -> ws::Slow {
    match slow {
        config::Slow::CatchUp => ws::Slow::CatchUp,
        config::Slow::Disconnect => ws::Slow::Disconnect,
    }
}
