//! What an instance may hold. Asking for more ends the call: a guest told `-1` by `memory.grow` would only abort, and
//! say less clearly why.

use wasmtime::ResourceLimiter;

/// Elements in any one table. The largest guest known (SpiderMonkey) has 7739.
const TABLE_ELEMENTS: usize = 100_000;

/// Counts the memory of one instance, all its linear memories together.
pub struct Meter {
    limit: u64,
    held: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum Excess {
    #[error("asked for {wanted} bytes of memory, of the {limit} it may have")]
    Memory { wanted: u64, limit: u64 },
    #[error("asked for a table of {0} elements, of the {TABLE_ELEMENTS} it may have")]
    Table(usize),
}

impl Meter {
    pub fn new(limit: u64) -> Self {
        Self { limit, held: 0 }
    }

    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// What it holds, which is also the most it held: linear memory never shrinks.
    pub fn held(&self) -> u64 {
        self.held
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false); // The guest's own limit, which it expects to run into.
        }
        let wanted = self.held.saturating_add((desired - current) as u64);
        if wanted > self.limit {
            return Err(Excess::Memory { wanted, limit: self.limit }.into());
        }
        self.held = wanted;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(error)
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        if desired > TABLE_ELEMENTS {
            return Err(Excess::Table(desired).into());
        }
        Ok(true)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(error)
    }
}
