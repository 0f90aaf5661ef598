//! Python, as its users meet it.

use super::{Language, a_new_filter_is_built_tried_run_and_changed, run, the_reference_filter_behaves, typed};
use crate::home;
use postern_tests::tools::python;
use postern_tests::{Config, Home};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

const PYTHON: Language = Language {
    name: "python",
    source: "filter.py",
    change: &[("Pass, Verdict", "Rewrite, Verdict"), ("return Pass()", "return Rewrite(\"changed\")")],
};

/// A home where there is componentize-py.
fn with_tools() -> Option<Arc<Home>> {
    let home = home(&Config::basic());
    home.set("PATH", &python::path()?);
    Some(home)
}

#[tokio::test]
async fn a_new_filter_in_python_is_tested_by_python_then_built_tried_run_and_changed_while_it_runs() {
    let Some(home) = with_tools() else { return };
    a_new_filter_is_built_tried_run_and_changed(&home, &PYTHON, tested_by_python).await;
}

/// Its own tests, by plain Python and without any tool.
fn tested_by_python(project: &Path) -> bool {
    let mut python = Command::new("python3");
    let output = python.args(["-m", "unittest"]).current_dir(project).output().expect("there is Python");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && words.contains("Ran 2 tests"), "{words}");
    true
}

#[tokio::test]
async fn the_reference_filter_in_python_behaves() {
    let Some(home) = with_tools() else { return };
    the_reference_filter_behaves(&home, "python").await;
}

#[tokio::test]
async fn what_is_wrong_with_a_filter_is_told_when_it_is_built_and_nothing_else_is() {
    let Some(home) = with_tools() else { return };
    typed(&home, &["filter", "new", "--lang", "python", "wrong"]).await;
    let message = r#"["message"]"#;
    for (handlers, code, words) in [
        (r#"["message", "client"]"#, "def on_message(message): ...", "filter.py has no `on_client_message`"),
        (message, "def on_event(who, what): ...\ndef on_message(message): ...", r#"add "event" to `handlers`"#),
        (message, "def on_message(message:", "File \"filter.py\", line 1\n"),
        (message, "import nowhere", "File \"filter.py\", line 1, in <module>\n    import nowhere\nModuleNotFoundError"),
        (message, "from postern import config\nconfig.get('word')", "call it in `configure` or in a handler"),
        (
            message,
            "from postern import Filter\nclass Own(Filter):\n    def wants(self, message, client): return True",
            "`Own` in filter.py has no `on_message`",
        ),
    ] {
        home.write("wrong/filter.toml", format!("language = \"python\"\nhandlers = {handlers}\n"));
        home.write("wrong/filter.py", code);
        let ended = run(&home, &["filter", "build", "wrong"]).await;
        assert_eq!(ended.code, Some(1), "{code}");
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
        for others in ["_entry.py", "componentize", "backtrace", "/1/"] {
            assert!(!ended.stderr.contains(others), "{others}: {}", ended.stderr);
        }
    }
}

/// What people use every day, and its answer in a component; as a class, for once.
const EVERY_DAY: &str = r#"
import logging
import random
import sys
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone

from postern import Drop, Filter, Message, Rewrite, Verdict, config, kv, whatsapp


@dataclass
class Settings:
    limit: int
    words: list[str]


class Daily(Filter):
    def __init__(self) -> None:
        self.settings = config.parse(Settings)

    def on_message(self, message: Message) -> Verdict:
        import csv

        match message.json("/try"):
            case "print":
                print("a line of", "print")
                print("and a part of one", end="", file=sys.stderr)
                logging.warning("%d of %s", 1, "logging")
            case "time":
                apart = datetime.now(timezone.utc) - datetime.fromtimestamp(time.time(), timezone.utc)
                return Rewrite(f"{datetime.now():%Y-%m-%d} {apart} {isinstance(message.received, datetime)}")
            case "late":
                return Rewrite(f"{list(csv.reader(['a,b']))}")
            case "random":
                kv.set("random", str(random.random()))
                return Drop(f"{uuid.uuid5(uuid.NAMESPACE_URL, 'x')}")
            case "secret":
                return Drop(str(uuid.uuid4()))
            case "file":
                return Drop(open("/etc/passwd").read())
            case "exit":
                sys.exit("enough")
            case "key":
                return Drop(message.parse()["nothing"])
            case "whatsapp":
                return Drop(",".join(whatsapp.words(item) or "?" for item in whatsapp.messages(message)))
        return None
"#;

const CASES: &str = r#"
config = { limit = 3, words = ["a"] }

[[case]]
name = "print and logging are heard"
message = { json = { try = "print" } }
expect.verdict = { error = "the handler returned None, and postern wants Pass()" }
expect.logs = ["info: a line of print", "warn: 1 of logging", "warn: and a part of one"]

[[case]]
name = "the time is the gateway's"
message = { json = { try = "time" } }
expect.verdict = { rewrite = "2026-01-01 0:00:00 True" }

[[case]]
name = "what is imported late is there"
message = { json = { try = "late" } }
expect.verdict = { rewrite = "[['a', 'b']]" }

[[case]]
name = "there are numbers at random"
message = { json = { try = "random" } }
expect.verdict = "drop"

[[case]]
name = "there is no entropy"
message = { json = { try = "secret" } }
expect.verdict = { error = "a filter has no entropy" }

[[case]]
name = "there are no files"
message = { json = { try = "file" } }
expect.verdict = { error = "OSError: a filter has no files" }

[[case]]
name = "an exit is a failure"
message = { json = { try = "exit" } }
expect.verdict = { error = "SystemExit: enough (filter.py:" }

[[case]]
name = "an exception says what it is and where it was"
message = { json = { try = "key" } }
expect.verdict = { error = "KeyError: 'nothing' (filter.py:" }

[[case]]
name = "a delivery is read by its types"
message = { json = { try = "whatsapp", entry = [{ changes = [{ value = { messages = [{ text = { body = "hi" } }, {}] } }] }] } }
expect.verdict = { drop = "hi,?" }

[[case]]
name = "a key that is misspelt is named"
config = { limit = 3, word = ["a"] }
message = { json = {} }
expect.verdict = { error = "unknown key `word`: there are `limit`, `words`" }

[[case]]
name = "a value of another type is named and not told"
config = { limit = "hunter2", words = [] }
message = { json = {} }
expect.verdict = { error = "`limit`: expected a number, found a string" }
"#;

#[tokio::test]
async fn what_people_use_every_day_works_in_a_component() {
    let Some(home) = with_tools() else { return };
    typed(&home, &["filter", "new", "--lang", "python", "daily"]).await;
    home.write("daily/filter.py", EVERY_DAY);
    home.write("daily/cases/filter.toml", CASES);
    let component = super::built(&home, "daily").await;
    assert_eq!(super::tried(&home, &component, &home.path("daily/cases")).await, 11);
}
