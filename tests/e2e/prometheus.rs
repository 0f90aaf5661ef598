//! A real Prometheus that looks at a real gateway, its linter, and what operators are given to load into both.

use crate::start;
use postern_tests::tools::prometheus::{Prometheus, faults};
use postern_tests::{Admin, Client, Config, Gateway, Protocol, Sender, Service, eventually, guests, respond};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// A gateway with a filter and a client, at work.
async fn busy() -> (Gateway, Client, Sender) {
    busy_with(|config| config).await
}

async fn busy_with(more: impl FnOnce(Config) -> Config) -> (Gateway, Client, Sender) {
    let config = Config::basic().without_dedupe().filter("pass", &guests::wat("pass"), "");
    let gateway = start(&more(config.webhook("whatsapp", "/whatsapp", "filters = [\"pass\"]"))).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/whatsapp", "[1]").await;
    client.expect(b"[1]").await;
    (gateway, client, sender)
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in the repository").join("host").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every query of the dashboard.
fn queries(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    targets.map(|target| target["expr"].as_str().expect("a query").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_prometheus_scrapes_a_gateway_under_load_and_has_an_answer_to_each_query_of_the_dashboard() {
    let (gateway, mut client, mut sender) = busy().await;
    let Some(prometheus) = Prometheus::scraping(gateway.admin()).await else { return };
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")).expect("the dashboard is JSON");
    eventually("scrapes that show the load", async || {
        for number in 0..20 {
            let body = format!("[{number}]");
            sender.deliver("/whatsapp", body.clone()).await;
            client.until(body.as_bytes()).await;
        }
        let sent = prometheus.query("rate(postern_webhook_last_socket_seconds_count[5s])").await;
        sent.first().is_some_and(|rate| *rate > 0.0).then_some(())
    })
    .await;
    assert_eq!(prometheus.query("up").await, [1.0], "all of it is understood");
    for stage in ["inbox", "first_socket", "last_socket"] {
        let query = format!("histogram_quantile(0.99, sum by (le) (rate(postern_webhook_{stage}_seconds_bucket[5s])))");
        let answer = prometheus.query(&query).await;
        assert!(answer.first().is_some_and(|seconds| (0.000_01..20.0).contains(seconds)), "{query}: {answer:?}");
    }
    for query in queries(&dashboard) {
        let query = query.replace("$__rate_interval", "5s").replace("$job", "postern").replace("$instance", ".*");
        prometheus.query(&query).await;
    }
    let units = prometheus.get("/api/v1/metadata?metric=postern_webhook_inbox_seconds").await;
    let about = &units["data"]["postern_webhook_inbox_seconds"][0];
    assert_eq!((&about["type"], &about["unit"]), (&"histogram".into(), &"seconds".into()), "{units}");
}

#[tokio::test]
async fn promtool_finds_no_fault_with_the_metrics_and_the_alerts() {
    let (gateway, ..) = busy().await;
    let reply = Sender::plain(gateway.admin()).await;
    let metrics = plain(reply).await;
    let given = gateway.home.write("metrics.txt", &metrics);
    let Some(found) = faults(&["metrics"], Some(&given)) else { return };
    assert_eq!(found, "");
    let found = faults(&["rules", &file("alerts.yml").display().to_string()], None).expect("it was there a moment ago");
    assert_eq!(found, "");
}

/// What a forward target is signed with, made for these tests.
const TARGET: &str = "whsec_cG9zdGVybi10ZXN0LXNlY3JldC0wMTIzNDU2Nzg5";

#[tokio::test]
async fn every_metric_that_the_dashboard_and_the_alerts_name_is_there() {
    let collector = Service::start(|_| respond(200, "{}")).await;
    let traces = format!("endpoint = \"{}\"\nsample = 1", collector.url("/v1/traces"));
    let target = format!("url = \"{}\"\nsecret = \"{TARGET}\"", collector.url("/events"));
    let more = |config: Config| config.section("telemetry.traces", &traces).section("forward.crm", &target);
    let (gateway, client, _sender) = busy_with(more).await;
    // What is counted only when it happens: one who goes, and one who speaks no TLS where that is spoken.
    drop(Client::connect(&gateway, "/ws").await);
    let mut stranger = TcpStream::connect(gateway.edge()).await.expect("it accepts");
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("it reads");
    for late in ["closes_total", "connections_refused_total", "clients_behind", "trace_spans_total"] {
        eventually(format!("postern_{late}"), async || {
            plain(Sender::plain(gateway.admin()).await).await.contains(&format!("# TYPE postern_{late} ")).then_some(())
        })
        .await;
    }
    Admin::of(&gateway).metric_becomes("postern_webhook_last_socket_seconds_count", &[], 1.0).await;
    let metrics = plain(Sender::plain(gateway.admin()).await).await;
    drop(client);
    let mut known = BTreeSet::new();
    for line in metrics.lines() {
        let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' ')) else { continue };
        known.insert(name.to_owned());
        if kind == "histogram" {
            known.extend(["bucket", "sum", "count"].map(|suffix| format!("{name}_{suffix}")));
        }
    }
    let mut asked = 0;
    for name in ["dashboard.json", "alerts.yml"] {
        let text = read(name);
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        for word in words.filter(|word| word.starts_with("postern_") || word.starts_with("process_")) {
            assert!(known.contains(word), "{name} names `{word}`, and there is no such metric");
            asked += 1;
        }
    }
    assert!(asked > 30, "{asked}");
}

async fn plain(mut sender: Sender) -> String {
    let reply = sender.send(http::Method::GET, "/metrics", &[("accept", "text/plain")], "").await;
    reply.expect("the admin listener answers").text()
}
