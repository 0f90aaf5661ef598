//! What a user sent: one item of `messages`.

use super::Fault;
use super::view::view;

view! {
    /// One message. Which of the bodies is there goes by `kind`; of a kind from the future, none is.
    pub struct MessageItem {
        /// The sender's number. Missing when the user has a username and no number is shown.
        pub from: Option<String>,
        pub from_user_id: Option<String>,
        pub group_id: Option<String>,
        pub id: String,
        /// Seconds since 1970, as Meta sends them.
        pub timestamp: String,
        /// `text`, `image`, `interactive`, `reaction`, …: `type` in the JSON.
        pub kind as "type": String,
        pub context: Option<Context>,
        pub referral: Option<Referral>,
        pub identity: Option<Identity>,
        pub errors: Vec<Fault>,

        pub text: Option<Text>,
        pub image: Option<Media>,
        pub video: Option<Media>,
        pub audio: Option<Media>,
        pub document: Option<Media>,
        pub sticker: Option<Media>,
        pub location: Option<Location>,
        pub contacts: Vec<Card>,
        pub interactive: Option<Interactive>,
        pub button: Option<Button>,
        pub reaction: Option<Reaction>,
        pub order: Option<Order>,
        pub system: Option<System>,
        pub edit: Option<Edit>,
        pub unsupported: Option<Unsupported>,
    }
}

impl MessageItem {
    /// Who sent it: the user id before the number, since either may be missing and the number may change.
    pub fn sender(&self) -> Option<&str> {
        self.from_user_id.as_deref().or(self.from.as_deref())
    }

    /// The words a person would read in it: the text, a caption, the title of what was tapped.
    pub fn words(&self) -> Option<&str> {
        let captioned = [&self.image, &self.video, &self.document].into_iter().flatten();
        None.or(self.text.as_ref().map(|text| &*text.body))
            .or(self.button.as_ref().and_then(|button| button.text.as_deref()))
            .or(self.interactive.as_ref().and_then(|interactive| interactive.reply()?.title.as_deref()))
            .or(captioned.filter_map(|media| media.caption.as_deref()).next())
    }
}

view! {
    /// What it answers or forwards.
    pub struct Context {
        pub from: Option<String>,
        pub id: Option<String>,
        pub forwarded: Option<bool>,
        pub frequently_forwarded: Option<bool>,
    }
}

view! {
    /// The advertisement that led to it.
    pub struct Referral {
        pub source_url: Option<String>,
        pub source_id: Option<String>,
        pub source_type: Option<String>,
        pub headline: Option<String>,
        pub ctwa_clid: Option<String>,
    }
}

view! {
    pub struct Identity {
        pub acknowledged: Option<bool>,
        pub hash: Option<String>,
    }
}

view! {
    pub struct Text {
        pub body: String,
    }
}

view! {
    /// A picture, film, sound, file or sticker.
    pub struct Media {
        pub id: String,
        pub mime_type: String,
        pub sha256: String,
        pub caption: Option<String>,
        /// As the sender named it: never a path to write to.
        pub filename: Option<String>,
        pub url: Option<String>,
        pub voice: Option<bool>,
        pub animated: Option<bool>,
    }
}

view! {
    pub struct Location {
        pub latitude: Option<f64>,
        pub longitude: Option<f64>,
        pub name: Option<String>,
        pub address: Option<String>,
        pub url: Option<String>,
    }
}

view! {
    /// A contact card that the user shared.
    pub struct Card {
        pub name: Option<Name>,
        pub phones: Vec<Phone>,
        pub vcard: Option<String>,
    }
}

view! {
    pub struct Name {
        pub formatted_name: Option<String>,
        pub first_name: Option<String>,
        pub last_name: Option<String>,
    }
}

view! {
    pub struct Phone {
        pub phone: Option<String>,
        pub wa_id: Option<String>,
    }
}

view! {
    /// The name a user shows.
    pub struct Profile {
        pub name: Option<String>,
        pub username: Option<String>,
    }
}

view! {
    /// What was tapped or filled in.
    pub struct Interactive {
        /// `button_reply`, `list_reply`, `nfm_reply`, `call_permission_reply`, …: `type` in the JSON.
        pub kind as "type": String,
        pub button_reply: Option<Reply>,
        pub list_reply: Option<Reply>,
        pub nfm_reply: Option<Reply>,
        pub call_permission_reply: Option<Reply>,
    }
}

impl Interactive {
    /// Whichever reply it is.
    pub fn reply(&self) -> Option<&Reply> {
        [&self.button_reply, &self.list_reply, &self.nfm_reply, &self.call_permission_reply]
            .into_iter()
            .flatten()
            .next()
    }
}

view! {
    pub struct Reply {
        pub id: Option<String>,
        pub title: Option<String>,
        pub description: Option<String>,
        /// `flow` or `address_message`, of a form.
        pub name: Option<String>,
        pub body: Option<String>,
        /// What was filled in: JSON within a string.
        pub response_json: Option<String>,
        /// `accept` or `reject`, of a permission to call.
        pub response: Option<String>,
    }
}

view! {
    /// A tap on a template's quick-reply button.
    pub struct Button {
        pub payload: Option<String>,
        pub text: Option<String>,
    }
}

view! {
    /// A reaction. Taking it back is an `emoji` that is empty or missing.
    pub struct Reaction {
        pub message_id: String,
        pub emoji: Option<String>,
    }
}

view! {
    pub struct Order {
        pub catalog_id: String,
        pub text: Option<String>,
        pub product_items: Vec<Product>,
    }
}

view! {
    /// A line of an order. A price is a number with or without a fraction, and a quantity too: both are kept as text.
    pub struct Product {
        pub product_retailer_id: String,
        pub quantity: String,
        pub item_price: String,
        pub currency: String,
    }
}

view! {
    /// Something about the user rather than from them: a changed number or identity.
    pub struct System {
        pub kind as "type": String,
        pub body: Option<String>,
        pub wa_id: Option<String>,
        pub new_wa_id: Option<String>,
        pub customer: Option<String>,
    }
}

view! {
    /// A message changed after it was sent.
    pub struct Edit {
        pub original_message_id: String,
        pub message: Option<Box<MessageItem>>,
    }
}

view! {
    pub struct Unsupported {
        pub kind as "type": String,
    }
}
