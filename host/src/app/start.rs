//! From a plan to a gateway with all its sockets bound.

use super::base::Base;
use super::reload::{Level, Reloader};
use super::{App, Fault, Plan, acme};
use crate::config::{self, Config, Source};
use crate::journal::{self, Journal};
use crate::listen::{self, Inherited};
use crate::message::SENT;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a data directory that another process has is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Takes the sockets that whoever started this process has opened for it. To be called once, before any thread starts.
pub fn inherited() -> Result<Inherited, Fault> {
    listen::inherited().map_err(Fault::of)
}

impl Plan {
    /// Binds every socket, opens the journal, starts dispatch. Must be called within a tokio runtime. It is read from
    /// `source` once more for a reload, which has `level` change what is logged.
    ///
    /// Sockets are those `inherited`, else they are bound. They come first: when this process takes over from another,
    /// whoever connects from now on waits in its queue, and is served once the other has let go of the journal.
    pub async fn bind(self, inherited: Inherited, source: Source, level: Level) -> Result<App, Fault> {
        let config = &self.config;
        let given = inherited.assign(&config.listen, &[config.admin.listen]).map_err(Fault::of)?;
        let handover = config.reuse_port || !given.edge.is_empty();
        let edge_listeners = listen::bind(&config.listen, given.edge, config.reuse_port).map_err(Fault::of)?;
        let admin_listeners =
            listen::bind(&[config.admin.listen], given.admin, config.reuse_port).map_err(Fault::of)?;
        let plain_listeners = match acme::addresses(config) {
            [] => None,
            addresses => Some(listen::bind(addresses, vec![], config.reuse_port).map_err(Fault::of)?),
        };
        let base = Base::open(config, &self.ground, handover).await?;
        let reloader = Reloader::start(self, Arc::new(base), source, level)?;
        Ok(App { reloader, edge_listeners, admin_listeners, plain_listeners })
    }
}

/// Opens the journal. With `handover`, waits for the process that has it now to come to its end.
pub async fn journal(config: &Config, handover: bool) -> Result<Journal, Fault> {
    let settings = journal_config(config);
    let begun = Instant::now();
    let mut told = false;
    loop {
        match Journal::open(&settings) {
            Err(journal::Error::InUse(_)) if handover && begun.elapsed() < config.limits.handover_timeout => {
                if !told {
                    tracing::info!("waiting for the process that has the data directory to let go of it");
                    told = true;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            opened => return opened.map_err(Fault::of),
        }
    }
}

/// The journal that a configuration is about.
pub fn journal_config(config: &Config) -> journal::Config {
    journal::Config {
        directory: config.data.join("journal"),
        webhooks: config.webhooks.keys().cloned().chain([SENT.to_owned()]).collect(),
        waiting: config.limits.inflight,
        inbox: retention(&config.inbox),
        outbox: retention(&config.outbox),
        dedupe_window: config.dedupe_window,
    }
}

pub fn retention(kept: &config::Retention) -> journal::Retention {
    journal::Retention { age: kept.age, size: kept.size }
}
