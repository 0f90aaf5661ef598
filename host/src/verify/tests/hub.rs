//! Meta's and GitHub's header, by every case that was collected for it.

use super::*;
use crate::verify::hub::{LEGACY_SIGNATURE, SIGNATURE};

fn meta(secrets: &[&str]) -> Scheme {
    Scheme::new(&signing(Provider::Meta, secrets)).unwrap()
}

fn header(value: &[u8]) -> HeaderMap {
    HeaderMap::from_iter([(SIGNATURE, HeaderValue::from_bytes(value).unwrap())])
}

fn signature(headers: &HeaderMap, body: &[u8], scheme: &Scheme) -> Result<(), SignatureRefusal> {
    scheme.claim(Head { headers, query: None, now: 0 })?.check(body).map(|signed| assert_eq!(signed.name(), None))
}

#[test]
fn every_signature_header_case_is_accepted_or_refused_as_it_says() {
    let file = cases("signature-header-cases.json");
    let scheme = meta(&[text(&file["app_secret"])]);
    let body = fixture(text(&file["body"]));
    for case in file["cases"].as_array().unwrap() {
        let mut headers = HeaderMap::new();
        for pair in case["headers"].as_array().unwrap() {
            let name: HeaderName = text(&pair[0]).parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(text(&pair[1]).as_bytes()).unwrap());
        }
        let outcome = signature(&headers, &body, &scheme);
        assert_eq!(outcome.is_ok(), case["accept"].as_bool().unwrap(), "{}: {outcome:?}", case["why"]);
    }
}

#[test]
fn every_fixture_body_is_accepted_with_its_signature_and_refused_with_the_next_ones() {
    let table = String::from_utf8(fixture("SIGNATURES.tsv")).unwrap();
    let file = cases("signature-header-cases.json");
    let scheme = meta(&[text(&file["app_secret"])]);
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
        assert_eq!(signature(&header(tag.as_bytes()), &body, &scheme), Ok(()), "{path}");
        let other = rows[(index + 1) % rows.len()].1;
        if other != *tag {
            assert_eq!(signature(&header(other.as_bytes()), &body, &scheme), Err(SignatureRefusal::Wrong), "{path}");
        }
    }
}

#[test]
fn a_refusal_says_what_was_wrong() {
    use SignatureRefusal::*;
    let scheme = meta(&["a", "b"]);
    let mut headers = HeaderMap::new();
    assert_eq!(signature(&headers, b"", &scheme), Err(Missing(SIGNATURE)));
    headers.insert(LEGACY_SIGNATURE, HeaderValue::from_static("sha1=634ef51433d428395be7ed16d35a210285d4ce12"));
    assert_eq!(signature(&headers, b"", &scheme), Err(LegacyOnly));
    headers.insert(SIGNATURE, HeaderValue::from_static("sha256=00"));
    assert_eq!(signature(&headers, b"", &scheme), Err(Malformed(SIGNATURE)));
    headers.append(SIGNATURE, HeaderValue::from_static("sha256=00"));
    assert_eq!(signature(&headers, b"", &scheme), Err(Repeated(SIGNATURE)));
    let zeros = header(format!("sha256={}", "0".repeat(64)).as_bytes());
    assert_eq!(signature(&zeros, b"", &scheme), Err(Wrong));
}

#[test]
fn no_bytes_of_a_header_do_worse_than_malformed() {
    let scheme = meta(&["a"]);
    for byte in (0x20..=0xff_u8).filter(|byte| *byte != 0x7f && !byte.is_ascii_hexdigit()) {
        let mut value = b"sha256=".to_vec();
        value.extend([byte; 64]);
        let refusal = signature(&header(&value), b"", &scheme);
        assert_eq!(refusal, Err(SignatureRefusal::Malformed(SIGNATURE)), "{byte:#x}");
    }
}
