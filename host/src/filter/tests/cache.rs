use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn host(directory: &Path) -> Host {
    Host::new(&HostConfig { slots: 2, ..HostConfig::new(directory) }).unwrap()
}

fn load(host: &Host, name: &str) -> Filter {
    let source = Source { origin: name, bytes: &wasm(name) };
    host.load(name, source, &Config::default()).unwrap()
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = names.filter(|path| path.extension().is_some_and(|suffix| suffix == "compiled")).collect();
    names.sort();
    names
}

fn works(host: &Host, name: &str, verdict: &Verdict) {
    assert_eq!(ask(&load(host, name), &message("{}")).0.as_ref(), Ok(verdict));
}

#[test]
fn compiled_code_is_kept_and_used_and_closed_to_others() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("deep/cache");
    works(&host(&cache), "pass", &Verdict::Pass);
    let entry = entries(&cache).pop().unwrap();
    assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(&entry).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 2, "an entry and the key, and nothing left aside");
    // Another start finds it: it is read and not written again.
    let before = fs::metadata(&entry).unwrap().modified().unwrap();
    works(&host(&cache), "pass", &Verdict::Pass);
    assert_eq!(fs::metadata(&entry).unwrap().modified().unwrap(), before);
}

#[test]
fn an_entry_that_is_damaged_or_foreign_is_compiled_anew() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path();
    works(&host(cache), "pass", &Verdict::Pass);
    let entry = entries(cache).pop().unwrap();
    let good = fs::read(&entry).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    for bad in [vec![], good[..16].to_vec(), good[..good.len() / 2].to_vec(), flipped(0), flipped(good.len() - 1)] {
        fs::write(&entry, &bad).unwrap();
        works(&host(cache), "pass", &Verdict::Pass);
        assert_eq!(fs::read(&entry).unwrap().len(), good.len(), "it is kept anew");
    }
    // Another filter's entry under this one's name: true code, but not of this component.
    works(&host(cache), "drop", &Verdict::Drop(Some("unwanted".into())));
    let other = entries(cache).into_iter().find(|path| *path != entry).unwrap();
    fs::copy(&other, &entry).unwrap();
    works(&host(cache), "pass", &Verdict::Pass);
    // A key of another's making, or one cut short.
    fs::write(cache.join("key"), [7; 32]).unwrap();
    works(&host(cache), "pass", &Verdict::Pass);
    fs::write(cache.join("key"), [7; 3]).unwrap();
    works(&host(cache), "pass", &Verdict::Pass);
}

#[test]
fn a_cache_that_cannot_be_is_done_without() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "in the way").unwrap();
    works(&host(&file), "pass", &Verdict::Pass);
}
