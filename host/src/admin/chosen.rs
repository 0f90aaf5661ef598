//! Which clients an operator means: `stream`, `label=KEY:VALUE`, `client` and `subject`, each as often as one likes. Several
//! streams, clients or subjects are any of them, several labels all of them, and different words must all hold.

use crate::message::{Audience, ClientId, Label, Narrowing, Scope, Selector};

/// What the query says of clients, and what else it says.
pub struct Chosen {
    pub streams: Vec<String>,
    labels: Vec<Label>,
    clients: Vec<ClientId>,
    subjects: Vec<String>,
    /// The other words, of which each may be said once.
    pub rest: Vec<(String, String)>,
}

impl Chosen {
    /// Reads a query in which, beside those, `others` may be said. The error is for the operator.
    pub fn parse(query: &str, known: &Scope, others: &[&str]) -> Result<Self, String> {
        let (streams, labels, clients, subjects, rest) = Default::default();
        let mut chosen = Self { streams, labels, clients, subjects, rest };
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "stream" if known.has(&value) => chosen.streams.push(value.into_owned()),
                "stream" => return Err(format!("there is no stream `{}`\n", value.escape_debug())),
                "label" => {
                    let (key, value) = value.split_once(':').ok_or("a label is KEY:VALUE\n")?;
                    chosen.labels.push(Label { key: key.to_owned(), value: value.to_owned() });
                }
                "client" => chosen.clients.push(client(&value)?),
                "subject" => chosen.subjects.push(value.into_owned()),
                other if !others.contains(&other) => {
                    let all: Vec<_> = ["stream", "label", "client", "subject"].iter().chain(others).copied().collect();
                    let (other, all) = (other.escape_debug(), all.join("`, `"));
                    return Err(format!("`{other}` is not understood here: it is one of `{all}`\n"));
                }
                other if chosen.rest.iter().any(|(said, _)| said == other) => {
                    return Err(format!("`{other}` is said twice\n"));
                }
                other => chosen.rest.push((other.to_owned(), value.into_owned())),
            }
        }
        Ok(chosen)
    }

    pub fn said(&self, word: &str) -> Option<&str> {
        self.rest.iter().find(|(said, _)| said == word).map(|(_, value)| value.as_str())
    }

    /// Whether it says anything at all of whom it means.
    pub fn is_everyone(&self) -> bool {
        self.streams.is_empty() && self.labels.is_empty() && self.clients.is_empty() && self.subjects.is_empty()
    }

    /// All of it as an audience: nobody is in it who is not in each part.
    pub fn audience(&self) -> Audience {
        let mut audience = Audience::default();
        let parts = [
            (!self.streams.is_empty()).then(|| Selector::Streams(self.streams.clone())),
            (!self.clients.is_empty()).then(|| Selector::Clients(self.clients.clone())),
            (!self.subjects.is_empty()).then(|| Selector::Subjects(self.subjects.clone())),
            (!self.labels.is_empty()).then(|| Selector::AllLabels(self.labels.clone())),
        ];
        parts.into_iter().flatten().for_each(|to| audience.narrow(Narrowing { to, except: Vec::new() }));
        audience
    }

    /// The streams it means, of those there are.
    pub fn scope(&self, known: &Scope) -> Scope {
        let meant =
            |name: &&std::sync::Arc<str>| self.streams.is_empty() || self.streams.iter().any(|said| **said == ***name);
        Scope::of(known.0.iter().filter(meant).cloned())
    }

    /// The part of it by which the fewest clients need be looked at; the audience says of each whether it is meant.
    pub fn first(&self) -> Selector {
        if !self.clients.is_empty() {
            Selector::Clients(self.clients.clone())
        } else if !self.labels.is_empty() {
            Selector::AllLabels(self.labels.clone())
        } else if !self.subjects.is_empty() {
            Selector::Subjects(self.subjects.clone())
        } else {
            Selector::Everyone
        }
    }
}

/// A client's id, as it is told everywhere: 16 hexadecimal digits.
pub fn client(text: &str) -> Result<ClientId, String> {
    let id = (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok()).flatten();
    id.map(ClientId).ok_or_else(|| "a client's id is 16 hexadecimal digits\n".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Card;

    fn scope() -> Scope {
        Scope::of(["agents".into(), "public".into()])
    }

    #[test]
    fn different_words_must_all_hold() {
        let chosen = Chosen::parse("stream=agents&label=room:a&label=desk:1%3A2&limit=5", &scope(), &["limit"]);
        let chosen = chosen.expect("it is understood");
        let label = |key: &str, value: &str| Label { key: key.into(), value: value.into() };
        let card = Card { labels: vec![label("desk", "1:2"), label("room", "a")], ..Card::test(1) };
        assert!(chosen.audience().includes(&card) && chosen.said("limit") == Some("5"));
        assert!(!chosen.audience().includes(&Card { stream: "public".into(), ..card.clone() }));
        assert!(!chosen.audience().includes(&Card { labels: vec![label("room", "a")], ..card }));
        assert_eq!(chosen.scope(&scope()), Scope::of(["agents".into()]));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for wrong in
            ["strem=agents", "stream=nowhere", "label=room", "client=12", "client=zzzzzzzzzzzzzzzz", "limit=1&limit=2"]
        {
            assert!(Chosen::parse(wrong, &scope(), &["limit"]).is_err(), "{wrong}");
        }
        assert!(Chosen::parse("", &scope(), &[]).expect("nothing is everyone").is_everyone());
    }
}
