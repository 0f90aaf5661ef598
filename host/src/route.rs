//! From a path to what it stands for. One path may be both a webhook and a stream: the method and the headers tell
//! which is meant, so that a client written for the original, which knows one path only, connects unchanged. An empty path
//! is any that no other has.

use std::collections::HashMap;

/// What a path stands for, by the index of the webhook and of the stream in the configuration's order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Route {
    pub webhook: Option<usize>,
    pub stream: Option<usize>,
}

#[derive(Debug, Default)]
pub struct Routes {
    paths: HashMap<String, Route>,
    /// In the configuration's order.
    pages: Vec<Pattern>,
}

/// A path, or all that begin with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    Exactly(String),
    /// Ends with a slash.
    Below(String),
}

impl Pattern {
    /// `/status` is that path, `/status/*` all below it, `/*` any.
    pub fn new(path: &str) -> Self {
        match path.strip_suffix('*') {
            Some(above) => Self::Below(above.to_owned()),
            None => Self::Exactly(path.to_owned()),
        }
    }

    pub fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exactly(one) => one == path,
            Self::Below(above) => path.starts_with(above),
        }
    }
}

impl Routes {
    pub fn new(
        webhooks: impl IntoIterator<Item = String>,
        streams: impl IntoIterator<Item = String>,
        pages: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut paths = HashMap::<String, Route>::new();
        for (index, path) in webhooks.into_iter().enumerate() {
            paths.entry(path).or_default().webhook = Some(index);
        }
        for (index, path) in streams.into_iter().enumerate() {
            paths.entry(path).or_default().stream = Some(index);
        }
        Self { paths, pages: pages.into_iter().map(|path| Pattern::new(&path)).collect() }
    }

    /// The route of a path: letter for letter, no decoding, no slash added or taken away.
    pub fn find(&self, path: &str) -> Option<Route> {
        let any = self.paths.get("").copied();
        match (self.paths.get(path).copied(), any) {
            (Some(Route { webhook, stream }), Some(any)) => {
                Some(Route { webhook: webhook.or(any.webhook), stream: stream.or(any.stream) })
            }
            (found, any) => found.or(any),
        }
    }

    /// Those that a filter may answer, by their index, in the order in which they are asked.
    pub fn pages(&self, path: &str) -> impl Iterator<Item = usize> {
        self.pages.iter().enumerate().filter(move |(_, page)| page.matches(path)).map(|(index, _)| index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_path_may_be_a_webhook_and_a_stream() {
        let routes = Routes::new(["/a".into(), "/b".into()], ["/b".into()], []);
        assert_eq!(routes.find("/b"), Some(Route { webhook: Some(1), stream: Some(0) }));
        assert_eq!(routes.find("/a"), Some(Route { webhook: Some(0), stream: None }));
        assert_eq!(routes.find("/b/"), None);
        assert_eq!(routes.find("/%62"), None);
    }

    #[test]
    fn an_empty_path_is_any_that_no_other_has() {
        let routes = Routes::new(["/a".into(), String::new()], [String::new()], []);
        assert_eq!(routes.find("/a"), Some(Route { webhook: Some(0), stream: Some(0) }));
        assert_eq!(routes.find("/else"), Some(Route { webhook: Some(1), stream: Some(0) }));
    }

    #[test]
    fn a_star_is_all_below() {
        let routes = Routes::new([], [], ["/status".into(), "/status/*".into(), "/*".into()]);
        assert_eq!(routes.pages("/status").collect::<Vec<_>>(), [0, 2]);
        assert_eq!(routes.pages("/status/a/b").collect::<Vec<_>>(), [1, 2]);
        assert_eq!(routes.pages("/statuses").collect::<Vec<_>>(), [2]);
    }
}
