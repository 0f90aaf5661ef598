//! Tickets keep a session with its client, so that one who comes back need not show its certificate again. So when the
//! authorities change, all tickets lose their worth: whoever was let in by an authority that is no longer trusted would come
//! back with one.

use arc_swap::ArcSwap;
use rustls::crypto::ring::Ticketer;
use rustls::server::ProducesTickets;
use std::sync::Arc;

#[derive(Debug)]
pub struct Tickets(ArcSwap<Arc<dyn ProducesTickets>>);

impl Tickets {
    pub fn new() -> Result<Self, rustls::Error> {
        Ok(Self(ArcSwap::from_pointee(Ticketer::new()?)))
    }

    /// Makes all that were given so far worthless. Their clients shake hands in full.
    pub fn renew(&self) -> Result<(), rustls::Error> {
        self.0.store(Arc::new(Ticketer::new()?));
        Ok(())
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        self.0.load().enabled()
    }

    fn lifetime(&self) -> u32 {
        self.0.load().lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.load().encrypt(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.0.load().decrypt(cipher)
    }
}
