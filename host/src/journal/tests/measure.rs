//! What it costs. The figures are printed (`--nocapture`), and only their order of magnitude is claimed.

use super::*;
use std::time::Instant;
use tokio::task::JoinSet;

#[test]
fn sixty_four_appenders_share_their_syncs_and_a_large_journal_opens_soon() {
    const TASKS: usize = 64;
    const EACH: usize = 150;
    let directory = tempfile::tempdir().expect("a directory");
    let events: usize = std::env::var("MEASURE_EVENTS").map_or(20_000, |text| text.parse().expect("a number"));
    let journal = open(directory.path(), &["a"]);
    let text = |number: usize| format!("{number:08}").repeat(128);
    let began = Instant::now();
    runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime").block_on(async {
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let (journal, lane) = (journal.clone(), lane(&journal, "a"));
            tasks.spawn(async move {
                for number in 0..EACH {
                    let text = text(task * EACH + number);
                    journal.append(&lane, delivery(&lane, &[text])).await.expect("taken");
                }
            });
        }
        tasks.join_all().await;
    });
    let rate = (TASKS * EACH) as f64 / began.elapsed().as_secs_f64();
    println!("{rate:.0} appends of 1 KiB a second by {TASKS}");

    let began = Instant::now();
    let mut first = 0;
    for batch in 0..events.div_ceil(500) {
        let words: Vec<String> = (0..500).map(|item| format!("event {batch} {item}")).collect();
        first = append(&journal, &lane(&journal, "a"), &words).first.0;
    }
    println!("{:.2} us an item of a delivery of 500", began.elapsed().as_secs_f64() * 1e6 / events as f64);
    let began = Instant::now();
    while deliver_pending(&journal, &lane(&journal, "a"), |_| ()) > 0 {}
    println!("{:.2} us to judge one", began.elapsed().as_secs_f64() * 1e6 / first as f64);

    let (mut new, mut old) = (crate::journal::dedupe::Group::default(), crate::journal::dedupe::Group::default());
    let lane_a = lane(&journal, "a");
    let fresh: Vec<String> = (0..500).map(|item| format!("never {item}")).collect();
    let known: Vec<String> = (0..500).map(|item| format!("event 3 {item}")).collect();
    for (what, group, words) in [("new", &mut new, fresh), ("known", &mut old, known)] {
        let delivery = delivery(&lane_a, &words);
        let began = Instant::now();
        let judge = |store: &index::Store| journal.0.window.judge(store, group, &delivery, EventId(u64::MAX >> 1));
        let seen = journal.0.keeper.read(judge).expect("readable").into_iter().flatten().count();
        println!("{:.2} us to look up a {what} one", began.elapsed().as_secs_f64() * 1e6 / 500.0);
        assert_eq!(seen, if what == "new" { 0 } else { 500 });
    }
    drop(lane_a);
    drop(journal);
    let reopen = |what| {
        let began = Instant::now();
        let journal = open(directory.path(), &["a"]);
        println!("{:.3} s to open {what}", began.elapsed().as_secs_f64());
        assert_eq!(lane(&journal, "a").lag(), 0);
    };
    reopen("it again");
    std::fs::remove_dir_all(directory.path().join("index")).expect("removable");
    reopen("it without its index");
}
