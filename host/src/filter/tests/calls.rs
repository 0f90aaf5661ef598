use super::super::state::Subject;
use super::*;
use std::time::Instant;

fn text(text: &str) -> Payload {
    Payload { format: crate::message::Format::Text, data: text.to_owned().into() }
}

#[test]
fn a_verdict_says_what_the_filter_said() {
    let bench = bench();
    let said = |name: &str| ask(&bench.load(name), &message("{}")).0;
    assert_eq!(said("pass"), Ok(Verdict::Pass));
    assert_eq!(said("later-patch"), Ok(Verdict::Pass));
    assert_eq!(said("drop"), Ok(Verdict::Drop(Some("unwanted".into()))));
    assert_eq!(said("rewrite"), Ok(Verdict::Rewrite(text("rewritten"))));
    let Ok(Verdict::Send(parts)) = said("send") else { panic!("it sends") };
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0].payload, None);
    assert_eq!(parts[1].payload, Some(text("other")));
}

#[test]
fn a_filter_that_misbehaves_fails_by_name_and_the_next_call_is_unharmed() {
    let bench = bench();
    let pass = bench.load("pass");
    for (name, kind, says) in [
        ("trap", "trap", "trapped: wasm `unreachable` instruction executed"),
        ("recurse", "trap", "trapped: call stack exhausted"),
        ("loop", "deadline", "ran past its deadline of 50ms"),
        ("memory", "memory", "asked for 67174400 bytes of memory, of the 67108864 it may have"),
        ("huge-output", "output", "answered with more than the 4194304 bytes it may"),
        ("error", "refused", "gave up: I do not follow"),
        ("invalid-text", "invalid", "answered with text that is not UTF-8"),
        ("too-many", "invalid", "answered with 100 deliveries, of the 64 it may make"),
        ("allow-all", "missing", "exports no `message-handler`"),
    ] {
        let failure = ask(&bench.load(name), &message("{}")).0.expect_err(name);
        assert_eq!((failure.kind(), &*failure.to_string()), (kind, says), "{name}");
        assert_eq!(ask(&pass, &message("{}")).0, Ok(Verdict::Pass), "after {name}");
    }
}

#[test]
fn a_loop_ends_at_its_deadline_and_not_long_after() {
    let bench = bench();
    let config = Config { deadline: Duration::from_millis(20), ..Config::default() };
    let filter = bench.load_with("loop", &config);
    let started = Instant::now();
    let (verdict, cost) = ask(&filter, &message("{}"));
    assert_eq!(verdict, Err(Failure::Deadline(Duration::from_millis(20))));
    println!("a loop with a deadline of 20 ms was ended after {:?}", started.elapsed());
    assert!(cost.micros >= 20_000);
    // The most that a call kept from running is given is four deadlines; the rest is for a busy machine.
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_filter_reads_a_message_as_json() {
    let bench = bench();
    let body = r#"{"a":[{"b/c":"text"},7,null,{"x":1.5}],"":true}"#;
    for (pointer, found) in [
        ("/a/0/b~1c", Some("text")),
        ("/a/1", Some("7")),
        ("/a/2", Some("null")),
        ("/a/3", Some(r#"{"x":1.5}"#)),
        ("/", Some("true")),
        ("/a/4", None),
        ("/a/01", None),
        ("a", None),
    ] {
        let verdict = ask(&bench.load_with("probe", &probe(pointer)), &message(body)).0;
        assert_eq!(verdict, Ok(found.map_or(Verdict::Drop(None), |found| Verdict::Rewrite(text(found)))), "{pointer}");
    }
}

#[test]
fn a_body_that_is_not_json_or_nests_too_deep_has_nothing_at_any_pointer() {
    let filter = bench().load_with("probe", &probe(""));
    for body in ["", "{", "hello", &"[".repeat(1_000_000), &format!("{}{}", "[".repeat(200), "]".repeat(200))] {
        assert_eq!(ask(&filter, &message(body)).0, Ok(Verdict::Drop(None)));
    }
}

#[test]
fn many_threads_call_one_filter_and_wait_for_room() {
    let bench = bench_with(2);
    let filter = bench.load_with("probe", &probe("/n"));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let filter = &filter;
            scope.spawn(move || {
                for call in 0..100 {
                    let number = format!("{thread}-{call}");
                    let verdict = ask(filter, &message(&json!({ "n": number }).to_string())).0;
                    assert_eq!(verdict, Ok(Verdict::Rewrite(text(&number))));
                }
            });
        }
    });
}

#[test]
fn a_call_that_finds_no_room_for_too_long_says_so() {
    let bench = bench_with(1);
    let quick = bench.load("pass");
    let (begun, waits) = std::sync::mpsc::channel();
    let (end, ends) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let quick = &quick;
        scope.spawn(move || {
            quick.0.current().callee.enter(Duration::from_secs(5), Subject::default(), |_, _| {
                begun.send(()).unwrap();
                let _ = ends.recv();
                Ok(Ok(()))
            })
        });
        waits.recv().unwrap();
        assert_eq!(ask(quick, &message("{}")).0, Err(Failure::Busy));
        end.send(()).unwrap();
    });
    assert_eq!(ask(&quick, &message("{}")).0, Ok(Verdict::Pass));
}

#[test]
fn a_panic_of_posterns_own_is_that_calls_failure_alone() {
    let bench = bench();
    let filter = bench.load("pass");
    let (answer, _) =
        filter.0.current().callee.enter(Duration::from_secs(1), Subject::default(), |_, _| -> wasmtime::Result<_> {
            panic!("planted");
            #[expect(unreachable_code, reason = "it names the type")]
            Ok(Ok(()))
        });
    assert_eq!(answer, Err(Failure::Bug("planted".into())));
    assert_eq!(ask(&filter, &message("{}")).0, Ok(Verdict::Pass));
}

#[test]
fn what_a_call_costs_is_printed() {
    let bench = bench();
    let filter = bench.load("pass");
    let message = message(&"x".repeat(1024));
    let mut times: Vec<Duration> = (0..5000)
        .map(|_| {
            let started = Instant::now();
            assert!(ask(&filter, &message).0.is_ok());
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("a fresh call of pass.wat, 1 KiB: median {:?}, 99th {:?}, least {:?}", times[2500], times[4950], times[0]);
}
