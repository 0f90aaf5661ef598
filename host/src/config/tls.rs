//! The section `[tls]`: who postern is to those who connect, and whose certificates they may show.

use super::acme::acme;
use super::reader::{Read, Section, Value};
use super::schema::{Identity, Tls};

pub(super) fn tls(mut section: Section<'_>, dev: bool) -> Read<Tls> {
    let certificate = section.optional("certificate");
    let key = section.optional("key");
    let key_password = section.optional("key_password");
    let acme = section.optional_section("acme").map(acme).transpose();
    let plain = section.optional("plain").map_or(Ok(false), |value| value.boolean());
    let handshake_timeout = section.required("handshake_timeout").and_then(|value| value.duration());
    let client_ca = section.optional("client_ca").map_or(Ok(vec![]), |value| {
        let paths: Vec<_> = value.list().iter().map(|element| element.path()).collect();
        paths.into_iter().collect::<Read<Vec<_>>>()
    });
    if let (Ok(authorities), Ok(true)) = (&client_ca, &plain)
        && !authorities.is_empty()
    {
        section.problem_with_hint("client_ca", "is of no use without TLS", "leave it out, or `tls.plain`");
    }
    let others = certificate.is_some() || key.is_some() || key_password.is_some();
    let by_acme = match (acme, &plain) {
        (Ok(None), _) => Ok(None),
        (_, Ok(true)) => Err(section.problem_with_hint(
            "acme",
            "contradicts `tls.plain`, which says that there is no TLS here",
            "keep one of the two",
        )),
        (_, _) if others => Err(section.problem_with_hint(
            "acme",
            "contradicts the certificate or key that is configured as well",
            "keep one of the two",
        )),
        (acme, _) => acme,
    };
    let identity = match (by_acme, plain) {
        (Err(reported), _) | (_, Err(reported)) => Err(reported),
        (Ok(Some(acme)), Ok(_)) => Ok(Identity::Acme(acme)),
        (Ok(None), Ok(plain)) => own_identity(&section, (plain, certificate, key, key_password), dev),
    };
    section.finish(&[]);
    Ok(Tls { identity: identity?, client_ca: client_ca?, handshake_timeout: handshake_timeout? })
}

/// What is said of a certificate without ACME: whether there is none, the certificate, its key and its password.
type Own<'a> = (bool, Option<Value<'a>>, Option<Value<'a>>, Option<Value<'a>>);

fn own_identity(section: &Section<'_>, (plain, certificate, key, key_password): Own<'_>, dev: bool) -> Read<Identity> {
    match (plain, &certificate, &key, &key_password) {
        (true, None, None, None) => Ok(Identity::Plain),
        (true, ..) => Err(section.problem_with_hint(
            "plain",
            "contradicts the certificate or key that is configured as well",
            "keep one of the two",
        )),
        (false, Some(certificate), Some(key), password) => {
            let certificate = certificate.path();
            let key = key.path();
            let key_password = password.as_ref().map(|value| value.secret()).transpose();
            (|| Ok(Identity::Files { certificate: certificate?, key: key?, key_password: key_password? }))()
        }
        (false, Some(certificate), None, _) => {
            Err(certificate
                .problem_with_hint("has no `tls.key` beside it", "set `tls.key` to the file of its private key"))
        }
        (false, None, Some(key), _) => Err(key.problem_with_hint(
            "has no `tls.certificate` beside it",
            "set `tls.certificate` to the file of the certificate chain that belongs to it",
        )),
        (false, None, None, Some(password)) => Err(password.problem_with_hint(
            "has no `tls.key` beside it",
            "set `tls.certificate` and `tls.key`, or leave the password out",
        )),
        (false, None, None, None) if dev => Ok(Identity::Development),
        (false, None, None, None) => Err(section.problem_with_hint(
            "",
            "has no certificate",
            "set `tls.certificate` and `tls.key`, or say `tls.plain = true` if a load balancer in front has done TLS",
        )),
    }
}
