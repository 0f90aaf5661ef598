//! Lets in the clients that carry a token: `Authorization: Bearer …`, or `?token=…` for browsers, whose WebSockets
//! cannot set headers. Each token says who its bearer is and which labels it has.

use postern_filter::prelude::*;
use serde::Deserialize;
use serde::de::SeqAccess;
use std::collections::BTreeMap;
use std::fmt;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    tokens: Vec<Known>,
    /// Told to who is denied.
    #[serde(default = "default_body")]
    body: String,
}

fn default_body() -> String {
    "a valid token is required".into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `token`")]
struct Known {
    token: String,
    subject: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, Values>,
}

/// A client may carry one label with many values: `"a"`, or `["a", "b"]`.
struct Values(Vec<String>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E>(self, value: &str) -> Result<Values, E> {
                Ok(Values(vec![value.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Values, A::Error> {
                let mut values = vec![];
                while let Some(value) = items.next_element()? {
                    values.push(value);
                }
                Ok(Values(values))
            }
        }
        from.deserialize_any(Visitor)
    }
}

impl Filter for Token {
    fn configure() -> Result<Self> {
        let filter: Self = config::parse()?;
        filter.check()?;
        Ok(filter)
    }

    fn on_connect(&self, request: &Request) -> Result<Admission> {
        let deny = |reason: &str| Admission::Deny(Denial::new(401, &*self.body).because(reason));
        // One that sends both means the header: what stands in a URL may have been put there by someone else.
        let offered = if request.header("authorization").is_some() { request.bearer() } else { request.param("token") };
        let Some(offered) = offered else { return Ok(deny("no token")) };

        // Every token is compared, to the last byte, so that the time it takes tells nothing of what is known.
        let mut found = None;
        for known in &self.tokens {
            if equal(known.token.as_bytes(), offered.as_bytes()) {
                found = Some(known);
            }
        }
        Ok(found.map_or_else(|| deny("unknown token"), |known| Admission::Allow(known.grant())))
    }
}

postern_filter::filter!(Token: admission);

impl Token {
    fn check(&self) -> Result<()> {
        if self.tokens.is_empty() {
            return Err(Error::new("`tokens` is empty: nobody could connect"));
        }
        for (at, known) in self.tokens.iter().enumerate() {
            if known.token.is_empty() {
                return Err(Error::new(format!("`tokens[{at}].token` is empty: anybody could connect")));
            }
            if let Some(earlier) = self.tokens[..at].iter().position(|other| other.token == known.token) {
                return Err(Error::new(format!("`tokens[{at}].token` is the same as `tokens[{earlier}].token`")));
            }
        }
        Ok(())
    }
}

impl Known {
    fn grant(&self) -> Grant {
        let labels = self.labels.iter().flat_map(|(key, values)| values.0.iter().map(move |value| (key, value)));
        let grant = Grant { subject: self.subject.clone(), ..Grant::default() };
        labels.fold(grant, |grant, (key, value)| grant.label(key, value))
    }
}

/// Whether two secrets are the same, in a time that depends on the length of the offered one alone.
fn equal(known: &[u8], offered: &[u8]) -> bool {
    let mut difference = known.len() ^ offered.len();
    for (at, byte) in offered.iter().enumerate() {
        // `black_box` keeps the compiler from leaving the loop at the first difference.
        let expected = known.get(at).copied().unwrap_or_default();
        difference |= std::hint::black_box(usize::from(byte ^ expected));
    }
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests;
