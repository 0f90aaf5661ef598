//! Whose webhooks they are: what each needs, and what is told to whoever writes what is another's.

use super::*;
use crate::provider::{Algorithm, Encoding, Recipe};

/// A configuration of one webhook, whose keys begin at line 5.
fn hook(keys: &str) -> Written {
    written(format!("[tls]\nplain = true\n[webhooks.hook]\npath = \"/hook\"\n{keys}"))
}

#[track_caller]
fn refused(keys: &str, expected: &str) {
    assert_eq!(hook(keys).problems(), expected, "{keys}");
}

fn of(keys: &str) -> Webhook {
    hook(keys).config().webhooks["hook"].clone()
}

#[test]
fn each_provider_needs_its_secret_and_no_more() {
    for name in ["github", "stripe", "slack", "shopify", "telegram", "standard-webhooks"] {
        let webhook = of(&format!("provider = \"{name}\"\nsecret = [\"new\", \"old\"]"));
        assert_eq!(webhook.signing.provider.name(), name);
        assert!(webhook.signing.secrets[1].matches("old") && webhook.verify_token.is_none(), "{name}");
        refused(
            &format!("provider = \"{name}\""),
            "postern.toml:3: `webhooks.hook.secret` is missing\n\
             hint: write it in the file, or set `POSTERN_WEBHOOKS__HOOK__SECRET`",
        );
        refused(
            &format!("provider = \"{name}\"\nsecret = []"),
            "postern.toml:6: `webhooks.hook.secret` is empty: there must be at least one",
        );
    }
    assert_eq!(of("provider = \"none\"").signing.secrets, []);
    assert_eq!(of("provider = \"none\"\nkind = \"/a/b\"").kind.unwrap().to_string(), "/a/b");
}

#[test]
fn a_key_of_another_provider_is_refused_with_what_to_write_instead() {
    let github = "provider = \"github\"\nsecret = \"s\"\n";
    let nothing = |key: &str, provider: &str, hint: &str| {
        format!(
            "postern.toml:7: `webhooks.hook.{key}` is nothing to a webhook of `provider = \"{provider}\"`\nhint: {hint}"
        )
    };
    for (key, value, hint) in [
        ("app_secret", "\"s\"", "only Meta's is called so: write `secret`"),
        ("verify_token", "\"s\"", "leave it out: only Meta asks for one"),
        ("split", "true", "leave it out: only Meta puts several events into one delivery"),
        ("phone_number_ids", "[\"1\"]", "leave it out: only WhatsApp's events are about a phone number of yours"),
        ("public_url", "\"https://a.example/\"", "leave it out: only Twilio signs the address that it calls"),
        ("tolerance", "\"1m\"", "leave it out: the time is not among what is signed"),
        (
            "signature",
            "{ header = \"x\" }",
            "leave it out: how these are signed is known; `provider = \"hmac\"` is for all others",
        ),
    ] {
        refused(&format!("{github}{key} = {value}"), &nothing(key, "github", hint));
    }
    let meta = "app_secret = \"s\"\nverify_token = \"v\"\n";
    refused(&format!("{meta}secret = \"s\""), &nothing("secret", "meta", "Meta's is called `app_secret`"));
    let hint = "leave it out: Meta's deliveries say of what kind they are";
    refused(&format!("{meta}kind = \"/type\""), &nothing("kind", "meta", hint));
    let hint = "leave it out, or say whose webhooks they are: no signature is checked here";
    refused("provider = \"none\"\n\nsecret = \"s\"", &nothing("secret", "none", hint));
    assert_eq!(
        of("provider = \"stripe\"\nsecret = \"s\"\ntolerance = \"1m\"").signing.tolerance,
        Duration::from_secs(60)
    );
}

#[test]
fn a_provider_that_is_none_is_told_with_those_there_are() {
    refused(
        "provider = \"githup\"\nsecret = \"s\"",
        "postern.toml:5: `webhooks.hook.provider` must be `meta`, `github`, `stripe`, `slack`, `shopify`, `twilio`, \
         `telegram`, `standard-webhooks`, `hmac` or `none`\nhint: did you mean `github`?",
    );
}

#[test]
fn twilio_needs_the_address_that_it_calls() {
    let twilio = "provider = \"twilio\"\nsecret = \"s\"\n";
    refused(
        twilio,
        "postern.toml:3: `webhooks.hook.public_url` is missing\n\
         hint: write it in the file, or set `POSTERN_WEBHOOKS__HOOK__PUBLIC_URL`",
    );
    for url in ["https://a.example/hook", "http://a.example:8080"] {
        assert_eq!(of(&format!("{twilio}public_url = \"{url}\"")).signing.public_url.as_deref(), Some(url));
    }
    for url in ["a.example/hook", "/hook", "ftp://a.example/", "https://", "https://a b/"] {
        refused(
            &format!("{twilio}public_url = \"{url}\""),
            "postern.toml:7: `webhooks.hook.public_url` must be the address that is called, such as \
             `https://hooks.example.com/twilio`",
        );
    }
    refused(
        &format!("{twilio}public_url = \"https://a.example/?x=1\""),
        "postern.toml:7: `webhooks.hook.public_url` must be an address without a query\n\
         hint: leave out what follows: the query of each request is taken as it comes",
    );
}

fn recipe(signature: &str) -> Recipe {
    of(&format!("provider = \"hmac\"\nsecret = \"s\"\nsignature = {{ {signature} }}")).signing.recipe.unwrap()
}

#[test]
fn a_signature_of_any_make_can_be_described() {
    let least = recipe("header = \"X-Signature\"");
    assert_eq!((least.header.as_str(), least.prefix.as_str(), least.timestamp), ("x-signature", "", None));
    assert_eq!((least.algorithm, least.encoding), (Algorithm::Sha256, Encoding::Hex));
    assert_eq!(least.template.to_string(), "{body}");
    let timed = recipe("header = \"a\", timestamp = \"X-Time\"");
    assert_eq!(
        (timed.timestamp.unwrap().as_str(), timed.template.to_string()),
        ("x-time", "{timestamp}.{body}".into())
    );
    let most = recipe(
        "header = \"a\", algorithm = \"sha1\", encoding = \"base64\", prefix = \"v1=\", timestamp = \"b\", \
         signs = \"{timestamp}:{body}\"",
    );
    assert_eq!((most.algorithm, most.encoding, most.prefix.as_str()), (Algorithm::Sha1, Encoding::Base64, "v1="));
    assert_eq!(most.template.to_string(), "{timestamp}:{body}");
}

#[test]
fn a_description_that_would_not_protect_is_refused() {
    let hmac = "provider = \"hmac\"\nsecret = \"s\"\n";
    refused(
        hmac,
        "postern.toml:3: `webhooks.hook.signature` is missing\n\
         hint: say where it stands, such as `signature = { header = \"X-Signature\" }`; all of it is in default.toml",
    );
    let signature = |rest: &str, expected: &str| {
        refused(
            &format!("{hmac}signature = {{ header = \"a\"{rest} }}"),
            &format!("postern.toml:7: `webhooks.hook.signature.{expected}"),
        );
    };
    let hint = "hint: write what is signed, such as `{timestamp}.{body}`; all but `{timestamp}` and `{body}` stands for itself";
    signature(", signs = \"x\"", &format!("signs` must have `{{body}}` in it, exactly once\n{hint}"));
    signature(
        ", signs = \"{id}.{body}\"",
        &format!("signs` has braces around something else than `body` and `timestamp`\n{hint}"),
    );
    signature(
        ", signs = \"{timestamp}.{body}\"",
        "signs` has `{timestamp}` in it, and `timestamp` names no header\n\
         hint: write the name of the header that the time stands in, such as `timestamp = \"X-Timestamp\"`",
    );
    signature(
        ", signs = \"{body}\", timestamp = \"b\"",
        "signs` has no `{timestamp}` in it, and `timestamp` names a header: a time that is not signed protects nothing\n\
         hint: write what the sender signs, such as `{timestamp}.{body}`, or leave `timestamp` out",
    );
    signature(", algorithm = \"md5\"", "algorithm` must be `sha256`, `sha512` or `sha1`");
    signature(
        ", prefix = \"a b\"",
        "prefix` must be what stands before the signature, such as `sha256=`: visible ASCII",
    );
    signature(", timestamp = \"a b\"", "timestamp` must be the name of a header, such as `X-Signature`");
    refused(
        &format!("{hmac}signature = {{ header = \"a\" }}\ntolerance = \"1m\""),
        "postern.toml:8: `webhooks.hook.tolerance` is nothing to a webhook of `provider = \"hmac\"`\n\
         hint: name the header of the time in `signature.timestamp`, if there is one",
    );
}

#[test]
fn the_kind_is_where_a_pointer_says() {
    let kind = |text: &str| format!("provider = \"none\"\nkind = \"{text}\"");
    assert_eq!(of(&kind("/event/0/type")).kind.unwrap().steps().collect::<Vec<_>>(), ["event", "0", "type"]);
    for wrong in ["type", "$.type", "/~2"] {
        refused(
            &kind(wrong),
            "postern.toml:6: `webhooks.hook.kind` must be a JSON pointer such as `/type` or `/event/name`",
        );
    }
}
