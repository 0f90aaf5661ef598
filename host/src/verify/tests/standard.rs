//! Standard Webhooks: public keys, lists, and ids.

use super::*;
use data_encoding::BASE64;
use ring::signature::{Ed25519KeyPair, KeyPair};

const NOW: u64 = 1_789_000_000;

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn public(pair: &Ed25519KeyPair) -> String {
    format!("whpk_{}", BASE64.encode(pair.public_key().as_ref()))
}

fn sign(pair: &Ed25519KeyPair, id: &str, body: &str) -> String {
    format!("v1a,{}", BASE64.encode(pair.sign(format!("{id}.{NOW}.{body}").as_bytes()).as_ref()))
}

fn request(prefix: &str, id: &str, signature: &str, body: &str) -> Request {
    let header = |name: &str, value: &str| (format!("{prefix}-{name}").parse().unwrap(), value.as_bytes().to_vec());
    Request {
        provider: Provider::StandardWebhooks,
        secret: String::new(),
        headers: vec![header("id", id), header("timestamp", &NOW.to_string()), header("signature", signature)],
        query: None,
        public_url: None,
        now: NOW,
        body: body.into(),
    }
}

#[test]
fn a_public_key_tells_what_its_private_one_signed_and_no_bit_of_it_can_be_changed() {
    let (right, other) = (pair(1), pair(2));
    let signed = request("webhook", "msg_1", &sign(&right, "msg_1", "{}"), "{}");
    assert!(signed.check_with(&[&public(&right)]).is_ok());
    assert!(signed.check_with(&[&public(&other), &public(&right)]).is_ok());
    assert_eq!(signed.check_with(&[&public(&other)]), Err(SignatureRefusal::Wrong));
    assert_eq!(signed.check_with(&["whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]), Err(SignatureRefusal::Wrong));
    for place in 0..3 {
        for bit in 0..signed.headers[place].1.len() * 8 {
            let mut changed = signed.clone();
            changed.headers[place].1[bit / 8] ^= 1 << (bit % 8);
            if HeaderValue::from_bytes(&changed.headers[place].1).is_ok() {
                assert!(changed.check_with(&[&public(&right)]).is_err(), "header {place}, bit {bit}");
            }
        }
    }
    for bit in 0..signed.body.len() * 8 {
        let mut changed = signed.clone();
        changed.body[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(changed.check_with(&[&public(&right)]), Err(SignatureRefusal::Wrong), "bit {bit}");
    }
}

#[test]
fn one_of_a_list_is_enough_and_unknown_versions_are_passed() {
    let key = pair(1);
    let (right, wrong) = (sign(&key, "m", "x"), sign(&pair(2), "m", "x"));
    let check = |signature: &str| request("webhook", "m", signature, "x").check_with(&[&public(&key)]);
    for list in
        [format!("{wrong} {right}"), format!("{right} {wrong}"), format!("v2,??? {right}"), format!(" {right} ")]
    {
        assert!(check(&list).is_ok(), "{list}");
    }
    for list in ["v2,abc", "v1", " ", "v1,AAAA", "v1a,AAAA"] {
        assert!(matches!(check(list), Err(SignatureRefusal::Malformed(_))), "{list:?}");
    }
    assert!(matches!(check(&[wrong.as_str(); 17].join(" ")), Err(SignatureRefusal::Malformed(_))));
}

#[test]
fn svix_names_its_headers_otherwise_and_the_two_are_not_mixed() {
    let key = pair(1);
    let signature = sign(&key, "m", "x");
    let svix = request("svix", "m", &signature, "x");
    assert!(svix.check_with(&[&public(&key)]).is_ok());
    let mut mixed = svix.clone();
    mixed.headers[0].0 = "webhook-id".parse().unwrap();
    assert_eq!(mixed.check_with(&[&public(&key)]), Err(SignatureRefusal::Missing("svix-id".parse().unwrap())));
}

#[test]
fn a_delivery_is_named_by_its_signed_id_whatever_else_changes() {
    let key = pair(1);
    let name = |id: &str, body: &str| {
        let signed = request("webhook", id, &sign(&key, id, body), body).check_with(&[&public(&key)]).unwrap();
        *signed.name().unwrap()
    };
    assert_eq!(name("m", "x"), name("m", "y"));
    assert_ne!(name("m", "x"), name("n", "x"));
}

#[test]
fn an_id_that_could_be_read_in_two_ways_is_refused() {
    let key = pair(1);
    let signed = request("webhook", "a.1789000000", &sign(&key, "a.1789000000", "x"), "x");
    assert!(matches!(signed.check_with(&[&public(&key)]), Err(SignatureRefusal::Malformed(_))));
    let long = "m".repeat(257);
    let signed = request("webhook", &long, &sign(&key, &long, "x"), "x");
    assert!(matches!(signed.check_with(&[&public(&key)]), Err(SignatureRefusal::Malformed(_))));
}
