//! Whether a client may connect, and as whom: what one filter answers, and what a chain of them comes to.

use super::Filter;
use super::bindings::postern::filter::types;
use super::call::Cost;
use super::effects::Effects;
use super::engine::Machine;
use super::failure::{Failure, WORDS};
use super::request::HttpRequest;
use super::state::Subject;
use super::verdict::{self, Size};
use super::version::{Counted, InForce};
use super::words::one_line;
use crate::message::{Label, Payload, Scope};
use crate::metrics::FilterVerdict;
use std::sync::Arc;

/// One filter's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    Allow(Grant),
    Deny { status: u16, body: String, reason: Option<String> },
}

/// What a client may connect as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    pub subject: Option<String>,
    pub labels: Vec<Label>,
    /// One the client asked for.
    pub subprotocol: Option<String>,
    /// A first message for this client alone.
    pub greeting: Option<Payload>,
    /// What the filters want done, now that they have allowed it.
    pub effects: Effects,
}

impl Grant {
    /// What another one grants beside it: labels add up; of subject, subprotocol and greeting the last given stands.
    pub fn add(&mut self, later: Self) {
        self.effects.extend(later.effects);
        self.subject = later.subject.or(self.subject.take());
        self.subprotocol = later.subprotocol.or(self.subprotocol.take());
        self.greeting = later.greeting.or(self.greeting.take());
        for label in later.labels {
            if !self.labels.contains(&label) {
                self.labels.push(label);
            }
        }
    }
}

/// Why not, and who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    pub filter: String,
    /// 400 to 599; 503 when the filter failed.
    pub status: u16,
    /// For the client.
    pub body: String,
    /// For the log alone.
    pub reason: Option<String>,
    /// The filter did not refuse; it failed.
    pub failure: Option<Failure>,
}

/// Asks every filter in turn. Every one must allow: labels add up; of subject, subprotocol and greeting the last given
/// stands; the first denial ends it. A filter that fails denies, whatever its `on_error`. Without filters everyone is
/// allowed, so whether an open stream is meant is for the caller to settle. Blocks as long as the calls take.
pub fn admit(chain: &[Filter], request: HttpRequest, scope: &Scope) -> Result<Grant, Denial> {
    let request = Arc::new(request);
    let mut granted = Grant::default();
    for filter in chain {
        let filter = filter.in_force();
        let failed = |failure: Failure| {
            let (address, kind) = (request.address, failure.kind());
            if !failure.was_told() {
                tracing::warn!(filter = filter.name(), %address, kind, %failure, "an admission filter failed");
            }
            Denial {
                filter: filter.name().to_owned(),
                status: 503,
                body: "this cannot be decided now; try again later\n".to_owned(),
                reason: Some(failure.to_string()),
                failure: Some(failure),
            }
        };
        let (answer, _) = filter.admit(&request, scope);
        if filter.version().shadow {
            tracing::debug!(filter = filter.name(), address = %request.address, ?answer, "a filter in shadow");
            continue;
        }
        let (admission, effects) = answer.map_err(failed)?;
        match admission {
            Admission::Allow(grant) => {
                granted.add(Grant { effects, ..grant });
                let limit = filter.version().callee.machine.bounds.labels();
                if granted.labels.len() > limit {
                    let count = granted.labels.len();
                    return Err(failed(Failure::Invalid(format!(
                        "{count} labels in all, of the {limit} a client may have"
                    ))));
                }
            }
            Admission::Deny { status, body, reason } => {
                return Err(Denial { filter: filter.name().to_owned(), status, body, reason, failure: None });
            }
        }
    }
    Ok(granted)
}

impl Counted for Admission {
    fn counted(&self) -> FilterVerdict {
        match self {
            Self::Allow(_) => FilterVerdict::Allow,
            Self::Deny { .. } => FilterVerdict::Deny,
        }
    }
}

impl InForce<'_> {
    /// Asks whether a client may connect.
    pub(super) fn admit(
        &self,
        request: &Arc<HttpRequest>,
        scope: &Scope,
    ) -> (Result<(Admission, Effects), Failure>, Cost) {
        let version = self.version();
        let Some(handler) = &version.handlers.admission else {
            return (Err(Failure::Missing("admission-handler")), Cost::default());
        };
        let subject = Subject { request: Some(request.clone()), scope: scope.clone(), ..Subject::default() };
        self.ask(
            subject,
            |store, instance| {
                let request = store.data().handle();
                handler.load(&mut *store, instance)?.call_on_connect(store, request)
            },
            |answer| admission(answer, request, &version.callee.machine),
        )
    }
}

pub(super) fn admission(
    answer: types::Admission,
    request: &HttpRequest,
    machine: &Machine,
) -> Result<Admission, Failure> {
    match answer {
        types::Admission::Allow(answer) => grant(answer, request, machine).map(Admission::Allow),
        types::Admission::Deny(denial) => {
            let status = if (400..=599).contains(&denial.status) { denial.status } else { 403 };
            let reason = denial.reason.map(|words| one_line(&words, WORDS).into_owned());
            Ok(Admission::Deny { status, body: denial.body, reason })
        }
    }
}

fn grant(answer: types::Grant, request: &HttpRequest, machine: &Machine) -> Result<Grant, Failure> {
    let invalid = |what: String| Err(Failure::Invalid(what));
    if answer.labels.len() > machine.bounds.labels() {
        return invalid(format!(
            "{} labels, of the {} a client may have",
            answer.labels.len(),
            machine.bounds.labels()
        ));
    }
    let labels: Vec<Label> = answer.labels.into_iter().map(verdict::label).collect();
    labels.iter().try_for_each(verdict::check_label)?;
    if answer.subject.as_ref().is_some_and(|subject| !Label::subject_fits(subject)) {
        return invalid(format!("a subject of over {} bytes, or with control characters", Label::VALUE));
    }
    if let Some(subprotocol) = &answer.subprotocol {
        if !is_token(subprotocol) {
            return invalid(format!("the subprotocol {subprotocol:?}, which is not a token"));
        }
        if !request.offers(subprotocol) {
            return invalid(format!("the subprotocol `{subprotocol}`, which the client did not ask for"));
        }
    }
    let mut size = Size::within(machine.bounds.output());
    Ok(Grant {
        subject: answer.subject,
        labels,
        subprotocol: answer.subprotocol,
        greeting: answer.greeting.map(|greeting| verdict::payload(greeting, &mut size)).transpose()?,
        effects: Effects::default(),
    })
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
