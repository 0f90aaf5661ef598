//! JavaScript and TypeScript, as their users meet them: a new project, built, tested, run, and changed while it runs.

use super::{Language, a_new_filter_is_built_tried_run_and_changed, built, run, tried, typed, with_filter};
use crate::home;
use postern_tests::tools::javascript::{install, npm};
use postern_tests::{Admin, Client, Config, Home, Protocol, Sender, fixtures};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const JAVASCRIPT: Language = Language {
    name: "javascript",
    source: "filter.js",
    change: &[("log, pass }", "log, pass, rewrite }"), ("return pass();", "return rewrite(\"changed\");")],
};

const TYPESCRIPT: Language = Language {
    name: "typescript",
    source: "filter.ts",
    change: &[("pass, type", "pass, rewrite, type"), ("return pass();", "return rewrite(\"changed\");")],
};

#[tokio::test]
async fn a_new_filter_in_javascript_is_tested_by_node_then_built_tried_run_and_changed_while_it_runs() {
    let home = home(&Config::basic());
    a_new_filter_is_built_tried_run_and_changed(&home, &JAVASCRIPT, installed_and_tested).await;
}

#[tokio::test]
async fn a_new_filter_in_typescript_is_tested_by_node_then_built_tried_run_and_changed_while_it_runs() {
    let home = home(&Config::basic());
    a_new_filter_is_built_tried_run_and_changed(&home, &TYPESCRIPT, installed_and_tested).await;
}

/// Its own tests, in Node; of TypeScript, its types too.
fn installed_and_tested(project: &Path) -> bool {
    if !install(&[project]) {
        return false;
    }
    let tested = npm(project, &["test"]).expect("npm was there a moment ago");
    let words = text(&tested.stdout);
    assert!(tested.status.success() && words.contains("pass 2"), "`npm test`: {words}{}", text(&tested.stderr));
    true
}

/// Each is a question of JavaScript, and its answer in a component.
const EVERY_DAY: &str = r#"
import { clock, decode, encode, kv, rewrite } from "postern-filter";
import * as whatsapp from "postern-filter/whatsapp";

const QUESTIONS = {
  "the date is now": () => Math.abs(Date.now() - clock.now()) < 1000 && Math.abs(new Date() - clock.now()) < 1000,
  "a date is one": () => new Date(0) instanceof Date && new Date(0).constructor === Date && new Date(0).toISOString() === "1970-01-01T00:00:00.000Z",
  "a date is read": () => Date.parse("2026-01-31T12:00:00Z") === 1769860800000 && Date.UTC(1970) === 0,
  "a date in words is now": () => Date() === new Date().toString(),
  "time goes on": () => performance.now() <= performance.now(),
  "chance is between 0 and 1": () => Array.from({ length: 100 }, Math.random).every((chance) => chance >= 0 && chance < 1),
  "chance is not always the same": () => new Set(Array.from({ length: 100 }, Math.random)).size > 90,
  "text is bytes and text again": () => ["", "plain", "h\u00e9llo \u2603 \ud83d\ude00", "\ufeffmark", "\0"].every((text) => decode(encode(text)) === text),
  "half a pair is mended": () => decode(encode("a\ud800b")) === "a\ufffdb",
  "what is not UTF-8 is mended": () => decode(Uint8Array.of(0x61, 0xff, 0xc3, 0xa9, 0xe2, 0x98)) === "a\ufffd\u00e9\ufffd\ufffd",
  "too long is not UTF-8": () => decode(Uint8Array.of(0xc0, 0xaf, 0xed, 0xa0, 0x80)) === "\ufffd".repeat(5),
  "a decoder is there": () => new TextDecoder().decode(new TextEncoder().encode("\u00e9")) === "\u00e9",
  "a mark is taken off": () => new TextDecoder().decode(encode("\ufeffx")) === "x" && new TextDecoder("utf8", { ignoreBOM: true }).decode(encode("\ufeffx")).length === 2,
  "a strict decoder is strict": () => {
    const strict = new TextDecoder("utf-8", { fatal: true });
    try {
      strict.decode(Uint8Array.of(0xff));
      return false;
    } catch {
      return strict.decode(encode("\ufffd")) === "\ufffd";
    }
  },
  "a fault has its name": () => {
    try {
      kv.set("text", "not a number");
      kv.increment("text");
      return false;
    } catch (fault) {
      return fault.code;
    }
  },
};

export function onMessage(message) {
  console.log("a line of", { the: "console" }, 1);
  const answers = Object.entries(QUESTIONS).map(([question, ask]) => [question, ask()]);
  const envelope = message.json();
  return rewrite({ ...Object.fromEntries(answers), words: whatsapp.messages(envelope).map(whatsapp.words), chance: Math.random() });
}
"#;

#[tokio::test]
async fn what_people_use_every_day_works_in_a_component() {
    let home = home(&Config::basic());
    let Some(component) = of_source(&home, EVERY_DAY).await else { return };
    home.configure(&with_filter(&component, ""));
    let gateway = home.start().await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let mut chances = vec![];
    for _ in 0..2 {
        sender.deliver("/whatsapp", fixtures::message("1", "15550100142", "h\u{e9}llo")).await;
        let Value::Object(mut answers) = serde_json::from_slice(&client.body().await).expect("it is JSON") else {
            panic!("it is an object")
        };
        chances.push(answers.remove("chance").expect("it drew a number"));
        assert_eq!(answers.remove("words"), Some(json!(["h\u{e9}llo"])));
        assert_eq!(answers.remove("a fault has its name"), Some(json!("not-a-number")));
        for (question, answer) in answers {
            assert_eq!(answer, true, "{question}");
        }
    }
    assert_ne!(chances[0], chances[1], "each call draws numbers of its own");
    gateway.says(r#"a line of {\"the\":\"console\"} 1"#).await;
}

#[tokio::test]
async fn what_a_filter_does_wrong_is_told_in_its_own_words_and_lines() {
    let home = home(&Config::basic());
    let code = "import { pass } from \"postern-filter\";\n\nexport function onMessage(message) {\n  return message.json().nobody.home;\n}\n";
    let Some(component) = of_source(&home, code).await else { return };
    home.configure(&with_filter(&component, ""));
    let gateway = home.start().await;
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", "{}").await;
    let held = Admin::of(&gateway).held_becomes(1).await;
    let words = held[0].to_string();
    assert!(words.contains("TypeError: cannot read property 'home' of undefined (filter.js:4)"), "{words}");

    for (code, words) in [
        ("export function onMessage( {", "filter.js:1:"),
        ("export function onMessag() {}", "exports no function onMessage"),
        ("export function onMessage() {}\nexport function onEvent() {}", r#"hint: handlers = ["message", "event"]"#),
        (
            "import { clock } from \"postern-filter\";\nclock.now();\nexport function onMessage() {}",
            "outside of its handlers",
        ),
        ("import \"left-pad\";\nexport function onMessage() {}", "hint: npm install left-pad"),
        ("\nnobody();\nexport function onMessage() {}", "at <anonymous> filter.js:2"),
    ] {
        std::fs::write(home.path("it/filter.js"), code).expect("it is writable");
        let ended = run(&home, &["filter", "build", "it"]).await;
        assert_ne!(ended.code, Some(0), "{code}");
        assert!(ended.stderr.contains(words), "{code}: {words}: {}", ended.stderr);
    }
}

/// Cases of ids and counts beyond 2^53: they come to JavaScript as numbers, which hold them no longer. None that postern gives
/// is so large; who uses one is told, by an error.
const WIDE: &str = "wide.toml";

#[tokio::test]
async fn the_reference_filter_in_javascript_behaves() {
    let home = home(&Config::basic());
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Elsewhere: nothing is installed into the source tree.
    for part in ["sdk", "sdk/src", "reference"] {
        let (from, to) = (tests.join("../guest-sdk/javascript").join(part), home.path(part));
        std::fs::create_dir_all(&to).expect("the home is writable");
        for entry in from.read_dir().expect("it is there").map(|entry| entry.expect("readable")) {
            if entry.path().is_file() {
                std::fs::copy(entry.path(), to.join(entry.file_name())).expect("it is copied");
            }
        }
    }
    if !install(&[&home.path("reference")]) {
        return;
    }
    let component = built(&home, "reference").await;
    let suite = tests.join("behaviour").read_dir().expect("it is there").map(|entry| entry.expect("readable").path());
    let asked = |path: &PathBuf| path.extension().is_some_and(|end| end == "toml") && !path.ends_with(WIDE);
    let mut right = 0;
    for cases in suite.filter(asked) {
        right += tried(&home, &component, &cases).await;
    }
    assert!(right > 100, "the suite has lost cases: {right}");
}

#[tokio::test]
async fn the_sdk_passes_its_own_tests_in_node() {
    if !install(&[]) {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-sdk/javascript/tests");
    let file = folder.join("sdk.test.js");
    let tested =
        std::process::Command::new("node").arg("--test").arg(file).output().expect("node was there a moment ago");
    assert!(tested.status.success(), "{}{}", text(&tested.stdout), text(&tested.stderr));
}

/// The component of a new project with this for its filter.
async fn of_source(home: &Home, code: &str) -> Option<PathBuf> {
    typed(home, &["filter", "new", "--lang", "javascript", "it"]).await;
    if !install(&[&home.path("it")]) {
        return None;
    }
    std::fs::write(home.path("it/filter.js"), code).expect("it is writable");
    Some(built(home, "it").await)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
