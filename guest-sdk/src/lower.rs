//! Values of this crate as the WIT package has them, on their way out of a component.

use crate::gateway::imports::postern::filter::types;
use crate::{Format, Header, Label, Payload, Selector};

pub(crate) fn selector(selector: Selector) -> types::Selector {
    match selector {
        Selector::Everyone => types::Selector::Everyone,
        Selector::Clients(ids) => types::Selector::Clients(ids),
        Selector::AnyLabel(wanted) => types::Selector::AnyLabel(labels(wanted)),
        Selector::AllLabels(wanted) => types::Selector::AllLabels(labels(wanted)),
    }
}

pub(crate) fn payload(payload: Payload) -> types::Payload {
    let format = match payload.format {
        Format::Text => types::Format::Text,
        Format::Binary => types::Format::Binary,
    };
    types::Payload { format, data: payload.data }
}

pub(crate) fn label(label: Label) -> types::Label {
    types::Label { key: label.key, value: label.value }
}

pub(crate) fn labels(labels: Vec<Label>) -> Vec<types::Label> {
    labels.into_iter().map(label).collect()
}

pub(crate) fn headers(headers: Vec<Header>) -> Vec<types::Header> {
    headers.into_iter().map(|header| types::Header { name: header.name, value: header.value }).collect()
}
