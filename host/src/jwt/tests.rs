//! Tokens of the RFCs, tokens that lie about their algorithm, and claims at their edges.

use super::keys::Set;
use super::token::Parts;
use super::*;
use crate::secret::Secret;
use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use serde_json::{Value, json};
use std::io::Write;

/// RFC 7515, appendix A: the payload of its examples, and the keys of A.2 and A.3.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const RSA: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const RS256: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const ES256: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
/// RFC 8037, appendix A.4.
const EDDSA: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

fn keys() -> Value {
    json!({ "keys": [
        { "kty": "RSA", "kid": "r", "n": RSA, "e": "AQAB", "use": "sig" },
        { "kty": "EC", "crv": "P-256", "alg": "ES256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
          "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" },
        { "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
        { "kty": "oct", "k": "AAAA" }, { "kty": "RSA", "use": "enc", "n": RSA, "e": "AQAB" }, 7
    ] })
}

fn set() -> Set {
    Set::parse(keys().to_string().as_bytes()).expect("it is a set")
}

fn encoded(json: &Value) -> String {
    BASE64URL_NOPAD.encode(json.to_string().as_bytes())
}

/// A token of these parts, signed by a secret.
fn signed(header: &str, payload: &str, secret: &[u8]) -> String {
    let message = format!("{header}.{payload}");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
}

const SECRET: &str = "a secret of more than thirty-two bytes";

fn token(claims: &Value) -> String {
    signed(&encoded(&json!({ "alg": "HS256" })), &encoded(claims), SECRET.as_bytes())
}

fn config(source: Source) -> Config {
    Config {
        source,
        algorithms: None,
        issuer: None,
        audience: None,
        subject: "sub".into(),
        labels: vec![],
        leeway: Duration::ZERO,
        require_expiry: true,
    }
}

fn shared() -> Config {
    config(Source::Secret(Secret::new(SECRET)))
}

fn ask(config: &Config, token: &str, seconds: u64) -> Result<Identity, Refusal> {
    let verifier = Verifier::new(config).expect("its keys are there");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(verifier.verify(token, Timestamp(seconds * 1000)))
}

#[test]
fn the_examples_of_the_rfcs_are_believed_and_a_changed_bit_is_not() {
    let tokens = [
        format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.{RS256}"),
        format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.{ES256}"),
        EDDSA.to_owned(),
    ];
    for token in tokens {
        assert_eq!(Parts::of(&token).expect("its shape is right").verify(&set()), Ok(()), "{token}");
        let (signed, signature) = token.rsplit_once('.').expect("three parts");
        let mut bytes = BASE64URL_NOPAD.decode(signature.as_bytes()).expect("it is encoded");
        bytes[7] ^= 1;
        let forged = format!("{signed}.{}", BASE64URL_NOPAD.encode(&bytes));
        assert_eq!(Parts::of(&forged).expect("its shape is right").verify(&set()), Err(Refusal::Signature));
    }
    // Appendix A.1 has a secret of its own.
    let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let key = BASE64URL_NOPAD.decode(key.as_bytes()).expect("it is encoded");
    let made = signed("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", PAYLOAD, &key);
    assert!(made.ends_with(".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "{made}");
}

#[test]
fn what_a_token_says_of_its_algorithm_chooses_nothing() {
    let claims = encoded(&json!({ "exp": 9_000_000_000_u64, "sub": "eve" }));
    // Signed by what everybody knows, the public key, as if it were a secret.
    for public in [BASE64URL_NOPAD.decode(RSA.as_bytes()).expect("it is encoded"), RSA.as_bytes().to_vec()] {
        let forged = signed(&encoded(&json!({ "alg": "HS256", "kid": "r" })), &claims, &public);
        assert_eq!(Parts::of(&forged).expect("its shape is right").verify(&set()), Err(Refusal::Algorithm));
    }
    for alg in ["none", "None", "NONE", "", "RS512", "PS256", "HS512"] {
        for signature in ["", "AAAA"] {
            let unsigned = format!("{}.{claims}.{signature}", encoded(&json!({ "alg": alg })));
            assert_eq!(Parts::of(&unsigned).map(|_| ()), Err(Refusal::Algorithm), "{alg}");
        }
    }
    let mismatched = format!("{}.{PAYLOAD}.{ES256}", encoded(&json!({ "alg": "ES256", "kid": "r" })));
    assert_eq!(Parts::of(&mismatched).expect("its shape is right").verify(&set()), Err(Refusal::Algorithm));
    let unknown = format!("{}.{PAYLOAD}.{RS256}", encoded(&json!({ "alg": "EdDSA", "kid": "z" })));
    let only = Set::parse(json!({ "keys": [keys()["keys"][0]] }).to_string().as_bytes()).expect("a set");
    assert_eq!(Parts::of(&unknown).expect("its shape is right").verify(&only), Err(Refusal::UnknownKey));
    let narrow = Config { algorithms: Some(vec![Algorithm::EdDsa]), ..shared() };
    assert_eq!(ask(&narrow, &token(&json!({ "exp": 2000 })), 1000), Err(Refusal::Algorithm));
}

#[test]
fn what_is_no_token_is_malformed() {
    let good = token(&json!({ "exp": 2000 }));
    let critical = signed(&encoded(&json!({ "alg": "HS256", "crit": ["b64"] })), "e30", SECRET.as_bytes());
    let twice = signed(&BASE64URL_NOPAD.encode(br#"{"alg":"HS256","alg":"HS256"}"#), "e30", SECRET.as_bytes());
    let long = format!("{good}{}", "A".repeat(16 << 10));
    for bad in ["", ".", "..", "a.b", "a.b.c", &format!("{good}="), &format!("{good}.x"), &critical, &twice, &long] {
        assert_eq!(ask(&shared(), bad, 1000), Err(Refusal::Malformed), "{bad}");
    }
}

#[test]
fn claims_are_held_to_what_is_configured_to_the_second() {
    let strict = Config { issuer: Some("me".into()), audience: Some("postern".into()), ..shared() };
    let good = json!({ "exp": 2000, "nbf": 1000, "iss": "me", "aud": ["other", "postern"], "sub": "ann" });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        token(&claims)
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().expect("an object").remove(name);
        token(&claims)
    };
    let told = ask(&strict, &token(&good), 1999).expect("it is good");
    assert_eq!((told.subject.as_deref(), told.expires), (Some("ann"), Some(Timestamp(2_000_000))));
    assert_eq!(ask(&strict, &token(&good), 2000), Err(Refusal::Expired));
    assert_eq!(ask(&strict, &token(&good), 999), Err(Refusal::Early));
    assert!(ask(&strict, &with("aud", json!("postern")), 1500).is_ok() && ask(&strict, &without("nbf"), 1).is_ok());
    for (token, refusal) in [
        (with("iss", json!("you")), Refusal::Issuer),
        (without("iss"), Refusal::Issuer),
        (with("aud", json!(["other"])), Refusal::Audience),
        (without("aud"), Refusal::Audience),
        (without("exp"), Refusal::Endless),
        (with("exp", json!("2000")), Refusal::Claims),
        (with("exp", json!(null)), Refusal::Claims),
        (with("exp", json!(-1)), Refusal::Claims),
        (with("exp", json!(1e300)), Refusal::Claims),
        (with("nbf", json!("1000")), Refusal::Claims),
        (with("aud", json!({ "postern": true })), Refusal::Claims),
    ] {
        assert_eq!(ask(&strict, &token, 1500), Err(refusal), "{token}");
    }
    let twice = BASE64URL_NOPAD.encode(br#"{"exp":1,"exp":2000}"#);
    let twice = signed(&encoded(&json!({ "alg": "HS256" })), &twice, SECRET.as_bytes());
    assert_eq!(ask(&shared(), &twice, 1000), Err(Refusal::Claims));
    assert_eq!(ask(&shared(), &token(&good), 1500), Err(Refusal::Audience), "it is for somebody, and not for nobody");
    let lenient = Config { leeway: Duration::from_secs(30), require_expiry: false, issuer: None, ..strict };
    assert_eq!(ask(&lenient, &token(&good), 2029).map(|told| told.expires), Ok(Some(Timestamp(2_030_000))));
    assert_eq!(ask(&lenient, &token(&good), 2030), Err(Refusal::Expired));
    assert!(ask(&lenient, &token(&good), 970).is_ok());
    assert_eq!(ask(&lenient, &token(&json!({ "aud": "postern" })), 1).map(|told| told.expires), Ok(None));
}

#[test]
fn what_is_said_twice_at_whatever_depth_is_not_believed() {
    let told = |claims: &str| {
        let payload = BASE64URL_NOPAD.encode(claims.as_bytes());
        ask(&shared(), &signed(&encoded(&json!({ "alg": "HS256" })), &payload, SECRET.as_bytes()), 1000)
    };
    assert!(told(r#"{"exp":2000,"sub":"a","org":{"id":1}}"#).is_ok());
    for twice in [
        r#"{"exp":2000,"sub":"a","sub":"b"}"#,
        r#"{"exp":2000,"exp":2001}"#,
        r#"{"exp":2000,"org":{"id":1,"id":2}}"#,
        r#"{"exp":2000,"org":[{"id":1,"\u0069d":2}]}"#,
    ] {
        assert_eq!(told(twice), Err(Refusal::Claims), "{twice}");
    }
}

#[test]
fn a_secret_that_can_be_found_by_trying_is_not_taken() {
    let error = Verifier::new(&config(Source::Secret(Secret::new("x".repeat(31))))).err().expect("it is too short");
    let shown = crate::error::Chain(&error).to_string();
    assert!(shown.contains("32 bytes or more") && !shown.contains("xxx"), "{shown}");
}

#[test]
fn labels_are_taken_from_claims_wherever_they_are() {
    let labels = [("room", "rooms"), ("tenant", "org.id"), ("url", "https://a.b/c"), ("none", "nothing"), ("o", "org")];
    let labels = labels.map(|(key, claim)| (key.to_owned(), claim.to_owned())).to_vec();
    let claims = json!({ "exp": 2000, "rooms": ["a", 7, null], "org": { "id": 5 }, "https://a.b/c": true });
    let told = ask(&Config { labels, ..shared() }, &token(&claims), 1000).expect("it is good");
    let told: Vec<_> = told.labels.iter().map(|label| (label.key.as_str(), label.value.as_str())).collect();
    assert_eq!(told, [("room", "a"), ("room", "7"), ("tenant", "5"), ("url", "true")]);
}

#[test]
fn a_file_that_is_no_set_of_keys_is_told_with_what_it_looks_like() {
    let refused = |text: &str| {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("it is written");
        let error = Verifier::new(&config(Source::File(file.path().to_owned()))).err().expect("it is refused");
        crate::error::Chain(&error).to_string()
    };
    assert!(refused("[]").contains("hint: it looks like"), "{}", refused("[]"));
    let none = json!({ "keys": [keys()["keys"][3]] }).to_string();
    assert!(refused(&none).contains("hint: use RSA"), "{}", refused(&none));
    let weak = json!({ "keys": [{ "kty": "RSA", "n": "AQAB", "e": "AQAB" }] }).to_string();
    assert!(refused(&weak).contains("none of its 1 keys"), "{}", refused(&weak));
}

#[test]
fn a_file_that_changes_is_read_again_and_a_broken_one_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.json");
    let write = |text: &str| std::fs::write(&path, text).expect("it is written");
    let one = |number: usize| json!({ "keys": [keys()["keys"][number]] }).to_string();
    write(&one(0));
    let verifier = Verifier::new(&config(Source::File(path.clone()))).expect("its keys are there");
    let token = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.{ES256}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let ask = |second: u64| runtime.block_on(verifier.verify(&token, Timestamp(second * 1000)));
    assert_eq!(ask(10), Err(Refusal::Algorithm));
    write(&one(1));
    assert!(ask(11).is_ok(), "it expires in 2011");
    write("nonsense");
    assert!(ask(13).is_ok());
}
