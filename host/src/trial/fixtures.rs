//! Bodies of webhooks that cases may name: what Meta sends, one of each kind that filters meet. Names and numbers are
//! invented.

macro_rules! fixtures {
    ($($name:literal: $what:literal = $file:literal,)*) => {
        /// Name, what it is, and the body.
        pub const FIXTURES: &[(&str, &str, &str)] = &[$((
            $name,
            $what,
            include_str!(concat!("../../../tests/fixtures/whatsapp/", $file, ".json")),
        ),)*];
    };
}

fixtures! {
    "text_message": "a text, one contact, one message" = "text_simple",
    "text_bsuid": "a text of a user with a name and no number: no `wa_id`, no `from`" = "text_username_bsuid_no_phone",
    "image": "a picture" = "image_with_url",
    "voice_note": "a voice note" = "audio_voice_note",
    "document": "a document with a name that is not ASCII" = "document_pdf",
    "location": "a named place" = "location_place",
    "button_reply": "a tap on a reply button" = "interactive_button_reply",
    "flow_reply": "a completed flow: JSON within a string" = "interactive_nfm_reply_flow",
    "reaction_removed": "a reaction taken back: its emoji is empty" = "reaction_remove_empty",
    "order": "an order" = "order",
    "status_delivered": "a status: delivered" = "status_delivered",
    "status_failed": "a status: failed, with an error" = "status_failed_131049",
    "template_rejected": "a template was rejected" = "template_status_rejected",
    "account_restricted": "the account was restricted" = "account_update_restriction",
    "opt_out": "a user wants no marketing; its timestamp is a number" = "user_preferences_stop",
    "unknown_type": "a message of a type that does not exist yet" = "future_message_type",
    "emoji": "joined emoji, flags, skin tones, composed and not" = "unicode_emoji_zwj",
    "injection": "a text that wants to be markup, log lines and SQL" = "text_html_and_log_injection",
    "batch": "two accounts and three numbers in one request" = "batch_two_wabas_three_numbers",
}

pub fn fixture(name: &str) -> Option<&'static str> {
    FIXTURES.iter().find(|(known, ..)| *known == name).map(|(.., body)| *body)
}
