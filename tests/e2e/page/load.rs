//! A thousand events a second, and a page that does not freeze.

use super::{Page, judged_by};
use crate::start;
use postern_tests::{Gateway, Protocol, Sender, alone, fixtures, report, spawn};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SECONDS: u32 = 10;

/// A second has so many deliveries of so many events.
const DELIVERIES: u32 = 50;
const ITEMS: u32 = 20;

/// What comes behind all of them, and can be told from them.
const LAST: &str = "the last of them";

/// The longest between two frames, and the longest for which the page did anything else than answer its operator.
const WATCH: &str = "window.watched = { gap: 0, task: 0, frames: 0 }; let before = performance.now(); \
    const frame = now => { watched.gap = Math.max(watched.gap, now - before); before = now; watched.frames += 1; \
      requestAnimationFrame(frame) }; requestAnimationFrame(now => { before = now; frame(now) }); \
    new PerformanceObserver(list => list.getEntries().forEach(entry => { \
      watched.task = Math.max(watched.task, entry.duration) })).observe({ type: 'longtask' }); 0";

async fn flood(gateway: Arc<Gateway>) -> Duration {
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let began = Instant::now();
    for delivery in 0..SECONDS * DELIVERIES {
        let ids: Vec<_> = (0..ITEMS).map(|item| format!("wamid.{delivery}.{item}")).collect();
        sender.deliver("/whatsapp", fixtures::batch(&ids)).await;
        let due = began + Duration::from_secs(1) * (delivery + 1) / DELIVERIES;
        tokio::time::sleep_until(due.into()).await;
    }
    began.elapsed()
}

#[tokio::test]
async fn a_thousand_events_a_second_are_shown_and_the_page_goes_on_answering() {
    let _machine = alone().await;
    let gateway = Arc::new(start(&judged_by("pass")).await);
    let Some(mut page) = Page::open(&gateway, "").await else { return };
    page.sees(".tools .quiet", "0 shown").await;
    page.0.evaluate(WATCH).await;
    let flood = spawn(flood(gateway.clone()));
    page.sees("[role=option]", "judge pass").await;
    // Meanwhile the operator reads: opens one, pauses, goes on.
    page.0.press("j").await;
    page.0.press("Enter").await;
    page.sees("#event table", "judge").await;
    page.0.press("Escape").await;
    let took = flood.await.expect("it does not panic");
    page.sees(".tools .quiet", "2,000 shown").await;
    page.0.evaluate("document.querySelector('[role=listbox]').parentElement.scrollTop = 0; 0").await;
    // Until the page has caught up, the newest of its rows are still to come.
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", LAST).await;
    let newest = "document.querySelector('[role=option][data-at=\"0\"]')?.textContent.includes('unparsed')";
    page.0.until(newest).await;
    page.0.evaluate("document.querySelector('[role=option][data-at=\"0\"]').click(); 0").await;
    page.0.evaluate("document.querySelector('.switch input').click(); 0").await;
    page.sees("#event pre", LAST).await;
    let watched = page.0.evaluate("watched").await;
    let number = |name: &str| watched[name].as_f64().expect("a number");
    let missed = page.text(".tools .quiet").await;
    let events = SECONDS * DELIVERIES * ITEMS;
    report(format_args!(
        "the page under {:.0} events a second: longest gap between frames {:.0} ms, longest task {:.0} ms, {:.0} frames; {missed}",
        f64::from(events) / took.as_secs_f64(),
        number("gap"),
        number("task"),
        number("frames"),
    ));
    assert!(number("gap") < 2000.0 && number("task") < 1000.0, "the page froze: {watched}");
    assert!(!missed.contains("unseen"), "{missed}");
}
