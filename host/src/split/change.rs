//! One element of `changes`: its field, and what its value says.

use super::envelope::{Change, Contact, Ids, Place};
use super::read::{MOST, Reader};
use super::scan::{Level, Refusal, Span};

/// Notes a change of this entry, and the messages and statuses in it; without any, the change itself.
pub fn read(reader: &mut Reader<'_>, entry: usize) -> Result<Span, Refusal> {
    let index = reader.found.changes.len();
    let parts = reader.found.parts.len();
    let contacts = reader.found.contacts.len();
    reader.found.changes.push(Change { entry, contacts: contacts..contacts, ..Change::default() });
    let from = reader.start();
    if let Some(mut level) = reader.scanner.open(b'{', &["field", "value"]) {
        while let Some(member) = reader.scanner.member(&mut level)? {
            match member.name {
                Some("field") => reader.found.changes[index].field = reader.word()?,
                Some("value") => reader.found.changes[index].value = Some(value(reader, index)?),
                _ => _ = reader.scanner.skip()?,
            }
        }
    } else {
        reader.scanner.skip()?;
    }
    let span = Span { from, to: reader.scanner.at() };
    reader.found.changes[index].span = span;
    if reader.found.parts.len() == parts {
        reader.part(Place::Change(index), span, Ids::default());
    }
    if reader.found.parts.len() == parts {
        reader.found.changes.pop();
    }
    Ok(span)
}

fn value(reader: &mut Reader<'_>, index: usize) -> Result<Span, Refusal> {
    let from = reader.start();
    let names = &["metadata", "contacts", "messages", "statuses", "user_id", "wa_id", "from"];
    match reader.scanner.open(b'{', names) {
        Some(level) => members(reader, index, level)?,
        None => _ = reader.scanner.skip()?,
    }
    Ok(Span { from, to: reader.scanner.at() })
}

fn members(reader: &mut Reader<'_>, index: usize, mut level: Level<'_>) -> Result<(), Refusal> {
    while let Some(member) = reader.scanner.member(&mut level)? {
        match member.name {
            Some("metadata") => reader.found.changes[index].phone_number_id = reader.word_in(&["phone_number_id"])?,
            Some("user_id") => reader.found.changes[index].user_id = reader.word()?,
            Some("wa_id") => reader.found.changes[index].wa_id = reader.word()?,
            Some("from") => reader.found.changes[index].from = reader.word_in(&["id"])?,
            Some("contacts") => {
                let first = reader.found.contacts.len();
                reader.list(&member, contact)?;
                reader.found.changes[index].contacts = first..reader.found.contacts.len();
            }
            Some("messages") => {
                let list = reader.list(&member, |reader| item(reader, Place::Message(index)))?;
                reader.found.changes[index].lists[0] = list;
            }
            Some("statuses") => {
                let list = reader.list(&member, |reader| item(reader, Place::Status(index)))?;
                reader.found.changes[index].lists[1] = list;
            }
            _ => _ = reader.scanner.skip()?,
        }
    }
    Ok(())
}

fn contact(reader: &mut Reader<'_>) -> Result<Span, Refusal> {
    let mut contact = Contact::default();
    let from = reader.start();
    if let Some(mut level) = reader.scanner.open(b'{', &["wa_id", "user_id"]) {
        while let Some(member) = reader.scanner.member(&mut level)? {
            match member.name {
                Some("wa_id") => contact.wa_id = reader.word()?,
                Some("user_id") => contact.user_id = reader.word()?,
                _ => _ = reader.scanner.skip()?,
            }
        }
    } else {
        reader.scanner.skip()?;
    }
    contact.span = Span { from, to: reader.scanner.at() };
    let span = contact.span;
    if reader.found.contacts.len() < MOST {
        reader.found.contacts.push(contact);
    } else {
        reader.found.too_many_contacts = true;
    }
    Ok(span)
}

/// An element of `messages` or `statuses`.
fn item(reader: &mut Reader<'_>, place: Place) -> Result<Span, Refusal> {
    let mut ids = Ids::default();
    let from = reader.start();
    let names = &[
        "id",
        "from",
        "from_user_id",
        "recipient_id",
        "recipient_user_id",
        "recipient_participant_id",
        "status",
        "timestamp",
    ];
    if let Some(mut level) = reader.scanner.open(b'{', names) {
        while let Some(member) = reader.scanner.member(&mut level)? {
            match member.name {
                Some("id") => ids.id = reader.word()?,
                Some("from") => ids.from = reader.word()?,
                Some("from_user_id") => ids.from_user_id = reader.word()?,
                Some("recipient_id") => ids.recipient_id = reader.word()?,
                Some("recipient_user_id") => ids.recipient_user_id = reader.word()?,
                Some("recipient_participant_id") => ids.recipient_participant_id = reader.word()?,
                Some("status") => ids.status = reader.word()?,
                Some("timestamp") => ids.timestamp = reader.word()?,
                _ => _ = reader.scanner.skip()?,
            }
        }
    } else {
        reader.scanner.skip()?;
    }
    let span = Span { from, to: reader.scanner.at() };
    reader.part(place, span, ids);
    Ok(span)
}
