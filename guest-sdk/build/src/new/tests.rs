//! What `filter new` writes, and what it refuses.

use super::*;
use toml_edit::ImDocument;

fn written(language: Language, name: &str) -> (tempfile::TempDir, Begun) {
    let directory = tempfile::tempdir().expect("a directory");
    let begun = new(language, &directory.path().join(name)).unwrap_or_else(|error| panic!("{error}"));
    (directory, begun)
}

#[test]
fn a_new_filter_has_its_name_its_sdk_and_cases_to_try() {
    for language in [Language::C, Language::Rust, Language::Zig] {
        let (directory, begun) = written(language, "night-desk");
        let has = |file: &str| begun.files.iter().any(|path| path == Path::new(file));
        assert!(has("README.md") && has(".gitignore") && has("cases/filter.toml"), "{language}: {:?}", begun.files);
        assert!(has("postern/README.md"), "{language}: {:?}", begun.files);
        for file in begun.files.iter().filter(|file| !file.starts_with(SDK)) {
            let text = fs::read_to_string(directory.path().join("night-desk").join(file)).expect("it is text");
            assert!(!text.contains(NAME), "{language}: {} has no name", file.display());
        }
        assert_eq!(begun.next.len(), 3, "{:?}", begun.next);
    }
}

#[test]
fn a_project_in_any_language_but_rust_can_be_read_by_filter_build() {
    for language in Language::ALL {
        if language == Language::Rust || files(language, "x").len() <= 1 {
            continue;
        }
        let (directory, begun) = written(language, "night-desk");
        let project = crate::Project::read(&directory.path().join("night-desk"));
        let project = project.unwrap_or_else(|error| panic!("{error}")).expect("it has a filter.toml");
        assert_eq!((project.language, project.name.as_str()), (language, "night-desk"));
        assert!(begun.files.contains(&project.source) || project.source == Path::new("."), "{language}");
    }
}

#[test]
fn nothing_is_written_where_something_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let mine = directory.path().join("mine");
    fs::create_dir(&mine).expect("a directory");
    new(Language::C, &mine).expect("an empty directory will do");
    let error = new(Language::C, &mine).expect_err("it is not empty any more").to_string();
    assert!(error.contains("not empty") && error.contains("mine"), "{error}");
    let file = directory.path().join("file");
    fs::write(&file, "mine").expect("a file");
    let error = new(Language::C, &file).expect_err("it is a file").to_string();
    assert!(error.contains("it is a file"), "{error}");
}

#[test]
fn a_name_that_no_language_would_take_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    for name in ["2fast", "-x", "With Space", "Capital", "caf\u{e9}", &"x".repeat(65)] {
        let error = new(Language::Go, &directory.path().join(name)).expect_err(name).to_string();
        assert!(error.contains("cannot be the name of a filter"), "{name}: {error}");
        assert!(!directory.path().join(name).exists(), "{name}");
    }
}

#[test]
fn nothing_that_tools_leave_behind_is_compiled_in() {
    let left = ["node_modules", "__pycache__", "target", "dist", ".venv", "zig-out", ".zig-cache"];
    for (path, bytes) in EMBEDDED {
        assert!(!path.split('/').any(|part| left.contains(&part)), "{path}");
        assert!(bytes.len() < 256 << 10, "{path} is of {} bytes: is it source?", bytes.len());
    }
}

#[test]
fn the_sdk_of_a_rust_filter_has_the_very_versions_of_ours_and_no_workspace() {
    let alone = manifest::alone(text("Cargo.toml"), text("../Cargo.toml"));
    assert!(!alone.contains("workspace"), "{alone}");
    assert!(!alone.contains("\"*\""), "what our workspace does not say: {alone}");
    let (ours, alone) = (ImDocument::parse(text("../Cargo.toml")), ImDocument::parse(alone.as_str()));
    let (ours, alone) = (ours.expect("it is TOML"), alone.expect("it is TOML"));
    let words = |item: &toml_edit::Item, key: &str| item.get(key).and_then(|item| item.as_str().map(str::to_owned));
    assert_eq!(words(&alone["package"], "edition"), words(&ours["workspace"]["package"], "edition"));
    let binding = |document: &ImDocument<&str>, path: &[&str]| {
        let item = path.iter().try_fold(document.as_item(), |item, key| item.get(key));
        item.and_then(|item| item.get("wit-bindgen")?.get("version")?.as_str().map(str::to_owned))
    };
    let theirs = binding(&alone, &["target", "cfg(target_family = \"wasm\")", "dependencies"]);
    assert!(theirs.is_some());
    assert_eq!(theirs, binding(&ours, &["workspace", "dependencies"]));
}
