//! Rooms where clients talk to each other. A client says `{"join":"lobby"}`, `{"say":"hello","room":"lobby"}`,
//! `{"leave":"lobby"}`; all of the room hear `{"room":"lobby","from":"ann","text":"hello"}`, and who came and went.
//!
//! A room is a label, `room=lobby`: a client is in those it carries. What is said is kept by the gateway, so whoever was
//! away comes back with its cursor, or with `?since=last:20`, and hears it.

use postern_filter::prelude::*;
use serde::Deserialize;
use serde_json::json;

/// Characters of a room's name, and rooms of a client: far within the gateway's own limits for labels.
const NAME: usize = 64;
const ROOMS: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chat {
    /// The longest text, in characters; 2000 when it is not said.
    longest: Option<usize>,
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
        let said = message.parse().map_err(|_| r#"say {"join":ROOM}, {"leave":ROOM} or {"say":TEXT,"room":ROOM}"#);
        if let Err(why) = said.and_then(|said| self.heed(sender, said)) {
            outbox::to_client(sender.id(), Payload::text(json!({ "error": why }).to_string()));
        }
        Ok(Verdict::Drop(None))
    }
}

postern_filter::filter!(Chat: client);

impl Chat {
    /// Does what a client says, or says why not.
    fn heed(&self, sender: &Client, said: Said) -> Result<(), &'static str> {
        let (Said::Join { join: room } | Said::Leave { leave: room } | Said::Say { room, .. }) = &said;
        let is_in = sender.has_label("room", room);
        let rooms = || sender.labels().iter().filter(|label| label.key == "room").count();
        let from = sender.subject().unwrap_or_else(|| format!("guest-{:x}", sender.id()));
        let fits = |text: &str, longest| !text.is_empty() && text.chars().count() <= longest;
        let news = match &said {
            Said::Join { .. } if is_in => return Ok(()),
            Said::Join { .. } if !fits(room, NAME) => return Err("the name of the room is too long, or empty"),
            Said::Join { .. } if rooms() >= ROOMS => return Err("you are in as many rooms as you may be"),
            Said::Join { .. } => {
                clients::add_label(sender.id(), "room", room);
                json!({ "room": room, "joined": from })
            }
            _ if !is_in => return Err("you are not in that room"),
            Said::Leave { .. } => json!({ "room": room, "left": from }),
            Said::Say { say, .. } if !fits(say, self.longest.unwrap_or(2000)) => return Err("too long, or empty"),
            Said::Say { say: text, .. } => json!({ "room": room, "from": from, "text": text }),
        };
        outbox::to_label("room", room, Payload::text(news.to_string()));
        if let Said::Leave { .. } = said {
            clients::remove_label(sender.id(), "room", room); // After the news, so that it hears them too.
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
