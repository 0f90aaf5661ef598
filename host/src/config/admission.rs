//! What lets clients in beside filters: `[streams.NAME.jwt]` and `[streams.NAME.callout]`.

use super::reader::{Read, Section, Value};
use super::schema::{Callout, Jwt, JwtAlgorithm, JwtKeys, TokenPlace};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

const LEEWAY: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(2);

/// What says how a request is framed, and to whom it is: not to be taken from a client.
const OURS: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-postern-secret",
    "x-postern-stream",
    "proxy-connection",
];

pub(super) fn jwt(mut section: Section<'_>) -> Read<Jwt> {
    let jwks = section.optional("jwks");
    let secret = section.optional("secret").map(|value| value.secret()).transpose();
    let ca = section.optional("ca").map(|value| value.path()).transpose();
    let keys = match (jwks, secret) {
        (_, Err(reported)) => Err(reported),
        (Some(_), Ok(Some(_))) => Err(section.problem_with_hint(
            "secret",
            "contradicts `jwks`: tokens are signed by one or the other",
            "keep one of the two",
        )),
        (None, Ok(Some(secret))) => Ok(JwtKeys::Secret(secret)),
        (Some(value), Ok(None)) => jwks_of(&value, ca),
        (None, Ok(None)) => Err(section.problem_with_hint(
            "",
            "has no keys to check tokens with",
            "set `jwks` to a file or URL of the issuer's keys, or `secret` for HS256",
        )),
    };
    let algorithms = section.optional("algorithms").map(|value| algorithms(&value)).transpose();
    let text = |value: Value<'_>, what| Ok(value.text(what)?.to_owned());
    let issuer = section.optional("issuer").map(|value| text(value, "an issuer")).transpose();
    let audience = section.optional("audience").map(|value| text(value, "an audience")).transpose();
    let subject = section.optional("subject").map_or(Ok("sub".to_owned()), |value| text(value, "the name of a claim"));
    let labels: Vec<(String, Read<String>)> = section
        .optional_section("labels")
        .into_iter()
        .flat_map(Section::rest)
        .map(|(key, value)| (key, text(value, "the name of a claim")))
        .collect();
    let leeway = section.optional("leeway").map_or(Ok(LEEWAY), |value| value.any_duration());
    let require_expiry = section.optional("require_expiry").map_or(Ok(true), |value| value.boolean());
    let token = section
        .optional("token")
        .map_or_else(|| Ok(vec![TokenPlace::Header, TokenPlace::Query("token".to_owned())]), |value| places(&value));
    section.finish(&[]);
    Ok(Jwt {
        keys: keys?,
        algorithms: algorithms?,
        issuer: issuer?,
        audience: audience?,
        subject: subject?,
        labels: labels.into_iter().map(|(key, claim)| Ok((key, claim?))).collect::<Read<BTreeMap<_, _>>>()?,
        leeway: leeway?,
        require_expiry: require_expiry?,
        token: token?,
    })
}

fn jwks_of(value: &Value<'_>, ca: Read<Option<PathBuf>>) -> Read<JwtKeys> {
    let text = value.text("a path, or a URL")?;
    if text.starts_with("https://") || text.starts_with("http://") {
        return Ok(JwtKeys::Url { url: text.to_owned(), ca: ca? });
    }
    value.path().map(JwtKeys::File)
}

fn algorithms(value: &Value<'_>) -> Read<Vec<JwtAlgorithm>> {
    let known = [
        ("RS256", JwtAlgorithm::Rs256),
        ("ES256", JwtAlgorithm::Es256),
        ("EdDSA", JwtAlgorithm::EdDsa),
        ("HS256", JwtAlgorithm::Hs256),
    ];
    let elements = value.list();
    if elements.is_empty() {
        return Err(
            value.problem_with_hint("is empty: no token would do", "leave it out to take what the keys are for")
        );
    }
    elements.iter().map(|element| element.choice(&known)).collect()
}

fn places(value: &Value<'_>) -> Read<Vec<TokenPlace>> {
    let expected = "`header`, `query:NAME`, `cookie:NAME` or `subprotocol`";
    let place = |element: &Value<'_>| match element.text(expected)?.split_once(':') {
        Some(("query", name)) if !name.is_empty() => Ok(TokenPlace::Query(name.to_owned())),
        Some(("cookie", name)) if !name.is_empty() => Ok(TokenPlace::Cookie(name.to_owned())),
        None if element.text(expected)? == "header" => Ok(TokenPlace::Header),
        None if element.text(expected)? == "subprotocol" => Ok(TokenPlace::Subprotocol),
        _ => Err(element.wrong(expected)),
    };
    let elements = value.list();
    if elements.is_empty() {
        return Err(value.wrong(expected));
    }
    elements.iter().map(place).collect()
}

pub(super) fn callout(mut section: Section<'_>) -> Read<Callout> {
    let url = section.required("url").and_then(|value| Ok(value.text("a URL")?.to_owned()));
    let ca = section.optional("ca").map(|value| value.path()).transpose();
    let timeout = section.optional("timeout").map_or(Ok(TIMEOUT), |value| value.duration());
    let headers = section.optional("headers").map_or_else(
        || Ok(vec!["authorization".to_owned(), "cookie".to_owned()]),
        |value| {
            let expected = "a list of names of headers";
            let name = |element: &Value<'_>| {
                let text = element.text(expected)?;
                let name = http::HeaderName::try_from(text).map_err(|_| element.wrong(expected))?;
                if OURS.contains(&name.as_str()) || name.as_str().starts_with("x-forwarded-") {
                    return Err(element.problem_with_hint(
                        "is a header that the gateway sets itself in what it asks",
                        "the service finds the client's host in `x-forwarded-host`",
                    ));
                }
                Ok(name.to_string())
            };
            value.list().iter().map(name).collect()
        },
    );
    let secret = section.optional("secret").map(|value| value.secret()).transpose();
    section.finish(&[]);
    Ok(Callout { url: url?, ca: ca?, timeout: timeout?, headers: headers?, secret: secret? })
}
