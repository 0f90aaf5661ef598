//! The SDK's `Cargo.toml` as it stands alone: what it has from our workspace is written out, so that no version is written
//! twice.

use std::fmt::Write;
use toml_edit::{ImDocument, Item};

/// `manifest`, with each `… .workspace = true` replaced by what `workspace` says in its place.
pub(super) fn alone(manifest: &str, workspace: &str) -> String {
    let document = ImDocument::parse(workspace).ok();
    let value = |table: &str, key: &str| -> Option<&str> {
        let item = document.as_ref()?.get("workspace")?.get(table)?.get(key)?;
        workspace.get(Item::span(item)?)
    };
    let mut alone = String::new();
    let mut table = "package";
    for line in manifest.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = if name.starts_with("package") { "package" } else { "dependencies" };
        }
        match line.split_once(".workspace = true") {
            // Lints are our own affair.
            _ if line == "[lints]" || line == "workspace = true" => {}
            Some((key, "")) => {
                let _ = writeln!(alone, "{key} = {}", value(table, key).unwrap_or("\"*\""));
            }
            _ => {
                let _ = writeln!(alone, "{line}");
            }
        }
    }
    alone.truncate(alone.trim_end().len());
    alone.push('\n');
    alone
}
