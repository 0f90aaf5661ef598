//! The configuration as a whole: the sections there is one of, and what sections must agree on.

use super::edge::{page, stream, webhook};
use super::events::{dedupe, retention, retry};
use super::filters::filter;
use super::forward::forward;
use super::proxy::proxy;
use super::reader::{Context, Read, Section};
use super::registries::registry;
use super::schema::{Admin, Config, Demand, Identity, Limits, Log, LogFormat, Registry, Tls, place_in};
use super::suggest::nearest;
use super::telemetry::telemetry;
use super::tls::tls;
use super::tree::Node;
use bytesize::ByteSize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// More threads than this no machine has cores for.
const MOST_SHARDS: usize = 1024;

pub(super) fn config(context: &Context<'_>, tree: &Node, dev: bool) -> Read<Config> {
    let mut root = Section::of(context, String::new(), tree);
    let listen = root.required("listen").and_then(|value| {
        let addresses: Vec<Read<SocketAddr>> = value.list().iter().map(|element| element.address()).collect();
        if addresses.is_empty() {
            return Err(value.problem("is empty: there must be at least one address"));
        }
        addresses.into_iter().collect::<Read<Vec<_>>>()
    });
    let reuse_port = root.required("reuse_port").and_then(|value| value.boolean());
    let data = root.required("data").and_then(|value| value.path());
    let shards = root.optional("shards").map(|value| value.count(1..=MOST_SHARDS)).transpose();
    let io_uring = root.required("io_uring").and_then(|value| value.boolean());
    let tls = tls(root.section("tls"), dev);
    let proxy = proxy(root.section("proxy"));

    let (webhooks, streams, filters) = (root.named("webhooks"), root.named("streams"), root.named("filters"));
    let webhook_names = webhooks.iter().map(|(name, _)| name.clone()).collect();
    let filter_names = filters.iter().map(|(name, _)| name.clone()).collect();
    let stream_names = streams.iter().map(|(name, _)| name.clone()).collect();
    let registries = root.section("registries").rest();
    let pages = root.named("http");
    let forwards = root.named("forward");
    if webhooks.is_empty() && streams.is_empty() && pages.is_empty() {
        context.problem_with_hint(
            "",
            "there is nothing to serve: no webhook and no stream is configured".to_owned(),
            "write a section `[webhooks.NAME]` and one `[streams.NAME]`, or try `postern run --dev`".to_owned(),
        );
    }
    let webhooks = read_each(webhooks, |section| webhook(section, &filter_names));
    let streams = read_each(streams, |section| stream(section, &webhook_names, &filter_names));
    let filters = read_each(filters, filter);
    let registries = registries.into_iter().map(|(name, value)| (registry(&name, &value), name));
    let registries: BTreeMap<String, Read<Registry>> = registries.map(|(read, name)| (name, read)).collect();
    let pages = read_each(pages, |section| page(section, &webhook_names, &stream_names, &filter_names));
    let forwards = read_each(forwards, |section| forward(section, &webhook_names, &filter_names));

    let inbox = retention(root.section("inbox"));
    let outbox = retention(root.section("outbox"));
    let dedupe_window = dedupe(root.section("dedupe"));
    let retry = retry(root.section("retry"));
    let admin = admin(root.section("admin"));
    let limits = limits(root.section("limits"));
    let log = log(root.section("log"));
    let traces = telemetry(root.section("telemetry"));
    root.finish(&["cluster"]);

    unique(
        context,
        "webhooks",
        webhooks.iter().filter_map(|(name, webhook)| Some((name, &webhook.as_ref().ok()?.path))),
    );
    unique(context, "streams", streams.iter().filter_map(|(name, stream)| Some((name, &stream.as_ref().ok()?.path))));
    if let Ok(limits) = &limits {
        for (name, stream) in &streams {
            if stream.as_ref().is_ok_and(|stream| stream.heartbeat >= limits.idle) {
                patience(context, &format!("streams.{name}.heartbeat"));
            }
        }
    }
    if tls.as_ref().is_ok_and(|tls| tls.client_ca.is_empty()) {
        let webhooks =
            webhooks.iter().filter_map(|(name, webhook)| Some(("webhooks", name, &webhook.as_ref().ok()?.client)));
        let streams =
            streams.iter().filter_map(|(name, stream)| Some(("streams", name, &stream.as_ref().ok()?.certificate)));
        for (table, name, client) in webhooks.chain(streams) {
            if client.demand != Demand::None {
                let key = format!("{table}.{name}.client_auth");
                let hint = "set `tls.client_ca` to the file of the authority that signs them".to_owned();
                context.problem_with_hint(
                    &key,
                    format!("`{key}` asks for certificates, and no authority is configured"),
                    hint,
                );
            }
        }
    }
    if let (Ok(listen), Ok(admin)) = (&listen, &admin) {
        distinct(context, listen, admin.listen);
        if let Ok(Tls { identity: Identity::Acme(acme), .. }) = &tls {
            for http in &acme.http {
                if http.port() != 0 && (listen.contains(http) || *http == admin.listen) {
                    let message = format!("`tls.acme.http` is the address of another listener as well: {http}");
                    let hint = "authorities ask at port 80, and browsers begin there".to_owned();
                    context.problem_with_hint("tls.acme.http", message, hint);
                }
            }
        }
    }
    Ok(Config {
        listen: listen?,
        reuse_port: reuse_port?,
        data: data?,
        shards: shards?,
        io_uring: io_uring?,
        tls: tls?,
        proxy: proxy?,
        webhooks: all(webhooks)?,
        streams: all(streams)?,
        filters: all(filters)?,
        registries: all(registries)?,
        http: all(pages)?,
        forward: all(forwards)?,
        inbox: inbox?,
        outbox: outbox?,
        dedupe_window: dedupe_window?,
        retry: retry?,
        admin: admin?,
        limits: limits?,
        log: log?,
        secrets: context.seen().secrets.clone(),
        traces: traces?,
        places: context.places.clone(),
    })
}

/// Reads every section before any of them can fail, so that the problems of all are collected.
fn read_each<'a, T>(
    sections: Vec<(String, Section<'a>)>,
    read: impl Fn(Section<'a>) -> Read<T>,
) -> BTreeMap<String, Read<T>> {
    sections.into_iter().map(|(name, section)| (name, read(section))).collect()
}

fn all<T>(sections: BTreeMap<String, Read<T>>) -> Read<BTreeMap<String, T>> {
    sections.into_iter().map(|(name, section)| Ok((name, section?))).collect()
}

fn admin(mut section: Section<'_>) -> Read<Admin> {
    let listen = section.required("listen").and_then(|value| value.address());
    let token = section.optional("token").map(|value| value.secret()).transpose();
    if let (Ok(listen), Ok(None)) = (&listen, &token)
        && !listen.ip().to_canonical().is_loopback()
    {
        section.problem_with_hint(
            "listen",
            "can be reached from other machines, so `admin.token` must be set",
            "set `admin.token = { env = \"ADMIN_TOKEN\" }`, or listen on `127.0.0.1`",
        );
    }
    section.finish(&[]);
    Ok(Admin { listen: listen?, token: token? })
}

fn limits(mut section: Section<'_>) -> Read<Limits> {
    // A record of the journal holds a delivery whole.
    let body = section.required("body").and_then(|value| value.size(ByteSize::b(1)..=ByteSize::mib(32)));
    // hyper reads into a buffer of 8 KiB at least.
    let headers = section.required("headers").and_then(|value| value.size(ByteSize::kib(8)..=ByteSize::mib(16)));
    let header_count = section.required("header_count").and_then(|value| value.count(1..=10_000));
    let header_timeout = section.required("header_timeout").and_then(|value| value.duration());
    let body_timeout = section.required("body_timeout").and_then(|value| value.duration());
    let inflight = section.required("inflight").and_then(|value| value.count(1..=10_000_000));
    let connections = section.required("connections").and_then(|value| value.count(1..=10_000_000));
    let per_address = section.required("connections_per_address").and_then(|value| value.count(1..=10_000_000));
    let client_message =
        section.required("client_message").and_then(|value| value.size(ByteSize::b(1)..=ByteSize::gib(1)));
    let messages = section.required("client_messages_per_second").and_then(|value| value.count(1..=1_000_000));
    let idle = section.required("idle").and_then(|value| value.duration());
    let filter_output =
        section.required("filter_output").and_then(|value| value.size(ByteSize::b(1)..=ByteSize::gib(1)));
    let labels = section.required("labels").and_then(|value| value.count(1..=10_000));
    let ring = section.required("ring").and_then(|value| value.size(ByteSize::kib(64)..=ByteSize::tib(1)));
    let drain_timeout = section.required("drain_timeout").and_then(|value| value.duration());
    let handover_timeout = section.required("handover_timeout").and_then(|value| value.duration());
    let kv = section.required("kv").and_then(|value| value.bytes(ByteSize::kib(1)..=ByteSize::tib(1)));
    section.finish(&[]);
    Ok(Limits {
        body: body?,
        headers: headers?,
        header_count: header_count?,
        header_timeout: header_timeout?,
        body_timeout: body_timeout?,
        inflight: inflight?,
        connections: connections?,
        connections_per_address: per_address?,
        client_message: client_message?,
        client_messages_per_second: messages?,
        idle: idle?,
        filter_output: filter_output?,
        labels: labels?,
        kv: kv?,
        ring: ring?,
        drain_timeout: drain_timeout?,
        handover_timeout: handover_timeout?,
    })
}

fn log(mut section: Section<'_>) -> Read<Log> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let level = section.required("level").and_then(|value| {
        let expected = "a level such as `info`, or directives such as `postern=debug,info`";
        let text = value.text(expected)?;
        // A bare word that is no level would be taken for the name of a module, and silence all others.
        let bare =
            text.split(',').map(str::trim).find(|part| !part.contains(['=', '[', ':']) && !LEVELS.contains(part));
        match bare {
            Some(word) => Err(match nearest(word, LEVELS) {
                Some(near) => value.wrong_with_hint(expected, &format!("did you mean `{near}`?")),
                None => value.wrong(expected),
            }),
            None => match tracing_subscriber::EnvFilter::builder().parse(text) {
                Ok(_) => Ok(text.to_owned()),
                Err(_) => Err(value.wrong(expected)),
            },
        }
    });
    let format = section.required("format").and_then(|value| {
        value.choice(&[("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)])
    });
    section.finish(&[]);
    Ok(Log { level: level?, format: format? })
}

/// Says of every path but the one that was written first that it is another's.
fn unique<'a>(context: &Context<'_>, table: &str, paths: impl Iterator<Item = (&'a String, &'a String)>) {
    let key = |name: &str| format!("{table}.{name}.path");
    let mut paths: Vec<_> = paths.collect();
    paths.sort_by_key(|(name, _)| place_in(&context.places, &key(name)).order());
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, path) in paths {
        if let Some(owner) = owners.get(path.as_str()) {
            let key = key(name);
            let message = format!("`{key}` is the path of `{table}.{owner}` as well: {path}");
            context.problem_with_hint(&key, message, "give each a path of its own".to_owned());
        } else {
            owners.insert(path, name);
        }
    }
}

/// Says that a heartbeat comes too late, in the place of whichever of the two was written.
fn patience(context: &Context<'_>, heartbeat: &str) {
    let hint = "a client is asked every `heartbeat`, and closed when it has not answered for `limits.idle`".to_owned();
    if context.is_written(heartbeat) || !context.is_written("limits.idle") {
        context.problem_with_hint(heartbeat, format!("`{heartbeat}` must be shorter than `limits.idle`"), hint);
    } else {
        context.problem_with_hint("limits.idle", format!("`limits.idle` must be longer than `{heartbeat}`"), hint);
    }
}

/// Says that two listeners want the same address. Port 0 is any free one, each time another.
fn distinct(context: &Context<'_>, listen: &[SocketAddr], admin: SocketAddr) {
    let mut seen = BTreeSet::new();
    for address in listen {
        if address.port() != 0 && !seen.insert(*address) {
            let message = format!("`listen` has the same address twice: {address}");
            context.problem_with_hint("listen", message, "remove one of the two".to_owned());
        }
    }
    if seen.contains(&admin) {
        let message = format!("`admin.listen` is an address of `listen` as well: {admin}");
        context.problem_with_hint("admin.listen", message, "give it a port of its own, such as 9440".to_owned());
    }
}
