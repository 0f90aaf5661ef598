//! The dispatchers: a thread for each webhook, which lives as long as the webhook is configured, and is told what the
//! configuration says now.

use super::Fault;
use super::base::Base;
use crate::config::Config;
use crate::dispatch::{Backoff, Desk, Dispatch, Settings, Stop};
use crate::filter::Shelf;
use crate::hub::Source;
use crate::journal::Lane;
use crate::message::{EventId, SENT, Scope};
use crate::metrics::EventTally;
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::watch;

#[derive(Default)]
pub struct Judges {
    pub desk: Desk,
    at_work: Mutex<BTreeMap<String, Judge>>,
}

struct Judge {
    settings: Arc<ArcSwap<Settings>>,
    stop: Stop,
    lane: Lane,
    thread: JoinHandle<()>,
}

/// What each is to be told.
pub struct Orders(BTreeMap<String, Settings>);

impl Judges {
    /// Starts those that are not there yet, and says what all are to be told. Blocks while one that was told to stop comes
    /// to its end, where its webhook is back.
    pub fn prepare(&self, base: &Base, config: &Config, shelf: &Shelf) -> Result<Orders, Fault> {
        let mut orders = BTreeMap::new();
        let mut all: Vec<&str> = config.webhooks.keys().map(String::as_str).collect();
        all.push(SENT);
        for name in all {
            if !self.lock().get(name).is_some_and(Judge::goes_on) {
                self.start(base, name, settings(config, shelf, name))?;
            }
            orders.insert(name.to_owned(), settings(config, shelf, name));
        }
        Ok(Orders(orders))
    }

    /// Tells them.
    pub fn tell(&self, orders: Orders) {
        let at_work = self.lock();
        for (name, settings) in orders.0 {
            if let Some(judge) = at_work.get(&name) {
                judge.settings.store(Arc::new(settings));
                judge.lane.wake();
            }
        }
    }

    /// Lets go of those whose webhooks are no more: they judge what is pending, and end.
    pub fn release(&self, config: &Config) {
        for (name, judge) in self.lock().iter() {
            if name != SENT && !config.webhooks.contains_key(name) {
                self.desk.leave(name);
                judge.stop.when_idle();
                judge.lane.wake();
            }
        }
    }

    fn start(&self, base: &Base, name: &str, settings: Settings) -> Result<(), Fault> {
        let former = self.lock().remove(name);
        if let Some(former) = former {
            // Two would judge the same events.
            former.stop.at_once();
            former.lane.wake();
            drop(former.thread.join());
        }
        let lane = base.journal.open_lane(name).map_err(Fault::of)?;
        let source = if name == SENT { Source::Sent } else { Source::Webhook(base.sources.number(name)) };
        let judged = if name == SENT { base.judged.clone() } else { watch::Sender::new(EventId(0)) };
        let settings = Arc::new(ArcSwap::from_pointee(settings));
        let stop = Stop::default();
        let dispatch = Dispatch {
            lane: lane.clone(),
            source,
            settings: settings.clone(),
            journal: base.journal.clone(),
            hub: base.hub.clone(),
            judged,
            shards: base.shards.clone(),
            metrics: base.ground.metrics.clone(),
            tally: EventTally::new(&base.ground.metrics, lane.name()),
            tap: base.tap.clone(),
        };
        let thread = dispatch.start(stop.clone(), &self.desk).map_err(Fault::of)?;
        self.lock().insert(name.to_owned(), Judge { settings, stop, lane, thread });
        Ok(())
    }

    /// All of them, to be stopped: how to tell them, and their threads.
    pub fn dismiss(&self) -> (Vec<(Stop, Lane)>, Vec<JoinHandle<()>>) {
        let all = std::mem::take(&mut *self.lock());
        all.into_values().map(|judge| ((judge.stop, judge.lane), judge.thread)).unzip()
    }

    // What it guards is whole between any two calls.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Judge>> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Judge {
    /// Whether it was not told to stop.
    fn goes_on(&self) -> bool {
        !self.stop.is_asked()
    }
}

fn settings(config: &Config, shelf: &Shelf, name: &str) -> Settings {
    let backoff = Backoff { first: config.retry.first, longest: config.retry.longest };
    let Some(webhook) = config.webhooks.get(name) else {
        // What filters and operators send was addressed by them: no filter is asked.
        let (chain, scope) = (Arc::new([]), Scope::default());
        return Settings { chain, scope, phone_number_ids: None, ordered: false, judges: true, backoff };
    };
    let carriers = config.streams.iter().filter(|(_, stream)| stream.webhooks.iter().any(|carried| carried == name));
    let filter = |name: &String| shelf.filter(name).expect("a plan has all that is named").clone();
    Settings {
        chain: webhook.filters.iter().map(filter).collect(),
        scope: Scope::of(carriers.map(|(stream, _)| stream.as_str().into())),
        phone_number_ids: webhook.phone_number_ids.clone().map(Into::into),
        ordered: webhook.ordered,
        judges: webhook.dispatch,
        backoff,
    }
}
