//! Where things are in what WhatsApp sends, one message or status a delivery as postern splits them: for `Message.json`.

pub const value = "/entry/0/changes/0/value";
pub const phone_number_id = value ++ "/metadata/phone_number_id";
pub const from = value ++ "/messages/0/from";
pub const message_id = value ++ "/messages/0/id";
pub const kind = value ++ "/messages/0/type";
pub const text = value ++ "/messages/0/text/body";
pub const name = value ++ "/contacts/0/profile/name";
pub const status = value ++ "/statuses/0/status";
