//! From a path to what it stands for. One path may be both a webhook and a stream: the method and the headers tell
//! which is meant, so that a client written for the original, which knows one path only, connects unchanged.

use std::collections::HashMap;

/// What a path stands for, by the index of the webhook and of the stream in the configuration's order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Route {
    pub webhook: Option<usize>,
    pub stream: Option<usize>,
}

#[derive(Debug, Default)]
pub struct Routes(HashMap<String, Route>);

impl Routes {
    pub fn new(webhooks: impl IntoIterator<Item = String>, streams: impl IntoIterator<Item = String>) -> Self {
        let mut routes = HashMap::<String, Route>::new();
        for (index, path) in webhooks.into_iter().enumerate() {
            routes.entry(path).or_default().webhook = Some(index);
        }
        for (index, path) in streams.into_iter().enumerate() {
            routes.entry(path).or_default().stream = Some(index);
        }
        Self(routes)
    }

    /// The route of a path: letter for letter, no decoding, no slash added or taken away.
    pub fn find(&self, path: &str) -> Option<Route> {
        self.0.get(path).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_path_may_be_a_webhook_and_a_stream() {
        let routes = Routes::new(["/a".into(), "/b".into()], ["/b".into()]);
        assert_eq!(routes.find("/b"), Some(Route { webhook: Some(1), stream: Some(0) }));
        assert_eq!(routes.find("/a"), Some(Route { webhook: Some(0), stream: None }));
        assert_eq!(routes.find("/b/"), None);
        assert_eq!(routes.find("/%62"), None);
    }
}
