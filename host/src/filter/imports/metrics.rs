//! `metrics`: a filter's own numbers, beside postern's.

use crate::filter::bindings::postern::filter::metrics;
use crate::filter::effects::Breach;
use crate::filter::state::State;
use crate::metrics::Number;

impl metrics::Host for State {
    fn count(&mut self, name: String, by: u64) -> wasmtime::Result<()> {
        self.note(&name, Number::Count(by))
    }

    fn gauge(&mut self, name: String, value: f64) -> wasmtime::Result<()> {
        self.note(&name, Number::Gauge(value))
    }

    fn observe(&mut self, name: String, value: f64) -> wasmtime::Result<()> {
        self.note(&name, Number::Observe(value))
    }
}

impl State {
    fn note(&self, name: &str, number: Number) -> wasmtime::Result<()> {
        let noted = self.machine.metrics.numbers.note(&self.settings.name, name, number);
        noted.map_err(|why| Breach::of(why.to_string()))?;
        if let Some(listener) = &self.machine.listener {
            listener.number(name, number);
        }
        Ok(())
    }
}
