//! What filters stand on, from the first configuration to the end: their engine, who is connected, what is counted, and
//! the keyspaces they were promised.

use super::promised::Promised;
use crate::challenges::Challenges;
use crate::clients::Clients;
use crate::config::Config;
use crate::filter::{Error, Host, HostConfig};
use crate::kv;
use crate::metrics::Metrics;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

pub struct Ground {
    /// What filters look at, and write to.
    pub clients: Clients,
    pub metrics: Metrics,
    pub host: Host,
    /// What certificate authorities look for.
    pub challenges: Challenges,
    /// The keyspaces that filters were given, by name. What they keep is there once the store is open.
    keyspaces: Mutex<BTreeMap<String, Arc<Promised>>>,
}

impl Ground {
    pub fn new(config: &Config) -> Result<Self, Error> {
        let (clients, metrics) = (Clients::default(), Metrics::default());
        let host = Host::new(&HostConfig {
            clients: clients.clone(),
            metrics: metrics.clone(),
            output: config.limits.filter_output,
            labels: config.limits.labels,
            ..HostConfig::new(config.data.join("compiled"))
        })?;
        Ok(Self { clients, metrics, host, challenges: Challenges::default(), keyspaces: Mutex::default() })
    }

    /// A keyspace, which is to be kept before a filter asks for anything in it.
    pub fn promise(&self, name: &str) -> Arc<Promised> {
        let mut keyspaces = self.keyspaces.lock().unwrap_or_else(PoisonError::into_inner);
        keyspaces.entry(name.to_owned()).or_default().clone()
    }

    /// Keeps all promises that were made.
    pub fn keep(&self, store: &kv::Store) -> Result<(), kv::Error> {
        for (name, promised) in self.keyspaces.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            promised.keep(store.space(name)?);
        }
        Ok(())
    }
}
