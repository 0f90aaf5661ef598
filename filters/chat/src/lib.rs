//! Rooms where clients talk to each other. A client says `{"join":"lobby"}`, `{"say":"hello","room":"lobby"}`,
//! `{"leave":"lobby"}`; all of the room hear `{"room":"lobby","from":"ann","text":"hello"}`, and who came and went.
//!
//! A room is a label, `room=lobby`: a client is in those it carries. What is said is kept by the gateway, so whoever was
//! away comes back with its cursor, or with `?since=last:20`, and hears it.

use postern_filter::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chat {
    /// The longest text, in characters, and the longest name of a room.
    #[serde(default = "longest")]
    longest: usize,
}

fn longest() -> usize {
    2000
}

/// What a client may say.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Said {
    Join { join: String },
    Leave { leave: String },
    Say { say: String, room: String },
}

impl Filter for Chat {
    fn configure() -> Result<Self> {
        config::parse()
    }

    fn on_client_message(&self, sender: &Client, message: &Message) -> Result<Verdict> {
        let from = sender.subject().unwrap_or_else(|| format!("guest-{:x}", sender.id()));
        let is_in = |room: &str| sender.has_label("room", room);
        let fits = |text: &str| !text.is_empty() && text.chars().count() <= self.longest;
        match message.parse() {
            Ok(Said::Join { join: room }) if fits(&room) && !is_in(&room) => {
                clients::add_label(sender.id(), "room", &*room);
                tell(&room, json!({ "room": room, "joined": from }));
            }
            Ok(Said::Leave { leave: room }) if is_in(&room) => {
                tell(&room, json!({ "room": room, "left": from }));
                clients::remove_label(sender.id(), "room", &*room);
            }
            Ok(Said::Say { say: text, room }) if is_in(&room) && fits(&text) => {
                tell(&room, json!({ "room": room, "from": from, "text": text }));
            }
            Ok(Said::Join { join: room }) if is_in(&room) => {}
            Ok(Said::Leave { leave: room } | Said::Say { room, .. }) if !is_in(&room) => {
                refuse(sender, "you are not in that room");
            }
            Ok(_) => refuse(sender, "too long, or empty"),
            Err(_) => refuse(sender, "say {\"join\":ROOM}, {\"leave\":ROOM} or {\"say\":TEXT,\"room\":ROOM}"),
        }
        Ok(Verdict::Drop(None))
    }
}

postern_filter::filter!(Chat: client);

fn tell(room: &str, what: Value) {
    outbox::to_label("room", room, Payload::text(what.to_string()));
}

/// To the sender alone.
fn refuse(sender: &Client, why: &str) {
    outbox::to_client(sender.id(), Payload::text(json!({ "error": why }).to_string()));
}

#[cfg(test)]
mod tests;
