//! Files that change while the gateway works: components of filters, certificates. They are watched, and read again when
//! an operator says so.

use crate::error::Chain;
use crate::filter::{Change, Shelf};
use crate::tls::Acceptor;
use crate::watch::{self, Watch};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

/// Reads all of them again; they are taken together, or not at all. Blocks: filters are compiled.
pub fn all(shelf: &Shelf, acceptor: Option<&Acceptor>) -> Result<Vec<Change>, Vec<String>> {
    let certificate = || match acceptor.map(Acceptor::reload) {
        None | Some(Ok(_)) => Ok(()),
        Some(Err(error)) => Err(Chain(&error).to_string()),
    };
    let changes = shelf.reload(certificate);
    match &changes {
        Ok(changes) => tracing::info!(exchanged = changes.len(), "filters and certificate read again"),
        Err(problems) => {
            for why in problems {
                tracing::error!(why, "nothing is taken of what was read again, all is as before");
            }
        }
    }
    changes
}

/// Exchanges components when their files change, until what it gives is dropped.
pub fn watch(shelf: Arc<Shelf>) -> io::Result<Watch> {
    let watched = shelf.clone();
    let mut told = BTreeSet::new();
    let look = move || {
        let (_, refusals) = shelf.look();
        let refusals: BTreeSet<String> = refusals.iter().map(|refusal| Chain(refusal).to_string()).collect();
        // Said once, not at every change of a busy directory.
        for why in refusals.difference(&told) {
            tracing::error!(why, "a changed component is not taken, the old one works on");
        }
        told = refusals;
    };
    Watch::start("filter-reload", move || watch::directories(watched.files()), look)
}
