//! The other side of [`filter!`](crate::filter!): what postern calls, in terms of the `Filter` trait.
//!
//! Each hook has a world of its own, so that a component exports those its author named and no others; the worlds
//! are merged when the component is made.

use crate::gateway::imports::postern::filter::types;
use crate::log::{self, Level};
use crate::{
    Admission, Delivery, Filter, Format, Label, Message, Payload, Request, Result, Selector, Verdict, gateway,
};
use std::cell::OnceCell;
use std::sync::Once;

pub mod setup {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        inline: "package postern:sdk; world setup { export postern:filter/setup@0.1.0; }",
        world: "postern:sdk/setup",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_setup",
    });
}

pub mod message {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        inline: "package postern:sdk; world message { export postern:filter/message-handler@0.1.0; }",
        world: "postern:sdk/message",
        with: { "postern:filter/types@0.1.0": crate::gateway::imports::postern::filter::types },
        pub_export_macro: true,
        export_macro_name: "export_message",
    });
}

pub mod admission {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        inline: "package postern:sdk; world admission { export postern:filter/admission-handler@0.1.0; }",
        world: "postern:sdk/admission",
        with: { "postern:filter/types@0.1.0": crate::gateway::imports::postern::filter::types },
        pub_export_macro: true,
        export_macro_name: "export_admission",
    });
}

pub use admission::export_admission;
pub use message::export_message;
pub use setup::export_setup;

/// A component and the filter in it. Implemented by `filter!`, because a generic function has no statics of its own.
pub trait Hosted {
    type Filter: Filter;
    fn with_slot<R>(ask: impl FnOnce(&OnceCell<Self::Filter>) -> R) -> R;
}

/// Asks the instance's filter, made on the first call.
fn ask<T: Hosted, R>(question: impl FnOnce(&T::Filter) -> Result<R>) -> Result<R, String> {
    tell_of_panics();
    T::with_slot(|slot| {
        let filter = match slot.get() {
            Some(filter) => filter,
            None => {
                let made = T::Filter::configure()?;
                slot.get_or_init(|| made)
            }
        };
        question(filter)
    })
    .map_err(|error: crate::Error| error.to_string())
}

/// A panic ends in a trap, which has no words. They are logged before it.
fn tell_of_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|panic| log::write(Level::Error, &panic.to_string(), &[]))));
}

impl<T: Hosted> setup::exports::postern::filter::setup::Guest for T {
    fn configure() -> Result<(), String> {
        ask::<T, ()>(|_| Ok(()))
    }
}

impl<T: Hosted> message::exports::postern::filter::message_handler::Guest for T {
    fn on_message(message: types::Message) -> Result<types::Verdict, String> {
        let message = Message(gateway::Message(message));
        ask::<T, _>(|filter| filter.on_message(&message)).map(verdict)
    }
}

impl<T: Hosted> admission::exports::postern::filter::admission_handler::Guest for T {
    fn on_connect(request: types::Request) -> Result<types::Admission, String> {
        let request = Request(gateway::Request(request));
        ask::<T, _>(|filter| filter.on_connect(&request)).map(admission)
    }
}

fn verdict(verdict: Verdict) -> types::Verdict {
    match verdict {
        Verdict::Pass => types::Verdict::Pass,
        Verdict::Drop(reason) => types::Verdict::Drop(reason),
        Verdict::Rewrite(by) => types::Verdict::Rewrite(payload(by)),
        Verdict::Send(deliveries) => types::Verdict::Send(deliveries.into_iter().map(delivery).collect()),
    }
}

fn delivery(delivery: Delivery) -> types::Delivery {
    types::Delivery {
        to: match delivery.to {
            Selector::Everyone => types::Selector::Everyone,
            Selector::Clients(ids) => types::Selector::Clients(ids),
            Selector::AnyLabel(wanted) => types::Selector::AnyLabel(labels(wanted)),
            Selector::AllLabels(wanted) => types::Selector::AllLabels(labels(wanted)),
        },
        except: delivery.except,
        payload: delivery.payload.map(payload),
    }
}

fn admission(admission: Admission) -> types::Admission {
    match admission {
        Admission::Allow(grant) => types::Admission::Allow(types::Grant {
            subject: grant.subject,
            labels: labels(grant.labels),
            subprotocol: grant.subprotocol,
            greeting: grant.greeting.map(payload),
        }),
        Admission::Deny(denial) => {
            types::Admission::Deny(types::Denial { status: denial.status, body: denial.body, reason: denial.reason })
        }
    }
}

fn payload(payload: Payload) -> types::Payload {
    let format = match payload.format {
        Format::Text => types::Format::Text,
        Format::Binary => types::Format::Binary,
    };
    types::Payload { format, data: payload.data }
}

fn labels(labels: Vec<Label>) -> Vec<types::Label> {
    labels.into_iter().map(|label| types::Label { key: label.key, value: label.value }).collect()
}
