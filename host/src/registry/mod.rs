//! Components from a registry: OCI artifacts in the layout that wasm tools share (config of type
//! `application/vnd.wasm.config.v0+json`, one layer of type `application/wasm`), as `wkg oci push` and `postern filter
//! push` make them.
//!
//! Nothing is believed that a registry says: a manifest must have the digest it was asked by, the layer the digest and the
//! size that its manifest names, and both are bounded in size and in time. Nothing but HTTPS is spoken, except to this very
//! machine, and an account is shown to its own registry and to the token server which that names, and to nobody else.
//! What was pulled is kept by its digest, so that the next start asks no network for it.
//!
//! Why not a library: `oci-client`, which `wasm-pkg-client` and `oci-wasm` stand on too, reads manifests and tokens of any
//! size into memory, follows redirects from HTTPS to HTTP, and takes neither a TLS configuration nor a redirect policy.

mod cache;
mod challenge;
mod error;
mod manifest;
mod push;
mod session;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use push::push;

use crate::reference::{Digest, Reference, Version};
use crate::secret::Secret;
use crate::task;
use cache::Cache;
use error::Why;
use manifest::Layer;
use session::Session;
use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// The largest component that is pulled: the largest that a filter may be.
const LARGEST: usize = 64 << 20;

/// How long to wait before asking again a registry that could not be reached or was too busy. After the last it is an error.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// How to go to a registry.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// User name and password; `None`: as nobody in particular.
    pub account: Option<(String, Secret)>,
    /// The only authority whose certificates are taken. With one, TLS is spoken on this machine too.
    pub ca: Option<PathBuf>,
    /// For a pull from its first to its last byte, the waiting between tries included.
    pub timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { account: None, ca: None, timeout: Duration::from_secs(60) }
    }
}

/// All registries, as they were configured, and what was pulled from them.
pub struct Registries {
    cache: Cache,
    settings: BTreeMap<String, Settings>,
}

impl Registries {
    /// `settings` are by host, or host and port.
    pub fn new(directory: &Path, settings: BTreeMap<String, Settings>) -> Self {
        Self { cache: Cache::new(directory), settings }
    }

    /// The component that a reference names. It blocks, and asks the network only for what was not pulled before.
    ///
    /// `pin` is the digest that the component must have, which the caller checks; with it, a tag needs no asking either.
    pub fn pull(&self, reference: &Reference, pin: Option<&Digest>) -> Result<Vec<u8>, Error> {
        let asked = match &reference.version {
            Version::Digest(digest) => self.kept(digest, reference),
            Version::Tag(_) => pin.and_then(|pin| self.cache.content(pin)),
        };
        if let Some(component) = asked {
            tracing::debug!(%reference, "a filter pulled before is used again");
            return Ok(component);
        }
        let is_loose = pin.is_none() && matches!(reference.version, Version::Tag(_));
        let settings = self.settings.get(&reference.registry).cloned().unwrap_or_default();
        let (digest, component) = match attempt(reference, &settings) {
            Ok(Pulled { manifest, component }) => {
                let digest = Digest::of(&manifest);
                self.keep(reference, &digest, &[&manifest, &component]);
                (digest, component)
            }
            // What the tag was last is better than no gateway, as long as the registry has not said otherwise.
            Err(why) if is_loose && why.passing() => match self.last(reference) {
                Some((digest, component)) => {
                    let error = why.to_string();
                    tracing::warn!(%reference, %digest, error, "what a filter's tag is now cannot be asked: what it was last is used");
                    (digest, component)
                }
                None => return Err(Error::pull(reference, why)),
            },
            Err(why) => return Err(Error::pull(reference, why)),
        };
        tracing::info!(%reference, %digest, bytes = component.len(), "a filter was pulled");
        if is_loose {
            let (registry, name) = (&reference.registry, &reference.name);
            let pinned = format!("oci://{registry}/{name}@{digest}");
            tracing::warn!(%reference, pinned, "a tag may be other code tomorrow: write the digest in its place, or set `sha256`");
        }
        Ok(component)
    }

    /// The component of a manifest that was pulled before.
    fn kept(&self, digest: &Digest, reference: &Reference) -> Option<Vec<u8>> {
        let layer = Layer::of(&self.cache.content(digest)?, reference).ok()?;
        self.cache.content(&layer.digest)
    }

    fn last(&self, reference: &Reference) -> Option<(Digest, Vec<u8>)> {
        let digest = self.cache.tagged(reference)?;
        let component = self.kept(&digest, reference)?;
        Some((digest, component))
    }

    fn keep(&self, reference: &Reference, digest: &Digest, contents: &[&[u8]]) {
        let kept = contents.iter().try_for_each(|content| self.cache.keep(content));
        let tagged = || match reference.version {
            Version::Tag(_) => self.cache.tag(reference, digest),
            Version::Digest(_) => Ok(()),
        };
        if let Err(error) = kept.and_then(|()| tagged()) {
            tracing::warn!(%reference, %error, "a filter that was pulled could not be kept: the next start pulls it anew");
        }
    }
}

struct Pulled {
    manifest: Vec<u8>,
    component: Vec<u8>,
}

fn attempt(reference: &Reference, settings: &Settings) -> Result<Pulled, Why> {
    let (reference, settings) = (reference.clone(), settings.clone());
    alone(async move {
        let slow = Why::Slow { registry: reference.registry.clone(), patience: settings.timeout };
        timeout(settings.timeout, again_and_again(&reference, &settings)).await.unwrap_or(Err(slow))
    })
}

/// Asks again when that may help.
async fn again_and_again(reference: &Reference, settings: &Settings) -> Result<Pulled, Why> {
    for pause in PAUSES {
        match once(reference, settings).await {
            Err(why) if why.passing() => {
                tracing::debug!(%reference, %why, "a pull failed and is tried again");
                sleep(pause).await;
            }
            done => return done,
        }
    }
    once(reference, settings).await
}

async fn once(reference: &Reference, settings: &Settings) -> Result<Pulled, Why> {
    let mut session = Session::open(reference, settings)?;
    let manifest = session.manifest().await?;
    if let Version::Digest(asked) = &reference.version {
        verified("manifest", asked, &manifest, reference)?;
    }
    let layer = Layer::of(&manifest, reference)?;
    let component = session.blob(&layer).await?;
    verified("layer", &layer.digest, &component, reference)?;
    Ok(Pulled { manifest, component })
}

fn verified(what: &'static str, asked: &Digest, given: &[u8], reference: &Reference) -> Result<(), Why> {
    let given = Digest::of(given);
    if given == *asked {
        return Ok(());
    }
    Err(Why::Other { what, registry: reference.registry.clone(), asked: asked.clone(), given })
}

/// Runs work to its end on a thread and a runtime of its own: whoever loads filters may be within a runtime or not.
fn alone<T: Send + 'static>(work: impl Future<Output = Result<T, Why>> + Send + 'static) -> Result<T, Why> {
    let running = task::thread("registry", move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Why::Runtime)?;
        let done = runtime.block_on(work);
        // A name being looked up cannot be called off, and is not worth waiting for.
        runtime.shutdown_background();
        done
    });
    let ended = running.map_err(Why::Runtime)?.join();
    ended.unwrap_or_else(|_| Err(Why::Runtime(std::io::Error::other("it panicked"))))
}
