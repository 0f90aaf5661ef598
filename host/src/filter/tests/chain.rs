use super::*;
use crate::message::{ClientId, Format, Label, Narrowing, Selector};

fn steps(outcome: &Outcome) -> Vec<(&str, &str)> {
    outcome.trail.iter().map(|step| (&*step.filter, &*step.verdict)).collect()
}

#[test]
fn without_filters_a_message_goes_on_as_it_is() {
    let outcome = run(&[], message("{}"), &Scope::default());
    assert_eq!(outcome, Outcome { deliveries: vec![message("{}")], ..Outcome::default() });
}

#[test]
fn each_filter_sees_what_the_earlier_ones_left() {
    let bench = bench();
    let chain = [bench.load("pass"), bench.load("rewrite"), bench.load("drop"), bench.load("trap")];
    let outcome = run(&chain[..2], message("{}"), &Scope::default());
    assert_eq!(&*outcome.deliveries[0].payload.data, b"rewritten");
    assert_eq!(steps(&outcome), [("pass", "pass"), ("rewrite", "rewrite")]);
    let outcome = run(&chain, message("{}"), &Scope::default());
    assert_eq!((outcome.deliveries.len(), &outcome.held), (0, &None));
    assert_eq!(steps(&outcome), [("pass", "pass"), ("rewrite", "rewrite"), ("drop", "drop")]);
    assert_eq!(outcome.trail[0].sha256, chain[0].sha256());
    assert_eq!(outcome.trail[0].sha256.len(), 64);
}

#[test]
fn what_a_filter_rewrote_is_what_the_next_reads_as_json() {
    let bench = bench();
    let chain = [bench.load_with("probe", &probe("/a")), bench.load_with("probe", &probe("/b"))];
    let outcome = run(&chain, message(r#"{"a":{"b":"inner"},"b":"outer"}"#), &Scope::default());
    assert_eq!(&*outcome.deliveries[0].payload.data, b"inner");
}

#[test]
fn a_split_message_goes_on_in_parts_whose_audiences_only_narrow() {
    let bench = bench();
    let outcome = run(&[bench.load("send"), bench.load("send")], message("{}"), &Scope::default());
    assert_eq!(steps(&outcome), [("send", "send"); 3]);
    let desk = Label { key: "desk".into(), value: "1".into() };
    let desk = Narrowing { to: Selector::AnyLabel(vec![desk]), except: vec![] };
    let others = Narrowing { to: Selector::Everyone, except: vec![ClientId(7)] };
    let got: Vec<(&[u8], &[Narrowing])> =
        outcome.deliveries.iter().map(|part| (&*part.payload.data, &*part.audience.0)).collect();
    assert_eq!(
        got,
        [
            (&b"{}"[..], &[desk.clone(), desk.clone()][..]),
            (b"other", &[desk.clone(), others.clone()]),
            (b"other", &[others.clone(), desk]),
            (b"other", &[others.clone(), others]),
        ]
    );
    assert!(outcome.deliveries.iter().all(|part| part.id == EventId(7)));
    assert_eq!(outcome.deliveries[0].payload.format, Format::Text);
}

#[test]
fn a_selection_of_everyone_narrows_nothing() {
    let outcome = run(&[bench().load("split-64")], message("{}"), &Scope::default());
    assert_eq!(outcome.deliveries, vec![message("{}"); 64]);
}

#[test]
fn a_message_cannot_be_split_without_end() {
    let bench = bench();
    let outcome = run(&[bench.load("split-64"), bench.load("split-64")], message("{}"), &Scope::default());
    assert!(outcome.deliveries.is_empty());
    let held = outcome.held.unwrap();
    assert_eq!(held.failure.to_string(), "answered with deliveries that split one message into over 1024 parts");
}

#[test]
fn a_failure_is_met_as_on_error_says() {
    let bench = bench();
    for name in ["trap", "loop", "error"] {
        let load = |policy| [bench.load_with(name, &on_error(policy)), bench.load("rewrite")];
        let held = run(&load(OnError::Hold), message("{}"), &Scope::default());
        assert!(held.deliveries.is_empty());
        assert_eq!(held.held.as_ref().map(|held| &*held.filter), Some(name));
        assert_eq!(held.trail.len(), 1);
        assert_eq!(held.trail[0].verdict, format!("error: {}", held.held.unwrap().failure));

        let passed = run(&load(OnError::Pass), message("{}"), &Scope::default());
        assert_eq!((&*passed.deliveries[0].payload.data, passed.held), (&b"rewritten"[..], None));
        assert_eq!(passed.trail[1].verdict, "rewrite");

        let dropped = run(&load(OnError::Drop), message("{}"), &Scope::default());
        assert_eq!((dropped.deliveries.len(), dropped.trail.len(), dropped.held), (0, 1, None));
    }
}

#[test]
fn when_one_part_is_held_nothing_of_the_message_is_delivered() {
    let bench = bench();
    let chain = [bench.load("send"), bench.load_with("probe", &probe("/a")), bench.load("trap")];
    // The first part has an `a`, and goes on to the trap; the second, which is no JSON, is dropped.
    let outcome = run(&chain, message(r#"{"a":"b"}"#), &Scope::default());
    assert_eq!((outcome.deliveries.len(), outcome.held.is_some(), outcome.trail.len()), (0, true, 4));
}
