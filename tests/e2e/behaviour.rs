//! The suite that an SDK in any language must pass, on the one in Rust: `behaviour/*.toml` asks its reference filter.

use crate::home;
use postern_tests::{Config, guests};
use std::path::Path;

#[tokio::test]
async fn the_reference_filter_in_rust_behaves() {
    let filter = guests::reference();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("behaviour");
    let (filter, cases) = (filter.to_string_lossy(), cases.to_string_lossy());
    let home = home(&Config::basic());
    let ended = home.run(&["filter", "test", &filter, &cases]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let count = ended.stdout.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(count > 100, "the suite has lost cases: {}", ended.stdout);
}
