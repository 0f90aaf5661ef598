//! What the index has gathered in memory (its *memtables*) is written out by fjall, and later freed by it, entry by entry, under a
//! lock that whoever asks or tells the index waits for: 16 ms for the 4 MiB of one, and with it all who wait for their
//! acknowledgements. Whoever holds on to one too can be the last to let go of it, and free it where nobody waits.

use fjall::{AbstractTree as _, Keyspace};
use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// Those that are in use, or were when they were last looked at.
#[derive(Default)]
pub(super) struct Memtables(Mutex<Vec<Arc<dyn Any + Send + Sync>>>);

impl Memtables {
    /// Frees those that nobody else needs any more, and takes hold of those that keyspaces gather in now. To be called every
    /// second or so. One that comes and goes between two calls is freed by fjall.
    pub fn look_after<'a>(&self, keyspaces: impl Iterator<Item = &'a Keyspace>) {
        // One that panicked has left the list whole.
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|memtable| Arc::strong_count(memtable) > 1);
        for keyspace in keyspaces {
            // Hidden in fjall's documentation, but there for others: it gives no other way to reach one.
            let active: Arc<dyn Any + Send + Sync> = keyspace.tree.active_memtable();
            if !held.iter().any(|known| Arc::ptr_eq(known, &active)) {
                held.push(active);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fjall::{Database, KeyspaceCreateOptions};

    #[test]
    fn one_that_was_written_out_is_freed_by_us_and_no_sooner() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let database = Database::builder(directory.path()).worker_threads(1).open().expect("it opens");
        let keyspace = database.keyspace("x", KeyspaceCreateOptions::default).expect("it opens");
        let memtables = Memtables::default();
        let look = || memtables.look_after([&keyspace].into_iter());
        keyspace.insert("a", "1").expect("it is written");
        look();
        look();
        let first = {
            let held = memtables.0.lock().expect("nobody panicked");
            assert_eq!(held.len(), 1, "each is held once");
            Arc::downgrade(&held[0])
        };
        // fjall keeps one for as long as somebody may read it as it was then, some turns longer than it is written out.
        for turn in 0.. {
            assert!(turn < 100, "fjall lets go of it one day");
            keyspace.insert("a", turn.to_string()).expect("it is written");
            keyspace.rotate_memtable_and_wait().expect("it is written out");
            assert!(first.strong_count() > 0, "it waits for us");
            if first.strong_count() == 1 {
                break;
            }
            look();
        }
        look();
        assert_eq!(first.strong_count(), 0, "nobody reads it any more");
        assert!(keyspace.get("a").expect("it is read").is_some());
    }
}
