//! Node and npm, which a user has, and what npm installs into a project.

use super::wanting;
use crate::guests::target;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The oldest Node that the builds of filters run on.
const OLDEST: u32 = 18;

/// Runs npm in a project. What it downloads is kept under the target directory, and so downloaded once.
pub fn npm(project: &Path, arguments: &[&str]) -> std::io::Result<Output> {
    let mut command = Command::new("npm");
    command.args(arguments).args(["--prefer-offline", "--no-audit", "--no-fund"]);
    command.arg("--cache").arg(target().join("tools/npm")).current_dir(project).stdin(Stdio::null());
    // What the tester's own npm was told, when it is npm that runs the tests.
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("npm_") {
            command.env_remove(variable);
        }
    }
    command.output()
}

/// `npm install` in each of these projects, as their users do; whether the test can go on.
pub fn install(projects: &[&Path]) -> bool {
    let node = Command::new("node").arg("--version").stdin(Stdio::null()).output();
    let words = node.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let major = words.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST) {
        let what = format!("a test needs Node {OLDEST} or later, and there is {}", if words.is_empty() { "none" } else { words.trim() });
        wanting(&what, "apt-get install nodejs npm, or https://nodejs.org/en/download");
        return false;
    }
    for project in projects {
        match npm(project, &["install"]) {
            Err(error) => {
                wanting(&format!("a test needs npm, which cannot be started: {error}"), "apt-get install npm");
                return false;
            }
            Ok(output) if !output.status.success() => {
                let words = String::from_utf8_lossy(&output.stderr);
                let what = format!("`npm install` failed in {}: {words}", project.display());
                wanting(&what, "npm ping tells whether its registry can be reached");
                return false;
            }
            Ok(_) => {}
        }
    }
    true
}
