//! The gallery's filters against the cases beside them, each under the gateway's own engine.

use super::{built, tried, typed};
use crate::home;
use postern_tests::tools::{c, python};
use postern_tests::{Config, Home};
use std::path::{Path, PathBuf};

fn filters() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../filters")
}

#[tokio::test]
async fn every_filter_in_the_binary_does_what_its_cases_say() {
    let home = home(&Config::basic());
    let mut count = 0;
    for entry in filters().read_dir().expect("the gallery is there") {
        let directory = entry.expect("it is readable").path();
        if !directory.join("Cargo.toml").exists() {
            continue;
        }
        let name = directory.file_name().expect("it has a name").to_string_lossy().into_owned();
        let cases = directory.join("cases").display().to_string();
        let printed = typed(&home, &["filter", "test", &format!("builtin:{name}"), &cases]).await;
        assert!(printed.contains(" 0 wrong"), "{name}: {printed}");
        count += 1;
    }
    assert!(count >= 8, "the gallery has lost filters: {count}");
}

/// Builds a filter in another place, since it is one of the source tree, and asks it its cases.
async fn does_what_its_cases_say(home: &Home, name: &str, sdk: &str) {
    let from = filters().join(name);
    let to = home.path(name);
    copy(&from, &to);
    // In the gallery it is a link.
    copy(&filters().join("../guest-sdk").join(sdk).join("sdk"), &to.join("postern"));
    let component = built(home, name).await;
    let count = tried(home, &component, &from.join("cases")).await;
    assert!(count >= 5, "{name} has lost cases: {count}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the home is writable");
    for entry in from.read_dir().expect("it is there").map(|entry| entry.expect("it is readable")) {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("it is copied");
        }
    }
}

#[tokio::test]
async fn rate_limit_in_c_does_what_its_cases_say() {
    let home = home(&Config::basic());
    let Some(path) = c::path() else { return };
    home.set("PATH", &path);
    does_what_its_cases_say(&home, "rate-limit", "c").await;
}

#[tokio::test]
async fn keyword_tag_in_python_does_what_its_cases_say() {
    let home = home(&Config::basic());
    let Some(path) = python::path() else { return };
    home.set("PATH", &path);
    does_what_its_cases_say(&home, "keyword-tag", "python").await;
}
