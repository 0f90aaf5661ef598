//! The streams of a configuration, with the threads that each has of its own: who hears what its clients say, and who
//! chooses among them.

use super::base::Base;
use super::guards::Guards;
use super::{Fault, plan};
use crate::audience::Audience;
use crate::config::{self, EventKind};
use crate::connect;
use crate::converse::{self, Converse, Relay};
use crate::filter::{Filter, Shelf};
use crate::ws::{self, Hearing, Kinds, Said};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Threads that hear what the clients of one stream say, at most.
const LISTENERS: usize = 4;

/// What streams are made with.
pub struct Parts<'a> {
    pub base: &'a Base,
    pub shelf: &'a Shelf,
    pub guards: &'a BTreeMap<String, Guards>,
}

impl Parts<'_> {
    pub fn stream(&self, name: &str, stream: &config::Stream) -> Result<connect::Stream, Fault> {
        let name: Arc<str> = name.into();
        let hearing = self.hearing(&name, stream)?;
        let chooser = match self.chain(&stream.audience) {
            chain if chain.is_empty() => None,
            chain => {
                let phases = self.base.phases.clone();
                Some(Audience { stream: name.clone(), chain, phases }.start().map_err(Fault::of)?)
            }
        };
        let shape = ws::Stream {
            name: name.clone(),
            carries: self.base.sources.numbers(&stream.webhooks),
            slow: plan::slow(stream.slow),
            heartbeat: stream.heartbeat,
            hearing,
            chooser,
            manual_pong: stream.manual_pong,
            manual_close: stream.manual_close,
            presence: stream.presence.then(|| stream.presence_labels.clone()),
        };
        if stream.presence {
            self.base.ground.clients.tell_news(&name);
        }
        let admission = self.chain(&stream.admission);
        let (origins, compression, frame_size) = (stream.origins.clone(), stream.compression, stream.frame_size);
        let Guards { jwt, callout } = self.guards.get(&*name).cloned().unwrap_or_default();
        Ok(connect::Stream { name, shape: Arc::new(shape), admission, jwt, callout, origins, frame_size, compression })
    }

    fn chain(&self, names: &[String]) -> Arc<[Filter]> {
        names.iter().map(|name| self.shelf.filter(name).expect("a plan has all that is named").clone()).collect()
    }

    /// Who hears what its clients say and what becomes of them; `None` when nobody wants to.
    fn hearing(&self, name: &Arc<str>, stream: &config::Stream) -> Result<Option<Hearing>, Fault> {
        let relay = match stream.relay {
            config::Relay::Nobody => Relay::Nobody,
            config::Relay::Others => Relay::Others,
            config::Relay::Everyone => Relay::Everyone,
        };
        let told = |kind| !stream.events.is_empty() && stream.event_kinds.contains(&kind);
        let kinds = Kinds {
            message: !stream.client.is_empty() || relay != Relay::Nobody,
            connect: told(EventKind::Connect),
            disconnect: told(EventKind::Disconnect),
            close: told(EventKind::Close) || stream.manual_close,
            ping: told(EventKind::Ping) || stream.manual_pong,
            pong: told(EventKind::Pong),
        };
        if kinds == Kinds::default() {
            return Ok(None);
        }
        let (listeners, ways): (Vec<mpsc::Sender<Said>>, _) = converse::ways(self.base.cores.min(LISTENERS));
        let converse = Converse {
            stream: name.clone(),
            chain: self.chain(&stream.client),
            events: self.chain(&stream.events),
            relay,
            lane: self.base.sent.clone(),
            journal: self.base.journal.clone(),
            judged: self.base.judged.subscribe(),
            shards: self.base.shards.clone(),
            metrics: self.base.ground.metrics.clone(),
            tasks: self.base.tasks.clone(),
        };
        converse.start(ways).map_err(Fault::of)?;
        Ok(Some(Hearing { kinds, listeners: listeners.into() }))
    }
}
