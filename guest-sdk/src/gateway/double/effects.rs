//! `outbox` and `clients`. What a call wants done is noted, and done when it has returned `Ok`.

use super::{Arranged, Client, arranged, breach};
use crate::testing::Sent;
use crate::{ClientId, Close, Format, Label, Payload, Selector};

/// What postern allows a label to be, and a client to carry unless the operator says otherwise.
const KEY: usize = 128;
const VALUE: usize = 1024;
const LABELS: usize = 32;
/// The most clients that are found at once.
const FOUND: u32 = 10_000;
/// RFC 6455, section 5.5: what a control frame carries.
const PONG: usize = 125;

/// What a call wants done when it has returned `Ok`: what it asked of clients before its first send, its sends, and what it
/// asked after that.
#[derive(Default)]
pub(crate) struct Wanted {
    before: Vec<Change>,
    sent: Vec<Sent>,
    after: Vec<Change>,
}

enum Change {
    Add(ClientId, Label),
    Remove(ClientId, Label),
    Disconnect(ClientId, Close),
    Pong(ClientId, Vec<u8>),
}

pub(crate) fn outbox_send(to: &Selector, except: &[ClientId], what: Payload) {
    if what.format == Format::Text && std::str::from_utf8(&what.data).is_err() {
        breach("it sends text that is not UTF-8");
    }
    let sent = Sent { to: to.clone(), except: except.to_vec(), payload: what, reached: vec![] };
    arranged(|arranged| arranged.wanted.sent.push(sent));
}

pub(crate) fn clients_count(among: &Selector) -> u64 {
    arranged(|arranged| arranged.clients.values().filter(|client| client.is_chosen(among)).count() as u64)
}

pub(crate) fn clients_find(among: &Selector, limit: u32) -> Vec<ClientId> {
    arranged(|arranged| {
        let chosen = arranged.clients.values().filter(|client| client.is_chosen(among));
        chosen.map(|client| client.id).take(limit.min(FOUND) as usize).collect()
    })
}

pub(crate) fn clients_get(id: ClientId) -> Option<Client> {
    arranged(|arranged| arranged.clients.get(&id).cloned())
}

pub(crate) fn clients_add_label(id: ClientId, label: Label) {
    let Some(client) = clients_get(id) else { return };
    if label.key.is_empty() || label.key.len() > KEY || label.value.len() > VALUE {
        breach(&format!("a label whose key is empty or over {KEY} bytes, or whose value is over {VALUE}"));
    }
    want(Change::Add(id, label));
    let mut labels = client.labels;
    arranged(|arranged| {
        let Wanted { before, after, .. } = &arranged.wanted;
        before.iter().chain(after).for_each(|change| change.relabel(id, &mut labels));
    });
    if labels.len() > LABELS {
        breach(&format!("more than the {LABELS} labels that a client may have"));
    }
}

pub(crate) fn clients_remove_label(id: ClientId, label: Label) {
    want(Change::Remove(id, label));
}

pub(crate) fn clients_disconnect(id: ClientId, why: Close) {
    if !matches!(why.code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        breach(&format!("the close code {}, which a server may not send", why.code));
    }
    want(Change::Disconnect(id, why));
}

pub(crate) fn clients_pong(id: ClientId, data: Vec<u8>) {
    if data.len() > PONG {
        breach(&format!("a pong of {} bytes, of the {PONG} it may have", data.len()));
    }
    want(Change::Pong(id, data));
}

fn want(change: Change) {
    arranged(|arranged| match &mut arranged.wanted {
        Wanted { before, sent, .. } if sent.is_empty() => before.push(change),
        Wanted { after, .. } => after.push(change),
    });
}

/// Forgets what a call wants done.
pub(crate) fn forget() {
    arranged(|arranged| arranged.wanted = Wanted::default());
}

/// Does what a call wants done. What it wants of clients that are gone is passed over.
pub(crate) fn follow() {
    arranged(|arranged| {
        let Wanted { before, sent, after } = std::mem::take(&mut arranged.wanted);
        before.into_iter().for_each(|change| apply(arranged, change));
        for mut sent in sent {
            let chosen = arranged.clients.values().filter(|client| client.is_chosen(&sent.to)).map(|client| client.id);
            sent.reached = chosen.filter(|id| !sent.except.contains(id)).collect();
            arranged.sent.push(sent);
        }
        after.into_iter().for_each(|change| apply(arranged, change));
    });
}

fn apply(arranged: &mut Arranged, change: Change) {
    let Some(client) = arranged.clients.get_mut(&change.client()) else { return };
    change.relabel(client.id, &mut client.labels);
    match change {
        Change::Add(..) | Change::Remove(..) => {}
        Change::Pong(id, data) => arranged.pongs.push((id, data)),
        Change::Disconnect(id, why) => {
            arranged.clients.remove(&id);
            arranged.disconnected.push((id, why));
        }
    }
}

impl Change {
    fn client(&self) -> ClientId {
        match self {
            Self::Add(id, _) | Self::Remove(id, _) | Self::Disconnect(id, _) | Self::Pong(id, _) => *id,
        }
    }

    /// What this makes of a client's labels.
    fn relabel(&self, client: ClientId, labels: &mut Vec<Label>) {
        match self {
            Self::Add(id, label) if *id == client && !labels.contains(label) => labels.push(label.clone()),
            Self::Remove(id, label) if *id == client => labels.retain(|other| other != label),
            _ => {}
        }
    }
}
