use super::*;
use proptest::prelude::*;

fn of(provider: Provider, body: &[u8]) -> Split {
    whole(provider, "hook", body, Told::default())
}

/// Kind, user, and whether it is marked `unparsed`.
fn told(provider: Provider, body: &str) -> (String, Option<String>, bool) {
    let Split { mut items, unparsed } = of(provider, body.as_bytes());
    assert_eq!(items.len(), 1);
    let item = items.remove(0);
    assert_eq!((item.pieces.len(), &item.keys.waba, &item.keys.phone_number_id), (0, &None, &None));
    (item.kind, item.keys.user, unparsed)
}

fn alike(provider: Provider, one: &str, other: &str) -> bool {
    of(provider, one.as_bytes()).items[0].fingerprint == of(provider, other.as_bytes()).items[0].fingerprint
}

#[test]
fn the_kind_is_the_providers_own_word_for_it() {
    let user = |user: &str| Some(user.to_owned());
    let cases = [
        (Provider::Stripe, r#"{"id":"evt_1","object":"event","type":"invoice.paid"}"#, "invoice.paid", None),
        (Provider::Stripe, r#"{"id":"evt_1","type":"no good"}"#, "webhook", None),
        (
            Provider::Slack,
            r#"{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention","user":"U1"}}"#,
            "app_mention",
            user("U1"),
        ),
        (Provider::Slack, r#"{"type":"app_rate_limited"}"#, "app_rate_limited", None),
        (Provider::Slack, "command=%2Fdeploy&text=&user_id=U2", "command", user("U2")),
        (
            Provider::Slack,
            "payload=%7B%22type%22%3A%22block_actions%22%2C%22user%22%3A%7B%22id%22%3A%22U3%22%7D%7D",
            "block_actions",
            user("U3"),
        ),
        (Provider::Slack, "payload=x", "webhook", None),
        (
            Provider::Telegram,
            r#"{"update_id":1,"callback_query":{"id":"x","from":{"id":77}}}"#,
            "callback_query",
            user("77"),
        ),
        (Provider::Telegram, r#"{"update_id":1}"#, "webhook", None),
        (Provider::Twilio, "MessageSid=SM1&From=%2B1&To=%2B2&SmsStatus=received", "message", user("+1")),
        (
            Provider::Twilio,
            "MessageSid=SM1&From=%2B1&To=%2B2&MessageStatus=sent&SmsStatus=sent",
            "message-status",
            user("+2"),
        ),
        (Provider::Twilio, "CallSid=CA1&From=%2B1&CallStatus=ringing", "call", user("+1")),
        (Provider::Twilio, r#"[{"type":"x"}]"#, "webhook", None),
        (Provider::StandardWebhooks, r#"{"type":"user.created"}"#, "user.created", None),
        (Provider::StandardWebhooks, "plain text", "webhook", None),
        (Provider::Hmac, r#"{"type":"x"}"#, "webhook", None),
        (Provider::None, "\u{0}", "webhook", None),
    ];
    for (provider, body, kind, user) in cases {
        assert_eq!(told(provider, body), (kind.to_owned(), user, false), "{provider:?} {body}");
    }
}

#[test]
fn what_a_provider_never_sends_is_marked() {
    for provider in [Provider::Github, Provider::Shopify, Provider::Stripe, Provider::Telegram] {
        for body in ["", "a=1", "[]", "{", r#""x""#] {
            assert_eq!(told(provider, body), ("unparsed".to_owned(), None, true), "{provider:?} {body}");
        }
    }
    assert_eq!(told(Provider::Slack, "{").0, "unparsed");
    assert_eq!(told(Provider::Stripe, r#"{"id":"a","type":"x","type":"y"}"#).0, "unparsed");
    assert!(!told(Provider::Github, "payload=%7B%7D").2);
}

#[test]
fn a_delivery_sent_again_is_recognised_by_the_id_that_was_signed() {
    assert!(alike(
        Provider::Stripe,
        r#"{"id":"evt_1","type":"a"}"#,
        r#"{"id":"evt_1","type":"a","pending_webhooks":0}"#
    ));
    assert!(!alike(Provider::Stripe, r#"{"id":"evt_1"}"#, r#"{"id":"evt_2"}"#));
    assert!(alike(Provider::Slack, r#"{"event_id":"Ev1","a":1}"#, r#"{"event_id":"Ev1","a":2}"#));
    assert!(alike(Provider::Telegram, r#"{"update_id":1,"message":{}}"#, r#"{"message":{},"update_id":1}"#));
    assert!(!alike(Provider::Telegram, r#"{"update_id":1}"#, r#"{"update_id":"2"}"#));
    // Without an id, or with an empty one, two are different unless they are the same bytes.
    for provider in [Provider::Stripe, Provider::Slack, Provider::Telegram, Provider::Github, Provider::Hmac] {
        assert!(!alike(provider, r#"{"a":1}"#, r#"{"a":2}"#) && alike(provider, r#"{"a":1}"#, r#"{"a":1}"#));
    }
    assert!(!alike(Provider::Stripe, r#"{"id":"","a":1}"#, r#"{"id":"","a":2}"#));
}

#[test]
fn a_name_that_was_signed_stands_in_for_the_body() {
    let named = |name: &[u8; 32], body: &str| {
        let told = Told { name: Some(name), ..Told::default() };
        whole(Provider::StandardWebhooks, "hook", body.as_bytes(), told).items[0].fingerprint
    };
    assert_eq!(named(&[1; 32], "a"), named(&[1; 32], "b"));
    assert_ne!(named(&[1; 32], "a"), named(&[2; 32], "a"));
}

#[test]
fn a_header_that_nobody_signed_names_the_kind_and_nothing_else() {
    let topic_of = |provider, values: &[&'static str]| {
        let mut headers = HeaderMap::new();
        for name in ["x-github-event", "x-shopify-topic", "x-github-delivery", "x-shopify-webhook-id"] {
            for value in values {
                headers.append(name, http::HeaderValue::from_static(value));
            }
        }
        topic(provider, &headers).map(str::to_owned)
    };
    assert_eq!(topic_of(Provider::Github, &["push"]).as_deref(), Some("push"));
    assert_eq!(topic_of(Provider::Shopify, &["orders/create"]).as_deref(), Some("orders/create"));
    assert_eq!(topic_of(Provider::Stripe, &["push"]), None);
    for bad in [&[][..], &["push", "push"], &[""], &["a b"], &["a\"b"], &["\u{7f}"; 0]] {
        assert_eq!(topic_of(Provider::Github, bad), None, "{bad:?}");
    }
    let body = br#"{"a":1}"#;
    let with = |topic| whole(Provider::Github, "hook", body, Told { topic, ..Told::default() }).items.remove(0);
    let (push, ping) = (with(Some("push")), with(Some("ping")));
    assert_eq!((push.kind.as_str(), ping.kind.as_str(), with(None).kind.as_str()), ("push", "ping", "webhook"));
    assert_eq!((push.fingerprint, &push.keys), (ping.fingerprint, &ping.keys));
}

#[test]
fn the_configuration_may_say_where_the_kind_is() {
    let pointer = Pointer::parse("/event/0/name").unwrap();
    let kind = |body: &str| {
        let told = Told { kind: Some(&pointer), topic: Some("push"), ..Told::default() };
        whole(Provider::Hmac, "hook", body.as_bytes(), told).items.remove(0).kind
    };
    assert_eq!(kind(r#"{"event":[{"name":"opened"}]}"#), "opened");
    for body in [r#"{"event":[{"name":"not plain"}]}"#, r#"{"event":[]}"#, "{", r#"{"event":1,"event":[{"name":"a"}]}"#]
    {
        assert_eq!(kind(body), "push", "{body}");
    }
}

fn providers() -> impl Strategy<Value = Provider> {
    prop::sample::select(Provider::NAMES.map(|(_, provider)| provider).to_vec())
}

proptest! {
    #[test]
    fn whatever_comes_is_one_event_with_a_plain_kind(provider in providers(), body in prop::collection::vec(any::<u8>(), 0..200)) {
        let split = of(provider, &body);
        prop_assert_eq!(split.items.len(), 1);
        prop_assert!(is_good(&split.items[0].kind));
    }

    #[test]
    fn no_shape_of_json_or_form_does_worse(
        provider in providers(),
        body in r#"(\{|\[|"(id|type|event|update_id|event_id|user|payload)"|:|,|\}|\]|1|"x"|(type|payload|MessageSid|command)=|&|%2){0,24}"#,
    ) {
        let split = of(provider, body.as_bytes());
        prop_assert!(split.items.len() == 1 && is_good(&split.items[0].kind));
    }
}
