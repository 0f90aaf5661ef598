//! Signatures that the configuration describes.

use super::*;
use crate::provider::{Algorithm, Encoding, Recipe, Template};
use data_encoding::{BASE64, HEXLOWER, HEXUPPER};
use ring::hmac;

const NOW: u64 = 1_789_000_000;
const SECRET: &str = "hunter2";

fn recipe(template: &str, timestamp: Option<&'static str>) -> Recipe {
    Recipe {
        header: HeaderName::from_static("x-signature"),
        algorithm: Algorithm::Sha256,
        encoding: Encoding::Hex,
        prefix: String::new(),
        timestamp: timestamp.map(HeaderName::from_static),
        template: Template::parse(template).unwrap(),
    }
}

fn tag(algorithm: hmac::Algorithm, signed: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, SECRET.as_bytes()), signed.as_bytes()).as_ref().to_vec()
}

fn check(recipe: Recipe, headers: &[(&'static str, &str)], body: &str) -> Result<Signed, SignatureRefusal> {
    let scheme = Scheme::new(&Signing { recipe: Some(recipe), ..signing(Provider::Hmac, &[SECRET]) }).unwrap();
    let headers =
        headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
    let headers = HeaderMap::from_iter(headers);
    scheme.claim(Head { headers: &headers, query: None, now: NOW })?.check(body.as_bytes())
}

#[test]
fn every_algorithm_and_encoding_is_checked_as_it_is_written() {
    let algorithms = [
        (Algorithm::Sha1, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        (Algorithm::Sha256, hmac::HMAC_SHA256),
        (Algorithm::Sha512, hmac::HMAC_SHA512),
    ];
    for (algorithm, ring) in algorithms {
        let tag = tag(ring, "body");
        for (encoding, text) in [
            (Encoding::Hex, HEXLOWER.encode(&tag)),
            (Encoding::Hex, HEXUPPER.encode(&tag)),
            (Encoding::Base64, BASE64.encode(&tag)),
        ] {
            let recipe = Recipe { algorithm, encoding, prefix: "sig=".into(), ..recipe("{body}", None) };
            let with = |value: &str| check(recipe.clone(), &[("x-signature", value)], "body");
            assert!(with(&format!("sig={text}")).is_ok(), "{algorithm:?} {encoding:?}");
            let malformed = Err(SignatureRefusal::Malformed(recipe.header.clone()));
            for wrong in [text.clone(), format!("sig= {text}"), format!("sig={}", &text[2..]), "sig=".to_owned()] {
                assert_eq!(with(&wrong), malformed, "{wrong}");
            }
            assert_eq!(
                check(recipe.clone(), &[("x-signature", &format!("sig={text}"))], "Body"),
                Err(SignatureRefusal::Wrong)
            );
        }
    }
}

#[test]
fn what_stands_around_the_body_is_signed_with_it() {
    let time = NOW.to_string();
    for (template, signed) in [
        ("{timestamp}.{body}", format!("{time}.body")),
        ("v0:{timestamp}:{body}", format!("v0:{time}:body")),
        ("{body}{timestamp}", format!("body{time}")),
    ] {
        let value = HEXLOWER.encode(&tag(hmac::HMAC_SHA256, &signed));
        let recipe = recipe(template, Some("x-time"));
        let with = |time: &str| check(recipe.clone(), &[("x-signature", &value), ("x-time", time)], "body");
        assert!(with(&time).is_ok(), "{template}");
        assert_eq!(with(&(NOW + 1).to_string()), Err(SignatureRefusal::Wrong));
        assert_eq!(with(&(NOW - 301).to_string()), Err(SignatureRefusal::TooOld(301)));
        assert_eq!(with(&(NOW + 301).to_string()), Err(SignatureRefusal::TooNew(301)));
        for wrong in ["", "now", "1789000000.5", "-1789000000", "1789000000000"] {
            assert_eq!(with(wrong), Err(SignatureRefusal::Malformed(HeaderName::from_static("x-time"))), "{wrong}");
        }
        let missing = check(recipe, &[("x-signature", &value)], "body");
        assert_eq!(missing, Err(SignatureRefusal::Missing(HeaderName::from_static("x-time"))));
    }
}
