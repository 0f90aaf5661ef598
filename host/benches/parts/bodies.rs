//! Webhooks as WhatsApp sends them.

/// One message of so many bytes, or as few as it takes.
pub fn whatsapp(size: usize) -> String {
    numbered(0, size)
}

/// The same, that no other number has.
pub fn numbered(number: usize, size: usize) -> String {
    let before = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{"metadata":{{"phone_number_id":"1"}},"messages":[{{"from":"1","id":"wamid.{number:010}","type":"text","text":{{"body":""#
    );
    let after = r#""}}]}}]}]}"#;
    let padding = "x".repeat(size.saturating_sub(before.len() + after.len()));
    format!("{before}{padding}{after}")
}
