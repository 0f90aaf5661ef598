//! The protocol's requests, over `outward`: what comes back is bounded in size and time.

use super::schedule;
use crate::outward::{Ask, Client, Destination};
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// A chain is the longest of what an authority says.
const LONGEST: usize = 1 << 20;

/// Asks an authority. Clones know the same.
#[derive(Clone)]
pub struct Http {
    directory: Destination,
    /// When to come back, where the authority has said that; else 0.
    later: Arc<AtomicI64>,
}

impl Http {
    pub fn new(directory: &Destination) -> Self {
        Self { directory: directory.clone(), later: Arc::default() }
    }

    /// For how many seconds it wants to be left alone.
    pub fn asked_to_wait(&self) -> Option<i64> {
        let left = self.later.load(Ordering::Relaxed) - schedule::now();
        (left > 0).then_some(left)
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>>;

impl HttpClient for Http {
    fn request(&self, request: Request<BodyWrapper<Bytes>>) -> Answer {
        let http = self.clone();
        Box::pin(async move {
            let response = http.exchange(request).await?;
            if matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
                http.later.store(later(&response), Ordering::Relaxed);
            }
            Ok(response.into())
        })
    }
}

impl Http {
    async fn exchange(&self, request: Request<BodyWrapper<Bytes>>) -> Result<Response<Full<Bytes>>, Error> {
        let other = |error: crate::outward::Error| Error::Other(Box::new(error));
        let destination = self.directory.at(&request.uri().to_string()).map_err(other)?;
        let target = destination.address.target.clone();
        let (head, mut body) = request.into_parts();
        let mut bytes = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        }
        let ask = Ask {
            method: head.method,
            target,
            headers: &head.headers,
            body: bytes.into(),
            patience: PATIENCE,
            most: LONGEST,
        };
        let content = Client::new(destination).fetch(ask).await.map_err(other)?;
        if !content.complete {
            return Err(Error::Str("an answer is longer than any of this protocol"));
        }
        let mut response = Response::new(Full::new(Bytes::from(content.bytes)));
        *response.status_mut() = content.status;
        *response.headers_mut() = content.headers;
        Ok(response)
    }
}

/// A time, from a number of seconds or a date.
fn later<B>(response: &Response<B>) -> i64 {
    let value = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    match value.parse::<i64>() {
        Ok(seconds) => schedule::now().saturating_add(seconds.max(0)),
        Err(_) => httpdate::parse_http_date(value)
            .map_or(0, |date| date.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)),
    }
}
