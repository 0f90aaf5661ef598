//! A certificate by ACME, from its configuration: what is ordered and where, the listener for plain HTTP, and the handle that
//! keeps it all going.

use super::Fault;
use super::plan::problem;
use crate::acme::{self, Acme};
use crate::challenges::Challenges;
use crate::config::{AcmeChallenge, Config, Identity, Problem};
use crate::error::Chain;
use crate::http;
use crate::listen::{Gate, Limits, Listeners};
use crate::metrics::Metrics;
use crate::outward;
use crate::phase::Phases;
use crate::plain::Plain;
use crate::proxy::Proxies;
use crate::task;
use crate::tls::Acceptor;
use arc_swap::ArcSwapOption;
use std::net::SocketAddr;
use std::sync::Arc;

/// How many connections the listener for plain HTTP has room for: each says one thing and goes.
const PLAIN_CONNECTIONS: Limits = Limits { connections: 1024, per_address: 64 };

/// What is to be ordered. Nobody is asked anything yet.
pub fn config(config: &Config, challenges: &Challenges) -> Result<Option<acme::Config>, Problem> {
    let Identity::Acme(settings) = &config.tls.identity else { return Ok(None) };
    let directory = acme::destination(&settings.directory, settings.ca.as_deref()).map_err(|error| {
        let key = match error {
            outward::Error::Authority { .. } | outward::Error::NoAuthorities => "tls.acme.ca",
            _ => "tls.acme.directory",
        };
        problem(config, key, format!("`{key}`: {}", Chain(&error)))
    })?;
    Ok(Some(acme::Config {
        domains: settings.domains.clone(),
        email: settings.email.clone(),
        folder: acme::folder(&config.data.join("acme"), &directory, &settings.directory),
        directory,
        url: settings.directory.clone(),
        challenge: match settings.challenge {
            AcmeChallenge::TlsAlpn01 => acme::Challenge::TlsAlpn01,
            AcmeChallenge::Http01 => acme::Challenge::Http01,
        },
        challenges: challenges.clone(),
    }))
}

/// What would be done first that is not seen from here, a line each.
pub fn intentions(config: &Config, acme: &acme::Config) -> Vec<String> {
    let (port, key, addresses) = match (&config.tls.identity, acme.challenge) {
        (Identity::Acme(settings), acme::Challenge::Http01) => (80, "tls.acme.http", &settings.http),
        _ => (443, "listen", &config.listen),
    };
    let mapped = addresses.iter().all(|address| address.port() != port);
    let note =
        format!("acme: the authority calls at port {port} of each domain: it must lead to an address of `{key}`");
    [format!("acme: {}", acme::intention(acme))].into_iter().chain(mapped.then_some(note)).collect()
}

/// Starts to keep the certificate that `acceptor` shows.
pub fn start(config: acme::Config, acceptor: &Acceptor, metrics: &Metrics) -> Result<Acme, Fault> {
    let (acceptor, told) = (acceptor.clone(), metrics.clone());
    let installed = move || {
        acceptor.reload().map_err(|error| Chain(&error).to_string())?;
        // The directory may have been made just now, and then its watch finds out within a minute only.
        acceptor.tell(&told);
        Ok(())
    };
    Acme::start(config, Box::new(installed), metrics.clone()).map_err(Fault::of)
}

/// Where plain HTTP is to be spoken, if it is.
pub fn addresses(config: &Config) -> &[SocketAddr] {
    match &config.tls.identity {
        Identity::Acme(settings) => &settings.http,
        _ => &[],
    }
}

/// What is answered there.
pub fn plain(config: &Config, acme: &acme::Config, proxies: Proxies, http: http::Config, phases: Phases) -> Plain {
    // One that is called at port 80 is called at its own ports; before another there is somebody who maps ports, and those
    // outside see the usual one.
    let mapped = addresses(config).iter().all(|address| address.port() != 80);
    let port = config.listen.first().map(SocketAddr::port).filter(|_| !mapped).unwrap_or(443);
    Plain { challenges: acme.challenges.clone(), domains: acme.domains.clone(), port, proxies, http, phases }
}

/// Serves plain HTTP by what is in force, until the gateway drains.
pub fn serve(in_force: Arc<ArcSwapOption<Plain>>, listeners: Listeners, phases: Phases) {
    for address in listeners.addresses() {
        tracing::info!(%address, kind = "http", "listening");
    }
    let gate = Gate::new(PLAIN_CONNECTIONS, |refused| {
        tracing::debug!(?refused, "the listener for plain HTTP has refused a connection");
    });
    task::background(async move {
        let serve = |tcp, peer, permit| match in_force.load_full() {
            Some(plain) => plain.serve(tcp, peer, permit),
            None => drop((tcp, permit)),
        };
        listeners.run(&gate, serve, phases.draining()).await;
    });
}
