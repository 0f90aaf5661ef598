//! All clients, in one loop.

use super::client::Client;
use super::{Door, PATIENCE, Tally};
use mio::{Events, Interest, Poll, Token};
use std::time::{Duration, Instant};

/// Handshakes under way at once.
const AT_ONCE: usize = 32;

pub struct Clients {
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    door: Door,
    all: Vec<Option<Client>>,
    /// Those whose stream has opened and whom nobody has asked for yet.
    opened: Vec<usize>,
    pub tally: Tally,
}

impl Clients {
    pub fn new(door: &Door, tally: Tally) -> Result<Self, String> {
        let poll = Poll::new().map_err(|error| error.to_string())?;
        let events = Events::with_capacity(1024);
        let buffer = vec![0; 256 << 10];
        Ok(Self { poll, events, buffer, door: door.clone(), all: vec![], opened: vec![], tally })
    }

    /// Opens so many more, a few at once, the streams taking turns.
    pub fn open(&mut self, count: usize, streams: usize, query: &str) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        let (mut begun, mut open) = (0, 0);
        while open < count {
            while begun < count && begun - open < AT_ONCE {
                let number = self.all.len();
                self.all.push(None);
                self.begin(number, &format!("/ws/{}{query}", number % streams))?;
                begun += 1;
            }
            self.turn(deadline)?;
            open += self.opened.drain(..).count();
        }
        Ok(())
    }

    /// Opens so many in all, a few at once, and resets each as soon as it is open.
    pub fn knock(&mut self, count: usize) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        let (mut begun, mut done) = (0, 0);
        self.all.resize_with(AT_ONCE.min(count), || None);
        while done < count {
            for number in 0..self.all.len() {
                if self.all[number].is_none() && begun < count {
                    self.begin(number, "/ws/0")?;
                    begun += 1;
                }
            }
            self.turn(deadline)?;
            for number in std::mem::take(&mut self.opened) {
                self.all[number].take().into_iter().for_each(Client::reset);
                done += 1;
            }
        }
        Ok(())
    }

    /// Until every client has every event, or `failed` says that they will not come.
    pub fn receive(&mut self, failed: impl Fn() -> bool) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while !self.tally.is_done() {
            if failed() {
                return Err("a sender failed".to_owned());
            }
            let turned = self.turn(deadline);
            turned.map_err(|error| format!("{error}; {} deliveries are missing", self.tally.missing()))?;
        }
        Ok(())
    }

    /// Reads for a while, so that what a start leaves behind is over, and that nothing comes that should not.
    pub fn settle(&mut self, time: Duration) -> Result<(), String> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.turn(Instant::now() + PATIENCE)?;
        }
        Ok(())
    }

    pub fn reset(&mut self) {
        self.all.drain(..).flatten().for_each(Client::reset);
    }

    fn begin(&mut self, number: usize, path: &str) -> Result<(), String> {
        let told = |error: std::io::Error| format!("client {number} cannot connect: {error}");
        let mut client = Client::connect(&self.door, number, path).map_err(told)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut client.socket, Token(number), interest).map_err(told)?;
        self.all[number] = Some(client);
        Ok(())
    }

    fn turn(&mut self, deadline: Instant) -> Result<(), String> {
        if Instant::now() > deadline {
            return Err(format!("not within {PATIENCE:?}"));
        }
        match self.poll.poll(&mut self.events, Some(Duration::from_millis(20))) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => return Err(error.to_string()),
            _ => {}
        }
        for event in &self.events {
            let number = event.token().0;
            // An event may be of one that this number had before.
            let Some(client) = self.all.get_mut(number).and_then(Option::as_mut) else { continue };
            if client.ready(&mut self.buffer, |event| self.tally.note(number, event))? {
                self.opened.push(number);
            }
        }
        self.tally.fault().cloned().map_or(Ok(()), Err)
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.reset();
    }
}
