//! Who got what: every client is to get every event of its stream, once.

use super::Window;
use std::sync::Arc;
use std::time::Instant;

pub struct Tally {
    streams: usize,
    /// A bit an event, a run of words a client.
    seen: Vec<u64>,
    words: usize,
    /// Clients that have not got it, by event.
    lacking: Vec<u32>,
    undone: usize,
    /// When the last client had it, by event.
    pub done: Vec<Option<Instant>>,
    window: Option<Arc<Window>>,
    fault: Option<String>,
}

impl Tally {
    /// Client and event belong to a stream by their numbers, the streams taking turns.
    pub fn new(clients: usize, events: usize, streams: usize, window: Option<Arc<Window>>) -> Self {
        let words = events.div_ceil(64);
        let of = |stream: usize| (clients + streams - 1 - stream) / streams;
        let lacking: Vec<u32> = (0..events).map(|event| of(event % streams) as u32).collect();
        let undone = lacking.iter().filter(|clients| **clients > 0).count();
        Self {
            streams,
            seen: vec![0; clients * words],
            words,
            lacking,
            undone,
            done: vec![None; events],
            window,
            fault: None,
        }
    }

    pub fn note(&mut self, client: usize, event: u64) {
        let event = usize::try_from(event).unwrap_or(usize::MAX);
        if event >= self.lacking.len() || event % self.streams != client % self.streams {
            self.fault.get_or_insert_with(|| format!("client {client} got event {event}, which is not for it"));
            return;
        }
        let (word, bit) = (client * self.words + event / 64, 1 << (event % 64));
        if self.seen[word] & bit != 0 {
            self.fault.get_or_insert_with(|| format!("client {client} got event {event} twice"));
            return;
        }
        self.seen[word] |= bit;
        self.lacking[event] -= 1;
        if self.lacking[event] == 0 {
            self.undone -= 1;
            self.done[event] = Some(Instant::now());
            if let Some(window) = &self.window {
                window.give();
            }
        }
    }

    pub fn is_done(&self) -> bool {
        self.undone == 0
    }

    /// Deliveries that nobody got yet.
    pub fn missing(&self) -> u64 {
        self.lacking.iter().map(|clients| u64::from(*clients)).sum()
    }

    pub fn deliveries(&self) -> u64 {
        self.seen.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub fn fault(&self) -> Option<&String> {
        self.fault.as_ref()
    }
}
