//! What lets clients in beside filters, made of its configuration: checks of tokens, and services to be asked.

use super::plan::problem;
use super::service::Service;
use crate::callout::{self, Callout};
use crate::config::{self, Config, JwtAlgorithm, JwtKeys, Problem, TokenPlace};
use crate::error::Chain;
use crate::jwt::{self, Algorithm, Place, Source, Verifier};
use crate::outward::{Destination, Error, Kind, Trust};
use http::HeaderValue;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

const PLAIN: &str = "it would be fetched without TLS: whoever is on the way could issue tokens\nhint: use `https://`, with `ca` for an authority of your own; or a file";

/// Of one stream.
#[derive(Clone, Default)]
pub struct Guards {
    pub jwt: Option<(Arc<Verifier>, Vec<Place>)>,
    pub callout: Option<Arc<Callout>>,
}

/// Of each stream: those it had `before`, where they have not changed. Files of keys are read, URLs taken apart; nobody is
/// asked anything yet.
pub fn guards(config: &Config, before: Option<&Service>, problems: &mut Vec<Problem>) -> BTreeMap<String, Guards> {
    let mut all = BTreeMap::new();
    for (name, stream) in &config.streams {
        let unchanged = before.filter(|before| {
            let former = before.config.streams.get(name);
            former.is_some_and(|former| former.jwt == stream.jwt && former.callout == stream.callout)
        });
        if let Some(guards) = unchanged.and_then(|before| before.guards.get(name)) {
            all.insert(name.clone(), guards.clone());
            continue;
        }
        let mut guards = Guards::default();
        if let Some(settings) = &stream.jwt {
            match verifier(settings) {
                Ok(verifier) => guards.jwt = Some((Arc::new(verifier), settings.token.iter().map(place).collect())),
                Err(why) => {
                    let key = if matches!(settings.keys, JwtKeys::Secret(_)) { "secret" } else { "jwks" };
                    problems.push(named(config, &format!("streams.{name}.jwt.{key}"), &why));
                }
            }
        }
        if let Some(settings) = &stream.callout {
            match callout(settings) {
                Ok(callout) => guards.callout = Some(Arc::new(callout)),
                Err((key, why)) => problems.push(named(config, &format!("streams.{name}.callout.{key}"), &why)),
            }
        }
        all.insert(name.clone(), guards);
    }
    all
}

fn named(config: &Config, key: &str, why: &str) -> Problem {
    problem(config, key, format!("`{key}`: {why}"))
}

fn verifier(settings: &config::Jwt) -> Result<Verifier, String> {
    let source = match &settings.keys {
        JwtKeys::Secret(secret) => Source::Secret(secret.clone()),
        JwtKeys::File(path) => Source::File(path.clone()),
        JwtKeys::Url { url, ca } => {
            let destination = destination(url, ca.as_deref()).map_err(|error| Chain(&error).to_string())?;
            let host = &destination.address.host;
            let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
            if !destination.address.secure && !is_here {
                return Err(PLAIN.to_owned());
            }
            Source::Url(destination)
        }
    };
    let algorithm = |algorithm: &JwtAlgorithm| match algorithm {
        JwtAlgorithm::Rs256 => Algorithm::Rs256,
        JwtAlgorithm::Es256 => Algorithm::Es256,
        JwtAlgorithm::EdDsa => Algorithm::EdDsa,
        JwtAlgorithm::Hs256 => Algorithm::Hs256,
    };
    let config = jwt::Config {
        source,
        algorithms: settings.algorithms.as_ref().map(|all| all.iter().map(algorithm).collect()),
        issuer: settings.issuer.clone(),
        audience: settings.audience.clone(),
        subject: settings.subject.clone(),
        labels: settings.labels.clone().into_iter().collect(),
        leeway: settings.leeway,
        require_expiry: settings.require_expiry,
    };
    Verifier::new(&config).map_err(|error| Chain(&error).to_string())
}

fn place(place: &TokenPlace) -> Place {
    match place {
        TokenPlace::Header => Place::Header,
        TokenPlace::Query(name) => Place::Query(name.clone()),
        TokenPlace::Cookie(name) => Place::Cookie(name.clone()),
        TokenPlace::Subprotocol => Place::Subprotocol,
    }
}

/// Or the key that is wrong, and why.
fn callout(settings: &config::Callout) -> Result<Callout, (&'static str, String)> {
    let secret = settings.secret.as_ref().map(|secret| HeaderValue::from_str(secret.reveal())).transpose();
    let mut secret = secret
        .map_err(|_| ("secret", "it cannot stand in a header: it has other than visible characters".to_owned()))?;
    secret.iter_mut().for_each(|secret| secret.set_sensitive(true));
    let destination = destination(&settings.url, settings.ca.as_deref());
    Ok(Callout::new(callout::Config {
        destination: destination.map_err(|error| ("url", Chain(&error).to_string()))?,
        timeout: settings.timeout,
        headers: settings.headers.iter().filter_map(|name| name.parse().ok()).collect(),
        secret,
    }))
}

fn destination(url: &str, ca: Option<&Path>) -> Result<Destination, Error> {
    Destination::new(url, Kind::Http, &Trust { ca: ca.map(Path::to_owned), insecure: false })
}
