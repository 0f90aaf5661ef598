//! Typed views of what WhatsApp delivers.
//!
//! A view is for looking, not for writing back: it knows the fields named here and passes over all others. Every
//! field may be missing or `null`, ids and times may be strings or numbers, and a type of message that does not exist
//! yet is only a `kind` without a body. So what Meta adds tomorrow does not stop a filter built today.

mod message;
mod status;
mod view;

pub use message::{
    Button, Card, Context, Edit, Identity, Interactive, Location, Media, MessageItem, Name, Order, Phone, Product,
    Profile, Reaction, Referral, Reply, System, Text, Unsupported,
};
pub use status::{Conversation, Fault, Pricing, Status};

use view::view;

view! {
    /// A delivery: `message.parse::<whatsapp::Envelope>()`.
    pub struct Envelope {
        /// `whatsapp_business_account`, or another product's name.
        pub object: String,
        pub entry: Vec<Entry>,
    }
}

view! {
    /// What happened to one WhatsApp Business account.
    pub struct Entry {
        /// The id of the account.
        pub id: String,
        pub changes: Vec<Change>,
    }
}

view! {
    pub struct Change {
        /// `messages`, `account_update`, `message_template_status_update`, …
        pub field: String,
        pub value: Value,
    }
}

view! {
    /// What changed. Fields other than `messages` have values of many shapes, whose own parts are not shown here: read
    /// those with a type of your own.
    pub struct Value {
        pub messaging_product: String,
        pub metadata: Option<Metadata>,
        pub contacts: Vec<Contact>,
        pub messages: Vec<MessageItem>,
        pub statuses: Vec<Status>,
        /// Alone, without messages or statuses: errors of the account, the app or the system.
        pub errors: Vec<Fault>,
        /// The kind of event of an `account_update`, a template update, ….
        pub event: Option<String>,
    }
}

view! {
    /// The business phone number concerned.
    pub struct Metadata {
        pub display_phone_number: String,
        pub phone_number_id: String,
    }
}

view! {
    /// Someone who wrote. A user with a username may have no `wa_id`.
    pub struct Contact {
        pub profile: Option<Profile>,
        pub wa_id: Option<String>,
        pub user_id: Option<String>,
        pub parent_user_id: Option<String>,
    }
}

impl Envelope {
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.entry.iter().flat_map(|entry| &entry.changes).map(|change| &change.value)
    }

    pub fn messages(&self) -> impl Iterator<Item = &MessageItem> {
        self.values().flat_map(|value| &value.messages)
    }

    pub fn statuses(&self) -> impl Iterator<Item = &Status> {
        self.values().flat_map(|value| &value.statuses)
    }

    /// The business phone numbers concerned, each once, in order.
    pub fn phone_number_ids(&self) -> Vec<&str> {
        let mut ids = vec![];
        for metadata in self.values().filter_map(|value| value.metadata.as_ref()) {
            if !metadata.phone_number_id.is_empty() && !ids.contains(&&*metadata.phone_number_id) {
                ids.push(&*metadata.phone_number_id);
            }
        }
        ids
    }
}

#[cfg(test)]
mod tests;
