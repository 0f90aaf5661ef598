//! Manifests: what an artifact consists of, read and written.

use super::LARGEST;
use super::error::Why;
use crate::reference::{Digest, Reference};
use serde::Deserialize;
use serde_json::json;

pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const CONFIG: &str = "application/vnd.wasm.config.v0+json";
pub(super) const WASM: &str = "application/wasm";

/// What a registry is to choose from when it is asked by a tag. The first is what is wanted; the others are there so that
/// it can be said what was found.
pub(super) const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                                   application/vnd.docker.distribution.manifest.v2+json, */*;q=0.1";

/// The largest manifest that is read; registries take none above 4 MiB, and ours have 600 bytes.
pub(super) const LARGEST_MANIFEST: usize = 1 << 20;

/// The one layer of an artifact: the component.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layer {
    pub digest: Digest,
    pub size: usize,
}

#[derive(Deserialize)]
struct Manifest {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
}

impl Layer {
    /// The layer of a manifest, which must be that of a component.
    pub fn of(manifest: &[u8], reference: &Reference) -> Result<Self, Why> {
        let not_wasm = |what: &str| Err(Why::NotWasm(what.to_owned()));
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(manifest) else {
            return not_wasm("its manifest is not JSON");
        };
        if value.get("manifests").is_some() {
            return not_wasm("it is an index of several manifests: name the digest of one of them");
        }
        let Ok(Manifest { config, layers }) = serde_json::from_value(value) else {
            return not_wasm("its manifest has no config or no layers");
        };
        if config.media_type != CONFIG {
            return Err(Why::NotWasm(format!("its config is of type `{}`, not `{CONFIG}`", shown(&config.media_type))));
        }
        let [layer] = layers.as_slice() else {
            return Err(Why::NotWasm(format!("it has {} layers, not one", layers.len())));
        };
        if layer.media_type != WASM {
            return Err(Why::NotWasm(format!("its layer is of type `{}`, not `{WASM}`", shown(&layer.media_type))));
        }
        let Some(digest) = Digest::parse(&layer.digest) else {
            return not_wasm("its layer is not named by a SHA-256");
        };
        match usize::try_from(layer.size) {
            Ok(size) if size <= LARGEST => Ok(Self { digest, size }),
            _ => {
                let registry = reference.registry.clone();
                Err(Why::TooLarge { registry, what: "component", most: LARGEST })
            }
        }
    }
}

fn shown(media_type: &str) -> String {
    media_type.chars().take(100).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The config of a component. The same component has the same one whenever it is pushed, and so the same digest.
pub(super) fn config(component: &Digest, imports: &[String], exports: &[String]) -> Vec<u8> {
    let config = json!({
        "created": "1970-01-01T00:00:00Z",
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [component.to_string()],
        "component": { "exports": exports, "imports": imports },
    });
    config.to_string().into_bytes()
}

pub(super) fn manifest(config: &[u8], component: &[u8]) -> Vec<u8> {
    let descriptor = |media_type: &str, content: &[u8]| json!({ "mediaType": media_type, "digest": Digest::of(content).to_string(), "size": content.len() });
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, config),
        "layers": [descriptor(WASM, component)],
    });
    manifest.to_string().into_bytes()
}
