//! How a filter answers a plain HTTP request.

use super::Filter;
use super::bindings::postern::filter::types;
use super::call::Cost;
use super::effects::Effects;
use super::failure::Failure;
use super::request::HttpRequest;
use super::state::Subject;
use super::verdict::{self, Size};
use super::version::{Counted, InForce};
use crate::message::{Payload, Scope};
use crate::metrics::FilterVerdict;
use ::http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use ::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use std::sync::Arc;

/// Headers of one answer.
const HEADERS: usize = 100;

#[derive(Clone, Debug)]
pub enum HttpAnswer {
    /// It is somebody else's.
    Pass,
    Respond(Response),
    /// A webhook: to be answered so once it is in the inbox.
    Accept(Payload, Response),
}

#[derive(Clone, Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Asks a filter how to answer. Blocks as long as the call takes.
pub fn respond(filter: &Filter, request: &Arc<HttpRequest>, scope: &Scope) -> Result<(HttpAnswer, Effects), Failure> {
    let filter = filter.in_force();
    let (answer, _) = filter.answer(request, scope);
    if filter.version().shadow {
        tracing::debug!(filter = filter.name(), path = request.path, ?answer, "a filter in shadow");
        return Ok((HttpAnswer::Pass, Effects::default()));
    }
    answer
}

impl InForce<'_> {
    /// Asks how to answer a request.
    pub(super) fn answer(
        &self,
        request: &Arc<HttpRequest>,
        scope: &Scope,
    ) -> (Result<(HttpAnswer, Effects), Failure>, Cost) {
        let Some(handler) = &self.version().handlers.http else {
            return (Err(Failure::Missing("http-handler")), Cost::default());
        };
        let subject = Subject { request: Some(request.clone()), scope: scope.clone(), ..Subject::default() };
        let output = self.version().callee.machine.bounds.output();
        self.ask(
            subject,
            |store, instance| {
                let request = store.data().handle();
                handler.load(&mut *store, instance)?.call_on_request(store, request)
            },
            |answer| checked(answer, output),
        )
    }
}

impl Counted for HttpAnswer {
    fn counted(&self) -> FilterVerdict {
        match self {
            Self::Pass => FilterVerdict::Pass,
            Self::Respond(_) => FilterVerdict::Respond,
            Self::Accept(..) => FilterVerdict::Accept,
        }
    }
}

fn checked(answer: types::HttpVerdict, output: usize) -> Result<HttpAnswer, Failure> {
    let mut size = Size::within(output);
    Ok(match answer {
        types::HttpVerdict::Pass => HttpAnswer::Pass,
        types::HttpVerdict::Respond(answer) => HttpAnswer::Respond(response(answer, &mut size)?),
        types::HttpVerdict::Accept((what, answer)) => {
            HttpAnswer::Accept(verdict::payload(what, &mut size)?, response(answer, &mut size)?)
        }
    })
}

fn response(answer: types::Response, size: &mut Size) -> Result<Response, Failure> {
    let invalid = |what: String| Failure::Invalid(what);
    size.take(answer.body.len())?;
    let status = StatusCode::from_u16(answer.status).ok().filter(|status| (200..=599).contains(&status.as_u16()));
    let status = status.ok_or_else(|| invalid(format!("the status {}, of those from 200 to 599", answer.status)))?;
    if answer.headers.len() > HEADERS {
        return Err(invalid(format!("{} headers, of the {HEADERS} an answer may have", answer.headers.len())));
    }
    let mut headers = HeaderMap::with_capacity(answer.headers.len());
    for header in answer.headers {
        size.take(header.name.len() + header.value.len())?;
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| invalid(format!("the header name {:?}", header.name)))?;
        // How the body is framed, and what becomes of the connection, is not a filter's affair.
        if [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, TE, TRAILER, UPGRADE].contains(&name) {
            return Err(invalid(format!("the header `{name}`, which is not its affair")));
        }
        let value = HeaderValue::from_bytes(&header.value)
            .map_err(|_| invalid(format!("a value of the header `{name}` with bytes that no header may have")))?;
        headers.append(name, value);
    }
    Ok(Response { status, headers, body: answer.body.into() })
}
