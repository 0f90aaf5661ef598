//! The page for operators, as one uses it: in a real browser, with its keys, in the light and in the dark, on a telephone.
//!
//! They need Chromium, and one of them npm for axe-core; without, they say that they were not run.

mod load;
mod sight;
mod token;

use crate::start;
use postern_tests::{Admin, Browser, Client, Config, Gateway, Protocol, Sender, fixtures, guests, numbered_body};
use serde_json::{Value, json};

const USER: &str = "15550100142";

/// A page that an operator has open.
struct Page(Browser);

impl Page {
    async fn open(gateway: &Gateway, place: &str) -> Option<Self> {
        let mut page = Self(Browser::start().await?);
        page.0.open(&format!("http://{}/{place}", gateway.admin())).await;
        page.0.screen(1280, 900, false).await;
        Some(page)
    }

    /// Goes to another view, as a link does.
    async fn go(&mut self, place: &str) {
        self.0.evaluate(&format!("location.hash = {place:?}; 0")).await;
    }

    /// Waits until a selector finds something that has this text in it.
    async fn sees(&mut self, selector: &str, text: &str) {
        let found = format!(
            "[...document.querySelectorAll({selector:?})].some(one => !one.hidden && one.textContent.includes({text:?}))"
        );
        self.0.until(&found).await;
    }

    /// Presses the button with this name, once it is there and can be pressed.
    async fn press(&mut self, name: &str) {
        let found = format!(
            "(() => {{ const found = [...document.querySelectorAll('dialog button, button')].find(one => !one.disabled && \
             (one.getAttribute('aria-label') ?? one.textContent) === {name:?} && \
             (!document.querySelector('dialog') || one.closest('dialog'))); found?.click(); return Boolean(found) }})()"
        );
        self.0.until(&found).await;
    }

    /// Writes into the field of this name.
    async fn fill(&mut self, name: &str, text: &str) {
        self.0.until(&format!("document.querySelector('[name={name}]') !== null")).await;
        self.0.evaluate(&format!("document.querySelector('[name={name}]').focus(); 0")).await;
        self.0.write(text).await;
    }

    /// What it complains of, but for what is not there where no target is configured.
    fn complaints(&self) -> Vec<&String> {
        self.0.complaints().iter().filter(|text| !text.contains("404 (Not Found)")).collect()
    }

    async fn text(&mut self, selector: &str) -> String {
        let text = self.0.evaluate(&format!("document.querySelector({selector:?})?.textContent ?? ''")).await;
        text.as_str().expect("a text").to_owned()
    }
}

/// A filter of this component in the way of every event, one an item.
fn judged_by(name: &str) -> Config {
    Config::basic()
        .filter("judge", &guests::wat(name), "")
        .webhook("whatsapp", "/whatsapp", "split = true\nfilters = [\"judge\"]")
        // What is held is tried again when an operator says so.
        .section("retry", "first = \"1h\"\nlongest = \"1h\"")
}

async fn deliver(gateway: &Gateway, body: bytes::Bytes) {
    Sender::connect(gateway, Protocol::Http1).await.deliver("/whatsapp", body).await;
}

#[tokio::test]
async fn an_event_is_seen_as_it_comes_and_opened_with_its_trail_and_its_numbers_masked() {
    let gateway = start(&judged_by("pass")).await;
    let Some(mut page) = Page::open(&gateway, "").await else { return };
    let _client = Client::connect(&gateway, "/ws").await;
    page.sees(".tools .quiet", "0 shown").await;
    deliver(&gateway, fixtures::message("wamid.HBgLMTU1NTAxMDAxNDI", USER, "call +1 555 010-0142")).await;
    page.sees("[role=option]", "whatsapp · messages").await;
    page.sees("[role=option]", "judge pass").await;
    page.sees("[role=option]", "→ 1 client").await;
    // By its keys alone: the first is chosen, opened, and left again.
    page.0.press("j").await;
    page.0.press("Enter").await;
    page.sees("#event table", "judge").await;
    page.sees("#event .state", "delivered").await;
    let body = page.text("#event pre").await;
    assert!(body.contains("\"•••••••••42\"") && body.contains("wamid.•••"), "{body}");
    let shown = page.text("body").await;
    assert!(!shown.contains(USER) && !shown.contains("010-0142"), "{shown}");
    page.0.evaluate("document.querySelector('.switch input').click(); 0").await;
    page.sees("#event pre", USER).await;
    page.sees("[role=option]", USER).await;
    page.press("Replay").await;
    page.sees("#notice", "Replayed: delivered").await;
    page.0.press("Escape").await;
    page.0.until("document.querySelector('#event').hidden && document.activeElement.matches('[role=listbox]')").await;
    assert_eq!(page.complaints(), Vec::<&String>::new());
}

#[tokio::test]
async fn the_live_list_stands_still_while_it_is_paused_and_shows_what_is_asked_for() {
    let config = judged_by("pass").webhook("other", "/other", "").stream("all", "/all", &["other"], "open = true");
    let gateway = start(&config).await;
    let Some(mut page) = Page::open(&gateway, "").await else { return };
    page.sees(".tools .quiet", "0 shown").await;
    page.press("Pause").await;
    deliver(&gateway, fixtures::message("wamid.1", USER, "one")).await;
    page.press("Resume (1 new event)").await;
    page.sees("[role=option]", "whatsapp · messages").await;
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/other", numbered_body(0, 1, 90)).await;
    page.sees("[role=option]", "other · ").await;
    page.go("live?webhook=other").await;
    page.0.until("[...document.querySelectorAll('[role=option]')].filter(one => !one.hidden).length === 1").await;
    page.sees("[role=option]", "other · ").await;
}

#[tokio::test]
async fn search_finds_old_events_by_the_end_of_a_number_and_by_id_and_what_it_found_is_a_link() {
    let gateway = start(&judged_by("pass")).await;
    let ids: Vec<_> = (0..500).map(|number| format!("wamid.{number}")).collect();
    deliver(&gateway, fixtures::message("wamid.old", "4915112345678", "the one")).await;
    for ids in ids.chunks(50) {
        deliver(&gateway, fixtures::batch(ids)).await;
    }
    let events = Admin::of(&gateway).events_become("", "delivered", 501).await;
    let old = events[0]["id"].as_str().expect("an id").to_owned();
    let Some(mut page) = Page::open(&gateway, "").await else { return };
    page.sees(".tools .quiet", "200 shown").await;
    page.0.press("/").await;
    page.0.until("document.activeElement.name === 'number'").await;
    page.0.write("0151 1234-5678").await;
    page.0.press("Enter").await;
    page.sees("[role=status]", "Nothing was found.").await;
    page.0.evaluate("document.activeElement.value = ''; 0").await;
    page.0.write("1511 234 56 78").await;
    page.0.press("Enter").await;
    page.sees("[role=status]", "1 event").await;
    page.0.press("Escape").await;
    page.0.evaluate("document.querySelector('[role=listbox]').focus(); 0").await;
    page.0.press("Enter").await;
    page.sees("#event pre", "the one").await;
    let place = page.0.evaluate("location.hash").await;
    assert!(place.as_str().is_some_and(|place| place.contains(&old)), "{place}");
    // The same place in another window, and by its id.
    let Some(mut other) = Page::open(&gateway, place.as_str().expect("a text")).await else { return };
    other.sees("#event pre", "the one").await;
    other.sees("[role=status]", "1 event").await;
    other.go("search").await;
    other.fill("id", &old).await;
    other.press("Search").await;
    other.sees("#event pre", "the one").await;
    // A kind that there is: pages of the newest, one after the other.
    other.go("search?kind=messages&any=1").await;
    other.sees("[role=status]", "100 events, and perhaps more").await;
    other.press("More").await;
    other.sees("[role=status]", "200 events, and perhaps more").await;
}

#[tokio::test]
async fn a_filter_is_swapped_by_upload_a_held_event_retried_and_the_filter_rolled_back() {
    let gateway = start(&judged_by("trap")).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let Some(mut page) = Page::open(&gateway, "#held").await else { return };
    page.sees("main", "No event is held.").await;
    deliver(&gateway, numbered_body(0, 1, 90)).await;
    page.sees("main td", "judge").await;
    page.sees("#view-held", "Held (1)").await;
    page.go("filters").await;
    page.sees("[data-filter=judge] .version", "").await;
    let before = page.text("[data-filter=judge] .version").await;
    page.0.choose_file("[data-filter=judge] input[type=file]", &guests::wat("no-handler")).await;
    page.press("Swap").await;
    page.sees("#notice.bad", "").await;
    assert_eq!(page.text("[data-filter=judge] .version").await, before, "one that is unfit is not taken");
    page.0.choose_file("[data-filter=judge] input[type=file]", &guests::wat("stamp-b")).await;
    page.press("Swap").await;
    page.sees("#notice", "is in force").await;
    page.sees("[data-filter=judge] .previous", &before).await;
    page.go("held").await;
    page.press("Retry all").await;
    page.press("Retry all").await;
    assert!(client.body().await.ends_with(b"BB\"}"), "the new filter's letters");
    page.sees("main", "No event is held.").await;
    page.go("filters").await;
    page.press("Roll back judge").await;
    page.press("Roll back").await;
    page.sees("[data-filter=judge] .version", &before).await;
    assert_eq!(Admin::of(&gateway).held().await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_is_sent_from_the_page_is_received_and_a_client_is_disconnected_from_it() {
    let gateway = start(&Config::basic()).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let Some(mut page) = Page::open(&gateway, "#send").await else { return };
    page.fill("body", "{\"hello\":\"سلام\"}").await;
    page.press("Send").await;
    page.sees("main [role=status]", "for 1 client connected now").await;
    client.expect("{\"hello\":\"سلام\"}".as_bytes()).await;
    page.go("clients").await;
    page.sees("main td", "agents").await;
    page.0.until("document.querySelector('[aria-label^=Disconnect]') !== null").await;
    page.0.evaluate("document.querySelector('[aria-label^=Disconnect]').click(); 0").await;
    page.press("Disconnect").await;
    page.sees("#notice", "1 client disconnected").await;
    assert_eq!(client.close_code().await, Some(1008));
    page.sees("main", "Nobody.").await;
    // And all of it is paused and resumed, after a question.
    page.press("Pause webhooks").await;
    page.press("Pause webhooks").await;
    page.sees(".phase", "paused").await;
    assert_eq!(Admin::of(&gateway).get("/ready").await.status, 503);
    page.press("Resume webhooks").await;
    page.sees(".phase", "serving").await;
    let status: Value = serde_json::from_slice(&Admin::of(&gateway).get("/v1/status").await.body).expect("JSON");
    assert_eq!((&status["phase"], &status["paused"]), (&json!("serving"), &json!(false)));
}
