//! Where a refusal becomes an answer.

use super::wish::Door;
use super::{Refusal, Stream};
use crate::http::Reply;
use crate::jwt;
use crate::metrics::ConnectOutcome;
use crate::seldom::Seldom;
use crate::ws::handshake;
use ::http::StatusCode;
use ::http::header::{HeaderName, HeaderValue, WWW_AUTHENTICATE};

/// Anyone may come and be denied, as often as he pleases.
static DENIED: Seldom = Seldom::new();

pub fn answer(stream: &Stream, door: Option<Door>, refusal: Refusal) -> (ConnectOutcome, Reply) {
    match refusal {
        // A browser's EventSource comes back after an event stream that ends, and never after another status.
        Refusal::Draining if door == Some(Door::Events) => (ConnectOutcome::Draining, come_back()),
        Refusal::Busy if door == Some(Door::Events) => (ConnectOutcome::Busy, come_back()),
        Refusal::Draining => (ConnectOutcome::Draining, Reply::later("the gateway is stopping\n")),
        Refusal::Busy => (ConnectOutcome::Busy, Reply::later("too many clients connect at once\n")),
        Refusal::NotAClient => {
            let help = "connect with a WebSocket client, or accept text/event-stream\n";
            let reply = Reply::text(StatusCode::UPGRADE_REQUIRED, help);
            (ConnectOutcome::NotWebSocket, upgrade_hints(reply))
        }
        Refusal::Handshake(refusal) => {
            let status = match refusal {
                handshake::Refusal::Version => StatusCode::UPGRADE_REQUIRED,
                handshake::Refusal::Key | handshake::Refusal::Connection => StatusCode::BAD_REQUEST,
            };
            (ConnectOutcome::NotWebSocket, upgrade_hints(Reply::text(status, format!("{refusal}\n"))))
        }
        Refusal::Since(refusal) => {
            (ConnectOutcome::BadSince, Reply::text(StatusCode::BAD_REQUEST, format!("{refusal}\n")))
        }
        Refusal::Origin => {
            (ConnectOutcome::OriginRefused, Reply::text(StatusCode::FORBIDDEN, "this origin may not connect\n"))
        }
        Refusal::Subprotocol => (ConnectOutcome::Denied, Reply::later("this cannot be decided now, try again later\n")),
        Refusal::Token(refusal @ jwt::Refusal::NoKeys) => {
            DENIED.tell(|others| tracing::info!(stream = %stream.name, why = %refusal, others, "client denied"));
            (ConnectOutcome::Denied, Reply::later("this cannot be decided now, try again later\n"))
        }
        Refusal::Token(refusal) => {
            DENIED.tell(|others| tracing::info!(stream = %stream.name, why = %refusal, others, "client denied"));
            // RFC 6750, section 3: who brings none is told how to, who brings a bad one what is wrong with it.
            let challenge = match refusal {
                jwt::Refusal::Missing => "Bearer".to_owned(),
                why => format!("Bearer error=\"invalid_token\", error_description=\"{why}\""),
            };
            let challenge = HeaderValue::from_str(&challenge).expect("its words are letters");
            let reply = Reply::text(StatusCode::UNAUTHORIZED, format!("the token: {refusal}\n"));
            (ConnectOutcome::Denied, reply.with(WWW_AUTHENTICATE, challenge))
        }
        Refusal::Called(StatusCode::SERVICE_UNAVAILABLE, _) => {
            (ConnectOutcome::Denied, Reply::later("this cannot be decided now, try again later\n"))
        }
        Refusal::Called(status, text) => {
            DENIED.tell(|others| tracing::info!(stream = %stream.name, status = status.as_u16(), others, "client denied by the admission service"));
            (ConnectOutcome::Denied, Reply::text(status, text))
        }
        Refusal::Denied(denial) => {
            DENIED.tell(|others| tracing::info!(stream = %stream.name, status = denial.status, why = denial.reason.as_deref(), others, "client denied"));
            let status = StatusCode::from_u16(denial.status).unwrap_or(StatusCode::FORBIDDEN);
            let reply = if status == StatusCode::SERVICE_UNAVAILABLE {
                Reply { body: denial.body.into(), ..Reply::later("") }
            } else {
                Reply::text(status, denial.body)
            };
            (ConnectOutcome::Denied, reply)
        }
    }
}

/// An event stream with nothing in it but when to ask again.
fn come_back() -> Reply {
    Reply::of(StatusCode::OK, "text/event-stream", "retry: 5000\n\n")
}

/// What RFC 6455, section 4.4, and RFC 9110, section 15.5.22, want said to who did it wrong.
fn upgrade_hints(reply: Reply) -> Reply {
    reply
        .with(::http::header::UPGRADE, HeaderValue::from_static("websocket"))
        .with(HeaderName::from_static("sec-websocket-version"), HeaderValue::from_static("13"))
}
