//! One registry, spoken to: the distribution API over HTTP, with whatever it wants to know of who asks, and with the detours
//! it sends on.

use super::Settings;
use super::challenge::{Challenge, token_url};
use super::error::{Answered, Why};
use super::manifest::{ACCEPTED, LARGEST_MANIFEST, Layer};
use crate::outward::{self, Address, Ask, Client, Content, Destination, Kind, Trust};
use crate::reference::{Reference, Version, is_local};
use bytes::Bytes;
use data_encoding::BASE64;
use http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use serde::Deserialize;
use std::time::Duration;

/// How often a registry may send elsewhere for one thing. They send to their storage, once.
const DETOURS: usize = 5;

/// The longest answer that is no content: a token, an error, an upload begun.
const ANSWER: usize = 64 << 10;

/// The name under which Docker's registry is known, and the host that it has.
const DOCKER: (&str, &str) = ("docker.io", "registry-1.docker.io");

pub(super) struct Session<'a> {
    reference: &'a Reference,
    settings: &'a Settings,
    client: Client,
    /// What the registry was shown last and took.
    authorization: Option<HeaderValue>,
}

impl<'a> Session<'a> {
    /// Nothing is sent yet.
    pub fn open(reference: &'a Reference, settings: &'a Settings) -> Result<Self, Why> {
        let is_plain = reference.is_local() && settings.ca.is_none();
        let scheme = if is_plain { "http" } else { "https" };
        let host = if reference.registry == DOCKER.0 { DOCKER.1 } else { &reference.registry };
        let destination = destination(&format!("{scheme}://{host}/v2/"), settings).map_err(Why::Address)?;
        Ok(Self { reference, settings, client: Client::new(destination), authorization: None })
    }

    pub async fn manifest(&mut self) -> Result<Vec<u8>, Why> {
        let version = match &self.reference.version {
            Version::Tag(tag) => tag.clone(),
            Version::Digest(digest) => digest.to_string(),
        };
        self.content(&format!("manifests/{version}"), ACCEPTED, "manifest", LARGEST_MANIFEST).await
    }

    pub async fn blob(&mut self, layer: &Layer) -> Result<Vec<u8>, Why> {
        let blob = self.content(&format!("blobs/{}", layer.digest), "*/*", "layer", layer.size).await;
        blob.map_err(|why| match why {
            Why::TooLarge { registry, .. } => Why::Longer { registry, size: layer.size },
            why => why,
        })
    }

    /// Fetches what is at a place of the repository.
    async fn content(
        &mut self,
        place: &str,
        accept: &'static str,
        what: &'static str,
        most: usize,
    ) -> Result<Vec<u8>, Why> {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
        let mut at = self.place(place)?;
        for _ in 0..=DETOURS {
            let answer = self.ask(Method::GET, &at, &headers, Bytes::new(), most.max(ANSWER)).await?;
            match answer.status {
                StatusCode::OK if !answer.complete || answer.bytes.len() > most => {
                    return Err(Why::TooLarge { registry: self.reference.registry.clone(), what, most });
                }
                StatusCode::OK => return Ok(answer.bytes),
                status if status.is_redirection() => at = self.elsewhere(&answer, &at)?,
                _ => return Err(self.refused(&answer, what, &at)),
            }
        }
        Err(self.astray("it goes on and on".to_owned()))
    }

    /// Asks at a place, and once more with what the registry then wants to know of who asks. Redirects are the caller's.
    pub async fn ask(
        &mut self,
        method: Method,
        at: &Destination,
        headers: &HeaderMap,
        body: Bytes,
        most: usize,
    ) -> Result<Content, Why> {
        let patience = self.settings.timeout;
        // Whoever is not the registry itself is shown nothing.
        if !same(&at.address, &self.client.destination().address) {
            return exchange(&mut Client::new(at.clone()), method, at, headers, body, most, patience).await;
        }
        let mut is_challenged = false;
        loop {
            let mut headers = headers.clone();
            headers.extend(self.authorization.clone().map(|value| (AUTHORIZATION, value)));
            let asked = exchange(&mut self.client, method.clone(), at, &headers, body.clone(), most, patience);
            let answer = asked.await?;
            if answer.status != StatusCode::UNAUTHORIZED || is_challenged {
                return Ok(answer);
            }
            is_challenged = true;
            self.authorization = Some(self.authorized(&answer, method == Method::GET).await?);
        }
    }

    /// What to show the registry so that it knows who asks.
    async fn authorized(&self, answer: &Content, only_to_pull: bool) -> Result<HeaderValue, Why> {
        let account = self.settings.account.as_ref().map(|(name, password)| {
            let text = format!("{name}:{}", password.reveal());
            secret(format!("Basic {}", BASE64.encode(text.as_bytes())))
        });
        let unclear = |why| Why::Challenge { registry: self.reference.registry.clone(), why };
        let (realm, service, scope) = match Challenge::of(&answer.headers).map_err(unclear)? {
            Challenge::Basic => return account.flatten().ok_or_else(|| self.denied(answer)),
            Challenge::Bearer { realm, service, scope } => (realm, service, scope),
        };
        let rights = if only_to_pull { "pull" } else { "pull,push" };
        let scope = scope.unwrap_or_else(|| format!("repository:{}:{rights}", self.reference.name));
        let at = destination(&token_url(&realm, service.as_deref(), &scope), self.settings);
        let at = at.map_err(|error| unclear(crate::error::Chain(&error).to_string().replace("\nhint: ", "; ")))?;
        self.may_go(&at.address)?;
        let headers = HeaderMap::from_iter(account.flatten().map(|value| (AUTHORIZATION, value)));
        let (mut client, patience) = (Client::new(at.clone()), self.settings.timeout);
        let told = exchange(&mut client, Method::GET, &at, &headers, Bytes::new(), ANSWER, patience).await?;
        match told.status {
            StatusCode::OK => token(&told.bytes).ok_or_else(|| unclear(format!("`{}` gives no token", at.address))),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(self.denied(&told)),
            status => Err(Why::Answered { from: host(&at.address), answer: Answered::new(status, &told.bytes) }),
        }
    }

    /// Where an answer sends, seen from where it was asked for.
    pub fn elsewhere(&self, answer: &Content, from: &Destination) -> Result<Destination, Why> {
        let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| self.astray("it does not say where to".to_owned()))?;
        let url = if location.starts_with('/') && !location.starts_with("//") {
            let scheme = if from.address.secure { "https" } else { "http" };
            format!("{scheme}://{}{location}", host(&from.address))
        } else {
            location.to_owned()
        };
        let there = destination(&url, self.settings).map_err(|error| match error {
            outward::Error::Url { url, why, .. } => self.astray(format!("`{url}`: {why}")),
            error => Why::Address(error),
        })?;
        self.may_go(&there.address)?;
        Ok(there)
    }

    /// Nothing is asked without TLS, except of this machine by a registry that is on it and has none either.
    fn may_go(&self, address: &Address) -> Result<(), Why> {
        let is_within = is_local(&address.host) && !self.client.destination().address.secure;
        if address.secure || is_within {
            return Ok(());
        }
        Err(self.astray(format!("`{address}` is not `https://`")))
    }

    /// A place of the repository.
    pub fn place(&self, place: &str) -> Result<Destination, Why> {
        let mut destination = self.client.destination().clone();
        let target = format!("/v2/{}/{place}", self.reference.name);
        destination.address.target = target.parse().map_err(|error| Why::Address(outward::Error::Query(error)))?;
        Ok(destination)
    }

    /// What an answer that is none of those hoped for means.
    pub fn refused(&self, answer: &Content, what: &'static str, at: &Destination) -> Why {
        match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.denied(answer),
            StatusCode::NOT_FOUND => Why::Missing {
                registry: self.reference.registry.clone(),
                what,
                answer: Answered::new(answer.status, &answer.bytes),
                has_account: self.settings.account.is_some(),
            },
            status => Why::Answered { from: host(&at.address), answer: Answered::new(status, &answer.bytes) },
        }
    }

    fn denied(&self, answer: &Content) -> Why {
        Why::Denied {
            registry: self.reference.registry.clone(),
            answer: Answered::new(answer.status, &answer.bytes),
            has_account: self.settings.account.is_some(),
        }
    }

    fn astray(&self, why: String) -> Why {
        Why::Elsewhere { registry: self.reference.registry.clone(), why }
    }
}

async fn exchange(
    client: &mut Client,
    method: Method,
    at: &Destination,
    headers: &HeaderMap,
    body: Bytes,
    most: usize,
    patience: Duration,
) -> Result<Content, Why> {
    let target = at.address.target.clone();
    let asked = client.fetch(Ask { method, target, headers, body, patience, most }).await;
    asked.map_err(|source| Why::Unreached { registry: host(&at.address), source })
}

fn destination(url: &str, settings: &Settings) -> Result<Destination, outward::Error> {
    Destination::new(url, Kind::Http, &Trust { ca: settings.ca.clone(), insecure: false })
}

fn same(one: &Address, other: &Address) -> bool {
    (one.secure, &one.host, one.port) == (other.secure, &other.host, other.port)
}

fn host(address: &Address) -> String {
    String::from_utf8_lossy(address.authority.as_bytes()).into_owned()
}

/// A header that is not shown. `None`: it has something that no header may have.
fn secret(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn token(answer: &[u8]) -> Option<HeaderValue> {
    #[derive(Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
    }
    let Answer { token, access_token } = serde_json::from_slice(answer).ok()?;
    let token = token.or(access_token).filter(|token| !token.is_empty())?;
    secret(format!("Bearer {token}"))
}
