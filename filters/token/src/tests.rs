use super::*;
use postern_filter::testing;
use serde_json::json;

fn filter() -> Token {
    testing::configure(json!({ "tokens": [
        { "token": "alpha", "subject": "ann", "labels": { "phone": "1066", "room": ["a", "b"] } },
        { "token": "beta" },
    ] }));
    Token::configure().expect("it is right")
}

fn ask(request: &Request) -> Admission {
    filter().on_connect(request).expect("it never fails")
}

fn denied(reason: &str) -> Admission {
    Admission::Deny(Denial::new(401, "a valid token is required").because(reason))
}

#[test]
fn a_bearer_is_admitted_as_whom_the_token_says() {
    let ann = Grant::to("ann").label("phone", "1066").label("room", "a").label("room", "b");
    assert_eq!(ask(&Request::get("/ws").with_header("Authorization", "Bearer alpha")), Admission::Allow(ann.clone()));
    assert_eq!(ask(&Request::get("/ws").with_header("authorization", "bearer  alpha")), Admission::Allow(ann.clone()));
    assert_eq!(ask(&Request::get("/ws?x=1&token=alpha")), Admission::Allow(ann));
    assert_eq!(ask(&Request::get("/ws?token=beta")), Admission::Allow(Grant::default()));
}

#[test]
fn all_others_are_denied() {
    for target in ["/ws", "/ws?tokens=alpha", "/ws?Token=alpha"] {
        assert_eq!(ask(&Request::get(target)), denied("no token"), "{target}");
    }
    for target in ["/ws?token=", "/ws?token=alph", "/ws?token=alphaa", "/ws?token=ALPHA", "/ws?token=alpha&token=x0"] {
        let first_counts = target == "/ws?token=alpha&token=x0";
        assert_eq!(ask(&Request::get(target)) == denied("unknown token"), !first_counts, "{target}");
    }
}

#[test]
fn a_wrong_header_is_not_mended_by_the_query() {
    let request = Request::get("/ws?token=alpha");
    assert_eq!(ask(&request.with_header("Authorization", "Bearer wrong")), denied("unknown token"));
    let request = Request::get("/ws?token=alpha");
    assert_eq!(ask(&request.with_header("Authorization", "Basic YWxwaGE=")), denied("no token"));
}

#[test]
fn a_configuration_that_lets_anybody_or_nobody_in_is_refused_without_quoting_it() {
    for (config, expected) in [
        (json!({}), "missing field `tokens`"),
        (json!({ "tokens": [] }), "nobody"),
        (json!({ "tokens": [{ "token": "hunter2" }, { "token": "" }] }), "`tokens[1].token` is empty"),
        (json!({ "tokens": [{ "token": "hunter2" }, { "token": "hunter2" }] }), "`tokens[1].token` is the same"),
        (json!({ "tokens": ["hunter2"] }), "`tokens[0]`"),
        (json!({ "tokens": [{ "token": "hunter2", "labels": { "room": [7] } }] }), "`tokens[0].labels.room[0]`"),
        (json!({ "tokens": [{ "token": "hunter2", "label": {} }] }), "unknown field `label`"),
    ] {
        testing::configure(config);
        let Err(error) = Token::configure() else { panic!("{expected}") };
        let told = error.to_string();
        assert!(told.contains(expected) && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn secrets_are_equal_only_when_all_of_them_is() {
    assert!(equal(b"", b"") && equal(b"abc", b"abc"));
    for (known, offered) in [("abc", "abd"), ("abc", "ab"), ("ab", "abc"), ("abc", "xbc"), ("a\0", "a"), ("a", "a\0")] {
        assert!(!equal(known.as_bytes(), offered.as_bytes()), "{known:?} {offered:?}");
    }
}
