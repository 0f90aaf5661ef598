//! `clients`: who is connected to the streams that a filter works for. What it has done to them is kept with the call,
//! see `effects`.

use crate::filter::bindings::postern::filter::{clients, types};
use crate::filter::bindings::{ClientHandle, postern};
use crate::filter::effects::Breach;
use crate::filter::state::State;
use crate::filter::verdict;
use crate::filter::words::one_line;
use crate::message::{Card, Change, ClientId};
use postern::filter::types::HostClient;
use std::sync::Arc;
use wasmtime::component::Resource;

/// The most clients that are found at once.
const FOUND: u32 = 10_000;
/// RFC 6455, section 5.5.1: what is left in a close frame beside its code, and in a pong.
const REASON: usize = 123;
const PONG: usize = 125;

impl clients::Host for State {
    fn count(&mut self, among: types::Selector) -> wasmtime::Result<u64> {
        Ok(self.machine.clients.count(&verdict::selector(among), &self.subject.scope) as u64)
    }

    fn find(&mut self, among: types::Selector, limit: u32) -> wasmtime::Result<Vec<u64>> {
        let limit = limit.min(FOUND) as usize;
        let found = self.machine.clients.find(&verdict::selector(among), &self.subject.scope, None, limit);
        Ok(found.iter().map(|card| card.id.0).collect())
    }

    fn get(&mut self, id: u64) -> wasmtime::Result<Option<Resource<ClientHandle>>> {
        let card = self.reachable(ClientId(id));
        card.map(|card| self.hand_out(card)).transpose()
    }

    fn add_label(&mut self, id: u64, label: types::Label) -> wasmtime::Result<()> {
        let (client, label) = (ClientId(id), verdict::label(label));
        let Some(card) = self.reachable(client) else { return Ok(()) };
        verdict::check_label(&label).map_err(Breach)?;
        self.effects.change(Change::AddLabel { client, label })?;
        let (count, limit) = (self.effects.labels(client, card.labels.clone()).len(), self.machine.bounds.labels());
        if count > limit {
            return Err(Breach::of(format!("{count} labels for one client, of the {limit} it may have")));
        }
        Ok(())
    }

    fn remove_label(&mut self, id: u64, label: types::Label) -> wasmtime::Result<()> {
        let client = ClientId(id);
        match self.reachable(client) {
            Some(_) => self.effects.change(Change::RemoveLabel { client, label: verdict::label(label) }),
            None => Ok(()),
        }
    }

    fn disconnect(&mut self, id: u64, why: types::Close) -> wasmtime::Result<()> {
        let client = ClientId(id);
        if !matches!(why.code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
            return Err(Breach::of(format!("the close code {}, which a server may not send", why.code)));
        }
        let reason = one_line(&why.reason, REASON).into_owned();
        match self.reachable(client) {
            Some(_) => self.effects.change(Change::Disconnect { client, code: why.code, reason }),
            None => Ok(()),
        }
    }

    fn pong(&mut self, id: u64, data: Vec<u8>) -> wasmtime::Result<()> {
        let client = ClientId(id);
        if data.len() > PONG {
            return Err(Breach::of(format!("a pong of {} bytes, of the {PONG} it may have", data.len())));
        }
        match self.reachable(client) {
            Some(_) => self.effects.change(Change::Pong { client, data }),
            None => Ok(()),
        }
    }
}

impl State {
    /// A client that is connected, to one of the streams that the filter works for.
    fn reachable(&self, id: ClientId) -> Option<Arc<Card>> {
        // The client in hand may be on its way in or out, and is known all the same.
        let at_hand = self.subject.client.as_ref().filter(|card| card.id == id);
        let connected = || self.machine.clients.card(id).filter(|card| self.subject.scope.has(&card.stream));
        connected().or_else(|| at_hand.cloned())
    }
}

impl HostClient for State {
    fn id(&mut self, handle: Resource<ClientHandle>) -> wasmtime::Result<u64> {
        Ok(self.client(&handle)?.id.0)
    }

    fn subject(&mut self, handle: Resource<ClientHandle>) -> wasmtime::Result<Option<String>> {
        Ok(self.client(&handle)?.subject.clone())
    }

    fn label(&mut self, handle: Resource<ClientHandle>, key: String) -> wasmtime::Result<Option<String>> {
        let card = self.client(&handle)?;
        Ok(card.labels.iter().find(|label| label.key == key).map(|label| label.value.clone()))
    }

    fn labels(&mut self, handle: Resource<ClientHandle>) -> wasmtime::Result<Vec<types::Label>> {
        let labels = self.client(&handle)?.labels.iter().cloned();
        Ok(labels.map(|label| types::Label { key: label.key, value: label.value }).collect())
    }

    fn address(&mut self, handle: Resource<ClientHandle>) -> wasmtime::Result<String> {
        Ok(self.client(&handle)?.address.to_string())
    }

    fn since(&mut self, handle: Resource<ClientHandle>) -> wasmtime::Result<u64> {
        Ok(self.client(&handle)?.since.0)
    }

    fn drop(&mut self, handle: Resource<ClientHandle>) -> wasmtime::Result<()> {
        self.cards.let_go(handle.rep());
        Ok(())
    }
}
