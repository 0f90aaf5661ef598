//! One call of one filter, whichever handler it is for, and exactly what came of it: for trials. In service filters are
//! asked in chains, and what a chain makes of an answer is its affair.

use super::Filter;
use super::admission::Admission;
use super::call::Cost;
use super::conversation::Lifecycle;
use super::effects::Effects;
use super::failure::Failure;
use super::http::HttpAnswer;
use super::message::InFlight;
use super::request::HttpRequest;
use super::verdict::Verdict;
use crate::message::{Card, Message, Scope};
use std::sync::Arc;

/// What a filter is asked. Each is for the handler of its name.
#[derive(Clone, Debug)]
pub enum Question {
    Message(Message),
    Client { sender: Arc<Card>, message: Message },
    Connect(Arc<HttpRequest>),
    Event { client: Arc<Card>, what: Lifecycle },
    Audience { message: Message, among: Vec<Arc<Card>> },
    Http(Arc<HttpRequest>),
}

/// What it answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Of a message, or of what a client says.
    Verdict(Verdict),
    Admission(Admission),
    /// It has heard the event.
    Heard,
    Chosen(Vec<bool>),
    Http(HttpAnswer),
}

/// Asks a filter. Blocks as long as the call takes.
pub fn ask(filter: &Filter, question: &Question, scope: &Scope) -> (Result<(Answer, Effects), Failure>, Cost) {
    fn with<T>(
        (answer, cost): (Result<(T, Effects), Failure>, Cost),
        of: fn(T) -> Answer,
    ) -> (Result<(Answer, Effects), Failure>, Cost) {
        (answer.map(|(answer, effects)| (of(answer), effects)), cost)
    }
    let filter = filter.in_force();
    let in_flight = |message: &Message| Arc::new(InFlight::new(message.clone()));
    match question {
        Question::Message(message) => with(filter.judge(&in_flight(message), scope), Answer::Verdict),
        Question::Client { sender, message } => with(filter.say(sender, &in_flight(message), scope), Answer::Verdict),
        Question::Connect(request) => with(filter.admit(request, scope), Answer::Admission),
        Question::Event { client, what } => {
            let (answer, cost) = filter.hear(client, what, scope);
            (answer.map(|effects| (Answer::Heard, effects)), cost)
        }
        Question::Audience { message, among } => {
            let (answer, cost) = filter.choose(&in_flight(message), among.clone(), scope);
            // What such a call wants done beside its answer is not done.
            (answer.map(|chosen| (Answer::Chosen(chosen), Effects::default())), cost)
        }
        Question::Http(request) => with(filter.answer(request, scope), Answer::Http),
    }
}
