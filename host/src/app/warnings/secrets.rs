//! Secrets that every user of the machine can read.

use super::List;
use crate::config::{Identity, Place};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

pub fn look(list: &mut List<'_>) {
    let config = list.config;
    let mut files = config.secrets.files.clone();
    if let Identity::Files { key, .. } = &config.tls.identity {
        files.push(("tls.key".to_owned(), key.clone()));
    }
    for (key, file) in files {
        if is_open(&file) {
            let shown = file.display();
            let what = format!("`{key}`: every user of this machine can read its file `{shown}`");
            list.warn(&key, what, &format!("`chmod o-r {shown}`"));
        }
    }
    written(list);
}

/// Those in the configuration itself.
fn written(list: &mut List<'_>) {
    let config = list.config;
    let Some(first) = config.secrets.written.first() else { return };
    let Place::File { file, .. } = config.place(first) else { return };
    if is_open(&file) {
        let shown = file.display();
        let are = match config.secrets.written.len() - 1 {
            0 => "is".to_owned(),
            more => format!("and {more} more are"),
        };
        let what = format!("`{first}` {are} in the clear in `{shown}`, which every user of this machine can read");
        let hint = format!("`chmod o-r {shown}`, or keep secrets elsewhere: {{ file = \"…\" }}, {{ env = \"…\" }}");
        list.warn(first, what, &hint);
    }
}

fn is_open(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o004 != 0)
}
