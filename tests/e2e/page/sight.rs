//! The page looked at: by axe-core, in every view, in the light, in the dark and on a telephone; by the browser's own
//! console; and, in `target/page`, by people.

use super::{Page, USER, deliver, judged_by};
use crate::start;
use postern_tests::{Admin, Client, fixtures, guests, report, tools};
use serde_json::Value;

const VIEWS: [&str; 6] = ["live", "search?any=1", "held", "clients", "filters", "send"];

/// Width, height, whether it is dark, and how it is called.
const SCREENS: [(u32, u32, bool, &str); 4] = [
    (1280, 900, false, "light"),
    (1280, 900, true, "dark"),
    (360, 740, false, "phone"),
    (360, 740, true, "phone-dark"),
];

/// What axe-core finds serious or critical.
const LOOK: &str = "axe.run(document, { resultTypes: ['violations'] }).then(found => found.violations \
    .filter(({ impact }) => impact === 'serious' || impact === 'critical') \
    .map(({ id, nodes }) => id + ': ' + nodes.map(node => node.target.join(' ')).slice(0, 3).join(', ')))";

#[tokio::test]
async fn nobody_is_kept_from_using_it_by_colour_width_or_missing_words_and_no_policy_is_violated() {
    // `until` lets pass what does not say `poison`.
    let poisoned = "config = { until = \"9999999999999\", pointer = \"/entry/0/changes/0/value/messages/0/text/body\", \
                    value = \"poison\" }";
    let config = judged_by("pass").filter("judge", &guests::wat("until"), poisoned);
    let gateway = start(&config).await;
    let _client = Client::connect(&gateway, "/ws").await;
    for number in 0..12 {
        let text = if number % 5 == 0 { "poison" } else { "good morning" };
        deliver(&gateway, fixtures::message(&format!("wamid.{number}"), USER, text)).await;
    }
    let admin = Admin::of(&gateway);
    admin.held_becomes(3).await;
    let id = admin.events_become("", "delivered", 9).await[0]["id"].as_str().expect("an id").to_owned();
    let Some(mut page) = Page::open(&gateway, "").await else { return };
    let axe = match tools::axe::script() {
        Ok(axe) => axe,
        Err(why) => {
            let required = std::env::var("BROWSER_TESTS").is_ok_and(|value| value == "required");
            assert!(!required, "there is no axe-core, and BROWSER_TESTS=required: {why}");
            report(format_args!("NOT RUN: a test needs axe-core: {why}; hint: apt-get install npm"));
            return;
        }
    };
    let pictures = guests::target().join("page");
    std::fs::create_dir_all(&pictures).expect("the target directory is writable");
    page.0.evaluate(&format!("{axe}; 0")).await;
    let mut faults = Vec::new();
    // Two samples of the metrics, so that the charts show something.
    page.0.until("document.querySelectorAll('.chart canvas').length === 2").await;
    for (width, height, dark, screen) in SCREENS {
        page.0.screen(width, height, dark).await;
        for view in VIEWS.iter().map(|view| (*view).to_owned()).chain([format!("live?event={id}")]) {
            page.go(&view).await;
            let name = view.split('?').next().expect("a name");
            page.0.until(&format!("document.querySelector('[aria-current]').href.endsWith('#{name}')")).await;
            let name = if view.contains("event=") { "event" } else { name };
            match name {
                "live" | "search" => page.sees("[role=option]", "whatsapp · messages").await,
                "held" => page.sees("main table", "whatsapp · messages").await,
                "clients" => page.sees("main table", "Disconnect").await,
                "filters" => page.sees(".card", "judge").await,
                "event" => page.sees("#event table", "judge").await,
                _ => {}
            }
            let found = page.0.evaluate(LOOK).await;
            faults.extend(found.as_array().expect("a list").iter().map(|fault| format!("{screen}, {name}: {fault}")));
            let wide = page.0.evaluate("document.documentElement.scrollWidth - innerWidth").await;
            if wide.as_i64().is_none_or(|wide| wide > 0) {
                faults.push(format!("{screen}, {name}: {wide} pixels wider than the screen"));
            }
            page.0.picture(&pictures.join(format!("{name}-{screen}.png"))).await;
        }
    }
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(page.complaints(), Vec::<&String>::new());
    let inline = "[...document.querySelectorAll('script:not([src]), style')].length + document.querySelectorAll('[onclick]').length";
    assert_eq!(page.0.evaluate(inline).await, Value::from(0));
}
