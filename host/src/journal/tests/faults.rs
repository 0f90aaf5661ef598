//! A disk that is full, and one that fails to sync: never a wrong answer, and an end by itself.

use super::*;
use crate::journal::log::{Disk, DiskFile, RealDisk};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// A real disk with two switches.
#[derive(Clone, Debug, Default)]
struct Faulty {
    full: Arc<AtomicBool>,
    unsynced: Arc<AtomicBool>,
}

#[derive(Debug)]
struct FaultyFile(Arc<dyn DiskFile>, Faulty);

impl Disk for Faulty {
    fn make_directory(&self, directory: &Path) -> io::Result<()> {
        RealDisk.make_directory(directory)
    }
    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(directory)
    }
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        if self.full.load(Ordering::Acquire) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(Arc::new(FaultyFile(RealDisk.create(path)?, self.clone())))
    }
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(FaultyFile(RealDisk.open(path)?, self.clone())))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        RealDisk.sync_directory(directory)
    }
}

impl DiskFile for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(buffer, at)
    }
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        // The half that there is room for lies there before the other half is refused.
        match bytes.len() / 2 {
            half if self.1.full.load(Ordering::Acquire) && half > 8 => self.0.write_at(&bytes[..half], at),
            _ if self.1.full.load(Ordering::Acquire) => Err(io::ErrorKind::StorageFull.into()),
            _ => self.0.write_at(bytes, at),
        }
    }
    fn sync(&self) -> io::Result<()> {
        if self.1.unsynced.load(Ordering::Acquire) {
            return Err(io::Error::other("the disk has gone"));
        }
        self.0.sync()
    }
    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.truncate(length)
    }
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }
}

fn fails_and_recovers(switch: impl Fn(&Faulty) -> &AtomicBool) {
    let directory = tempfile::tempdir().expect("a directory");
    let disk = Faulty::default();
    let config = config(directory.path(), &["a"]);
    let journal = Journal::open_on(Arc::new(disk.clone()), &config).expect("a journal");
    let a = lane(&journal, "a");
    append(&journal, &a, &["before"]);
    deliver_pending(&journal, &a, |_| ());
    append(&journal, &a, &["pending"]);

    switch(&disk).store(true, Ordering::Release);
    for _ in 0..3 {
        assert_eq!(try_append(&journal, delivery(&a, &["lost", "before"])), Err(Refused::Storage));
    }
    assert!(!journal.healthy());
    let events = pending(&journal, &a);
    assert_eq!(texts(&events), ["pending"], "what is there is read");
    let refused = journal.decide(&a, vec![delivered(&events[0])], |_| panic!("published, though it is not on disk"));
    assert!(matches!(refused, Err(Error::Write(_))), "{refused:?}");
    journal.retain(Timestamp(1_000_000)).expect("nothing to delete");
    assert!(!journal.healthy());
    assert_eq!((whole_outbox(&journal).len(), journal.tail()), (1, Offset(2)));

    switch(&disk).store(false, Ordering::Release);
    journal.retain(Timestamp(1_000_000)).expect("nothing to delete");
    assert!(journal.healthy(), "found out without a delivery or a decision");
    let again = append(&journal, &a, &["lost", "before"]);
    assert_eq!((again.first, again.new, again.duplicates), (EventId(3), 1, 1), "what was refused was never seen");
    assert_eq!(deliver_pending(&journal, &a, |_| ()), 2);
    let outbox = whole_outbox(&journal);
    drop((journal, a));
    let journal = Journal::open_on(Arc::new(disk), &config).expect("a journal");
    assert_eq!(journal.damage(), [""; 0]);
    assert_eq!(whole_outbox(&journal), outbox);
    assert_eq!(
        outbox.iter().map(|entry| entry.payload.data.clone()).collect::<Vec<_>>(),
        ["before", "pending", "lost"]
    );
    assert_eq!(pending(&journal, &lane(&journal, "a")), []);
}

#[test]
fn a_full_disk_is_answered_as_such_and_ends_by_itself() {
    fails_and_recovers(|disk| &disk.full);
}

#[test]
fn a_failed_sync_is_never_believed_later_and_ends_by_itself() {
    fails_and_recovers(|disk| &disk.unsynced);
}

#[test]
fn an_index_that_fails_takes_nothing_back_and_is_opened_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open(directory.path(), &["a"]);
    let a = lane(&journal, "a");
    append(&journal, &a, &["one"]);
    for error in [fjall::Error::Poisoned, fjall::Error::Unrecoverable] {
        let failed = journal.0.keeper.read(|_| Err::<(), _>(error));
        assert!(matches!(failed, Err(Error::Index(_))) && !journal.healthy());
        // Told nothing while it is out of use, it reads in the logs what it was not told.
        journal.0.keeper.tell(|_| panic!("asked while out of use"));
        let again = append(&journal, &a, &["one", "two"]);
        assert!(journal.healthy() && again.duplicates >= 1);
    }
    assert_eq!(journal.damage().len(), 1, "{:?}", journal.damage());
    assert_eq!(texts(&pending(&journal, &a)), ["one", "two"]);
}
