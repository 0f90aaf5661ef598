//! Clients let in by a token, and by a service of the operator's own.

use crate::{home, start};
use data_encoding::BASE64URL_NOPAD;
use postern_tests::guests::gallery;
use postern_tests::{Admin, Client, Config, Gateway, Reply, Service, Socket, eventually, refusal, respond};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs()
}

fn encoded(value: &Value) -> String {
    BASE64URL_NOPAD.encode(value.to_string().as_bytes())
}

/// Whoever signs tokens, and the keys that are shown of it.
enum Issuer {
    Elliptic(EcdsaKeyPair),
    Edwards(Ed25519KeyPair),
    Shared(&'static str),
}

impl Issuer {
    fn elliptic() -> Self {
        let random = SystemRandom::new();
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = EcdsaKeyPair::generate_pkcs8(kind, &random).expect("random bytes");
        Self::Elliptic(EcdsaKeyPair::from_pkcs8(kind, key.as_ref(), &random).expect("it was made just now"))
    }

    fn edwards() -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("random bytes");
        Self::Edwards(Ed25519KeyPair::from_pkcs8(key.as_ref()).expect("it was made just now"))
    }

    fn jwk(&self, id: &str) -> Value {
        let shown = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        match self {
            Self::Elliptic(key) => {
                let point = key.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "kid": id, "x": shown(&point[1..33]), "y": shown(&point[33..]) })
            }
            Self::Edwards(key) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": shown(key.public_key().as_ref()) })
            }
            Self::Shared(_) => json!(null),
        }
    }

    fn token(&self, id: &str, claims: &Value) -> String {
        let algorithm = match self {
            Self::Elliptic(_) => "ES256",
            Self::Edwards(_) => "EdDSA",
            Self::Shared(_) => "HS256",
        };
        let message = format!("{}.{}", encoded(&json!({ "alg": algorithm, "kid": id })), encoded(claims));
        let signature = match self {
            Self::Elliptic(key) => {
                key.sign(&SystemRandom::new(), message.as_bytes()).expect("it signs").as_ref().to_vec()
            }
            Self::Edwards(key) => key.sign(message.as_bytes()).as_ref().to_vec(),
            Self::Shared(secret) => {
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), message.as_bytes()).as_ref().to_vec()
            }
        };
        format!("{message}.{}", BASE64URL_NOPAD.encode(&signature))
    }
}

fn guarded(section: &str, toml: &str) -> Config {
    Config::basic().stream("agents", "/ws", &["whatsapp"], "").section(&format!("streams.agents.{section}"), toml)
}

fn claims() -> Value {
    json!({ "exp": now() + 600, "sub": "ann", "iss": "me", "aud": "postern", "rooms": ["a", "b"] })
}

async fn send(gateway: &Gateway, query: &str, text: &str) {
    let mut admin = postern_tests::Sender::plain(gateway.admin()).await;
    let sent = admin.send(http::Method::POST, &format!("/v1/send?{query}"), &[], text.to_owned()).await;
    assert_eq!(sent.expect("an answer").status, 200);
}

async fn refused(gateway: &Gateway, token: &str) -> Reply {
    refusal(gateway, "/ws", &[("authorization", &format!("Bearer {token}"))]).await
}

#[tokio::test]
async fn a_token_lets_in_says_who_it_is_and_which_labels_it_has() {
    let (elliptic, edwards) = (Issuer::elliptic(), Issuer::edwards());
    let strict = r#"jwks = "keys.json"
        issuer = "me"
        audience = "postern"
        labels = { room = "rooms" }
        token = ["header", "query:token", "cookie:session", "subprotocol"]"#;
    let home = home(&guarded("jwt", strict));
    home.write("keys.json", json!({ "keys": [elliptic.jwk("one"), edwards.jwk("two")] }).to_string());
    let gateway = home.start().await;
    let token = elliptic.token("one", &claims());
    let bearer = format!("Bearer {token}");
    let mut by_header = Client::connect_with(&gateway, "/ws", &[("authorization", &bearer)]).await;
    let mut by_query = Client::connect(&gateway, &format!("/ws?token={}", edwards.token("two", &claims()))).await;
    let cookie = format!("other=1; session={token}");
    let mut by_cookie = Client::connect_with(&gateway, "/ws", &[("cookie", &cookie)]).await;
    let offered = format!("postern.v1, bearer.{token}");
    let by_protocol = Socket::upgrade(&gateway, "/ws", &[("sec-websocket-protocol", &offered)]).await.expect("let in");
    assert_eq!(by_protocol.answer.header("sec-websocket-protocol"), Some("postern.v1"), "the token is not said again");
    send(&gateway, "label=room:b", "to room b").await;
    send(&gateway, "subject=ann", "to ann").await;
    send(&gateway, "label=room:c", "to nobody").await;
    send(&gateway, "", "to all").await;
    for client in [&mut by_header, &mut by_query, &mut by_cookie] {
        for text in ["to room b", "to ann", "to all"] {
            client.expect(text.as_bytes()).await;
        }
    }
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        elliptic.token("one", &claims)
    };
    for (token, why) in [
        (with("exp", json!(now() - 60)), "expired"),
        (with("iss", json!("you")), "another issuer"),
        (with("aud", json!("you")), "another audience"),
        (Issuer::elliptic().token("one", &claims()), "its signature is wrong"),
        (elliptic.token("two", &claims()), "its algorithm"),
        (Issuer::Shared("anything").token("one", &claims()), "its algorithm"),
        ("nonsense".to_owned(), "not a JSON Web Token"),
    ] {
        let reply = refused(&gateway, &token).await;
        assert_eq!(reply.status, 401, "{why}");
        assert!(reply.text().contains(why), "{why}: {}", reply.text());
        assert!(reply.header("www-authenticate").is_some_and(|value| value.contains("invalid_token")), "{why}");
        assert!(!reply.text().contains(&token), "{}", reply.text());
    }
    let none = refusal(&gateway, "/ws", &[]).await;
    assert_eq!((none.status, none.header("www-authenticate")), (401, Some("Bearer")));
    assert!(!gateway.stderr().contains(&token), "a token is never logged");
}

#[tokio::test]
async fn a_token_that_expires_ends_its_connection_with_1008() {
    let secret = "a secret that both sides have, and nobody else";
    let gateway = start(&guarded("jwt", &format!("secret = \"{secret}\"\nleeway = \"0s\""))).await;
    let issuer = Issuer::Shared(secret);
    let token = |seconds: u64| issuer.token("", &json!({ "exp": now() + seconds }));
    let mut stays = Client::connect(&gateway, &format!("/ws?token={}", token(600))).await;
    let mut goes = Socket::connect(&gateway, &format!("/ws?token={}", token(2))).await;
    let close = goes.read_event().await.expect("a close frame");
    assert_eq!((close.close_code(), close.close_reason().as_str()), (Some(1008), "token expired"));
    send(&gateway, "", "still here").await;
    stays.expect(b"still here").await;
    Admin::of(&gateway).metric_becomes("postern_closes_total", &[("reason", "expired")], 1.0).await;
}

#[tokio::test]
async fn keys_are_rotated_in_a_file_and_at_a_url_and_the_last_good_ones_serve_on() {
    const STREAMS: [&str; 3] = ["/ws", "/remote", "/nameless"];
    let (old, new) = (Issuer::elliptic(), Issuer::edwards());
    let set = |issuer: &Issuer, id: &str| json!({ "keys": [issuer.jwk(id)] }).to_string();
    let (old_set, new_set) = (set(&old, "old"), set(&new, "new"));
    // The same keys, but that they have no names.
    let shown = |set: String| {
        move |request: &http::Request<_>| match request.uri().path() {
            "/nameless" => respond(200, set.replace("\"kid\"", "\"x\"")),
            _ => respond(200, set.clone()),
        }
    };
    let service = Service::start(shown(old_set.clone())).await;
    let config = guarded("jwt", "jwks = \"keys.json\"\naudience = \"postern\"")
        .stream("remote", "/remote", &["whatsapp"], "")
        .section("streams.remote.jwt", &format!("jwks = \"{}\"\naudience = \"postern\"", service.url("/keys")))
        .stream("nameless", "/nameless", &["whatsapp"], "")
        .section("streams.nameless.jwt", &format!("jwks = \"{}\"\naudience = \"postern\"", service.url("/nameless")));
    let home = home(&config);
    home.write("keys.json", &old_set);
    let gateway = home.start().await;
    let path = |stream: &str, issuer: &Issuer, id: &str| format!("{stream}?token={}", issuer.token(id, &claims()));
    for stream in STREAMS {
        Client::connect(&gateway, &path(stream, &old, "old")).await;
        assert_eq!(refusal(&gateway, &path(stream, &new, "new"), &[]).await.status, 401, "{stream}");
    }
    home.write("keys.json", "half of a se");
    service.now(|_| respond(500, ""));
    for stream in STREAMS {
        Client::connect(&gateway, &path(stream, &old, "old")).await;
    }
    home.write("keys.json", &new_set);
    service.now(shown(new_set));
    for stream in STREAMS {
        eventually(format!("the new key at {stream}"), async || {
            Socket::upgrade(&gateway, &path(stream, &new, "new"), &[]).await.ok().map(|_| ())
        })
        .await;
        assert_eq!(refusal(&gateway, &path(stream, &old, "old"), &[]).await.status, 401, "{stream}");
    }
}

#[tokio::test]
async fn keys_that_cannot_be_used_are_told_by_check_at_their_line() {
    let home = home(&guarded("jwt", "jwks = \"keys.json\""));
    home.write("keys.json", "[]");
    let told = home.run(&["check"]).await;
    assert_eq!(told.code, Some(78));
    assert!(told.stderr.contains("is not a set of keys") && told.stderr.contains("postern.toml:"), "{}", told.stderr);
}

#[tokio::test]
async fn a_service_of_the_operators_own_says_who_comes_in() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let service = Service::start(move |request| {
        let header = |name: &str| {
            request.headers().get(name).map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default()
        };
        let all =
            ["authorization", "x-forwarded-uri", "x-forwarded-for", "x-postern-stream", "x-postern-secret", "accept"];
        seen.lock().expect("no test panics in here").push(all.map(header));
        match &*header("authorization") {
            "Bearer ann" => respond(200, r#"{"subject":"ann","labels":{"room":["a","b"],"desk":"1"}}"#),
            "Bearer anybody" => respond(204, ""),
            "Bearer short" => respond(200, json!({ "expires": now() + 2 }).to_string()),
            "Bearer nonsense" => respond(200, "let him in"),
            "Bearer broken" => respond(500, "oh"),
            "Bearer silent" => None,
            _ => respond(403, "who are you?"),
        }
    })
    .await;
    let toml = format!("url = \"{}\"\ntimeout = \"500ms\"\nsecret = \"hush\"", service.url("/admit?x=1"));
    let gateway = start(&guarded("callout", &toml)).await;
    let ann = [("authorization", "Bearer ann"), ("accept", "not sent along")];
    let mut ann = Client::connect_with(&gateway, "/ws?since=earliest", &ann).await;
    let mut anybody = Client::connect_with(&gateway, "/ws", &[("authorization", "Bearer anybody")]).await;
    let wanted = ["Bearer ann", "/ws?since=earliest", "127.0.0.1", "agents", "hush", ""].map(str::to_owned);
    assert_eq!(asked.lock().expect("no test panics in here")[0], wanted);
    send(&gateway, "label=room:a&label=desk:1", "to ann").await;
    send(&gateway, "", "to all").await;
    ann.expect(b"to ann").await;
    ann.expect(b"to all").await;
    anybody.expect(b"to all").await;
    let reply = refused(&gateway, "eve").await;
    assert_eq!((reply.status, reply.text().as_str()), (403, "who are you?"));
    for failing in ["nonsense", "broken", "silent"] {
        let reply = refused(&gateway, failing).await;
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")), "{failing}");
    }
    let short = [("authorization", "Bearer short")];
    let mut short = Socket::upgrade(&gateway, "/ws", &short).await.expect("it is let in");
    assert_eq!(short.close_code().await, Some(1008));
}

#[tokio::test]
async fn where_nobody_answers_nobody_comes_in_and_all_guards_must_allow() {
    let nowhere = Service::start(|_| respond(204, "")).await;
    let config = guarded("callout", &format!("url = \"{}\"\ntimeout = \"1s\"", nowhere.url("/")))
        .stream("agents", "/ws", &["whatsapp"], "admission = [\"script\"]")
        .filter("script", &gallery("script"), "deadline = \"2s\"");
    let gateway = start(&config).await;
    Client::connect(&gateway, "/ws?subject=ann").await;
    nowhere.now(|_| respond(403, "no"));
    assert_eq!(refusal(&gateway, "/ws?subject=ann", &[]).await.status, 403);
    let config = guarded("callout", "url = \"http://127.0.0.1:1/\"\ntimeout = \"1s\"");
    assert_eq!(refusal(&start(&config).await, "/ws", &[]).await.status, 503);
}

#[tokio::test]
async fn guards_that_would_guard_nothing_are_refused_at_the_start() {
    for (section, toml, key, why) in [
        ("jwt", "secret = \"sh0rt\"", "streams.agents.jwt.secret", "32 bytes or more"),
        ("jwt", "jwks = \"http://issuer.example/keys\"", "streams.agents.jwt.jwks", "without TLS"),
        ("jwt", "jwks = \"/none/jwks.json\"", "streams.agents.jwt.jwks", "/none/jwks.json"),
        ("callout", "url = \"http://127.0.0.1:1/\"\nheaders = [\"host\"]", "streams.agents.callout.headers", "itself"),
        (
            "callout",
            "url = \"http://127.0.0.1:1/\"\nsecret = \"a\\nb\"",
            "streams.agents.callout.secret",
            "in a header",
        ),
        ("callout", "url = \"ftp://127.0.0.1/\"", "streams.agents.callout.url", "ftp://127.0.0.1/"),
    ] {
        let ended = home(&guarded(section, toml)).run(&["check", "-c", "postern.toml"]).await;
        assert!(ended.code.is_some_and(|code| code != 0), "{toml}: {}", ended.stderr);
        assert!(ended.stderr.contains(key) && ended.stderr.contains(why), "{toml}: {}", ended.stderr);
        assert!(!ended.stderr.contains("sh0rt"), "{}", ended.stderr);
    }
}
