//! What is found in a delivery: where its entries, changes and items lie, and the words in them that name something.

use super::scan::Span;
use super::text::Text;
use std::ops::Range;

/// A member of an object, when it is an array whose elements become events: where it can be cut.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// From where its name begins to where its value ends.
    pub span: Span,
    /// Where the member before it ended.
    pub before: usize,
    /// Where the member after it begins; without one, anywhere.
    pub after: usize,
    /// From its first element to the end of its last.
    pub elements: Span,
    pub count: usize,
}

/// An element of the top `entry`.
#[derive(Debug, Default)]
pub struct Entry<'a> {
    pub span: Span,
    pub id: Option<Text<'a>>,
    /// As it is written.
    pub time: Option<Span>,
    /// `changes`, `messaging` and `standby`.
    pub lists: [Option<List>; 3],
}

/// An element of `changes`.
#[derive(Debug, Default)]
pub struct Change<'a> {
    /// Which of the entries it is in.
    pub entry: usize,
    pub span: Span,
    pub field: Option<Text<'a>>,
    pub value: Option<Span>,
    pub phone_number_id: Option<Text<'a>>,
    pub user_id: Option<Text<'a>>,
    pub wa_id: Option<Text<'a>>,
    /// Of posts and comments of pages and Instagram: the `id` in its `from`.
    pub from: Option<Text<'a>>,
    /// `messages` and `statuses`.
    pub lists: [Option<List>; 2],
    /// Which of the contacts are its own.
    pub contacts: Range<usize>,
}

/// An element of a change's `contacts`.
#[derive(Debug, Default)]
pub struct Contact<'a> {
    pub span: Span,
    pub wa_id: Option<Text<'a>>,
    pub user_id: Option<Text<'a>>,
}

/// What becomes an event.
#[derive(Debug)]
pub struct Part<'a> {
    pub place: Place,
    pub span: Span,
    pub ids: Ids<'a>,
}

/// What a part is, and in which entry or change it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The entry itself: it has neither changes nor messages.
    Entry(usize),
    /// The change itself.
    Change(usize),
    /// In a change.
    Message(usize),
    /// In a change.
    Status(usize),
    /// In an entry.
    Messaging(usize),
    /// In an entry.
    Standby(usize),
}

/// The words of an item by which it is recognised and belongs to someone.
#[derive(Debug, Default)]
pub struct Ids<'a> {
    /// Of Messenger and Instagram: the `mid`.
    pub id: Option<Text<'a>>,
    /// Of Messenger and Instagram: the sender's id.
    pub from: Option<Text<'a>>,
    pub from_user_id: Option<Text<'a>>,
    /// Of Messenger and Instagram: the recipient's id.
    pub recipient_id: Option<Text<'a>>,
    pub recipient_user_id: Option<Text<'a>>,
    pub recipient_participant_id: Option<Text<'a>>,
    pub status: Option<Text<'a>>,
    pub timestamp: Option<Text<'a>>,
    /// Instagram tells that a message was deleted by sending its `mid` again, with this.
    pub deleted: bool,
    /// Of Messenger and Instagram: what it tells, by the name of the field that is subscribed to for it.
    pub field: Option<&'static str>,
}

#[derive(Debug, Default)]
pub struct Envelope<'a> {
    /// The top `entry`.
    pub list: Option<List>,
    pub entries: Vec<Entry<'a>>,
    pub changes: Vec<Change<'a>>,
    pub contacts: Vec<Contact<'a>>,
    /// In the order in which they stand in the body.
    pub parts: Vec<Part<'a>>,
    /// More parts than are told apart: those there are are the first of them.
    pub too_many_parts: bool,
    /// More contacts than are told apart; none is kept then.
    pub too_many_contacts: bool,
    /// The id of the last entry in which no part was found.
    pub silent_id: Option<Text<'a>>,
}

impl<'a> Envelope<'a> {
    /// With room for one of each, and no more: most deliveries have one.
    pub fn of_one() -> Self {
        Self {
            entries: Vec::with_capacity(1),
            changes: Vec::with_capacity(1),
            contacts: Vec::with_capacity(1),
            parts: Vec::with_capacity(1),
            ..Self::default()
        }
    }

    pub fn entry(&self, part: &Part<'_>) -> &Entry<'a> {
        match part.place {
            Place::Entry(entry) | Place::Messaging(entry) | Place::Standby(entry) => &self.entries[entry],
            Place::Change(_) | Place::Message(_) | Place::Status(_) => {
                &self.entries[self.change(part).map_or(0, |change| change.entry)]
            }
        }
    }

    pub fn change(&self, part: &Part<'_>) -> Option<&Change<'a>> {
        match part.place {
            Place::Change(change) | Place::Message(change) | Place::Status(change) => Some(&self.changes[change]),
            Place::Entry(_) | Place::Messaging(_) | Place::Standby(_) => None,
        }
    }
}
