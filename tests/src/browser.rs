//! A real browser without a screen: Chromium, told what to do over its DevTools protocol.
//!
//! Where there is none the browser's tests say so aloud and end, unless `BROWSER_TESTS=required`, as CI sets it.

mod operating;

use crate::{eventually, patiently, report, spawn};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Dropped, it is gone with its profile.
pub struct Browser {
    child: Child,
    socket: WebSocketStream<TcpStream>,
    session: Option<String>,
    next: u64,
    /// What pages complained of.
    complaints: Vec<String>,
    _profile: TempDir,
}

/// Quiet: it asks nobody on the network for anything by itself. Certificates of a test's own authority are accepted.
const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--ignore-certificate-errors",
    "--remote-debugging-port=0",
];

fn find() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("CHROMIUM") {
        return Some(given.into());
    }
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|file| file.is_file())
}

impl Browser {
    /// A browser with an empty profile; `None`, reported, where none is installed.
    pub async fn start() -> Option<Self> {
        let Some(program) = find() else {
            let required = std::env::var("BROWSER_TESTS").is_ok_and(|value| value == "required");
            assert!(!required, "there is no Chromium, and BROWSER_TESTS=required\nhint: apt-get install chromium");
            report("NOT RUN: a test needs a browser and there is no Chromium; hint: apt-get install chromium");
            return None;
        };
        let profile = tempfile::Builder::new().prefix("postern-browser-").tempdir().expect("a temporary directory");
        let mut command = Command::new(&program);
        command.args(FLAGS).arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
        // Its port and the address of its endpoint, a line each.
        let told = profile.path().join("DevToolsActivePort");
        let told = eventually("a port in DevToolsActivePort", async || {
            let ended = child.try_wait().expect("it is our child");
            assert!(ended.is_none(), "{} ended at once: {ended:?}", program.display());
            std::fs::read_to_string(&told).ok().filter(|text| text.lines().count() >= 2)
        })
        .await;
        let (port, path) = told.split_once('\n').expect("two lines");
        let stream = TcpStream::connect(format!("127.0.0.1:{port}")).await.expect("the browser listens");
        let url = format!("ws://127.0.0.1:{port}{}", path.trim());
        let (socket, _) = patiently("the browser's endpoint", client_async(url, stream)).await.expect("it upgrades");
        Some(Self { child, socket, session: None, next: 0, complaints: Vec::new(), _profile: profile })
    }

    /// Shows a page, as whose script everything after is evaluated.
    pub async fn open(&mut self, url: &str) {
        self.session = None;
        let target = self.ask("Target.createTarget", json!({ "url": "about:blank" })).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.ask("Target.attachToTarget", attach).await;
        self.session = Some(attached["sessionId"].as_str().expect("a session").to_owned());
        for domain in ["Page", "Log", "Runtime"] {
            self.ask(&format!("{domain}.enable"), json!({})).await;
        }
        let navigated = self.ask("Page.navigate", json!({ "url": url })).await;
        assert_eq!(navigated["errorText"], Value::Null, "{url}");
        // The answer comes when the page begins to load.
        let loaded = format!("location.href === {url:?} && document.readyState === 'complete'");
        loop {
            if self.evaluate(&loaded).await == true {
                return;
            }
        }
    }

    /// What a script comes to, once its promise, if it is one, is kept.
    pub async fn evaluate(&mut self, script: &str) -> Value {
        let params = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let answer = self.ask("Runtime.evaluate", params).await;
        assert_eq!(answer["exceptionDetails"], Value::Null, "{script}");
        answer["result"]["value"].clone()
    }

    /// Waits until a script comes to something that is neither false nor nothing.
    pub async fn until(&mut self, script: &str) -> Value {
        let begin = std::time::Instant::now();
        loop {
            // In the page, so that waiting costs no round trips.
            let polling = format!(
                "new Promise(tell => {{ let left = 50; const ask = () => {{ const value = ({script}); \
                 (value || !left--) ? tell(value) : setTimeout(ask, 20) }}; ask() }})"
            );
            let value = self.evaluate(&polling).await;
            if !value.is_null() && value != false {
                return value;
            }
            if begin.elapsed() > crate::patience() {
                let state = self.evaluate("JSON.stringify(window.state ?? null)").await;
                panic!("in the browser: {script}: not within {:?}; state: {state}", crate::patience());
            }
        }
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut request = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = &self.session {
            request["sessionId"] = session.clone().into();
        }
        self.socket.send(Message::text(request.to_string())).await.expect("the browser reads");
        patiently(format!("the browser's answer to {method}"), async {
            loop {
                let message = self.socket.next().await.expect("the browser stays").expect("it speaks the protocol");
                let Message::Text(text) = message else { continue };
                let mut answer: Value = serde_json::from_str(&text).expect("the browser speaks JSON");
                // Events of the page go by, but for what it complains of.
                self.complaints.extend(operating::complaint(&answer));
                if answer["id"] == id {
                    assert_eq!(answer["error"], Value::Null, "{method}");
                    return answer["result"].take();
                }
            }
        })
        .await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Fails only when it has ended already. Its helpers end when they lose it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A web server with one empty page, so that a script has an origin: `http://` and the address given.
pub async fn empty_page() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
    let address = listener.local_addr().expect("it is bound");
    spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            spawn(async move {
                let page = "<!doctype html><title>empty</title>";
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: ";
                // A browser that goes away needs no answer.
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(format!("{head}{}\r\n\r\n{page}", page.len()).as_bytes()).await;
            });
        }
    });
    address
}
