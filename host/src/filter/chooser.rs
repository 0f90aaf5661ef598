//! Which of many clients get a message, asked of filters in batches.

use super::call::Cost;
use super::failure::Failure;
use super::message::InFlight;
use super::state::Subject;
use super::version::InForce;
use super::{Filter, OnError};
use crate::message::{Card, Message, Scope};
use std::sync::Arc;

/// How many clients one call is asked about.
const BATCH: usize = 1024;

/// Asks filters, one after the other, which of `clients` get a message: those whom each of them chooses, in the order of
/// `clients`. A filter whose policy is to hold and that fails makes it unknown. Blocks as long as the calls take; what
/// they put into the outbox or ask of clients is not done: the same may be asked again at any time.
pub fn choose(chain: &[Filter], message: Message, clients: &[Arc<Card>], scope: &Scope) -> Result<Vec<bool>, Failure> {
    let message = Arc::new(InFlight::new(message));
    let mut chosen = vec![true; clients.len()];
    for filter in chain {
        let filter = filter.in_force();
        let (on_error, shadow) = (filter.version().on_error, filter.version().shadow);
        let asked: Vec<usize> = (0..clients.len()).filter(|index| chosen[*index]).collect();
        for batch in asked.chunks(BATCH) {
            let among = batch.iter().map(|index| clients[*index].clone()).collect();
            match (filter.choose(&message, among, scope).0, on_error) {
                _ if shadow => {}
                (Ok(answers), _) => {
                    batch.iter().zip(answers).for_each(|(index, answer)| chosen[*index] = answer);
                }
                (Err(failure), OnError::Hold) => return Err(failure),
                (Err(failure), on_error) => {
                    let (event, kind) = (message.message.id, failure.kind());
                    if !failure.was_told() {
                        tracing::warn!(filter = filter.name(), %event, kind, %failure, ?on_error, "an audience filter failed");
                    }
                    batch.iter().for_each(|index| chosen[*index] = on_error == OnError::Pass);
                }
            }
        }
    }
    Ok(chosen)
}

impl InForce<'_> {
    pub(super) fn choose(
        &self,
        message: &Arc<InFlight>,
        among: Vec<Arc<Card>>,
        scope: &Scope,
    ) -> (Result<Vec<bool>, Failure>, Cost) {
        let Some(handler) = &self.version().handlers.audience else {
            return (Err(Failure::Missing("audience-handler")), Cost::default());
        };
        let wanted = among.len();
        let subject = Subject { message: Some(message.clone()), scope: scope.clone(), ..Subject::default() };
        let (answer, cost) = self.ask(
            subject,
            |store, instance| {
                let handles: Vec<_> =
                    among.into_iter().map(|card| store.data_mut().hand_out(card)).collect::<wasmtime::Result<_>>()?;
                let message = store.data().handle();
                handler.load(&mut *store, instance)?.call_choose(store, message, &handles)
            },
            |answers| match answers.len() {
                given if given == wanted => Ok(answers),
                given => Err(Failure::Invalid(format!("{given} choices, and was asked about {wanted} clients"))),
            },
        );
        (answer.map(|(answers, _)| answers), cost)
    }
}
