//! What became of a message the business sent.

use super::view::view;

view! {
    /// One status. The id alone does not tell two apart: in a group one message has a status a participant.
    pub struct Status {
        /// The id of the message.
        pub id: String,
        /// `sent`, `delivered`, `read`, `played`, `failed`, ….
        pub status: String,
        /// Seconds since 1970, as Meta sends them.
        pub timestamp: String,
        /// Missing when the user has a username and no number is shown.
        pub recipient_id: Option<String>,
        pub recipient_user_id: Option<String>,
        /// `group` when it is one.
        pub recipient_type: Option<String>,
        pub recipient_participant_id: Option<String>,
        /// What the business attached when it sent the message.
        pub biz_opaque_callback_data: Option<String>,
        pub conversation: Option<Conversation>,
        pub pricing: Option<Pricing>,
        pub errors: Vec<Fault>,
        /// `payment` and such; missing for an ordinary status.
        pub kind as "type": Option<String>,
    }
}

view! {
    pub struct Conversation {
        pub id: String,
        pub expiration_timestamp: Option<String>,
    }
}

view! {
    pub struct Pricing {
        pub pricing_model: Option<String>,
        pub category: Option<String>,
        pub kind as "type": Option<String>,
        pub billable: Option<bool>,
    }
}

view! {
    /// An error as Meta reports it.
    pub struct Fault {
        pub code: Option<String>,
        pub title: Option<String>,
        pub message: Option<String>,
        pub href: Option<String>,
    }
}
