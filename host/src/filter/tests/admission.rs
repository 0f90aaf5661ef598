use super::*;
use crate::message::{Format, Label};

fn request() -> HttpRequest {
    HttpRequest {
        method: "GET".into(),
        path: "/ws".into(),
        query: Some("token=abc".into()),
        headers: vec![("sec-websocket-protocol".into(), b"chat, superchat".to_vec())],
        address: "192.0.2.1:4000".parse().unwrap(),
        body: bytes::Bytes::new(),
    }
}

#[test]
fn every_filter_must_allow_and_their_grants_add_up() {
    let bench = bench();
    let [plain, labelled, deny] = ["allow-all", "allow-labelled", "deny"].map(|name| bench.load(name));
    let granted = Grant {
        subject: Some("42".into()),
        labels: vec![Label { key: "desk".into(), value: "1".into() }],
        subprotocol: None,
        greeting: Some(Payload { format: Format::Text, data: "welcome".into() }),
        effects: Effects::default(),
    };
    assert_eq!(admit(&[], request(), &Scope::default()), Ok(Grant::default()));
    assert_eq!(admit(std::slice::from_ref(&plain), request(), &Scope::default()), Ok(Grant::default()));
    let chain = [labelled.clone(), plain.clone(), labelled];
    assert_eq!(admit(&chain, request(), &Scope::default()), Ok(granted));
    let denial = admit(&[plain, deny], request(), &Scope::default()).unwrap_err();
    assert_eq!((denial.filter.as_str(), denial.status, denial.body.as_str()), ("deny", 401, "go away"));
    assert_eq!((denial.reason.as_deref(), denial.failure), (Some("not today"), None));
}

#[test]
fn a_status_that_is_no_refusal_is_sent_as_403() {
    let denial = admit(&[bench().load("deny-with-200")], request(), &Scope::default()).unwrap_err();
    assert_eq!((denial.status, denial.failure), (403, None));
}

#[test]
fn a_filter_that_fails_denies_whatever_its_policy() {
    let bench = bench();
    for name in ["loop-admission", "bad-subprotocol", "pass"] {
        let filter = bench.load_with(name, &on_error(OnError::Pass));
        let denial = admit(&[filter], request(), &Scope::default()).unwrap_err();
        assert_eq!(denial.status, 503, "{name}");
        assert!(denial.failure.is_some(), "{name}");
        println!("{name}: {}", denial.reason.unwrap());
    }
}

#[test]
fn labels_beyond_the_limit_deny() {
    let cache = tempfile::tempdir().unwrap();
    let host = Host::new(&HostConfig { labels: 0, slots: 1, ..HostConfig::new(cache.path()) }).unwrap();
    let source = Source { origin: "allow-labelled", bytes: &wasm("allow-labelled") };
    let filter = host.load("allow-labelled", source, &Config::default()).unwrap();
    let denial = admit(&[filter], request(), &Scope::default()).unwrap_err();
    assert_eq!(denial.reason.as_deref(), Some("answered with 1 labels, of the 0 a client may have"));
}

#[test]
fn a_subprotocol_counts_as_asked_for_when_a_header_lists_it() {
    assert!(request().offers("chat") && request().offers("superchat"));
    assert!(!request().offers("super") && !request().offers(""));
}

#[test]
fn a_request_is_printed_without_its_query_and_headers() {
    let printed = format!("{:?}", request());
    assert!(printed.contains("/ws") && !printed.contains("abc") && !printed.contains("chat"));
}
