//! `outbox`: what a filter sends on its own account. Kept with the call, see `effects`.

use crate::filter::bindings::postern::filter::{outbox, types};
use crate::filter::effects::Breach;
use crate::filter::state::State;
use crate::filter::verdict::{self, Size};

impl outbox::Host for State {
    fn send(&mut self, to: types::Selector, except: Vec<u64>, what: types::Payload) -> wasmtime::Result<()> {
        self.sending = self.sending.saturating_add(what.data.len());
        let mut size = Size::within(self.machine.bounds.output());
        size.take(self.sending).map_err(Breach)?;
        let payload = verdict::payload(what, &mut Size::within(usize::MAX)).map_err(Breach)?;
        self.effects.send(payload, verdict::narrowing(to, except))
    }
}
