//! How often the tests with random input try: as often as a suite of minutes allows, or many times that for a night.

use proptest::prelude::ProptestConfig;

/// So many cases, times the number that `MORE_CASES` in the environment says. What fails becomes a test with a name, so no
/// seeds are kept.
pub fn cases(usual: u32) -> ProptestConfig {
    let more = std::env::var("MORE_CASES").ok();
    let times: u32 = more.map_or(1, |more| more.parse().expect("MORE_CASES is a number"));
    let config = ProptestConfig::default();
    let max_global_rejects = config.max_global_rejects * times;
    ProptestConfig { cases: usual * times, max_global_rejects, failure_persistence: None, ..config }
}
