//! C, as its users meet it: by whatever compiler they have, and by `zig cc`, which any machine with pip can have.

use super::{Language, a_new_filter_is_built_tried_run_and_changed, run, the_reference_filter_behaves, typed};
use crate::home;
use postern_tests::tools::c;
use postern_tests::{Config, Home};
use std::sync::Arc;

const C: Language = Language {
    name: "c",
    source: "filter.c",
    change: &[("return postern_pass();", "return postern_rewrite(postern_text(\"changed\"));")],
};

/// A home where there is a compiler.
fn with_compiler() -> Option<Arc<Home>> {
    let home = home(&Config::basic());
    home.set("PATH", &c::path()?);
    Some(home)
}

#[tokio::test]
async fn a_new_filter_in_c_is_built_tried_run_and_changed_while_it_runs() {
    let Some(home) = with_compiler() else { return };
    a_new_filter_is_built_tried_run_and_changed(&home, &C, |_| true).await;
}

#[tokio::test]
async fn the_reference_filter_in_c_behaves() {
    let Some(home) = with_compiler() else { return };
    the_reference_filter_behaves(&home, "c").await;
}

#[tokio::test]
async fn a_handler_that_is_named_and_not_written_is_told_by_its_name() {
    let Some(home) = with_compiler() else { return };
    typed(&home, &["filter", "new", "--lang", "c", "half"]).await;
    home.write("half/filter.toml", "language = \"c\"\nhandlers = [\"message\", \"client\"]\n");
    let ended = run(&home, &["filter", "build", "half"]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("on_client_message"), "{}", ended.stderr);
}

/// What people use every day, and its answer in a component.
const EVERY_DAY: &str = r#"
#include "postern/postern.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

postern_verdict on_message(postern_message message)
{
    (void)message;
    printf("a line of %s\n", "printf");
    fprintf(stderr, "a warning in %d parts\n", 2);
    long long apart = (long long)time(NULL) - (long long)(postern_now() / 1000);
    char *some = malloc(1 << 20);
    free(some);
    return postern_rewrite(postern_format("%s %.2f", apart >= -1 && apart <= 1 ? "now" : "never", 0.25));
}
"#;

#[tokio::test]
async fn what_people_use_every_day_works_in_a_component() {
    let Some(home) = with_compiler() else { return };
    typed(&home, &["filter", "new", "--lang", "c", "daily"]).await;
    home.write("daily/filter.c", EVERY_DAY);
    home.write(
        "daily/cases/filter.toml",
        r#"[[case]]
name = "the C library is there"
message = { json = {} }
expect.verdict = { rewrite = "now 0.25" }
expect.logs = ["info: a line of printf", "warn: a warning in 2 parts"]
"#,
    );
    let component = super::built(&home, "daily").await;
    assert_eq!(super::tried(&home, &component, &home.path("daily/cases")).await, 1);
}
