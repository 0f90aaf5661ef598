//! One certificate, from the order to the chain and its key.

use super::error::{Error, told};
use super::{Challenge, Config};
use crate::challenges::{Answered, Digest};
use instant_acme::{
    Account, AuthorizationHandle, AuthorizationStatus, CertificateIdentifier, ChallengeType, Identifier, NewOrder,
    Order, OrderStatus, RetryPolicy,
};
use std::time::Duration;

/// How an authority is asked whether it is done: soon first, then less often.
const POLLING: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(250)).backoff(1.5).timeout(Duration::from_secs(180));

const UNTOLD: &str = "it has given up the order, and does not say why";

/// Orders a certificate and gives it as PEM, with its key behind it.
pub async fn order(
    config: &Config,
    account: &Account,
    replaces: Option<CertificateIdentifier<'_>>,
) -> Result<String, Error> {
    let identifiers: Vec<Identifier> = config.domains.iter().cloned().map(Identifier::Dns).collect();
    let mut wanted = NewOrder::new(&identifiers);
    if let Some(replaced) = replaces {
        wanted = wanted.replaces(replaced);
    }
    let failed = |doing| move |error| Error::of(doing, error);
    let mut order = account.new_order(&wanted).await.map_err(failed("order a certificate"))?;
    // Answered until the authority has looked at all of them.
    let answered = prove(config, &mut order).await?;
    let looked = order.poll_ready(&POLLING).await.map_err(failed("have the domains looked at"));
    if !matches!(looked, Ok(OrderStatus::Ready)) {
        // What it has seen says more than that it has given up.
        let unproven = unproven(config, &mut order).await;
        return Err(unproven.or(looked.err()).unwrap_or_else(|| Error::Unfit { why: UNTOLD.to_owned() }));
    }
    drop(answered);
    let key = order.finalize().await.map_err(failed("have the certificate signed"))?;
    let chain = order.poll_certificate(&POLLING).await.map_err(failed("fetch the certificate"))?;
    Ok(format!("{}\n{key}", chain.trim_end()))
}

/// Puts the answers where the authority will look, and tells it to.
async fn prove(config: &Config, order: &mut Order) -> Result<Vec<Answered>, Error> {
    let kind = match config.challenge {
        Challenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
        Challenge::Http01 => ChallengeType::Http01,
    };
    let mut answered = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(|error| Error::of("see what is to be shown", error))?;
        // One that is known from an earlier order need not be shown again.
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let domain = authorization.identifier().to_string();
        let not_offered = || Error::NotOffered { challenge: config.challenge.name(), domain: domain.clone() };
        let mut challenge = authorization.challenge(kind.clone()).ok_or_else(not_offered)?;
        let shown = challenge.key_authorization();
        answered.push(match config.challenge {
            Challenge::TlsAlpn01 => {
                let digest = Digest::try_from(shown.digest().as_ref())
                    .map_err(|_| Error::Unfit { why: "a digest is not one of SHA-256".to_owned() })?;
                config.challenges.by_tls(&domain, digest)
            }
            Challenge::Http01 => config.challenges.by_http(&challenge.token, shown.as_str()),
        });
        challenge.set_ready().await.map_err(|error| Error::of("have a domain looked at", error))?;
    }
    Ok(answered)
}

/// What the authority has seen instead, of the first domain that it does not believe.
async fn unproven(config: &Config, order: &mut Order) -> Option<Error> {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if let Some(error) = seen(config, &mut authorization).await {
            return Some(error);
        }
    }
    None
}

async fn seen(config: &Config, authorization: &mut AuthorizationHandle<'_>) -> Option<Error> {
    let state = authorization.refresh().await.ok()?;
    let problem = state.challenges.iter().find_map(|challenge| challenge.error.as_ref())?;
    let port = match config.challenge {
        Challenge::TlsAlpn01 => 443,
        Challenge::Http01 => 80,
    };
    Some(Error::Unproven { domain: state.identifier().to_string(), problem: told(problem), port })
}
