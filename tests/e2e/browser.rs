//! What a page gets: EventSource and WebSocket in a real browser, through restarts of the gateway.
//!
//! They need Chromium (`apt-get install chromium`, or its path in `CHROMIUM`); without, they say that they were not run.

use crate::home;
use postern_tests::{Browser, Config, Gateway, Home, Protocol, Sender, empty_page, fixtures, lasting_port};
use serde_json::{Value, json};
use std::sync::Arc;

/// A gateway at an address that stays, whose stream the page of this origin alone may read.
fn for_pages(origin: &str) -> (Arc<Home>, u16) {
    let port = lasting_port();
    let config = Config::basic()
        .top("listen", &format!("[\"127.0.0.1:{port}\"]"))
        .webhook("whatsapp", "/whatsapp", "split = true")
        .stream("agents", "/ws", &["whatsapp"], &format!("open = true\norigins = [{origin:?}]\nheartbeat = \"1s\""));
    (home(&config), port)
}

async fn send(gateway: &Gateway, numbers: std::ops::Range<u32>) {
    let mut sender = Sender::connect(gateway, Protocol::Http1).await;
    for number in numbers {
        let text = format!("number {number} سلام");
        sender.deliver("/whatsapp", fixtures::message(&format!("wamid.{number}"), "15550100142", &text)).await;
    }
}

/// The texts the page has got, once they are so many.
async fn texts(browser: &mut Browser, count: u32) -> Vec<String> {
    let texts = browser.until(&format!("state.texts.length >= {count} && state.texts")).await;
    texts.as_array().expect("a list").iter().map(|text| text.as_str().expect("text").to_owned()).collect()
}

fn expected(count: u32) -> Vec<String> {
    (0..count).map(|number| format!("number {number} سلام")).collect()
}

/// Runs a page's client through two restarts, with events before, while it is away, and after.
async fn through_restarts(client: &str, ready: &str) {
    let Some(mut browser) = Browser::start().await else { return };
    let page = empty_page().await;
    let (home, port) = for_pages(&format!("http://{page}"));
    let mut gateway = home.start().await;
    browser.open(&format!("http://{page}/")).await;
    browser.evaluate(&format!("window.state = {{ texts: [], notes: [], port: {port} }}; 0")).await;
    browser.evaluate(client).await;
    browser.until(ready).await;
    let mut sent = 0;
    for round in 0..3 {
        send(&gateway, sent..sent + 3).await;
        sent += 3;
        assert_eq!(texts(&mut browser, sent).await, expected(sent), "round {round}");
        if round == 2 {
            break;
        }
        // Once as a crash, once decently; what comes then is there before the page is back, or after.
        let home = if round == 0 { gateway.kill().await } else { gateway.stop().await.0 };
        gateway = home.start().await;
        send(&gateway, sent..sent + 2).await;
        sent += 2;
        assert_eq!(texts(&mut browser, sent).await, expected(sent), "back in round {round}");
    }
    assert_eq!(browser.evaluate("state.notes.filter(note => note === 'gap')").await, json!([]));
}

const TEXT_OF: &str = "const textOf = body => body.entry[0].changes[0].value.messages[0].text.body;";

#[tokio::test]
async fn an_event_source_reads_reconnects_by_itself_and_misses_nothing() {
    let client = format!(
        "{TEXT_OF} const source = state.source = new EventSource(`https://localhost:${{state.port}}/ws`); \
         source.addEventListener('messages', event => {{ state.last = event.lastEventId; \
           state.texts.push(textOf(JSON.parse(event.data))) }}); \
         source.addEventListener('postern.hello', () => state.notes.push('hello')); \
         source.addEventListener('postern.gap', () => state.notes.push('gap')); \
         source.addEventListener('postern.live', () => state.notes.push('live')); 0"
    );
    through_restarts(&client, "state.notes.includes('live')").await;
}

#[tokio::test]
async fn a_web_socket_of_postern_v1_resumes_with_its_cursor_and_misses_nothing() {
    let client = format!(
        "{TEXT_OF} const connect = () => {{ \
           const since = state.cursor ? `?since=${{state.cursor}}` : ''; \
           const socket = new WebSocket(`wss://localhost:${{state.port}}/ws${{since}}`, 'postern.v1'); \
           socket.onmessage = message => {{ const told = JSON.parse(message.data); state.notes.push(told.type); \
             if (told.cursor) state.cursor = told.cursor; \
             if (told.type === 'event') state.texts.push(textOf(told.body)) }}; \
           socket.onclose = () => setTimeout(connect, 100) }}; connect(); 0"
    );
    through_restarts(&client, "state.notes.includes('live')").await;
}

#[tokio::test]
async fn a_raw_web_socket_counts_what_it_got_and_misses_nothing() {
    // A page sees neither headers nor pings: it counts from a place it knows.
    let client = format!(
        "{TEXT_OF} const connect = () => {{ \
           const socket = new WebSocket(`wss://localhost:${{state.port}}/ws?since=earliest~${{state.texts.length}}`); \
           socket.onopen = () => state.notes.push('open'); \
           socket.onmessage = message => state.texts.push(textOf(JSON.parse(message.data))); \
           socket.onclose = () => setTimeout(connect, 100) }}; connect(); 0"
    );
    through_restarts(&client, "state.notes.includes('open')").await;
}

#[tokio::test]
async fn a_page_of_another_origin_gets_nothing() {
    let Some(mut browser) = Browser::start().await else { return };
    let (allowed, other) = (empty_page().await, empty_page().await);
    let (home, port) = for_pages(&format!("http://{allowed}"));
    let gateway = home.start().await;
    browser.open(&format!("http://{other}/")).await;
    let outcome = format!(
        "new Promise(tell => {{ const source = new EventSource('https://localhost:{port}/ws'); \
         source.onopen = () => tell('open'); source.onerror = () => tell('refused') }})"
    );
    assert_eq!(browser.evaluate(&outcome).await, Value::from("refused"));
    let outcome = format!(
        "new Promise(tell => {{ const socket = new WebSocket('wss://localhost:{port}/ws'); \
         socket.onopen = () => tell('open'); socket.onerror = () => tell('refused') }})"
    );
    assert_eq!(browser.evaluate(&outcome).await, Value::from("refused"));
    drop(gateway);
}
