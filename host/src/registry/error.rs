//! Why a component could not be had: which registry, what of it, what it answered, and what to do.

use crate::outward;
use crate::reference::{Digest, Reference};
use http::StatusCode;
use std::io;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
#[error("failed to {doing} `{reference}`")]
pub struct Error {
    doing: &'static str,
    reference: String,
    #[source]
    why: Box<Why>,
}

impl Error {
    pub(super) fn pull(reference: &Reference, why: Why) -> Self {
        Self { doing: "pull", reference: reference.to_string(), why: Box::new(why) }
    }

    pub(super) fn push(reference: &Reference, why: Why) -> Self {
        Self { doing: "push", reference: reference.to_string(), why: Box::new(why) }
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Why {
    #[error(
        "the registry `{registry}` could not be asked\n\
        hint: see that it runs and that this machine may reach it; what was pulled once, by its digest, needs no asking"
    )]
    Unreached { registry: String, source: outward::Error },
    #[error(
        "the registry `{registry}` took longer than {}\n\
        hint: try again, or raise `timeout` in `[registries.\"{registry}\"]`", humantime::format_duration(*patience)
    )]
    Slow { registry: String, patience: Duration },
    #[error("the registry `{registry}` said no: {answer}\nhint: {}", hint_for_denied(registry, *has_account))]
    Denied { registry: String, answer: Answered, has_account: bool },
    #[error(
        "the registry `{registry}` has no such {what}: {answer}\n\
        hint: look at its name and its tag or digest{}", if *has_account { "" } else { HIDDEN }
    )]
    Missing { registry: String, what: &'static str, answer: Answered, has_account: bool },
    #[error("`{from}` answered {answer}\nhint: {}", hint_for_answer(answer.status))]
    Answered { from: String, answer: Answered },
    #[error(
        "the registry `{registry}` asks for tokens in a way that cannot be followed: {why}\n\
        hint: see that it is a registry, and that `[registries.\"{registry}\"]` is what it wants"
    )]
    Challenge { registry: String, why: String },
    #[error(
        "the registry `{registry}` sends elsewhere, and there it is not gone: {why}\n\
        hint: only `https://` is followed, `http://` only within this machine; ask who runs the registry"
    )]
    Elsewhere { registry: String, why: String },
    #[error(
        "the registry `{registry}` gave another {what} than was asked: asked {asked}, given {given}\n\
        hint: it is not used. Something between here and there, or the registry itself, has changed it: find out which"
    )]
    Other { what: &'static str, registry: String, asked: Digest, given: Digest },
    #[error(
        "the registry `{registry}` has a {what} of more than the {most} bytes that one may have\n\
        hint: {}", if *what == "component" { STRIP } else { "see that it is a registry" }
    )]
    TooLarge { registry: String, what: &'static str, most: usize },
    #[error(
        "the registry `{registry}` gave a layer longer than the {size} bytes that its manifest says\n\
        hint: it is not used. Something between here and there, or the registry itself, has changed it: find out which"
    )]
    Longer { registry: String, size: usize },
    #[error(
        "it is not a WebAssembly component as registries keep them: {0}\n\
        hint: push the component with `postern filter push FILE oci://…` or `wkg oci push`"
    )]
    NotWasm(String),
    #[error("it is not a URL that can be used here")]
    Address(#[source] outward::Error),
    #[error("no thread or runtime could be started for it\nhint: see `ulimit -u`, and how much memory is free")]
    Runtime(#[source] io::Error),
}

impl Why {
    /// Whether the same may go well later.
    pub fn passing(&self) -> bool {
        match self {
            Self::Unreached { source, .. } => source.passing(),
            Self::Slow { .. } => true,
            Self::Answered { answer, .. } => {
                answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS
            }
            _ => false,
        }
    }
}

/// A status, and what a server said with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answered {
    pub status: StatusCode,
    said: String,
}

impl Answered {
    pub fn new(status: StatusCode, body: &[u8]) -> Self {
        Self { status, said: said(body) }
    }
}

impl std::fmt::Display for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, said } = self;
        if said.is_empty() { write!(f, "{status}") } else { write!(f, "{status}, {said}") }
    }
}

const STRIP: &str = "build it without debugging information: in Rust with `--release`, elsewhere `wasm-tools strip`";
const HIDDEN: &str = "; one that is not public may look the same to who has no account there";

fn hint_for_denied(registry: &str, has_account: bool) -> String {
    match has_account {
        true => format!(
            "look at `username` and `password` in `[registries.\"{registry}\"]`: they may be wrong, expired, or not for this"
        ),
        false => format!(
            "it may need an account, or not be there at all: set `username` and `password` in `[registries.\"{registry}\"]`"
        ),
    }
}

fn hint_for_answer(status: StatusCode) -> &'static str {
    match status {
        status if status == StatusCode::TOO_MANY_REQUESTS => {
            "wait; registries let those with an account ask more often"
        }
        status if status.is_server_error() => "try again later; what was pulled once, by its digest, needs no asking",
        _ => "see that it is a registry, and what its log says",
    }
}

/// What a registry says is wrong: its own words if they are in the form that registries share, else its first line.
fn said(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Refusal {
        errors: Vec<Fault>,
    }
    #[derive(serde::Deserialize)]
    struct Fault {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let text = match serde_json::from_slice::<Refusal>(body) {
        Ok(Refusal { errors }) => {
            errors.first().map(|fault| format!("{}: {}", fault.code, fault.message)).unwrap_or_default()
        }
        Err(_) => String::from_utf8_lossy(body).trim().lines().next().unwrap_or_default().to_owned(),
    };
    // In a form that does nothing to a terminal.
    text.chars().take(200).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_registry_says_is_told_and_does_nothing_to_a_terminal() {
        let told = |body: &str| Answered::new(StatusCode::NOT_FOUND, body.as_bytes()).to_string();
        assert_eq!(
            told(r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest\u001b[2J unknown"}]}"#),
            "404 Not Found, MANIFEST_UNKNOWN: manifest\u{fffd}[2J unknown"
        );
        assert_eq!(told("\nno\nsuch"), "404 Not Found, no");
        assert_eq!(told(""), "404 Not Found");
        assert!(told(&"x".repeat(10_000)).len() < 300);
    }
}
