use super::*;
use crate::verify::tests::{cases, text};

#[test]
fn every_handshake_case_gets_the_contracts_answer() {
    let file = cases("handshake-cases.json");
    let token = Secret::new(text(&file["verify_token"]));
    for case in file["cases"].as_array().unwrap() {
        let (query, why) = (text(&case["query"]), text(&case["why"]));
        let status = match why {
            // The cases say 403 of these two; the contract, which stands, says 400.
            "mode is not subscribe" | "mode missing" => 400,
            _ => case["status"].as_u64().unwrap(),
        };
        match handshake(Some(query), &token) {
            Ok(challenge) => assert_eq!((200, text(&case["body"])), (status, challenge.as_str()), "{why}"),
            Err(refusal) => assert_eq!(u64::from(refusal.status().as_u16()), status, "{why}: {refusal}"),
        }
    }
}

#[test]
fn a_handshake_is_judged_in_a_fixed_order() {
    use HandshakeRefusal::*;
    let token = Secret::new("t k");
    let refusal = |query: &str| handshake(Some(query), &token).unwrap_err();
    assert_eq!(handshake(None, &token), Err(NoQuery));
    assert_eq!(refusal(""), NoQuery);
    assert_eq!(refusal("hub.mode=subscribe&hub.mode=subscribe"), Repeated);
    assert_eq!(refusal("hub.mode=subscribe&hub%2emode=subscribe&hub.verify_token=wrong"), Repeated);
    assert_eq!(refusal("hub.mode=x&hub.challenge=<&hub.verify_token=wrong"), WrongToken);
    assert_eq!(refusal("hub.mode=Subscribe&hub.challenge=<&hub.verify_token=t+k"), WrongMode);
    assert_eq!(refusal("hub.mode=subscribe&hub.challenge=<&hub.verify_token=t+k"), BadChallenge);
    assert_eq!(refusal("hub.mode=subscribe&hub.challenge=%zz&hub.verify_token=t+k"), BadChallenge);
    assert_eq!(refusal("hub.mode=subscribe&hub.challenge=a+b&hub.verify_token=t+k"), BadChallenge);
    assert_eq!(refusal("hub.mode=subscribe&hub.challenge=%E2%98%83&hub.verify_token=t+k"), BadChallenge);
    let query = "hub.mode=subscribe&hub.challenge=%41.b_c~d-1&hub.verify_token=t%20k";
    assert_eq!(handshake(Some(query), &token).as_deref(), Ok("A.b_c~d-1"));
}

#[test]
fn a_challenge_of_256_characters_is_the_longest() {
    let token = Secret::new("t");
    let query = |length| format!("hub.mode=subscribe&hub.verify_token=t&hub.challenge={}", "9".repeat(length));
    assert!(handshake(Some(&query(256)), &token).is_ok());
    assert_eq!(handshake(Some(&query(257)), &token), Err(HandshakeRefusal::BadChallenge));
}

#[test]
fn an_empty_verify_token_lets_nobody_in() {
    let query = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=";
    assert_eq!(handshake(Some(query), &Secret::new("")), Err(HandshakeRefusal::WrongToken));
}
