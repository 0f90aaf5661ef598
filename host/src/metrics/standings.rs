//! How far clients are behind, as each shard last saw its own.

use super::{Metrics, PerStream};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Of the clients of one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behind {
    clients: i64,
    /// How many entries the furthest lacks.
    most: i64,
}

/// By shard. Clones are the same.
#[derive(Clone, Default)]
pub struct Standings(Arc<Mutex<BTreeMap<usize, Streams>>>);

type Streams = Vec<(Arc<str>, Behind)>;

impl Behind {
    /// So many clients lack so many entries.
    pub fn note(&mut self, lag: u64, clients: u64) {
        self.clients += if lag > 0 { i64::try_from(clients).unwrap_or(i64::MAX) } else { 0 };
        self.most = self.most.max(i64::try_from(lag).unwrap_or(i64::MAX));
    }
}

impl Standings {
    pub fn tell(&self, shard: usize, streams: Streams) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(shard, streams);
    }

    /// Sets the gauges of all streams that have clients; of the others there are none.
    pub(super) fn show(&self, metrics: &Metrics) {
        let mut streams = BTreeMap::<Arc<str>, Behind>::new();
        for (stream, behind) in self.0.lock().unwrap_or_else(PoisonError::into_inner).values().flatten() {
            let all = streams.entry(stream.clone()).or_default();
            all.clients += behind.clients;
            all.most = all.most.max(behind.most);
        }
        metrics.clients_behind.clear();
        metrics.client_lag.clear();
        for (stream, Behind { clients, most }) in streams {
            let label = PerStream { stream };
            metrics.clients_behind.get_or_create(&label).set(clients);
            metrics.client_lag.get_or_create(&label).set(most);
        }
    }
}
