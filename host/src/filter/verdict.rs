//! What a filter answered, out of its types into ours, and refused where the package's rules refuse it.

use super::bindings::postern::filter::types;
use super::failure::{Failure, WORDS};
use super::words::one_line;
use crate::message::{ClientId, Format, Label, Narrowing, Payload, Selector};

/// Deliveries in one verdict.
const DELIVERIES: usize = 64;

/// What to do with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Drop(Option<String>),
    Rewrite(Payload),
    Send(Vec<Part>),
}

/// One part of a message that a filter sent to a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub narrowing: Narrowing,
    /// `None` is the message's own.
    pub payload: Option<Payload>,
}

impl Verdict {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Drop(_) => "drop",
            Self::Rewrite(_) => "rewrite",
            Self::Send(_) => "send",
        }
    }
}

pub fn verdict(answer: types::Verdict, output: usize) -> Result<Verdict, Failure> {
    let mut size = Size::within(output);
    Ok(match answer {
        types::Verdict::Pass => Verdict::Pass,
        types::Verdict::Drop(reason) => Verdict::Drop(reason.map(|words| one_line(&words, WORDS).into_owned())),
        types::Verdict::Rewrite(answer) => Verdict::Rewrite(payload(answer, &mut size)?),
        types::Verdict::Send(deliveries) if deliveries.len() > DELIVERIES => {
            return Err(Failure::Invalid(format!("{} deliveries, of the {DELIVERIES} it may make", deliveries.len())));
        }
        types::Verdict::Send(deliveries) => {
            Verdict::Send(deliveries.into_iter().map(|delivery| part(delivery, &mut size)).collect::<Result<_, _>>()?)
        }
    })
}

/// Counts what an answer comes to.
pub struct Size {
    left: usize,
    output: usize,
}

impl Size {
    pub fn within(output: usize) -> Self {
        Self { left: output, output }
    }

    pub fn take(&mut self, bytes: usize) -> Result<(), Failure> {
        self.left = self.left.checked_sub(bytes).ok_or(Failure::Output(self.output))?;
        Ok(())
    }
}

pub fn payload(answer: types::Payload, size: &mut Size) -> Result<Payload, Failure> {
    size.take(answer.data.len())?;
    let format = match answer.format {
        types::Format::Binary => Format::Binary,
        types::Format::Text if std::str::from_utf8(&answer.data).is_ok() => Format::Text,
        types::Format::Text => return Err(Failure::Invalid("text that is not UTF-8".into())),
    };
    Ok(Payload { format, data: answer.data.into() })
}

pub fn label(answer: types::Label) -> Label {
    Label { key: answer.key, value: answer.value }
}

pub fn check_label(label: &Label) -> Result<(), Failure> {
    if !label.fits() {
        let (key, value) = (Label::KEY, Label::VALUE);
        let what = format!("a label whose key is empty or over {key} bytes, or whose value is over {value}");
        return Err(Failure::Invalid(what));
    }
    Ok(())
}

pub fn selector(answer: types::Selector) -> Selector {
    match answer {
        types::Selector::Everyone => Selector::Everyone,
        types::Selector::Clients(clients) => Selector::Clients(ids(clients)),
        types::Selector::AnyLabel(labels) => Selector::AnyLabel(labels.into_iter().map(label).collect()),
        types::Selector::AllLabels(labels) => Selector::AllLabels(labels.into_iter().map(label).collect()),
    }
}

pub fn narrowing(to: types::Selector, except: Vec<u64>) -> Narrowing {
    Narrowing { to: selector(to), except: ids(except) }
}

fn ids(ids: Vec<u64>) -> Vec<ClientId> {
    ids.into_iter().map(ClientId).collect()
}

fn part(delivery: types::Delivery, size: &mut Size) -> Result<Part, Failure> {
    let payload = delivery.payload.map(|answer| payload(answer, size)).transpose()?;
    Ok(Part { narrowing: narrowing(delivery.to, delivery.except), payload })
}
