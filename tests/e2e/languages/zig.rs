//! Zig, as its users meet it.

use super::{Language, a_new_filter_is_built_tried_run_and_changed, run, the_reference_filter_behaves, typed};
use crate::home;
use postern_tests::tools::zig;
use postern_tests::{Config, Home};
use std::sync::Arc;

const ZIG: Language = Language {
    name: "zig",
    source: "filter.zig",
    change: &[("return .pass;", "return .{ .rewrite = .text(\"changed\") };")],
};

/// A home where there is a compiler.
fn with_compiler() -> Option<Arc<Home>> {
    let home = home(&Config::basic());
    home.set("PATH", &zig::path()?);
    Some(home)
}

#[tokio::test]
async fn a_new_filter_in_zig_is_built_tried_run_and_changed_while_it_runs() {
    let Some(home) = with_compiler() else { return };
    a_new_filter_is_built_tried_run_and_changed(&home, &ZIG, |_| true).await;
}

#[tokio::test]
async fn the_reference_filter_in_zig_behaves() {
    let Some(home) = with_compiler() else { return };
    the_reference_filter_behaves(&home, "zig").await;
}

#[tokio::test]
async fn the_compiler_says_where_the_manifest_and_the_filter_differ() {
    let Some(home) = with_compiler() else { return };
    typed(&home, &["filter", "new", "--lang", "zig", "half"]).await;
    for (handlers, words) in [
        (r#"["message", "client"]"#, "names the handler `client`, and there is no `pub fn onClientMessage`"),
        (r#"["event"]"#, "there is a `onMessage`, and filter.toml does not name the handler `message`"),
    ] {
        home.write("half/filter.toml", format!("language = \"zig\"\nhandlers = {handlers}\n"));
        let ended = run(&home, &["filter", "build", "half"]).await;
        assert_eq!(ended.code, Some(1));
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}

/// A panic, a line by std.log, and a body read as a type.
const EVERY_DAY: &str = r#"
const std = @import("std");
const postern = @import("postern");

pub fn onMessage(message: postern.Message) !postern.Verdict {
    const Body = struct { at: usize, from: []const u8 };
    const body = try message.parse(Body);
    std.log.info("a message from {s}", .{body.from});
    const few = [_]u8{ 1, 2, 3 };
    return .{ .drop = postern.format("{d}", .{few[body.at]}) };
}
"#;

#[tokio::test]
async fn what_people_use_every_day_works_in_a_component() {
    let Some(home) = with_compiler() else { return };
    typed(&home, &["filter", "new", "--lang", "zig", "daily"]).await;
    home.write("daily/filter.zig", EVERY_DAY);
    home.write(
        "daily/cases/filter.toml",
        r#"[[case]]
name = "std.log and std.json are there"
message = { json = { at = 1, from = "ann", more = "x" } }
expect.verdict = { drop = "2" }
expect.logs = ["info: a message from ann"]

[[case]]
name = "a panic has words"
message = { json = { at = 7, from = "ann" } }
expect.verdict = { failure = "trap" }
expect.logs = ["error: index out of bounds: index 7, len 3"]

[[case]]
name = "an error is told by its name"
message = { json = { at = 1 } }
expect.verdict = { error = "MissingField" }
"#,
    );
    let component = super::built(&home, "daily").await;
    assert_eq!(super::tried(&home, &component, &home.path("daily/cases")).await, 3);
}
