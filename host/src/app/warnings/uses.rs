//! What is configured and of no effect, or of another one than it looks: webhooks that nobody gets, streams without
//! events, filters without work, filters that stand before webhooks.

use super::List;
use crate::config::{Config, Relay};
use crate::route::Pattern;
use std::collections::BTreeSet;

pub fn look(list: &mut List<'_>) {
    let config = list.config;
    for name in config.webhooks.keys() {
        if !config.streams.values().any(|stream| stream.webhooks.contains(name)) {
            let what = format!("`webhooks.{name}` is carried by no stream: its events are kept, and nobody gets them");
            let hint = format!("name `{name}` in a stream's `webhooks`, or leave that out to have it carry all");
            list.warn(&format!("webhooks.{name}"), what, &hint);
        }
    }
    for (name, stream) in &config.streams {
        let converses = stream.relay != Relay::Nobody || !stream.client.is_empty() || !stream.events.is_empty();
        let is_reached = config.http.values().any(|page| page.streams.contains(name));
        if stream.webhooks.is_empty() && !converses && !is_reached {
            let what = format!("`streams.{name}` carries nothing: only what operators send gets there");
            let key = format!("streams.{name}.webhooks");
            list.warn(&key, what, "name webhooks in its `webhooks`, or leave the stream out");
        }
    }
    let used = used(config);
    for name in config.filters.keys().filter(|name| !used.contains(*name)) {
        let what = format!("`filters.{name}` is used by nothing: it is loaded, and never asked");
        let hint = format!("name `{name}` where it is to be asked, or leave the section out");
        list.warn(&format!("filters.{name}"), what, &hint);
    }
    before_webhooks(list);
    twice(list);
}

/// The filters that something asks.
fn used(config: &Config) -> BTreeSet<&String> {
    let webhooks = config.webhooks.values().flat_map(|webhook| &webhook.filters);
    let streams = config
        .streams
        .values()
        .flat_map(|stream| [&stream.admission, &stream.audience, &stream.client, &stream.events].into_iter().flatten());
    let pages = config.http.values().map(|page| &page.filter);
    webhooks.chain(streams).chain(pages).collect()
}

/// A filter that answers pages is asked first, and webhooks are plain requests too.
fn before_webhooks(list: &mut List<'_>) {
    let config = list.config;
    for (page, settings) in &config.http {
        let pattern = Pattern::new(&settings.path);
        for (webhook, _) in config.webhooks.iter().filter(|(_, webhook)| pattern.matches(&webhook.path)) {
            let (path, filter) = (&settings.path, &settings.filter);
            let what = format!(
                "`http.{page}.path` covers the path of `webhooks.{webhook}`: filter `{filter}` is asked first, and only \
                 what it declines is taken as a webhook: {path}"
            );
            let hint = "give the two paths apart: then no filter stands between a webhook and its 200";
            list.warn(&format!("http.{page}.path"), what, hint);
        }
    }
}

/// Two for the same paths are asked in the order of their names.
fn twice(list: &mut List<'_>) {
    let pages: Vec<_> = list.config.http.iter().collect();
    for (index, (second, settings)) in pages.iter().enumerate() {
        if let Some((first, _)) = pages[..index].iter().find(|(_, other)| other.path == settings.path) {
            let path = &settings.path;
            let what = format!("`http.{second}.path` is the path of `http.{first}` as well: {path}");
            let hint = format!("the filter of `{first}` is asked first: give each a path of its own");
            list.warn(&format!("http.{second}.path"), what, &hint);
        }
    }
}
