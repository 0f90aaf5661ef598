//! `[tls.acme]`: a certificate from an authority that gives them to whoever shows that a domain is theirs.

use super::reader::{Read, Section, Value};
use super::schema::{Acme, AcmeChallenge};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// Authorities that have a name here, and where they are.
const KNOWN: [(&str, &str); 2] = [
    ("letsencrypt", "https://acme-v02.api.letsencrypt.org/directory"),
    ("letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory"),
];

/// What authorities put into one certificate at most.
const DOMAINS: usize = 100;

const DOMAIN: &str = "domains such as `gw.example.com`";

pub(super) fn acme(mut section: Section<'_>) -> Read<Acme> {
    let domains = section.required("domains").and_then(|value| domains(&value));
    let email = section.optional("email").map(|value| email(&value)).transpose();
    let directory = section.optional("directory").map_or_else(|| Ok(KNOWN[0].1.to_owned()), |value| directory(&value));
    let ca = section.optional("ca").map(|value| value.path()).transpose();
    let challenges = [("tls-alpn-01", AcmeChallenge::TlsAlpn01), ("http-01", AcmeChallenge::Http01)];
    let challenge =
        section.optional("challenge").map_or(Ok(AcmeChallenge::TlsAlpn01), |value| value.choice(&challenges));
    let http = section.optional("http").map_or(Ok(vec![]), |value| {
        let addresses: Vec<Read<SocketAddr>> = value.list().iter().map(|element| element.address()).collect();
        addresses.into_iter().collect()
    });
    let agreed = match section.optional("agree").map_or(Ok(false), |value| value.boolean()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(section.problem_with_hint(
            "agree",
            "must be said: an authority gives certificates only to those who agree to its terms",
            "read them (Let's Encrypt has them at https://letsencrypt.org/repository/), then write `agree = true`",
        )),
        Err(reported) => Err(reported),
    };
    if let (Ok(AcmeChallenge::Http01), Ok(http)) = (challenge, &http)
        && http.is_empty()
    {
        section.problem_with_hint(
            "challenge",
            "asks at port 80 of each domain, and nothing listens there",
            "set `http = \"0.0.0.0:80\"` beside it, or take `tls-alpn-01`, which needs port 443 alone",
        );
    }
    section.finish(&[]);
    agreed?;
    Ok(Acme { domains: domains?, email: email?, directory: directory?, ca: ca?, challenge: challenge?, http: http? })
}

fn domains(value: &Value<'_>) -> Read<Vec<String>> {
    let elements = value.list();
    if elements.is_empty() {
        return Err(value.problem_with_hint("is empty", "name the domains at which this gateway is called"));
    }
    if elements.len() > DOMAINS {
        return Err(value.problem(format!("must not have more than {DOMAINS} domains: authorities take no more")));
    }
    let mut seen = BTreeSet::new();
    let read: Vec<Read<String>> = elements
        .iter()
        .map(|element| {
            let domain = element.text(DOMAIN)?.trim().trim_end_matches('.').to_ascii_lowercase();
            if domain.starts_with("*.") {
                let hint = "a wildcard takes a change of DNS (DNS-01), which postern does not do: name each domain";
                return Err(element.problem_with_hint(format!("has a wildcard: {domain}"), hint));
            }
            if domain.parse::<std::net::IpAddr>().is_ok() || !is_domain(&domain) {
                let hint = "names, not addresses or URLs; one with other letters in its `xn--` form";
                return Err(element.wrong_with_hint(DOMAIN, hint));
            }
            if !seen.insert(domain.clone()) {
                return Err(element.problem_with_hint(format!("has a domain twice: {domain}"), "remove one of the two"));
            }
            Ok(domain)
        })
        .collect();
    read.into_iter().collect()
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

fn email(value: &Value<'_>) -> Read<String> {
    let expected = "an address such as `ops@example.com`";
    let text = value.text(expected)?.trim();
    let allowed = |letter: char| letter.is_ascii_graphic() && !":,?&<>\"".contains(letter);
    match text.split_once('@') {
        Some((name, host)) if !name.is_empty() && !host.is_empty() && text.chars().all(allowed) => Ok(text.to_owned()),
        _ => Err(value.wrong(expected)),
    }
}

fn directory(value: &Value<'_>) -> Read<String> {
    let expected = "`letsencrypt`, `letsencrypt-staging`, or the URL of an authority's directory, by `https://`";
    let text = value.text(expected)?.trim();
    match KNOWN.iter().find(|(name, _)| *name == text) {
        Some((_, url)) => Ok((*url).to_owned()),
        None if text.starts_with("https://") => Ok(text.to_owned()),
        None => Err(value.wrong(expected)),
    }
}
