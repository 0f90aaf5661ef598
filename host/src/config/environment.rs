//! `POSTERN_` environment variables as keys and texts: `POSTERN_WEBHOOKS__WHATSAPP__APP_SECRET` is
//! `webhooks.whatsapp.app_secret`. What the text means is for the schema to say: nothing is turned into a number here.

use super::problem::{Place, Problem};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

const PREFIX: &str = "POSTERN_";

/// Variables that begin alike and belong to the tools that build and test postern and its filters.
const OTHERS: [&str; 4] = ["POSTERN_GUEST_", "POSTERN_TEST_", "POSTERN_NO_RUSTUP", "POSTERN_ALLOW_APT"];

/// Kubernetes gives every container of a namespace these for a service called `postern`, wanted or not, and a plain
/// `POSTERN_PORT` that holds a URL. No key begins like them.
const KUBERNETES: [&str; 2] = ["POSTERN_PORT_", "POSTERN_SERVICE_"];

/// A value from outside the file: the path of its key, its text, and where it was said.
pub(super) struct Entry {
    pub path: Vec<String>,
    pub text: String,
    pub place: Place,
}

/// The entries, in the order of their variables. `names` are the sections that lower layers define, such as
/// `filters` → `drop-statuses`: most shells cannot set a variable with `-` in it, so `DROP_STATUSES` means that one, and
/// `GHCR_IO` the registry `ghcr.io`.
pub(super) fn entries(
    environment: &[(OsString, OsString)],
    names: &BTreeMap<String, Vec<String>>,
    problems: &mut Vec<Problem>,
) -> Vec<Entry> {
    let ours: BTreeMap<&str, &OsStr> = environment
        .iter()
        .filter_map(|(variable, value)| Some((variable.to_str()?, value.as_os_str())))
        .filter(|(variable, value)| variable.starts_with(PREFIX) && !is_foreign(variable, value))
        .collect();
    let mut entries = Vec::new();
    for (variable, value) in ours {
        let path = path(&variable[PREFIX.len()..], names);
        let place = Place::Environment { variable: variable.to_owned() };
        match value.to_str() {
            Some(text) => entries.push(Entry { path, text: text.to_owned(), place }),
            None => {
                let key = path.join(".");
                problems.push(Problem::new(place, &key, format!("`{key}` must be UTF-8")));
            }
        }
    }
    entries
}

/// The variable that sets a key, where its letters can say it. `places` are those of all keys: what the layers below
/// wrote is what hyphens are found in.
pub(super) fn variable(key: &str, places: &BTreeMap<String, Place>) -> Option<String> {
    let below = places.iter().filter(|(_, place)| matches!(place, Place::Embedded { .. } | Place::File { .. }));
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, name) in below.filter_map(|(key, _)| key.split_once('.')) {
        names.entry(table.to_owned()).or_default().push(name.to_owned());
    }
    let name = key.to_uppercase().replace('-', "_").replace('.', "__");
    let sayable = name.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
    (sayable && path(&name, &names).join(".") == key).then(|| format!("{PREFIX}{name}"))
}

fn is_foreign(variable: &str, value: &OsStr) -> bool {
    let begins = |prefix: &&str| variable.starts_with(*prefix);
    let service_url = variable == "POSTERN_PORT" && value.to_str().is_some_and(|value| value.contains("://"));
    service_url || OTHERS.iter().any(begins) || KUBERNETES.iter().any(begins)
}

fn path(variable: &str, names: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut path: Vec<String> = variable.to_lowercase().split("__").map(str::to_owned).collect();
    if let [table, name, ..] = path.as_mut_slice() {
        let defined = names.get(table).map(Vec::as_slice).unwrap_or_default();
        if !defined.contains(name)
            && let Some(hyphenated) = defined.iter().find(|defined| defined.replace(['-', '.', ':'], "_") == *name)
        {
            hyphenated.clone_into(name);
        }
    }
    path
}
