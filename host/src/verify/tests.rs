//! What is true of every scheme: its vector holds, nothing near it does, and each of several secrets counts. The files below
//! have what is true of one.

mod changes;
mod hub;
mod recipe;
mod standard;
mod times;

use super::*;
use crate::provider::{Provider, Signing};
use crate::secret::Secret;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::time::Duration;

const TOLERANCE: Duration = Duration::from_secs(300);

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/{name}", concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn cases(name: &str) -> Value {
    serde_json::from_slice(&fixture(name)).unwrap()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn signing(provider: Provider, secrets: &[&str]) -> Signing {
    let secrets = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    Signing { provider, secrets, tolerance: TOLERANCE, public_url: None, recipe: None }
}

/// A request, as the provider signed it.
#[derive(Clone, Debug)]
struct Request {
    provider: Provider,
    secret: String,
    headers: Vec<(HeaderName, Vec<u8>)>,
    query: Option<String>,
    public_url: Option<String>,
    now: u64,
    body: Vec<u8>,
}

impl Request {
    fn scheme(&self, secrets: &[&str]) -> Scheme {
        let signing = Signing { public_url: self.public_url.clone(), ..signing(self.provider, secrets) };
        Scheme::new(&signing).unwrap()
    }

    /// Checked with its own secret.
    fn check(&self) -> Result<Signed, SignatureRefusal> {
        self.check_with(&[&self.secret])
    }

    fn check_with(&self, secrets: &[&str]) -> Result<Signed, SignatureRefusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(name, HeaderValue::from_bytes(value).expect("a value that can be sent"));
        }
        let scheme = self.scheme(secrets);
        let claim = scheme.claim(Head { headers: &headers, query: self.query.as_deref(), now: self.now })?;
        claim.check(&self.body)
    }
}

/// Those of `signature-vectors.json`, without what nobody looks at.
fn vectors() -> Vec<Request> {
    let file = cases("signature-vectors.json");
    let vectors = file["vectors"].as_array().unwrap().iter().map(|vector| {
        let scheme = text(&vector["scheme"]);
        let provider = match scheme {
            "twilio-json" => Provider::Twilio,
            other => Provider::NAMES.iter().find(|(name, _)| *name == other).unwrap().1,
        };
        let looked_at = |name: &str| name != "X-Hub-Signature";
        let headers = vector["headers"].as_object().unwrap().iter().filter(|(name, _)| looked_at(name));
        let headers = headers.map(|(name, value)| {
            let value = text(value).split(",v0=").next().unwrap();
            (name.parse().unwrap(), value.as_bytes().to_vec())
        });
        let url = vector["url"].as_str().map(|url| url.split_once('?').unwrap());
        let body = match (vector["form"].as_object(), vector["body"].as_str()) {
            (Some(form), _) => {
                let pairs = form.iter().map(|(name, value)| (name, text(value)));
                form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes()
            }
            (None, body) => body.unwrap().as_bytes().to_vec(),
        };
        Request {
            provider,
            secret: text(&vector["secret"]).to_owned(),
            headers: headers.collect(),
            query: url.map(|(_, query)| query.to_owned()),
            public_url: url.map(|(url, _)| url.to_owned()),
            now: vector["now"].as_u64().unwrap_or(1_789_000_000),
            body,
        }
    });
    vectors.collect()
}

#[test]
fn every_published_vector_holds() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 9);
    for vector in vectors {
        assert!(vector.check().is_ok(), "{:?}: {:?}", vector.provider, vector.check());
    }
}

#[test]
fn each_of_several_secrets_counts_and_no_other_does() {
    for vector in vectors() {
        let other = match vector.provider {
            Provider::StandardWebhooks => "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            _ => "other",
        };
        let secret = vector.secret.as_str();
        for secrets in [&[secret, other][..], &[other, secret]] {
            assert!(vector.check_with(secrets).is_ok(), "{:?}", vector.provider);
        }
        assert_eq!(vector.check_with(&[other]), Err(SignatureRefusal::Wrong), "{:?}", vector.provider);
        assert_eq!(vector.check_with(&[other, other]), Err(SignatureRefusal::Wrong), "{:?}", vector.provider);
    }
}

#[test]
fn no_secret_is_no_scheme_unless_it_was_said_that_nobody_signs() {
    for (_, provider) in Provider::NAMES {
        let made = Scheme::new(&signing(provider, &[]));
        if provider == Provider::None {
            let scheme = made.unwrap();
            let (headers, query, now) = (HeaderMap::new(), None, 0);
            let claim = scheme.claim(Head { headers: &headers, query, now }).unwrap_or_else(|why| panic!("{why}"));
            assert!(claim.check(b"anything").is_ok());
            continue;
        }
        assert_eq!(made.err(), Some(Unusable::None), "{provider:?}");
        assert!(Scheme::new(&signing(provider, &[""])).is_err(), "{provider:?}");
    }
}

#[test]
fn each_header_must_be_there_once() {
    for vector in vectors() {
        for place in 0..vector.headers.len() {
            let name = vector.headers[place].0.clone();
            let mut without = vector.clone();
            without.headers.remove(place);
            assert_eq!(without.check(), Err(SignatureRefusal::Missing(name.clone())));
            let mut twice = vector.clone();
            twice.headers.push(vector.headers[place].clone());
            assert_eq!(twice.check(), Err(SignatureRefusal::Repeated(name.clone())));
            let mut empty = vector.clone();
            empty.headers[place].1.clear();
            assert_eq!(empty.check(), Err(SignatureRefusal::Malformed(name)));
        }
    }
}

#[test]
fn a_secret_of_another_form_is_refused_with_advice() {
    let refused = |provider, secret: &str| Scheme::new(&signing(provider, &[secret])).unwrap_err();
    for secret in ["whsec_", "whsec_!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whpk_AAAA", "whsec_AAAA"] {
        assert_eq!(refused(Provider::StandardWebhooks, secret), Unusable::NotStandard, "{secret}");
    }
    assert_eq!(refused(Provider::StandardWebhooks, "whsk_AAAA"), Unusable::Private);
    for secret in ["a b", "a.b", &"a".repeat(257)] {
        assert_eq!(refused(Provider::Telegram, secret), Unusable::NotATelegramToken);
    }
    assert_eq!(refused(Provider::Twilio, "12345"), Unusable::NoAddress);
    assert_eq!(refused(Provider::Hmac, "12345"), Unusable::NoRecipe);
    for refusal in [Unusable::NotStandard, Unusable::Private, Unusable::NotATelegramToken, Unusable::Empty] {
        assert!(refusal.to_string().contains("\nhint: "), "{refusal}");
    }
}

#[test]
fn an_address_that_twilio_did_not_call_is_not_the_one_it_signed() {
    for vector in vectors().into_iter().filter(|vector| vector.provider == Provider::Twilio) {
        let host = vector.public_url.clone().unwrap();
        let with = |public_url: String, query: Option<&str>| {
            Request { public_url: Some(public_url), query: query.map(str::to_owned), ..vector.clone() }.check()
        };
        let query = vector.query.as_deref();
        assert!(with(host.replace(".com/", ".com:443/").replace(".example/", ".example:443/"), query).is_ok());
        assert!(with(host.replace("https", "http"), query).is_err());
        assert!(with(format!("{host}/"), query).is_err());
        assert!(with(host.clone(), None).is_err());
        assert!(with(host.clone(), query.map(|query| format!("{query}&")).as_deref()).is_err());
        let hash = format!("{}&bodySHA256={}", query.unwrap(), "0".repeat(64));
        assert!(with(host, Some(&hash)).is_err());
    }
}
