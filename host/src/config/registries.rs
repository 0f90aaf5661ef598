//! The sections `[registries."HOST"]`.

use super::reader::{Read, Section, Value};
use super::schema::Registry;
use crate::reference;

/// Under a host, with a port where there is one: a name that no other section could have.
pub(super) fn registry(name: &str, value: &Value<'_>) -> Read<Registry> {
    let mut section = Section::of(value.context, value.key.clone(), &value.node);
    let named = if reference::is_registry(name) {
        Ok(())
    } else {
        Err(section.problem_with_hint(
            "",
            "must be named by a host in lower case, with its port where it has one",
            "write it as in the reference, in quotes: `[registries.\"ghcr.io\"]`",
        ))
    };
    let username = section.optional("username").map(|value| username(&value)).transpose();
    let password = section.optional("password").map(|value| value.secret()).transpose();
    let account = match (username, password) {
        (Ok(Some(username)), Ok(Some(password))) => Ok(Some((username, password))),
        (Ok(None), Ok(None)) => Ok(None),
        (Ok(Some(_)), Ok(None)) => Err(section.problem_with_hint(
            "username",
            "has no `password` beside it",
            "set both, or leave both out to ask as nobody in particular",
        )),
        (Ok(None), Ok(Some(_))) => Err(section.problem_with_hint(
            "password",
            "has no `username` beside it",
            "set both: where only a token counts, as at ghcr.io, any name will do",
        )),
        (Err(reported), _) | (_, Err(reported)) => Err(reported),
    };
    let ca = section.optional("ca").map(|value| value.path()).transpose();
    let timeout = section.required("timeout").and_then(|value| value.duration());
    section.finish(&[]);
    named?;
    Ok(Registry { account: account?, ca: ca?, timeout: timeout? })
}

/// A colon would end it where it is sent.
fn username(value: &Value<'_>) -> Read<String> {
    let expected = "a user name without `:`";
    let text = value.text(expected)?;
    if text.contains(':') { Err(value.wrong(expected)) } else { Ok(text.to_owned()) }
}
