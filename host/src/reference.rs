//! Where a component is in a registry, `oci://ghcr.io/acme/redact@sha256:…` or `oci://ghcr.io/acme/redact:1.2`; and the
//! digests by which content is known there.
//!
//! A digest is of the content itself, so nobody can put something else in its place. A tag is a name that may be given to
//! other content tomorrow. There is no tag that is meant when none is said.

use ring::digest;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

pub const SCHEME: &str = "oci://";

/// What a reference looks like, for whoever wrote one that is none.
pub const EXAMPLE: &str =
    "it looks like `oci://ghcr.io/acme/redact@sha256:…`, or like `oci://ghcr.io/acme/redact:1.2`, by a tag";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// A host, with its port where one was written, in lower case.
    pub registry: String,
    pub name: String,
    pub version: Version,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Version {
    Tag(String),
    /// A tag beside it says nothing more, and is left out.
    Digest(Digest),
}

/// A SHA-256, as 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        Self(digest::digest(&digest::SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// From 64 hexadecimal digits.
    pub fn from_hex(hex: &str) -> Option<Self> {
        let is_one = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_one.then(|| Self(hex.to_ascii_lowercase()))
    }

    /// From `sha256:` and its digits.
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_hex(text.strip_prefix("sha256:")?)
    }

    pub fn hex(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

impl Reference {
    /// Whether the registry is on this machine, so that nobody stands in between.
    pub fn is_local(&self) -> bool {
        is_local(host_and_port(&self.registry).map_or("", |(host, _)| host))
    }
}

/// Whether a host, without its port, is this machine.
pub fn is_local(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or(host == "localhost", |address| address.to_canonical().is_loopback())
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { registry, name, version } = self;
        match version {
            Version::Tag(tag) => write!(f, "{SCHEME}{registry}/{name}:{tag}"),
            Version::Digest(digest) => write!(f, "{SCHEME}{registry}/{name}@{digest}"),
        }
    }
}

/// Why a text is no reference: `it names no registry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(&'static str);

impl FromStr for Reference {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let rest = text.strip_prefix(SCHEME).ok_or(Wrong("it does not begin with `oci://`"))?;
        let (registry, rest) = rest.split_once('/').ok_or(Wrong("it names no registry, or nothing in it"))?;
        if registry.contains('@') {
            return Err(Wrong(
                "it carries a user name or password, which belong into a section `[registries.\"HOST\"]`",
            ));
        }
        let registry = registry.to_ascii_lowercase();
        host_and_port(&registry).ok_or(Wrong("its registry is not a host, or a host and a port"))?;
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(Digest::parse(digest).ok_or(Wrong(DIGEST))?)),
            None => (rest, None),
        };
        let (name, tag) = match rest.split_once(':') {
            Some((name, tag)) => (name, Some(tag)),
            None => (rest, None),
        };
        if !is_repository(name) {
            return Err(Wrong(
                "its name is not one of lower-case letters and digits, with `.`, `_`, `-` or `/` between them",
            ));
        }
        if !tag.is_none_or(is_tag) {
            return Err(Wrong("its tag is not one of 1 to 128 letters, digits, `.`, `_` and `-`"));
        }
        let version = match (digest, tag) {
            (Some(digest), _) => Version::Digest(digest),
            (None, Some(tag)) => Version::Tag(tag.to_owned()),
            (None, None) => return Err(Wrong("it has neither a digest nor a tag")),
        };
        Ok(Self { registry, name: name.to_owned(), version })
    }
}

/// Whether a text is a host, or a host and a port, in lower case, as references name registries.
pub fn is_registry(text: &str) -> bool {
    host_and_port(text).is_some() && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

const DIGEST: &str = "its digest is not `sha256:` and 64 hexadecimal digits";

fn host_and_port(registry: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match registry.rsplit_once(':') {
        // Within brackets, the colons are an address's own.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok().filter(|port| *port != 0)?)),
        _ => (registry, None),
    };
    let is_address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|host| host.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()));
    let is_label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(allowed) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_host = is_address || (host.len() <= 253 && host.split('.').all(is_label));
    is_host.then_some((host, port))
}

fn is_repository(name: &str) -> bool {
    name.len() <= 255 && name.split('/').all(is_component)
}

/// Lower-case letters and digits, with one of `.`, `_`, `__` or any number of `-` between them.
fn is_component(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = name.split(is_plain).filter(|between| !between.is_empty());
    let mut allowed =
        separators.map(|between| matches!(between, "." | "_" | "__") || between.bytes().all(|b| b == b'-'));
    name.starts_with(is_plain) && name.ends_with(is_plain) && allowed.all(|allowed| allowed)
}

fn is_tag(tag: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let allowed = |byte: u8| is_plain(byte) || byte == b'.' || byte == b'-';
    (1..=128).contains(&tag.len()) && tag.bytes().all(allowed) && tag.bytes().next().is_some_and(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEX: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn parsed(text: &str) -> Reference {
        text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn a_reference_is_a_registry_a_name_and_a_digest_or_a_tag() {
        let digest = Digest::from_hex(HEX).unwrap();
        assert_eq!(Digest::of(b"test"), digest);
        let of = |registry: &str, name: &str, version: &Version| Reference {
            registry: registry.to_owned(),
            name: name.to_owned(),
            version: version.clone(),
        };
        let (tag, digest) = (Version::Tag("v1.2".to_owned()), Version::Digest(digest));
        assert_eq!(parsed("oci://GHCR.io/acme/redact:v1.2"), of("ghcr.io", "acme/redact", &tag));
        assert_eq!(parsed(&format!("oci://h:5000/a@sha256:{HEX}")), of("h:5000", "a", &digest));
        let upper = HEX.to_uppercase();
        assert_eq!(
            parsed(&format!("oci://[::1]:5000/a.b/c__d--e:v9@sha256:{upper}")),
            of("[::1]:5000", "a.b/c__d--e", &digest)
        );
        assert_eq!(parsed("oci://127.0.0.1/a:v1.2"), of("127.0.0.1", "a", &tag));
    }

    #[test]
    fn what_is_no_reference_is_told_why() {
        let long = format!("oci://h/a:{}", "x".repeat(129));
        let cases = [
            ("ghcr.io/a:1", "`oci://`"),
            ("oci://ghcr.io", "no registry"),
            ("oci:///a:1", "a host"),
            ("oci://h:0/a:1", "a host"),
            ("oci://h:x/a:1", "a host"),
            ("oci://-h/a:1", "a host"),
            ("oci://h_h/a:1", "a host"),
            ("oci://ann:pw@h/a:1", "user name"),
            ("oci://h/a", "neither"),
            ("oci://h/:1", "its name"),
            ("oci://h/A:1", "its name"),
            ("oci://h/a//b:1", "its name"),
            ("oci://h/../a:1", "its name"),
            ("oci://h/a?x=y:1", "its name"),
            ("oci://h/a___b:1", "its name"),
            ("oci://h/a:", "its tag"),
            ("oci://h/a:.1", "its tag"),
            ("oci://h/a:1/2", "its tag"),
            ("oci://h/a@sha256:12", "its digest"),
            ("oci://h/a@sha512:12", "its digest"),
            (&long, "its tag"),
        ];
        for (text, part) in cases {
            let why = text.parse::<Reference>().expect_err(text).to_string();
            assert!(why.contains(part), "{text}: {why}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for local in ["localhost", "localhost:5000", "127.0.0.1:1", "127.9.9.9", "[::1]:5000", "[::ffff:127.0.0.1]"] {
            assert!(parsed(&format!("oci://{local}/a:1")).is_local(), "{local}");
        }
        for other in ["ghcr.io", "localhost.example.com", "127.example.com", "10.0.0.1", "[::2]", "localhost1"] {
            assert!(!parsed(&format!("oci://{other}/a:1")).is_local(), "{other}");
        }
    }

    proptest! {
        /// The grammar of the distribution specification, written as it has it.
        #[test]
        fn whatever_the_specification_allows_is_read_and_printed_as_it_was(
            registry in "[a-z0-9]{1,8}(-[a-z0-9]{1,4})?(\\.[a-z0-9]{1,5}){0,2}(:[1-9][0-9]{0,3})?",
            name in "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}(/[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}){0,3}",
            version in ":[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}|@sha256:[a-f0-9]{64}",
        ) {
            let text = format!("oci://{registry}/{name}{version}");
            prop_assert_eq!(text.parse::<Reference>().map(|reference| reference.to_string()), Ok(text));
        }

        #[test]
        fn nothing_that_is_read_could_leave_its_place_in_a_url(text in "oci://[a-z0-9.:/@?#%&\\[\\] _-]{0,40}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert!(!reference.to_string()[6..].contains(['?', '#', '%', ' ', '&']));
                prop_assert!(!reference.name.split('/').any(|part| part.is_empty() || part.starts_with('.')));
            }
        }
    }
}
