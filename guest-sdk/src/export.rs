//! The other side of [`filter!`](crate::filter!): what postern calls, in terms of the `Filter` trait.
//!
//! Each hook has a world of its own, so that a component exports those its author named and no others; the worlds
//! are merged when the component is made.

use crate::gateway::imports::postern::filter::types;
use crate::log::{self, Level};
use crate::{
    Admission, Client, Close, Delivery, Event, Filter, HttpVerdict, Message, Request, Response, Result, Verdict,
};
use crate::{gateway, lower};
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

pub mod client {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        inline: "package postern:sdk; world client { export postern:filter/client-handler@0.1.0; }",
        world: "postern:sdk/client",
        with: { "postern:filter/types@0.1.0": crate::gateway::imports::postern::filter::types },
        pub_export_macro: true,
        export_macro_name: "export_client",
    });
}

pub mod event {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        inline: "package postern:sdk; world event { export postern:filter/event-handler@0.1.0; }",
        world: "postern:sdk/event",
        with: { "postern:filter/types@0.1.0": crate::gateway::imports::postern::filter::types },
        pub_export_macro: true,
        export_macro_name: "export_event",
    });
}

pub mod audience {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        inline: "package postern:sdk; world audience { export postern:filter/audience-handler@0.1.0; }",
        world: "postern:sdk/audience",
        with: { "postern:filter/types@0.1.0": crate::gateway::imports::postern::filter::types },
        pub_export_macro: true,
        export_macro_name: "export_audience",
    });
}

pub mod http {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        inline: "package postern:sdk; world http { export postern:filter/http-handler@0.1.0; }",
        world: "postern:sdk/http",
        with: { "postern:filter/types@0.1.0": crate::gateway::imports::postern::filter::types },
        pub_export_macro: true,
        export_macro_name: "export_http",
    });
}

pub use admission::export_admission;
pub use audience::export_audience;
pub use client::export_client;
pub use event::export_event;
pub use http::export_http;
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

impl<T: Hosted> client::exports::postern::filter::client_handler::Guest for T {
    fn on_client_message(sender: types::Client, message: types::Message) -> Result<types::Verdict, String> {
        let (sender, message) = (Client(gateway::Client(sender)), Message(gateway::Message(message)));
        ask::<T, _>(|filter| filter.on_client_message(&sender, &message)).map(verdict)
    }
}

impl<T: Hosted> event::exports::postern::filter::event_handler::Guest for T {
    fn on_event(who: types::Client, what: types::Event) -> Result<(), String> {
        let who = Client(gateway::Client(who));
        let what = match what {
            types::Event::Connect => Event::Connect,
            types::Event::Close(said) => Event::Close(said.map(|close| Close::new(close.code, close.reason))),
            types::Event::Disconnect(why) => Event::Disconnect(why),
            types::Event::Ping(data) => Event::Ping(data),
            types::Event::Pong(data) => Event::Pong(data),
        };
        ask::<T, _>(|filter| filter.on_event(&who, &what))
    }
}

impl<T: Hosted> audience::exports::postern::filter::audience_handler::Guest for T {
    fn choose(message: types::Message, among: Vec<types::Client>) -> Result<Vec<bool>, String> {
        let message = Message(gateway::Message(message));
        let among: Vec<Client> = among.into_iter().map(|client| Client(gateway::Client(client))).collect();
        ask::<T, _>(|filter| filter.choose(&message, &among))
    }
}

impl<T: Hosted> http::exports::postern::filter::http_handler::Guest for T {
    fn on_request(request: types::Request) -> Result<types::HttpVerdict, String> {
        let request = Request(gateway::Request(request));
        ask::<T, _>(|filter| filter.on_request(&request)).map(|verdict| match verdict {
            HttpVerdict::Pass => types::HttpVerdict::Pass,
            HttpVerdict::Respond(answer) => types::HttpVerdict::Respond(response(answer)),
            HttpVerdict::Accept(what, answer) => types::HttpVerdict::Accept((lower::payload(what), response(answer))),
        })
    }
}

fn response(response: Response) -> types::Response {
    types::Response { status: response.status, headers: lower::headers(response.headers), body: response.body }
}

fn verdict(verdict: Verdict) -> types::Verdict {
    match verdict {
        Verdict::Pass => types::Verdict::Pass,
        Verdict::Drop(reason) => types::Verdict::Drop(reason),
        Verdict::Rewrite(by) => types::Verdict::Rewrite(lower::payload(by)),
        Verdict::Send(deliveries) => types::Verdict::Send(deliveries.into_iter().map(delivery).collect()),
    }
}

fn delivery(delivery: Delivery) -> types::Delivery {
    types::Delivery {
        to: lower::selector(delivery.to),
        except: delivery.except,
        payload: delivery.payload.map(lower::payload),
    }
}

fn admission(admission: Admission) -> types::Admission {
    match admission {
        Admission::Allow(grant) => types::Admission::Allow(types::Grant {
            subject: grant.subject,
            labels: lower::labels(grant.labels),
            subprotocol: grant.subprotocol,
            greeting: grant.greeting.map(lower::payload),
        }),
        Admission::Deny(denial) => {
            types::Admission::Deny(types::Denial { status: denial.status, body: denial.body, reason: denial.reason })
        }
    }
}
