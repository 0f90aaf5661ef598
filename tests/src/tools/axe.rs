//! axe-core, which looks for what keeps people from using a page.

use super::installed;
use super::javascript::npm;
use std::path::Path;

const VERSION: &str = "4.14.1";

/// Its script, to be run in a page; or why there is none.
pub fn script() -> Result<String, String> {
    let directory = installed(&format!("axe-core-{VERSION}"), |directory: &Path| {
        std::fs::write(directory.join("package.json"), "{}").map_err(|error| error.to_string())?;
        let output = npm(directory, &["install", "--ignore-scripts", &format!("axe-core@{VERSION}")]);
        let output = output.map_err(|error| format!("npm cannot be started: {error}"))?;
        let words = String::from_utf8_lossy(&output.stderr);
        output.status.success().then_some(()).ok_or_else(|| format!("npm install failed: {words}"))
    })?;
    let file = directory.join("node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))
}
