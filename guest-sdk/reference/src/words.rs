//! How the reference filter writes and reads things.

use postern_filter::ClientId;
use postern_filter::prelude::*;

/// *none* is `none`.
pub fn option(text: Option<String>) -> String {
    text.unwrap_or_else(|| "none".to_owned())
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `SUBJECT|FIRST room|k=v,k=v|ADDRESS|SINCE`
pub fn client(client: &Client) -> String {
    let labels: Vec<String> = client.labels().iter().map(|label| format!("{}={}", label.key, label.value)).collect();
    let (subject, room) = (option(client.subject()), option(client.label("room")));
    format!("{subject}|{room}|{}|{}|{}", labels.join(","), client.address(), client.since())
}

/// `1,2`
pub fn ids(text: &str) -> Result<Vec<ClientId>> {
    let ids = text.split(',').filter(|id| !id.is_empty()).map(str::parse);
    Ok(ids.collect::<Result<_, _>>()?)
}

/// `k=v,k=v`
pub fn labels(text: &str) -> Vec<Label> {
    let pairs = text.split(',').filter_map(|label| label.split_once('='));
    pairs.map(|(key, value)| Label::new(key, value)).collect()
}

/// `everyone`, `clients:1,2`, `any:k=v,k=v`, `all:k=v,k=v`
pub fn selector(text: &str) -> Result<Selector> {
    Ok(match text.split_once(':') {
        Some(("clients", rest)) => Selector::Clients(ids(rest)?),
        Some(("any", rest)) => Selector::AnyLabel(labels(rest)),
        Some(("all", rest)) => Selector::AllLabels(labels(rest)),
        None if text == "everyone" => Selector::Everyone,
        _ => return Err(Error::new(format!("there is no selector `{text}`"))),
    })
}
