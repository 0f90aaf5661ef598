//! The buffers that all connections of a thread use, one after the other, and none keeps.

use std::cell::RefCell;

/// How much is read at once: a large record with what is around it, and the head of a request before it.
pub const CAME: usize = 32 << 10;

thread_local! {
    static CAME_IN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static GATHERED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Lends what is read into.
pub fn came<A>(with: impl FnOnce(&mut [u8]) -> A) -> A {
    CAME_IN.with_borrow_mut(|came| {
        came.resize(CAME, 0);
        with(came)
    })
}

/// Lends what content in several pieces is put together in, empty.
pub fn gathered<A>(with: impl FnOnce(&mut Vec<u8>) -> A) -> A {
    GATHERED.with_borrow_mut(|gathered| {
        gathered.clear();
        with(gathered)
    })
}

/// Lends what is sealed into.
pub fn scratch<A>(with: impl FnOnce(&mut Vec<u8>) -> A) -> A {
    SCRATCH.with_borrow_mut(with)
}
