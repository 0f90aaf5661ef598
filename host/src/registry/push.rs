//! The other way: a component into a registry.

use super::error::{Error, Why};
use super::manifest::{self, MANIFEST};
use super::session::Session;
use super::{Settings, alone};
use crate::outward::Destination;
use crate::reference::{Digest, Reference, Version};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use tokio::time::timeout;

/// The longest answer that is of interest.
const ANSWER: usize = 64 << 10;

/// Pushes a component with what it imports and exports, and says by which digest its manifest is known then. It blocks.
pub fn push(
    reference: &Reference,
    settings: &Settings,
    component: Vec<u8>,
    imports: &[String],
    exports: &[String],
) -> Result<Digest, Error> {
    let config = manifest::config(&Digest::of(&component), imports, exports);
    let pushed = (reference.clone(), settings.clone());
    let done = alone(async move {
        let (reference, settings) = pushed;
        let slow = Why::Slow { registry: reference.registry.clone(), patience: settings.timeout };
        timeout(settings.timeout, all(&reference, &settings, config, component)).await.unwrap_or(Err(slow))
    });
    done.map_err(|why| Error::push(reference, why))
}

async fn all(reference: &Reference, settings: &Settings, config: Vec<u8>, component: Vec<u8>) -> Result<Digest, Why> {
    let manifest = manifest::manifest(&config, &component);
    let digest = Digest::of(&manifest);
    let version = match &reference.version {
        Version::Tag(tag) => tag.clone(),
        // The registry takes it when it is the right one.
        Version::Digest(digest) => digest.to_string(),
    };
    let mut session = Session::open(reference, settings)?;
    blob(&mut session, config).await?;
    blob(&mut session, component).await?;
    let at = session.place(&format!("manifests/{version}"))?;
    put(&mut session, &at, MANIFEST, manifest.into(), "manifest").await?;
    Ok(digest)
}

/// Puts a blob there, unless it is there already.
async fn blob(session: &mut Session<'_>, content: Vec<u8>) -> Result<(), Why> {
    let digest = Digest::of(&content);
    let at = session.place(&format!("blobs/{digest}"))?;
    let found = session.ask(Method::HEAD, &at, &HeaderMap::new(), Bytes::new(), ANSWER).await?;
    if found.status == StatusCode::OK {
        return Ok(());
    }
    let at = session.place("blobs/uploads/")?;
    let begun = session.ask(Method::POST, &at, &HeaderMap::new(), Bytes::new(), ANSWER).await?;
    if begun.status != StatusCode::ACCEPTED {
        return Err(session.refused(&begun, "repository", &at));
    }
    let there = session.elsewhere(&begun, &at)?;
    let query = there.address.target.query();
    let query = query.map_or_else(|| format!("digest={digest}"), |query| format!("{query}&digest={digest}"));
    let there = there.with_query(Some(&query)).map_err(Why::Address)?;
    put(session, &there, "application/octet-stream", content.into(), "upload").await
}

async fn put(
    session: &mut Session<'_>,
    at: &Destination,
    media_type: &'static str,
    content: Bytes,
    what: &'static str,
) -> Result<(), Why> {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
    let put = session.ask(Method::PUT, at, &headers, content, ANSWER).await?;
    if put.status == StatusCode::CREATED { Ok(()) } else { Err(session.refused(&put, what, at)) }
}
