//! A real OpenTelemetry Collector, built of its own parts by Go: it takes OTLP, and what it has understood it hands on to
//! the test, as OTLP in JSON.

use super::{go, installed, wanting};
use crate::{Process, eventually, spawn};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};
use tempfile::TempDir;
use tokio::net::TcpListener;

const MAIN: &str = include_str!("collector/main.go");

/// Its parts, all of one release.
const MODULE: &str = "module postern.test/collector

go 1.25.0

require (
	go.opentelemetry.io/collector/exporter/otlphttpexporter v0.165.0
	go.opentelemetry.io/collector/otelcol v0.165.0
	go.opentelemetry.io/collector/receiver/otlpreceiver v0.165.0
)
";

/// Dropped, it is gone.
pub struct Collector {
    pub address: SocketAddr,
    spans: Spans,
    _process: Process,
    _directory: TempDir,
}

/// What was handed on: each span, with the attributes of its resource.
type Spans = Arc<Mutex<Vec<(Value, Value)>>>;

impl Collector {
    /// One that is ready; `None`, reported, where there is no Go to build it.
    pub async fn start() -> Option<Self> {
        let program = program()?;
        let directory = tempfile::Builder::new().prefix("postern-collector-").tempdir().expect("a temporary directory");
        let spans = Spans::default();
        let sink = sink(spans.clone()).await;
        let config = format!(
            "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}}}\n\
             exporters: {{otlp_http: {{endpoint: 'http://{sink}', encoding: json, compression: none}}}}\n\
             service: {{telemetry: {{metrics: {{level: none}}}}, pipelines: {{traces: {{receivers: [otlp], exporters: [otlp_http]}}}}}}\n"
        );
        let file = directory.path().join("collector.yml");
        std::fs::write(&file, config).expect("a temporary directory is writable");
        let mut command = Command::new(program);
        command.arg("--config").arg(&file);
        let mut process = Process::start(command);
        let address = eventually("the collector's address", async || {
            if let Some(ended) = process.ended() {
                panic!("the collector ended at once: {}", ended.stderr);
            }
            let log = process.stderr();
            log.contains("Everything is ready").then_some(())?;
            let line = log.lines().find(|line| line.contains("Starting HTTP server"))?;
            line.rsplit_once("\"endpoint\": \"")?.1.split('"').next()?.parse().ok()
        })
        .await;
        Some(Self { address, spans, _process: process, _directory: directory })
    }

    pub fn url(&self) -> String {
        format!("http://{}/v1/traces", self.address)
    }

    /// Every span so far, with the attributes of its resource.
    pub fn spans(&self) -> Vec<(Value, Value)> {
        self.spans.lock().expect("no test panics in here").clone()
    }
}

/// Where the collector hands on to.
async fn sink(spans: Spans) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
    let address = listener.local_addr().expect("it is bound");
    spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let spans = spans.clone();
            let service = service_fn(move |request| {
                let spans = spans.clone();
                async move { Ok::<_, Infallible>(taken(request, &spans).await) }
            });
            spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

#[expect(clippy::disallowed_methods, reason = "the collector of a test is not a stranger")]
async fn taken(request: Request<Incoming>, spans: &Spans) -> Response<Full<Bytes>> {
    let body = request.into_body().collect().await.expect("the collector sends it whole").to_bytes();
    let told: Value = serde_json::from_slice(&body).expect("the collector was told to write JSON");
    let mut spans = spans.lock().expect("no test panics in here");
    for resource in told["resourceSpans"].as_array().into_iter().flatten() {
        for scope in resource["scopeSpans"].as_array().into_iter().flatten() {
            for span in scope["spans"].as_array().into_iter().flatten() {
                spans.push((span.clone(), resource["resource"]["attributes"].clone()));
            }
        }
    }
    Response::builder()
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from_static(b"{}")))
        .expect("it is well formed")
}

/// Built the first time, which takes minutes.
fn program() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let path = go::path()?;
            let built = installed("collector", |directory| {
                let write = |name: &str, text: &str| {
                    std::fs::write(directory.join(name), text).map_err(|error| format!("{name}: {error}"))
                };
                write("main.go", MAIN)?;
                write("go.mod", MODULE)?;
                for arguments in
                    [&["mod", "tidy"][..], &["build", "-trimpath", "-ldflags", "-s -w", "-o", "collector", "."]]
                {
                    let ran = Command::new("go").args(arguments).env("PATH", &path).current_dir(directory).output();
                    let ran = ran.map_err(|error| format!("no go: {error}"))?;
                    if !ran.status.success() {
                        return Err(format!(
                            "go {}: {}",
                            arguments.join(" "),
                            String::from_utf8_lossy(&ran.stderr).trim()
                        ));
                    }
                }
                Ok(())
            });
            match built {
                Ok(directory) => Some(directory.join("collector")),
                Err(why) => {
                    wanting(
                        &format!("a test needs an OpenTelemetry Collector: {why}"),
                        "it is built by Go from its modules",
                    );
                    None
                }
            }
        })
        .clone()
}
