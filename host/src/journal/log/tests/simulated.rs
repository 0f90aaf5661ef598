//! A disk in memory that keeps what was synced, may lose the rest, and fails when it is told to.
//!
//! A crash keeps of every unsynced write all, nothing, its beginning, or any of its sectors; of every unsynced change of
//! the directory all or nothing. What a failed sync was asked for may be lost in any later crash, whatever is synced after it.

use super::super::{Disk, DiskFile};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

const SECTOR: usize = 512;

/// What is to go wrong, once each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// A write takes only half.
    pub short: bool,
    /// A write fails with this error of the system, after so many bytes.
    pub write: Option<(usize, i32)>,
    pub sync: bool,
    pub truncate: bool,
    pub create: bool,
    pub directory: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Unsynced,
    Synced,
    /// A sync of it failed.
    Doubtful,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    synced: Vec<u8>,
    changes: Vec<(Change, Fate)>,
    seen: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Naming {
    Add(PathBuf, usize),
    Remove(PathBuf),
}

#[derive(Debug, Default)]
pub struct World {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    synced: BTreeMap<PathBuf, usize>,
    namings: Vec<Naming>,
    pub faults: Faults,
    /// These bytes of a file cannot be read.
    pub bad: Option<(PathBuf, std::ops::Range<u64>)>,
}

#[derive(Clone, Debug, Default)]
pub struct Simulated(Arc<Mutex<World>>);

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Truncate(length) => bytes.resize(*length as usize, 0),
        Change::Write(at, written) => {
            let (at, end) = (*at as usize, *at as usize + written.len());
            bytes.resize(bytes.len().max(end), 0);
            bytes[at..end].copy_from_slice(written);
        }
    }
}

impl Simulated {
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    pub fn fail(&self, faults: Faults) {
        self.world().faults = faults;
    }

    /// The power fails. `choose(n)` answers a number below n.
    pub fn crash(&self, mut choose: impl FnMut(usize) -> usize) {
        let mut world = self.world();
        for inode in &mut world.inodes {
            let mut bytes = std::mem::take(&mut inode.synced);
            for (change, fate) in std::mem::take(&mut inode.changes) {
                match (change, if fate == Fate::Synced { 0 } else { choose(4) }) {
                    (change, 0) => apply(&mut bytes, &change),
                    (Change::Write(at, written), 1) => {
                        let kept = choose(written.len() + 1);
                        apply(&mut bytes, &Change::Write(at, written[..kept].to_vec()));
                    }
                    (Change::Write(at, written), 2) => {
                        let (mut from, mut rest) = (at, &written[..]);
                        while !rest.is_empty() {
                            let (sector, after) = rest.split_at(rest.len().min(SECTOR - from as usize % SECTOR));
                            if choose(2) == 0 {
                                apply(&mut bytes, &Change::Write(from, sector.to_vec()));
                            }
                            (from, rest) = (from + sector.len() as u64, after);
                        }
                    }
                    _ => {}
                }
            }
            inode.seen.clone_from(&bytes);
            inode.synced = bytes;
        }
        let mut names = world.synced.clone();
        for naming in std::mem::take(&mut world.namings) {
            match naming {
                _ if choose(2) == 0 => {}
                Naming::Add(path, inode) => _ = names.insert(path, inode),
                Naming::Remove(path) => _ = names.remove(&path),
            }
        }
        world.synced.clone_from(&names);
        world.names = names;
        world.faults = Faults::default();
    }

    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let world = self.world();
        world.names.iter().map(|(path, inode)| (path.clone(), world.inodes[*inode].seen.len() as u64)).collect()
    }

    /// Changes what is on disk behind the log's back.
    pub fn damage(&self, path: &Path, change: impl Fn(&mut Vec<u8>)) {
        let mut world = self.world();
        let inode = world.names[path];
        let inode = &mut world.inodes[inode];
        change(&mut inode.seen);
        inode.synced.clone_from(&inode.seen);
        inode.changes.clear();
    }
}

impl Disk for Simulated {
    fn make_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let world = self.world();
        let here = world.names.keys().filter(|path| path.parent() == Some(directory));
        Ok(here.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut world = self.world();
        if std::mem::take(&mut world.faults.create) {
            return Err(io::Error::from_raw_os_error(28));
        }
        if world.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = world.inodes.len();
        world.inodes.push(Inode::default());
        world.names.insert(path.to_owned(), inode);
        world.namings.push(Naming::Add(path.to_owned(), inode));
        Ok(Arc::new(SimulatedFile { disk: self.clone(), inode, path: path.to_owned() }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let inode = *self.world().names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(SimulatedFile { disk: self.clone(), inode, path: path.to_owned() }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.names.remove(path).ok_or(io::ErrorKind::NotFound)?;
        world.namings.push(Naming::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        let mut world = self.world();
        if std::mem::take(&mut world.faults.directory) {
            return Err(io::Error::from_raw_os_error(5));
        }
        world.synced = world.names.clone();
        world.namings.clear();
        Ok(())
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: Simulated,
    inode: usize,
    path: PathBuf,
}

impl SimulatedFile {
    fn change(&self, world: &mut World, change: Change) {
        let inode = &mut world.inodes[self.inode];
        apply(&mut inode.seen, &change);
        inode.changes.push((change, Fate::Unsynced));
    }
}

impl DiskFile for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let world = self.disk.world();
        if let Some((path, bad)) = &world.bad
            && *path == self.path
            && bad.start < at + buffer.len() as u64
            && at < bad.end
        {
            return Err(io::Error::from_raw_os_error(5));
        }
        let seen = &world.inodes[self.inode].seen;
        let from = seen.get((at as usize).min(seen.len())..).unwrap_or_default();
        let length = from.len().min(buffer.len());
        buffer[..length].copy_from_slice(&from[..length]);
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        let mut world = self.disk.world();
        let half = std::mem::take(&mut world.faults.short).then_some(bytes.len().div_ceil(2));
        let fault = world.faults.write;
        let length = half.or(fault.map(|(length, _)| length.min(bytes.len()))).unwrap_or(bytes.len());
        if let (Some((left, error)), None) = (fault, half) {
            world.faults.write = Some((0, error));
            if left == 0 {
                world.faults.write = None;
                return Err(io::Error::from_raw_os_error(error));
            }
        }
        self.change(&mut world, Change::Write(at, bytes[..length].to_vec()));
        Ok(length)
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = self.disk.world();
        let fails = std::mem::take(&mut world.faults.sync);
        let inode = &mut world.inodes[self.inode];
        let fate = if fails { Fate::Doubtful } else { Fate::Synced };
        for (_, known) in inode.changes.iter_mut().filter(|(_, fate)| *fate == Fate::Unsynced) {
            *known = fate;
        }
        if inode.changes.iter().all(|(_, fate)| *fate == Fate::Synced) {
            inode.changes.clear();
            inode.synced.clone_from(&inode.seen);
        }
        if fails { Err(io::Error::from_raw_os_error(5)) } else { Ok(()) }
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut world = self.disk.world();
        if std::mem::take(&mut world.faults.truncate) {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.change(&mut world, Change::Truncate(length));
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.world().inodes[self.inode].seen.len() as u64)
    }
}
