//! How far behind clients are, for an operator who asks: each shard is asked once, and looks at its own.

use super::Shards;
use super::shard::{Command, Shard};
use crate::message::ClientId;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::oneshot;

/// The clients of one stream together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crowd {
    pub clients: u64,
    /// How many of them have not been given all there is.
    pub behind: u64,
    /// How many entries of the outbox the one furthest behind has before it, those for others included.
    pub lag: u64,
}

/// What is asked of a shard.
pub struct Look {
    what: What,
    answer: oneshot::Sender<Standings>,
}

#[derive(Clone)]
enum What {
    Streams,
    Clients(Arc<[ClientId]>),
}

#[derive(Default)]
struct Standings {
    streams: BTreeMap<Arc<str>, Crowd>,
    clients: Vec<(ClientId, u64)>,
}

impl Shards {
    /// Every stream that has clients.
    pub async fn crowds(&self) -> BTreeMap<Arc<str>, Crowd> {
        let mut all = BTreeMap::<Arc<str>, Crowd>::new();
        for standings in self.look(&What::Streams).await {
            for (stream, crowd) in standings.streams {
                all.entry(stream).or_default().add(crowd);
            }
        }
        all
    }

    /// How many entries of the outbox each of these clients has before it. One that is gone is left out.
    pub async fn lags(&self, clients: Arc<[ClientId]>) -> HashMap<ClientId, u64> {
        self.look(&What::Clients(clients)).await.into_iter().flat_map(|standings| standings.clients).collect()
    }

    async fn look(&self, what: &What) -> Vec<Standings> {
        let mut asked = Vec::with_capacity(self.commands.len());
        for commands in self.commands.iter() {
            let (answer, answered) = oneshot::channel();
            // A shard that has stopped has no clients.
            let _ = commands.send(Command::Look(Look { what: what.clone(), answer })).await;
            asked.push(answered);
        }
        let mut all = Vec::with_capacity(asked.len());
        for answered in asked {
            all.extend(answered.await);
        }
        all
    }
}

impl Crowd {
    fn add(&mut self, other: Self) {
        self.clients += other.clients;
        self.behind += other.behind;
        self.lag = self.lag.max(other.lag);
    }
}

impl Look {
    pub(super) fn at(self, shard: &Shard) {
        let end = shard.published().0;
        let lag = |cursor: u64| end.saturating_sub(cursor);
        let mut standings = Standings::default();
        match self.what {
            What::Clients(wanted) => {
                let seats = wanted.iter().filter_map(|id| Some((*id, shard.clients.get(*id)?)));
                standings.clients = seats.map(|(id, seat)| (id, lag(shard.clients.cursor(seat).offset.0))).collect();
            }
            What::Streams => {
                for (stream, cursor, clients) in shard.clients.standings() {
                    let lag = lag(cursor.offset.0);
                    let some = Crowd { clients, behind: if lag > 0 { clients } else { 0 }, lag };
                    standings.streams.entry(stream.name.clone()).or_default().add(some);
                }
            }
        }
        // Whoever asked may have gone.
        let _ = self.answer.send(standings);
    }
}
