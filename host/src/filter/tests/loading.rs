use super::*;

fn refusal(name: &str) -> String {
    bench().try_load(name, &Config::default()).expect_err(name)
}

#[track_caller]
fn says(message: &str, parts: &[&str]) {
    println!("{message}\n");
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

#[test]
fn a_filter_knows_what_it_judges() {
    let bench = bench();
    let (message, admission) = (bench.load("pass"), bench.load("allow-all"));
    assert!(message.handles("message-handler") && !message.handles("admission-handler"));
    assert!(!admission.handles("message-handler") && admission.handles("admission-handler"));
    assert_eq!((message.name(), message.on_error()), ("pass", OnError::Hold));
}

#[test]
fn a_component_that_cannot_work_is_refused_with_what_to_do() {
    let load = "failed to load filter";
    says(&refusal("core-module"), &[load, "`core-module`", "a core module, not a component", "postern filter build"]);
    says(&refusal("wrong-version"), &["postern:filter/", "@0.2.0", "this postern speaks", "0.1"]);
    says(&refusal("no-handler"), &["exports no handler", "`message-handler`", "`admission-handler`"]);
    says(&refusal("bad-import"), &["`postern:filter/fetch@0.1.0`", "`config`, `log`", "does not have it yet"]);
    says(&refusal("wasi"), &["`wasi:cli/environment@0.2.6`", "wasm32-unknown-unknown"]);
    says(&refusal("wrong-type"), &["does not have the type"]);
    says(&refusal("big"), &["134217728", "67108864", "raise its `memory`"]);
    says(&refusal("start-loop"), &["did not start", "ran past its deadline of 1s"]);
    says(&refusal("clock-loop"), &["did not start", "ran past its deadline of 1s"]);
    let refused = bench().try_load("probe", &set(json!({ "refuse": "no such room" }))).unwrap_err();
    says(&refused, &["gave up: no such room", "the filter's own words"]);
}

#[test]
fn a_file_that_is_no_component_is_refused_with_what_to_do() {
    let bench = bench();
    let load = |bytes: &[u8]| {
        let error = bench.host.load("x", Source { origin: "x.wasm", bytes }, &Config::default()).unwrap_err();
        Chain(&error).to_string()
    };
    says(&load(b""), &["`x`", "`x.wasm`", "empty"]);
    says(&load(b"\x7fELF and so on"), &["not WebAssembly"]);
    says(&load(b"  (component)"), &["its text form"]);
    says(&load(&wasm("pass")[..200]), &["not a valid component"]);
    let mut damaged = wasm("pass");
    damaged[40] ^= 0xff;
    says(&load(&damaged), &["failed to load filter `x` from `x.wasm`"]);
}

#[test]
fn a_file_is_read_and_its_digest_compared_with_the_pin() {
    let bench = bench();
    let path = bench.cache.path().join("pass.wasm");
    let load = |config: &Config| {
        let mut shelf = Shelf::new(bench.host.clone(), bench.cache.path().join("filters"));
        let loaded = shelf.add(None, "pinned", Origin::File(path.clone()), config.clone());
        loaded.map(|()| shelf.filter("pinned").unwrap().sha256()).map_err(|error| Chain(&error).to_string())
    };
    says(&load(&Config::default()).unwrap_err(), &["pass.wasm", "cannot be read", "No such file"]);
    std::fs::write(&path, wasm("pass")).unwrap();
    let found = load(&Config::default()).unwrap();
    let pinned = |digest: &str| Config { sha256: Some(digest.to_owned()), ..Config::default() };
    assert!(load(&pinned(&found)).is_ok());
    assert!(load(&pinned(&found.to_uppercase())).is_ok());
    let wrong = "0".repeat(64);
    says(&load(&pinned(&wrong)).unwrap_err(), &["SHA-256", &found, &wrong, "hint: "]);
}

#[test]
fn a_file_beyond_any_filters_size_is_not_read() {
    let bench = bench();
    let path = bench.cache.path().join("large.wasm");
    // Sparse: it takes no room.
    std::fs::File::create(&path).unwrap().set_len((64 << 20) + 1).unwrap();
    let mut shelf = Shelf::new(bench.host.clone(), bench.cache.path().join("filters"));
    let error = shelf.add(None, "large", Origin::File(path), Config::default()).unwrap_err();
    says(&Chain(&error).to_string(), &["larger than the 67108864 bytes"]);
}

#[test]
fn a_function_of_a_later_patch_is_refused_with_what_to_do() {
    let later = r#"(component
        (import "postern:filter/log@0.1.9" (instance (export "flush" (func))))
        (core module $m (func (export "on-message")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "on-message")))
        (instance $out (export "on-message" (func $f)))
        (export "postern:filter/message-handler@0.1.0" (instance $out)))"#;
    let source = Source { origin: "later", bytes: &wat::parse_str(later).unwrap() };
    let error = bench().host.load("later", source, &Config::default()).unwrap_err();
    says(&Chain(&error).to_string(), &["a function that this postern does not have", "flush", "upgrade postern"]);
}

#[test]
fn a_handler_that_this_postern_never_calls_is_not_enough() {
    let timer = r#"(component
        (core module $m (func (export "on-timer")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "on-timer")))
        (instance $out (export "on-timer" (func $f)))
        (export "postern:filter/timer-handler@0.1.0" (instance $out)))"#;
    let source = Source { origin: "timer", bytes: &wat::parse_str(timer).unwrap() };
    let error = bench().host.load("timer", source, &Config::default()).unwrap_err();
    says(
        &Chain(&error).to_string(),
        &["it exports `postern:filter/timer-handler@0.1.0`, and one of `message-handler`"],
    );
}

#[test]
fn a_filter_with_more_parts_than_a_slot_has_room_for_is_refused() {
    let many = |memories: &str| {
        let text = format!(
            "(component (core module $m {memories} (func (export \"on-message\")))
            (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i \"on-message\")))
            (instance $out (export \"on-message\" (func $f)))
            (export \"postern:filter/message-handler@0.1.0\" (instance $out)))"
        );
        let bytes = wat::parse_str(text).unwrap();
        let error = bench().host.load("many", Source { origin: "many", bytes: &bytes }, &Config::default());
        Chain(&error.unwrap_err()).to_string()
    };
    says(&many(&"(memory 1)".repeat(5)), &["failed to load filter", "5"]);
    says(&many(&"(table 1 funcref)".repeat(9)), &["failed to load filter", "9"]);
    says(&many("(table 200000 funcref)"), &["failed to load filter", "200000"]);
}
