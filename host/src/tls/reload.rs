//! The certificate in use, and how it is replaced when its files change.
//!
//! The directories are watched, not the files: Kubernetes swaps a symbolic link beside them, certbot replaces the links
//! themselves, editors rename a new file over the old. A watch can be lost (a network file system, a directory made
//! anew), so the files are looked at now and then anyway.

use super::Config;
use super::authorities::{Authorities, verifier};
use super::certificate::Files;
use super::error::Error;
use crate::error::Chain;
use crate::task;
use arc_swap::ArcSwap;
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Certificate and key are written one after the other: wait until nothing has changed for so long.
const QUIET: Duration = Duration::from_millis(200);

/// Some directories are never quiet: look after so long anyway, and no more often.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// How often the files are looked at though no change was reported.
const LOOK_ANYWAY: Duration = Duration::from_secs(60);

/// What a reload came to, when nothing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// New connections get what the files hold now.
    Replaced,
    /// The files hold what is in use already.
    Unchanged,
}

/// The certificate that new connections get.
pub struct Current {
    config: Config,
    provider: Arc<CryptoProvider>,
    certified: ArcSwap<CertifiedKey>,
    /// `None`: clients show no certificates.
    authorities: Option<Arc<Authorities>>,
    // One reload at a time; held over reading two files, by the watcher's thread or whoever asked for a reload.
    in_use: Mutex<Files>,
}

impl Current {
    pub fn load(config: Config, provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let files = Files::read(&config)?;
        let certified = ArcSwap::from_pointee(files.certify(&config, &provider)?);
        let authorities = match files.authorities.as_slice() {
            [] => None,
            files => Some(Arc::new(Authorities::new(verifier(files, &provider)?))),
        };
        Ok(Self { config, provider, certified, authorities, in_use: Mutex::new(files) })
    }

    pub fn authorities(&self) -> Option<Arc<Authorities>> {
        self.authorities.clone()
    }

    pub fn reload(&self) -> Result<Reloaded, Error> {
        // What is in use is replaced whole or not at all, so it is right even if a holder of the lock panicked.
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        let files = Files::read(&self.config)?;
        if files == *in_use {
            return Ok(Reloaded::Unchanged);
        }
        let certified = files.certify(&self.config, &self.provider)?;
        if let Some(authorities) = &self.authorities {
            authorities.replace(verifier(&files.authorities, &self.provider)?);
        }
        self.certified.store(Arc::new(certified));
        *in_use = files;
        Ok(Reloaded::Replaced)
    }

    /// Where a change of the files can show: beside their names, and beside what their names lead to.
    fn directories(&self) -> BTreeSet<PathBuf> {
        let parent = |path: &Path| match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
            Some(parent) => parent.to_owned(),
            None => path.to_owned(),
        };
        [&self.config.certificate, &self.config.key]
            .into_iter()
            .chain(&self.config.client_ca)
            .flat_map(|path| [Some(parent(path)), path.canonicalize().ok().map(|target| parent(&target))])
            .flatten()
            .collect()
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.certified.load_full())
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("certificate", &self.config.certificate).finish_non_exhaustive()
    }
}

/// Keeps the certificate up to date, until it is dropped.
#[must_use = "to drop it ends the watch"]
pub struct Watch {
    ended: Arc<AtomicBool>,
    wake: SyncSender<()>,
}

impl Watch {
    pub fn start(current: Arc<Current>) -> io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        // One place: a change that finds it taken will be seen with the one that took it.
        let (wake, changes) = sync_channel(1);
        let watched = Watched::new(wake.clone());
        let end = ended.clone();
        task::thread("tls-reload", move || keep_up(&current, watched, &changes, &end))?;
        Ok(Self { ended, wake })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        let _ = self.wake.try_send(());
    }
}

fn keep_up(current: &Current, mut watched: Watched, changes: &Receiver<()>, ended: &AtomicBool) {
    let mut last_failure = None;
    loop {
        // Watch first, look second: a change between the two is reported.
        watched.follow(current.directories());
        match current.reload() {
            Ok(Reloaded::Replaced) => {
                tracing::info!(certificate = %current.config.certificate.display(), "certificate replaced");
                last_failure = None;
            }
            Ok(Reloaded::Unchanged) => last_failure = None,
            Err(error) => {
                // Said once, not at every change of a busy directory.
                let failure = Chain(&error).to_string();
                if last_failure.as_ref() != Some(&failure) {
                    tracing::error!(error = failure, "failed to replace the certificate, keeping the old one");
                    last_failure = Some(failure);
                }
            }
        }
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
    fn new(wake: SyncSender<()>) -> Self {
        let report = move |event: notify::Result<notify::Event>| {
            if event.map_or(true, |event| is_change(event.kind)) {
                let _ = wake.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(report)
            .map_err(
                |error| tracing::warn!(error = %Chain(&error), "cannot watch the certificate, looking every minute"),
            )
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
mod tests;
