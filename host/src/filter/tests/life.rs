//! What becomes of a filter over many calls: kept instances, being set aside, exchange, going back.

use super::*;
use crate::metrics::{FilterLabels, FilterVerdict, Metrics};
use std::path::Path;
use std::time::Instant;

fn reuse() -> Config {
    Config { instances: Instances::Reuse, breaker: 0, ..Config::default() }
}

fn verdicts(filter: &Filter, calls: usize) -> Vec<&'static str> {
    let one = |_| ask(filter, &message("{}")).0.map_or_else(|failure| failure.kind(), |verdict| verdict.name());
    (0..calls).map(one).collect()
}

#[test]
fn an_instance_that_is_kept_remembers_and_one_that_trapped_is_never_used_again() {
    let bench = bench();
    assert_eq!(verdicts(&bench.load("remember"), 3), ["pass"; 3]);
    let kept = bench.load_with("remember", &reuse());
    assert_eq!(verdicts(&kept, 6), ["pass", "drop", "drop", "trap", "pass", "drop"]);
}

#[test]
fn a_filter_that_starts_quickly_gets_a_fresh_instance_without_being_told() {
    let bench = bench();
    assert!(!bench.load("pass").keeps_instances());
}

#[test]
fn a_handle_of_an_earlier_call_names_nothing() {
    let bench = bench();
    let filter = bench.load_with("stale", &reuse());
    let answers: Vec<_> = (0..3).map(|_| ask(&filter, &message("{}")).0).collect();
    assert_eq!(answers[0], Ok(Verdict::Pass));
    let Err(Failure::Trap(words)) = &answers[1] else { panic!("{answers:?}") };
    assert!(words.contains("after the call it came with"), "{words}");
    assert_eq!(answers[2], Ok(Verdict::Pass), "on another instance");
}

#[test]
fn an_instance_that_has_grown_is_let_go_before_it_runs_into_its_limit() {
    let bench = bench();
    let filter = bench.load_with("leak", &Config { memory: 8 << 20, ..reuse() });
    assert_eq!(verdicts(&filter, 100), ["pass"; 100]);
}

#[test]
fn calls_at_the_same_time_have_instances_of_their_own() {
    let bench = bench();
    let filter = bench.load_with("remember", &reuse());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let got = verdicts(&filter, 200);
                // In each instance every fourth call traps, whoever makes it.
                assert!(got.iter().all(|verdict| ["pass", "drop", "trap"].contains(verdict)), "{got:?}");
            });
        }
    });
    assert!(filter.0.current().callee.warm.as_ref().unwrap().count() <= 4);
}

#[test]
fn a_filter_that_fails_each_time_is_not_asked_for_a_while() {
    let bench = bench();
    let filter = bench.load("trap");
    let got = verdicts(&filter, 7);
    assert_eq!(got, ["trap", "trap", "trap", "trap", "trap", "set_aside", "set_aside"]);
}

#[test]
fn what_a_filter_in_shadow_says_is_recorded_and_not_done() {
    let bench = bench();
    let shadow = Config { shadow: true, ..Config::default() };
    let chain = [bench.load_with("drop", &shadow), bench.load_with("trap", &shadow), bench.load("rewrite")];
    let outcome = run(&chain, message("{}"), &Scope::default());
    let steps: Vec<&str> = outcome.trail.iter().map(|step| &*step.verdict).collect();
    assert_eq!(steps[0], "shadow drop");
    assert!(steps[1].starts_with("shadow error: trapped"), "{steps:?}");
    assert_eq!((steps[2], outcome.held), ("rewrite", None));
    assert_eq!(&*outcome.deliveries[0].payload.data, b"rewritten");
}

/// A shelf with one filter, `judge`, from a file that begins as this.
struct Set {
    shelf: Shelf,
    file: PathBuf,
    metrics: Metrics,
    directory: tempfile::TempDir,
}

fn set(config: Config) -> Set {
    let directory = tempfile::tempdir().unwrap();
    let metrics = Metrics::default();
    let file = directory.path().join("judge.wasm");
    std::fs::write(&file, wasm("pass")).unwrap();
    let set = Set { shelf: shelf(&directory, &file, &metrics, config), file, metrics, directory };
    assert_eq!(set.says(), "pass");
    set
}

fn shelf(directory: &tempfile::TempDir, file: &Path, metrics: &Metrics, config: Config) -> Shelf {
    let host = HostConfig { slots: 8, metrics: metrics.clone(), ..HostConfig::new(directory.path().join("cache")) };
    let mut shelf = Shelf::new(Host::new(&host).unwrap(), directory.path().join("filters"));
    shelf.add(None, "judge", Origin::File(file.to_owned()), config).unwrap();
    assert!(shelf.needs("judge", "message-handler"));
    shelf
}

impl Set {
    fn says(&self) -> &'static str {
        verdicts(self.shelf.filter("judge").unwrap(), 1)[0]
    }

    fn write(&self, name: &str) {
        std::fs::write(&self.file, wasm(name)).unwrap();
    }

    fn again(&self) -> Shelf {
        shelf(&self.directory, &self.file, &self.metrics, Config::default())
    }
}

fn said(shelf: &Shelf) -> &'static str {
    verdicts(shelf.filter("judge").unwrap(), 1)[0]
}

#[test]
fn a_file_that_changes_is_taken_and_one_that_is_unfit_is_not() {
    let set = set(Config::default());
    assert_eq!(set.shelf.look().0, []);
    set.write("drop");
    assert_eq!(set.shelf.look().0.len(), 1);
    assert_eq!(set.says(), "drop");
    for unfit in ["core-module", "allow-all", "bad-import"] {
        set.write(unfit);
        let (changes, refusals) = set.shelf.look();
        assert_eq!((changes.len(), refusals.len()), (0, 1), "{unfit}");
        assert_eq!(set.says(), "drop");
    }
    std::fs::remove_file(&set.file).unwrap();
    assert_eq!(set.shelf.look().1.len(), 1);
    assert_eq!(set.says(), "drop");
}

#[test]
fn a_shelf_that_takes_the_place_of_another_has_its_filters_with_what_their_files_hold_now() {
    let set = set(Config::default());
    set.write("drop");
    let mut next = set.shelf.after();
    next.keep(&set.shelf, "judge").unwrap();
    assert!(next.needs("judge", "message-handler"));
    assert_eq!((set.says(), said(&next)), ("pass", "pass"), "it has not taken its place yet");
    assert_eq!(next.take_place(&set.shelf).len(), 1);
    assert_eq!((set.says(), said(&next)), ("drop", "drop"), "those who have the filter have the new version");
    set.write("pass");
    assert_eq!(set.shelf.look().0, [], "nothing is exchanged any more where another has taken the place");
    assert!(matches!(set.shelf.put("judge", &wasm("pass")), Err(Refusal::Reloaded(_))));
    assert_eq!(next.look().0.len(), 1);
    assert_eq!(said(&next), "pass");
}

#[test]
fn settings_that_change_are_a_new_version_of_the_same_filter() {
    let set = set(Config::default());
    set.shelf.put("judge", &wasm("drop")).unwrap().1.unwrap();
    let mut next = set.shelf.after();
    let settings = Config { on_error: OnError::Drop, ..Config::default() };
    next.add(Some(&set.shelf), "judge", Origin::File(set.file.clone()), settings).unwrap();
    let before = set.shelf.filter("judge").unwrap().clone();
    assert_eq!(before.on_error(), OnError::Hold);
    next.take_place(&set.shelf);
    assert_eq!((before.on_error(), set.says()), (OnError::Drop, "drop"), "what an operator had put there stays");
}

#[test]
fn what_an_operator_puts_outlives_a_restart_until_the_configured_one_changes() {
    let set = set(Config::default());
    let (change, kept) = set.shelf.put("judge", &wasm("drop")).unwrap();
    assert!(kept.is_ok() && change.to == digest(&wasm("drop")));
    assert_eq!((set.says(), said(&set.again())), ("drop", "drop"));
    assert!(set.shelf.look().0.is_empty(), "the file is what it was");
    set.write("rewrite");
    assert_eq!((said(&set.again()), said(&set.again())), ("rewrite", "rewrite"));
}

#[test]
fn what_is_put_must_be_able_to_do_what_the_filter_is_used_for() {
    let set = set(Config::default());
    let refused = set.shelf.put("judge", &wasm("allow-all")).unwrap_err().to_string();
    assert!(refused.contains("does not export `message-handler`"), "{refused}");
    assert!(matches!(set.shelf.put("nobody", &wasm("drop")), Err(Refusal::Unknown(_))));
    assert_eq!(set.says(), "pass");
}

#[test]
fn a_pin_holds_for_what_is_put_too() {
    let pinned = Config { sha256: Some(digest(&wasm("pass"))), ..Config::default() };
    let set = set(pinned);
    assert!(set.shelf.put("judge", &wasm("drop")).unwrap_err().to_string().contains("failed to load"));
    set.write("drop");
    assert_eq!(set.shelf.look().1.len(), 1);
    assert_eq!(set.says(), "pass");
}

#[test]
fn a_new_version_that_fails_too_often_is_given_up_for_the_one_before() {
    let set = set(Config::default());
    let before = set.shelf.filter("judge").unwrap().sha256();
    assert!(set.shelf.put("judge", &wasm("trap")).unwrap().1.is_ok());
    let got = verdicts(set.shelf.filter("judge").unwrap(), 8);
    assert_eq!(got, ["trap", "trap", "trap", "trap", "trap", "trap", "pass", "pass"]);
    let report = &set.shelf.report()[0];
    assert_eq!((&report.sha256, &report.previous, report.probation_s), (&before, &None, None));
    let rejected = report.rejected.as_ref().unwrap();
    assert!(rejected.why.contains("unreachable") && rejected.sha256 == digest(&wasm("trap")));
    assert_eq!(said(&set.again()), "pass", "nor is it back after a restart");
}

#[test]
fn one_that_has_not_proved_itself_is_nothing_to_go_back_to() {
    let set = set(Config::default());
    assert!(set.shelf.put("judge", &wasm("trap")).unwrap().1.is_ok());
    assert_eq!(verdicts(set.shelf.filter("judge").unwrap(), 3), ["trap"; 3]);
    assert!(set.shelf.put("judge", &wasm("error")).unwrap().1.is_ok());
    assert_eq!(verdicts(set.shelf.filter("judge").unwrap(), 7), [&["refused"; 6][..], &["pass"]].concat());
}

#[test]
fn one_that_has_proved_itself_stays_until_an_operator_wants_the_one_before() {
    let quick = Rollback { failures: 0, within: Duration::from_millis(1) };
    let set = set(Config { rollback: Some(quick), ..Config::default() });
    // It succeeds once it is older than its probation.
    assert!(set.shelf.put("judge", &wasm("drop")).unwrap().1.is_ok());
    let filter = set.shelf.filter("judge").unwrap();
    let started = Instant::now();
    while set.shelf.report()[0].probation_s.is_some() {
        assert_eq!(ask(filter, &message("{}")).0.unwrap().name(), "drop");
        assert!(started.elapsed() < Duration::from_secs(10));
    }
    assert_eq!(set.shelf.back("judge").unwrap().to, digest(&wasm("pass")));
    assert_eq!(set.says(), "pass");
    assert!(matches!(set.shelf.back("judge"), Err(Refusal::NothingBefore(_))));
}

#[test]
fn many_exchanges_leave_no_component_behind() {
    let set = set(Config { rollback: None, ..Config::default() });
    let first = Arc::downgrade(&set.shelf.filter("judge").unwrap().0.current());
    let components = [wasm("drop"), wasm("pass")];
    for round in 0..200 {
        assert!(set.shelf.put("judge", &components[round % 2]).unwrap().1.is_ok());
        set.says();
    }
    assert_eq!(first.strong_count(), 0);
    let label = |verdict| FilterLabels { filter: "judge".into(), verdict };
    let count = |verdict| set.metrics.filter_calls.get_or_create(&label(verdict)).get();
    assert_eq!((count(FilterVerdict::Drop), count(FilterVerdict::Pass)), (100, 101));
}

fn digest(bytes: &[u8]) -> String {
    load::digest(bytes)
}
