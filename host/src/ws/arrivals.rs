//! Clients on their way to a shard. Most have nothing to be told when they come, since those who come for what happens from
//! now on have all there is: a shard is not woken for one of them, but takes them in when it next does anything. Their
//! sockets are watched meanwhile, so that who says something is heard at once.

use super::encode::Form;
use super::shard::poller;
use super::{Joining, Transport};
use crate::clients::Clients;
use crate::hub::Inbox;
use crate::message::Offset;
use crate::metrics::{Metrics, PerStream};
use crate::task::{Guard, Tracker};
use mio::Registry;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;

/// Those of one shard.
pub struct Arrivals {
    waiting: Mutex<Waiting>,
    /// Told when somebody is to be seen to at once.
    pressing: Notify,
    /// Where the shard's sockets are watched.
    registry: Registry,
    /// What is published for the shard, which does not look at it while it has no clients.
    inbox: Arc<Inbox>,
    clients: Clients,
    metrics: Metrics,
    present: Tracker,
    shard: usize,
}

/// A client that counts, and is to be taken in.
pub struct Arrival {
    pub joining: Joining,
    /// What is older was there before it. `None`: that is what was published when it is taken in.
    pub live_from: Option<Offset>,
    pub counted: Guard,
}

struct Waiting {
    arrivals: Vec<Arrival>,
    /// Up to where the shard has looked at what is published. For what comes later it is woken anyway.
    seen: Offset,
    /// Whoever comes is to be told goodbye.
    draining: bool,
}

impl Arrivals {
    /// For the shard of that number, which begins with what is published at `tail`.
    pub fn new(
        (shard, registry): (usize, Registry),
        (inbox, tail): (&Arc<Inbox>, Offset),
        clients: &Clients,
        metrics: &Metrics,
        present: &Tracker,
    ) -> Self {
        Self {
            waiting: Mutex::new(Waiting { arrivals: Vec::new(), seen: tail, draining: false }),
            pressing: Notify::new(),
            registry,
            inbox: inbox.clone(),
            clients: clients.clone(),
            metrics: metrics.clone(),
            present: present.clone(),
            shard,
        }
    }

    /// From now on it is among those who are there, and the shard has it before it does anything else.
    pub fn add(&self, joining: Joining) {
        let (card, stream) = (joining.who.card.clone(), joining.who.stream.name.clone());
        let counted = self.present.begin();
        // What its socket tells of, and what others do to it when they have found it, the shard looks for here.
        let mut waiting = self.waiting();
        if let Transport::Tcp { tcp, .. } = &joining.transport
            && let Err(error) = poller::watch(&self.registry, tcp, card.id)
        {
            return tracing::error!(%error, "failed to watch the socket of a client, it is closed");
        }
        self.clients.join(card, self.shard);
        self.metrics.clients.get_or_create(&PerStream { stream }).inc();
        let pressing = waiting.is_pressing(&joining);
        // One that waits comes when it comes here, whatever is published meanwhile.
        let live_from = (!pressing).then_some(joining.who.cursor.offset);
        waiting.arrivals.push(Arrival { joining, live_from, counted });
        self.inbox.resume();
        drop(waiting);
        if pressing {
            self.pressing.notify_one();
        }
    }

    /// Returns when somebody is to be seen to at once. Cancel safe.
    pub async fn pressing(&self) {
        self.pressing.notified().await;
    }

    /// Those who have come. The shard has looked at what is published up to `seen`, and says goodbye to whoever comes if it is
    /// `draining`. If it is `alone`, and nobody has come, it is not woken for what is published until somebody does.
    pub fn take(&self, seen: Offset, draining: bool, alone: bool) -> Vec<Arrival> {
        let mut waiting = self.waiting();
        (waiting.seen, waiting.draining) = (seen, draining);
        if alone && waiting.arrivals.is_empty() {
            self.inbox.rest();
        }
        std::mem::take(&mut waiting.arrivals)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no holder of this lock panics")
    }
}

impl Waiting {
    /// Whether something is to be done for it now.
    fn is_pressing(&self, Joining { who, transport, early, .. }: &Joining) -> bool {
        let is_quiet = match transport {
            Transport::Tcp { tls, .. } => tls.as_ref().is_none_or(|tls| tls.is_clear() && !tls.has_unread()),
            Transport::Pipe(_) => false,
        };
        let is_told = who.manner.form != Form::Raw || who.greeting.is_some() || who.gap.is_some();
        let is_heard = who.stream.hearing.is_some() || !early.is_empty();
        !is_quiet || is_told || is_heard || who.cursor.offset < self.seen || self.draining
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::Hub;
    use crate::message::Payload;
    use crate::pipe;
    use crate::ws::Who;
    use crate::ws::tests::{cursor, who};
    use mio::{Events, Poll};
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::pin::pin;
    use std::task::{Context, Waker};
    use std::time::Duration;

    fn arrivals(poll: &Poll) -> Arrivals {
        let registry = poll.registry().try_clone().expect("a registry can be cloned");
        let hub = Hub::new(1, 1000);
        Arrivals::new(
            (0, registry),
            (&hub.inboxes()[0], cursor(1).offset),
            &Clients::default(),
            &Metrics::default(),
            &Tracker::default(),
        )
    }

    /// A client's end and ours.
    fn pair() -> (TcpStream, Transport) {
        let door = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let client = TcpStream::connect(door.local_addr().expect("it has one")).expect("it connects");
        let (tcp, _) = door.accept().expect("it comes");
        tcp.set_nonblocking(true).expect("a socket can be so");
        (client, Transport::Tcp { tcp, tls: None })
    }

    fn presses(arrivals: &Arrivals, who: Who, transport: Transport, early: &[u8]) -> bool {
        arrivals.add(Joining { who, transport, early: early.to_vec(), permit: Box::new(()) });
        pin!(arrivals.pressing()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_shard_is_woken_for_who_is_to_be_told_something_and_for_nobody_else() {
        let poll = Poll::new().expect("a poll");
        let arrivals = arrivals(&poll);
        let raw = |offset| who(Form::Raw, cursor(offset));
        let mut clients = Vec::new();
        let mut of_tcp = |who, early| {
            let (client, transport) = pair();
            clients.push(client);
            presses(&arrivals, who, transport, early)
        };
        assert!(!of_tcp(raw(1), b""), "it has all there is");
        assert!(of_tcp(raw(1), b"it said something"));
        assert!(of_tcp(who(Form::V1, cursor(1)), b""), "it is told hello");
        assert!(of_tcp(Who { greeting: Some(Payload::of("hello".into())), ..raw(1) }, b""));
        assert_eq!(arrivals.take(Offset(9), false, true).len(), 4);
        assert!(!of_tcp(raw(9), b"") && of_tcp(raw(8), b""), "one has missed something");
        assert_eq!((arrivals.take(Offset(9), true, true).len(), arrivals.take(Offset(9), true, true).len()), (2, 0));
        assert!(of_tcp(raw(9), b""), "it is told goodbye");
        let (near, _far) = pipe::pair(100);
        assert!(presses(&arrivals, raw(9), Transport::Pipe(near), b""), "no poller knows of a pipe");
    }

    #[test]
    fn one_that_nobody_was_woken_for_counts_and_is_heard() {
        let mut poll = Poll::new().expect("a poll");
        let arrivals = arrivals(&poll);
        let (mut client, transport) = pair();
        let one = who(Form::Raw, cursor(1));
        let id = one.card.id;
        assert!(!presses(&arrivals, one, transport, b""));
        assert!(arrivals.clients.card(id).is_some() && arrivals.present.count() == 1);
        let mut events = Events::with_capacity(4);
        poll.poll(&mut events, Some(Duration::ZERO)).expect("a look");
        assert!(events.is_empty(), "that it could be written to is no news");
        client.write_all(b"hello").expect("it is taken");
        poll.poll(&mut events, Some(Duration::from_secs(10))).expect("a look");
        assert_eq!(events.iter().map(|event| event.token().0 as u64).collect::<Vec<_>>(), [id.0]);
        drop(arrivals.take(Offset(1), false, true));
        assert_eq!(arrivals.present.count(), 0);
    }
}
