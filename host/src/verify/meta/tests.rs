use super::*;
use http::HeaderValue;
use serde_json::Value;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/{name}", concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn cases(name: &str) -> Value {
    serde_json::from_slice(&fixture(name)).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn key(secret: &str) -> HmacKey {
    HmacKey::new(&Secret::new(secret)).unwrap()
}

fn header(value: &[u8]) -> HeaderMap {
    HeaderMap::from_iter([(SIGNATURE, HeaderValue::from_bytes(value).unwrap())])
}

fn signature(headers: &HeaderMap, body: &[u8], keys: &[HmacKey]) -> Result<(), SignatureRefusal> {
    Claim::of(headers)?.check(body, keys)
}

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

#[test]
fn every_signature_header_case_is_accepted_or_refused_as_it_says() {
    let file = cases("signature-header-cases.json");
    let keys = [key(text(&file["app_secret"]))];
    let body = fixture(text(&file["body"]));
    for case in file["cases"].as_array().unwrap() {
        let mut headers = HeaderMap::new();
        for pair in case["headers"].as_array().unwrap() {
            let name: HeaderName = text(&pair[0]).parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(text(&pair[1]).as_bytes()).unwrap());
        }
        let outcome = signature(&headers, &body, &keys);
        assert_eq!(outcome.is_ok(), case["accept"].as_bool().unwrap(), "{}: {outcome:?}", case["why"]);
    }
}

#[test]
fn every_fixture_body_is_accepted_with_its_signature_and_refused_with_the_next_ones() {
    let table = String::from_utf8(fixture("SIGNATURES.tsv")).unwrap();
    let file = cases("signature-header-cases.json");
    let keys = [key(text(&file["app_secret"]))];
    let rows: Vec<(&str, &str)> = table
        .lines()
        .filter_map(|line| {
            let mut columns = line.split('\t');
            let path = columns.next()?;
            Some((path, columns.find(|column| column.starts_with("sha256="))?))
        })
        .collect();
    assert!(rows.len() > 50, "{} rows", rows.len());
    for (index, (path, tag)) in rows.iter().enumerate() {
        let body = fixture(path);
        assert_eq!(signature(&header(tag.as_bytes()), &body, &keys), Ok(()), "{path}");
        let other = rows[(index + 1) % rows.len()].1;
        if other != *tag {
            assert_eq!(signature(&header(other.as_bytes()), &body, &keys), Err(SignatureRefusal::Wrong), "{path}");
        }
    }
}

#[test]
fn the_published_vectors_of_this_scheme_hold() {
    let file = cases("signature-vectors.json");
    let mut checked = 0;
    for vector in file["vectors"].as_array().unwrap() {
        // GitHub signs as Meta does.
        if let ("meta" | "github", Some(tag)) = (text(&vector["scheme"]), vector["headers"].get("X-Hub-Signature-256"))
        {
            let keys = [key(text(&vector["secret"]))];
            assert_eq!(signature(&header(text(tag).as_bytes()), text(&vector["body"]).as_bytes(), &keys), Ok(()));
            checked += 1;
        }
    }
    assert_eq!(checked, 2);
}

#[test]
fn a_refusal_says_what_was_wrong() {
    use SignatureRefusal::*;
    let keys = [key("a"), key("b")];
    let mut headers = HeaderMap::new();
    assert_eq!(signature(&headers, b"", &keys), Err(Missing));
    headers.insert(LEGACY_SIGNATURE, HeaderValue::from_static("sha1=634ef51433d428395be7ed16d35a210285d4ce12"));
    assert_eq!(signature(&headers, b"", &keys), Err(LegacyOnly));
    headers.insert(SIGNATURE, HeaderValue::from_static("sha256=00"));
    assert_eq!(signature(&headers, b"", &keys), Err(Malformed));
    headers.append(SIGNATURE, HeaderValue::from_static("sha256=00"));
    assert_eq!(signature(&headers, b"", &keys), Err(Repeated));
    let zeros = header(format!("sha256={}", "0".repeat(64)).as_bytes());
    assert_eq!(signature(&zeros, b"", &keys), Err(Wrong));
    assert_eq!(signature(&zeros, b"", &[]), Err(Wrong));
}

#[test]
fn no_bytes_of_a_header_do_worse_than_malformed() {
    for byte in (0x20..=0xff_u8).filter(|byte| *byte != 0x7f && !byte.is_ascii_hexdigit()) {
        let mut value = b"sha256=".to_vec();
        value.extend([byte; 64]);
        assert_eq!(Claim::of(&header(&value)).err(), Some(SignatureRefusal::Malformed), "{byte:#x}");
    }
}
