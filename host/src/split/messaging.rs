//! One element of `messaging` or `standby`, as Messenger and Instagram send it.

use super::envelope::{Ids, Place};
use super::read::Reader;
use super::scan::{Refusal, Span};
use super::text::Text;

/// The members that are read.
const NAMES: &[&str] = &[
    "sender",
    "recipient",
    "message",
    "postback",
    "message_edit",
    "reaction",
    "delivery",
    "read",
    "optin",
    "referral",
    "account_linking",
    "policy_enforcement",
    "pass_thread_control",
    "take_thread_control",
    "request_thread_control",
    "app_roles",
];

/// What each tells, by the name under which Meta lets an app subscribe to it. Of two that stand side by side (a message, and
/// the referral that led to it) the first here counts, in whatever order they were written.
const FIELDS: &[(&str, &str)] = &[
    ("message", "messages"),
    ("postback", "messaging_postbacks"),
    ("message_edit", "message_edits"),
    ("reaction", "message_reactions"),
    ("delivery", "message_deliveries"),
    ("read", "message_reads"),
    ("optin", "messaging_optins"),
    ("account_linking", "messaging_account_linking"),
    ("policy_enforcement", "messaging_policy_enforcement"),
    ("pass_thread_control", "messaging_handovers"),
    ("take_thread_control", "messaging_handovers"),
    ("request_thread_control", "messaging_handovers"),
    ("app_roles", "messaging_handovers"),
    ("referral", "messaging_referrals"),
];

pub fn read(reader: &mut Reader<'_>, place: Place) -> Result<Span, Refusal> {
    let mut ids = Ids::default();
    let (mut posted, mut echo, mut rank) = (None, false, FIELDS.len());
    let from = reader.start();
    if let Some(mut level) = reader.scanner.open(b'{', NAMES) {
        while let Some(member) = reader.scanner.member(&mut level)? {
            let told = FIELDS.iter().position(|(name, _)| Some(*name) == member.name);
            rank = rank.min(told.unwrap_or(rank));
            match member.name {
                Some("sender") => ids.from = reader.word_in(&["id"])?,
                Some("recipient") => ids.recipient_id = reader.word_in(&["id"])?,
                Some("message") => {
                    let message = message(reader)?;
                    (ids.id, ids.deleted, echo) = (message.mid, message.deleted, message.echo);
                }
                Some("postback") => posted = message(reader)?.mid,
                _ => _ = reader.scanner.skip()?,
            }
        }
        ids.id = ids.id.or(posted);
        ids.field = if echo { Some("message_echoes") } else { FIELDS.get(rank).map(|(_, field)| *field) };
    } else {
        reader.scanner.skip()?;
    }
    let span = Span { from, to: reader.scanner.at() };
    reader.part(place, span, ids);
    Ok(span)
}

#[derive(Default)]
struct Message<'a> {
    mid: Option<Text<'a>>,
    deleted: bool,
    echo: bool,
}

/// What of a message or postback is read; nothing of what is no object.
fn message<'a>(reader: &mut Reader<'a>) -> Result<Message<'a>, Refusal> {
    let mut message = Message::default();
    let Some(mut level) = reader.scanner.open(b'{', &["mid", "is_deleted", "is_echo"]) else {
        reader.scanner.skip()?;
        return Ok(message);
    };
    while let Some(member) = reader.scanner.member(&mut level)? {
        match member.name {
            Some("mid") => message.mid = reader.word()?,
            Some("is_deleted") => message.deleted = is_true(reader)?,
            Some("is_echo") => message.echo = is_true(reader)?,
            _ => _ = reader.scanner.skip()?,
        }
    }
    Ok(message)
}

fn is_true(reader: &mut Reader<'_>) -> Result<bool, Refusal> {
    let span = reader.scanner.skip()?;
    Ok(reader.scanner.text(span) == "true")
}
