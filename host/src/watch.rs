//! Files that are used again when they change.
//!
//! The directories are watched, not the files: Kubernetes swaps a symbolic link beside them, certbot replaces the links
//! themselves, editors and builds rename a new file over the old. A watch can be lost (a network file system, a directory
//! made anew), so the files are looked at now and then anyway.

use crate::error::Chain;
use crate::task;
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// What belongs together is written one after the other: wait until nothing has changed for so long.
const QUIET: Duration = Duration::from_millis(200);

/// Some directories are never quiet: look after so long anyway, and no more often.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// How often the files are looked at though no change was reported.
const LOOK_ANYWAY: Duration = Duration::from_secs(60);

/// Looks at files when they change, until it is dropped.
#[must_use = "to drop it ends the watch"]
pub struct Watch {
    ended: Arc<AtomicBool>,
    wake: SyncSender<()>,
}

impl Watch {
    /// Starts a thread that calls `look` once now, and then whenever something has changed in one of the `directories`, which it
    /// asks for anew each time.
    pub fn start(
        name: &str,
        directories: impl Fn() -> BTreeSet<PathBuf> + Send + 'static,
        look: impl FnMut() + Send + 'static,
    ) -> io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        // One place: a change that finds it taken will be seen with the one that took it.
        let (wake, changes) = sync_channel(1);
        let watched = Watched::new(name, wake.clone());
        let end = ended.clone();
        task::thread(name, move || keep_up(directories, look, watched, &changes, &end))?;
        Ok(Self { ended, wake })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        let _ = self.wake.try_send(());
    }
}

/// Where a change of files can show: beside their names, and beside what their names lead to.
pub fn directories<'a>(files: impl IntoIterator<Item = &'a Path>) -> BTreeSet<PathBuf> {
    let parent = |path: &Path| match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => path.to_owned(),
    };
    files
        .into_iter()
        .flat_map(|path| [Some(parent(path)), path.canonicalize().ok().map(|target| parent(&target))])
        .flatten()
        .collect()
}

fn keep_up(
    directories: impl Fn() -> BTreeSet<PathBuf>,
    mut look: impl FnMut(),
    mut watched: Watched,
    changes: &Receiver<()>,
    ended: &AtomicBool,
) {
    loop {
        // Watch first, look second: a change between the two is reported.
        watched.follow(directories());
        look();
        let mut patience = LOOK_ANYWAY;
        let mut look_by = None;
        while look_by.is_none_or(|time| Instant::now() < time) {
            match changes.recv_timeout(patience) {
                _ if ended.load(Ordering::Acquire) => return,
                Ok(()) => {
                    look_by = look_by.or_else(|| Some(Instant::now() + LONGEST_WAIT));
                    patience = QUIET;
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

/// The directories watched. Without a watcher the files are still looked at now and then.
struct Watched {
    watcher: Option<RecommendedWatcher>,
    directories: BTreeSet<PathBuf>,
}

impl Watched {
    fn new(name: &str, wake: SyncSender<()>) -> Self {
        let report = move |event: notify::Result<notify::Event>| {
            if event.map_or(true, |event| is_change(event.kind)) {
                let _ = wake.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(report)
            .map_err(|error| tracing::warn!(name, error = %Chain(&error), "cannot watch files, looking every minute"))
            .ok();
        Self { watcher, directories: BTreeSet::new() }
    }

    fn follow(&mut self, directories: BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        for gone in self.directories.difference(&directories) {
            // A directory that was removed is not watched any more already.
            let _ = watcher.unwatch(gone);
        }
        // All of them each time, since one may have been removed and made anew under the same name. Those that cannot
        // be watched now are tried again the next time.
        self.directories = directories;
        self.directories.retain(|directory| watcher.watch(directory, RecursiveMode::NonRecursive).is_ok());
    }
}

/// Not everything reported is a change: the files being read is reported too, and would have us read them for ever.
fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_being_read_is_not_taken_for_a_change() {
        use notify::event::{CreateKind, ModifyKind};
        assert!(is_change(EventKind::Create(CreateKind::Any)));
        assert!(is_change(EventKind::Modify(ModifyKind::Any)));
        assert!(is_change(EventKind::Access(AccessKind::Close(AccessMode::Write))));
        for reading in [AccessKind::Open(AccessMode::Any), AccessKind::Read, AccessKind::Close(AccessMode::Read)] {
            assert!(!is_change(EventKind::Access(reading)));
        }
    }
}
