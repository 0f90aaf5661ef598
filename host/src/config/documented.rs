//! What `default.toml` says to its readers: the comment of each key, and the keys that have no default, shown as comments
//! without a space.

use super::DEFAULTS;
use std::collections::BTreeMap;

/// The file with every key in force that it shows.
pub(super) fn with_all_keys() -> String {
    let mut text = String::with_capacity(DEFAULTS.len());
    for line in DEFAULTS.lines() {
        text.push_str(shown(line).unwrap_or(line));
        text.push('\n');
    }
    text
}

/// The comment above each key, and above each section's header. Keys without a blank line between them share one.
pub(super) fn comments() -> BTreeMap<String, String> {
    let mut comments = BTreeMap::new();
    let (mut section, mut comment, mut is_told) = (String::new(), String::new(), false);
    for line in DEFAULTS.lines() {
        let written = shown(line).unwrap_or(line);
        if let Some(header) = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = header.to_owned();
            comments.insert(section.clone(), std::mem::take(&mut comment));
        } else if let Some(words) = written.strip_prefix('#') {
            if std::mem::take(&mut is_told) {
                comment.clear();
            }
            if !comment.is_empty() {
                comment.push(' ');
            }
            comment.push_str(words.trim());
        } else if let Some((name, _)) = written.split_once(" = ") {
            let key = if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
            comments.insert(key, comment.clone());
            is_told = true;
        } else {
            comment.clear();
        }
    }
    comments.retain(|_, comment| !comment.is_empty());
    comments
}

/// A key, or a header, that is shown as a comment.
fn shown(line: &str) -> Option<&str> {
    let written = line.strip_prefix('#')?;
    let is_key = written.starts_with(|first: char| first.is_ascii_lowercase()) && written.contains(" = ");
    (is_key || written.starts_with('[')).then_some(written)
}
