//! Signs as each provider does. What is signed, and where that stands, is said here once more and apart from how it is
//! checked, so that a slip of the one does not hide in the other.

use crate::provider::{Algorithm, Encoding, Provider, Recipe, Signing};
use crate::secret::Secret;
use data_encoding::{BASE64, HEXLOWER};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::signature::Ed25519KeyPair;
use std::collections::BTreeSet;

/// With what to sign, and as whom.
pub struct Signer {
    provider: Provider,
    key: Key,
    recipe: Option<Recipe>,
    /// Twilio: what it believes to call, without a query.
    url: String,
    query: Option<String>,
}

enum Key {
    Shared(hmac::Key),
    Private(Ed25519KeyPair),
    Token(Secret),
    None,
}

/// What goes with a body.
pub struct Signed {
    pub headers: HeaderMap,
    pub query: Option<String>,
}

const NOT_STANDARD: &str =
    "a secret of Standard Webhooks is `whsec_` and base64 of a key, or `whsk_` and that of a private one";
const PUBLIC: &str = "a public key, `whpk_…`, signs nothing\nhint: give the private one that belongs to it, `whsk_…`";

impl Signer {
    /// `url` is where it goes. Why not: in words for whoever typed it.
    pub fn new(signing: &Signing, url: &str) -> Result<Self, &'static str> {
        let Signing { provider, secrets, public_url, recipe, .. } = signing;
        let secret = secrets.first().cloned().unwrap_or_else(|| Secret::new(""));
        let url = url.split('#').next().unwrap_or_default();
        let (to, query) = url.split_once('?').map_or((url, None), |(to, query)| (to, Some(query.to_owned())));
        let url = public_url.clone().unwrap_or_else(|| to.to_owned());
        Ok(Self {
            provider: *provider,
            key: key(*provider, &secret, recipe.as_ref())?,
            recipe: recipe.clone(),
            url,
            query,
        })
    }

    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// The body as this provider would send it at this time, in seconds; `id` is what it would call it.
    pub fn sign(&self, body: &[u8], now: u64, id: &str) -> Signed {
        let mut headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type(self.provider, body)))]);
        let mut set = |name: HeaderName, value: String| {
            // Of digits, base64, and what the configuration or the command line was read as: all may stand in a header.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        };
        let named = HeaderName::from_static;
        let mut query = self.query.clone();
        match self.provider {
            Provider::Meta => {
                set(USER_AGENT, "facebookexternalua".to_owned());
                set(named("x-hub-signature-256"), format!("sha256={}", HEXLOWER.encode(&self.tag(&[body]))));
            }
            Provider::Github => {
                set(named("x-hub-signature-256"), format!("sha256={}", HEXLOWER.encode(&self.tag(&[body]))));
            }
            Provider::Stripe => {
                let tag = self.tag(&[format!("{now}.").as_bytes(), body]);
                set(named("stripe-signature"), format!("t={now},v1={}", HEXLOWER.encode(&tag)));
            }
            Provider::Slack => {
                let tag = self.tag(&[format!("v0:{now}:").as_bytes(), body]);
                set(named("x-slack-request-timestamp"), now.to_string());
                set(named("x-slack-signature"), format!("v0={}", HEXLOWER.encode(&tag)));
            }
            Provider::Shopify => set(named("x-shopify-hmac-sha256"), BASE64.encode(&self.tag(&[body]))),
            Provider::Twilio => {
                let form = if is_json(body) {
                    let hash = format!("bodySHA256={}", HEXLOWER.encode(digest(&SHA256, body).as_ref()));
                    query = Some(query.map_or_else(|| hash.clone(), |query| format!("{query}&{hash}")));
                    String::new()
                } else {
                    let pairs: BTreeSet<_> = form_urlencoded::parse(body).collect();
                    pairs.into_iter().map(|(name, value)| format!("{name}{value}")).collect()
                };
                let url = query.as_ref().map_or_else(|| self.url.clone(), |query| format!("{}?{query}", self.url));
                set(named("x-twilio-signature"), BASE64.encode(&self.tag(&[url.as_bytes(), form.as_bytes()])));
            }
            Provider::Telegram => {
                if let Key::Token(token) = &self.key {
                    set(named("x-telegram-bot-api-secret-token"), token.reveal().to_owned());
                }
            }
            Provider::StandardWebhooks => {
                let version = if matches!(self.key, Key::Private(_)) { "v1a" } else { "v1" };
                let tag = self.tag(&[format!("{id}.{now}.").as_bytes(), body]);
                set(named("webhook-id"), id.to_owned());
                set(named("webhook-timestamp"), now.to_string());
                set(named("webhook-signature"), format!("{version},{}", BASE64.encode(&tag)));
            }
            Provider::Hmac => {
                if let Some(recipe) = &self.recipe {
                    let now = now.to_string();
                    let (before, after) = recipe.template.around(&now);
                    let tag = self.tag(&[&before, body, &after]);
                    let text = match recipe.encoding {
                        Encoding::Hex => HEXLOWER.encode(&tag),
                        Encoding::Base64 => BASE64.encode(&tag),
                    };
                    set(recipe.header.clone(), format!("{}{text}", recipe.prefix));
                    if let Some(name) = &recipe.timestamp {
                        set(name.clone(), now);
                    }
                }
            }
            Provider::None => {}
        }
        Signed { headers, query }
    }

    fn tag(&self, pieces: &[&[u8]]) -> Vec<u8> {
        match &self.key {
            Key::Shared(key) => hmac::sign(key, &pieces.concat()).as_ref().to_vec(),
            Key::Private(pair) => pair.sign(&pieces.concat()).as_ref().to_vec(),
            Key::Token(_) | Key::None => Vec::new(),
        }
    }
}

fn key(provider: Provider, secret: &Secret, recipe: Option<&Recipe>) -> Result<Key, &'static str> {
    if provider == Provider::None {
        return Ok(Key::None);
    }
    if secret.is_empty() {
        return Err("the secret to sign with is empty");
    }
    let shared = |algorithm| Ok(Key::Shared(hmac::Key::new(algorithm, secret.reveal().as_bytes())));
    match (provider, recipe.map(|recipe| recipe.algorithm)) {
        (Provider::Telegram, _) if HeaderValue::from_str(secret.reveal()).is_ok() => Ok(Key::Token(secret.clone())),
        (Provider::Telegram, _) => Err("a secret token of Telegram's is 1 to 256 letters, digits, `_` and `-`"),
        (Provider::StandardWebhooks, _) => standard(secret.reveal()),
        (Provider::Twilio, _) | (Provider::Hmac, Some(Algorithm::Sha1)) => shared(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        (Provider::Hmac, Some(Algorithm::Sha512)) => shared(hmac::HMAC_SHA512),
        (Provider::Hmac, None) => {
            Err("how `hmac` signs is in the configuration\nhint: name its webhook: `--webhook NAME -c FILE`")
        }
        _ => shared(hmac::HMAC_SHA256),
    }
}

fn standard(secret: &str) -> Result<Key, &'static str> {
    let decode = |text: &str| BASE64.decode(text.as_bytes()).map_err(|_| NOT_STANDARD);
    if secret.starts_with("whpk_") {
        return Err(PUBLIC);
    }
    if let Some(text) = secret.strip_prefix("whsk_") {
        // The seed, and with most who write such keys the public key behind it.
        let bytes = decode(text)?;
        let pair = match bytes.as_slice().split_at_checked(32) {
            Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
            Some((seed, public)) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
            None => return Err(NOT_STANDARD),
        };
        return pair.map(Key::Private).map_err(|_| NOT_STANDARD);
    }
    let bytes = decode(secret.strip_prefix("whsec_").ok_or(NOT_STANDARD)?)?;
    Ok(Key::Shared(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
}

fn is_json(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

fn content_type(provider: Provider, body: &[u8]) -> &'static str {
    match provider {
        Provider::Twilio | Provider::Slack | Provider::Github if !is_json(body) => "application/x-www-form-urlencoded",
        Provider::Hmac | Provider::None if !is_json(body) => "application/octet-stream",
        _ => "application/json",
    }
}

/// What a provider that names its deliveries would call this one: the same each time it is sent, unless it is to be
/// another.
pub fn id(body: &[u8], suffix: Option<&str>) -> String {
    let hash = HEXLOWER.encode(&digest(&SHA256, body).as_ref()[..12]);
    format!("msg_{hash}{}", suffix.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn what_is_signed_is_what_is_published() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/signature-vectors.json");
        let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        for vector in file["vectors"].as_array().unwrap() {
            let text = |name: &str| vector[name].as_str().unwrap_or_default().to_owned();
            let provider = match text("scheme").as_str() {
                "twilio-json" => Provider::Twilio,
                scheme => Provider::NAMES.iter().find(|(name, _)| *name == scheme).unwrap().1,
            };
            let body = match vector["form"].as_object() {
                Some(form) => {
                    let pairs = form.iter().map(|(name, value)| (name, value.as_str().unwrap()));
                    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
                }
                None => text("body"),
            };
            let signing = Signing {
                provider,
                secrets: vec![Secret::new(text("secret"))],
                tolerance: std::time::Duration::ZERO,
                public_url: None,
                recipe: None,
            };
            let url = text("url");
            let signer = Signer::new(&signing, url.split("?bodySHA256").next().unwrap()).unwrap();
            let id = vector["headers"]["webhook-id"].as_str().unwrap_or_default();
            let signed = signer.sign(body.as_bytes(), vector["now"].as_u64().unwrap_or_default(), id);
            for (name, value) in vector["headers"].as_object().unwrap() {
                if name != "X-Hub-Signature" {
                    let value = value.as_str().unwrap().split(",v0=").next().unwrap();
                    assert_eq!(signed.headers.get(name).map(|value| value.to_str().unwrap()), Some(value), "{name}");
                }
            }
            if !url.is_empty() {
                assert_eq!(signed.query.as_deref(), url.split_once('?').map(|(_, query)| query));
            }
        }
    }
}
