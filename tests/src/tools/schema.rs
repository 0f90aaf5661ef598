//! jsonschema, which PyPI has: a validator of JSON Schema that is not ours.

use super::python::pip;
use super::{installed, wanting};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const VERSION: &str = "4.26.0";

/// Reads `{"schema": …, "documents": {NAME: TOML, …}}` and prints what is wrong with each document, by its name.
const VALIDATE: &str = r#"
import json, sys, tomllib
from jsonschema.validators import validator_for
given = json.load(sys.stdin)
kind = validator_for(given["schema"])
kind.check_schema(given["schema"])
validator = kind(given["schema"])
faults = lambda text: [f"{e.json_path}: {e.message[:200]}" for e in validator.iter_errors(tomllib.loads(text))]
print(json.dumps({name: faults(text) for name, text in given["documents"].items()}))
"#;

/// What is wrong with each of these pieces of TOML by a schema, by their names. `None`: there is no Python for it, which has
/// been said.
pub fn validate(schema: &serde_json::Value, documents: &[(String, String)]) -> Option<serde_json::Value> {
    let documents: serde_json::Map<_, _> =
        documents.iter().map(|(name, text)| (name.clone(), text.as_str().into())).collect();
    let given = serde_json::json!({ "schema": schema, "documents": documents }).to_string();
    match installed("jsonschema", install).and_then(|directory| run(&directory, &given)) {
        Ok(told) => Some(serde_json::from_str(&told).expect("the validator prints JSON")),
        Err(why) => {
            wanting(&format!("a test needs jsonschema: {why}"), "apt-get install python3-pip, or python3-venv");
            None
        }
    }
}

fn install(directory: &Path) -> Result<(), String> {
    pip(directory, &format!("jsonschema=={VERSION}"))
}

fn run(directory: &Path, given: &str) -> Result<String, String> {
    let mut python = Command::new("python3");
    python.args(["-c", VALIDATE]).env("PYTHONPATH", directory);
    python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = python.spawn().map_err(|error| format!("`python3` cannot be started: {error}"))?;
    let mut input = child.stdin.take().ok_or("it has no standard input")?;
    input.write_all(given.as_bytes()).map_err(|error| format!("`python3` does not read: {error}"))?;
    drop(input);
    let output = child.wait_with_output().map_err(|error| format!("`python3` is lost: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}
