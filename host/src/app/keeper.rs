//! Keeps the journal within its retention, while the gateway runs.

use crate::error::Chain;
use crate::journal::{Freed, Journal};
use crate::message::Timestamp;
use crate::metrics::{JournalLog, LogLabels, Metrics};
use crate::pool::Pool;
use crate::task;
use std::io;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often the journal is looked at. Looking costs nothing when nothing has expired.
const EVERY: Duration = Duration::from_secs(1);

/// Starts it; it ends with the process.
pub(super) fn start(journal: Journal, metrics: Metrics) -> io::Result<()> {
    let thread = Pool::start("keeper", 1, 1)?;
    task::background(async move {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let (journal, metrics) = (journal.clone(), metrics.clone());
            // Nobody else uses this thread, so there is room.
            let _ = thread.run(move || keep(&journal, &metrics)).await;
        }
    });
    Ok(())
}

fn keep(journal: &Journal, metrics: &Metrics) {
    match journal.retain(Timestamp::now()) {
        Ok(Freed { inbox: 0, outbox: 0 }) => {}
        Ok(Freed { inbox, outbox }) => tracing::info!(inbox, outbox, "what had expired was deleted, in bytes"),
        Err(error) => tracing::error!(error = %Chain(&error), "what has expired cannot be deleted"),
    }
    let (inbox, outbox) = journal.bytes();
    for (log, bytes) in [(JournalLog::Inbox, inbox), (JournalLog::Outbox, outbox)] {
        metrics.journal_bytes.get_or_create(&LogLabels { log }).set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}
