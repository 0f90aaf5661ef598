//! Answers `GET` with how many clients are connected, and how many of them carry each of some labels: as a page, or as
//! JSON for who accepts that.

use postern_filter::prelude::*;
use serde::Deserialize;
use serde_json::json;
use std::fmt::Write;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusPage {
    #[serde(default = "title")]
    title: String,
    /// Which labels are counted, as `KEY:VALUE`.
    #[serde(default)]
    labels: Vec<String>,
}

fn title() -> String {
    "Connected clients".into()
}

impl Filter for StatusPage {
    fn configure() -> Result<Self> {
        let page: Self = config::parse()?;
        match page.labels.iter().find(|label| !label.contains(':')) {
            Some(wrong) => Err(Error::new(format!("`labels` has {wrong:?}, which is no KEY:VALUE"))),
            None => Ok(page),
        }
    }

    fn on_request(&self, request: &Request) -> Result<HttpVerdict> {
        if request.method() != "GET" {
            return Ok(HttpVerdict::Pass);
        }
        let all = clients::count(&Selector::Everyone);
        let counts: Vec<(&str, u64)> = self
            .labels
            .iter()
            .filter_map(|label| Some((&**label, label.split_once(':')?)))
            .map(|(label, (key, value))| (label, clients::count(&Selector::label(key, value))))
            .collect();
        let accepts = request.header("accept").and_then(|value| String::from_utf8(value).ok()).unwrap_or_default();
        let response = if accepts.contains("application/json") {
            let labels: serde_json::Map<_, _> =
                counts.iter().map(|(label, count)| ((*label).to_owned(), json!(count))).collect();
            Response::json(&json!({ "clients": all, "labels": labels }))?
        } else {
            Response::html(self.page(all, &counts))
        };
        Ok(HttpVerdict::Respond(response.with_header("cache-control", "no-store")))
    }
}

postern_filter::filter!(StatusPage: http);

impl StatusPage {
    fn page(&self, all: u64, counts: &[(&str, u64)]) -> String {
        let mut rows = String::new();
        for (label, count) in counts {
            // Writing to a string does not fail.
            let _ = write!(rows, "<tr><td>{}<td>{count}", escaped(label));
        }
        let title = escaped(&self.title);
        format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=width=device-width>\
             <title>{title}</title><h1>{title}</h1><p><strong>{all}</strong> connected</p><table>{rows}</table></html>"
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_filter::testing;

    fn ask(request: &Request) -> HttpVerdict {
        testing::configure(json!({ "title": "<Desk>", "labels": ["desk:night"] }));
        testing::connect(Client::new(1).with_label("desk", "night"));
        testing::connect(Client::new(2));
        StatusPage::configure().expect("it is right").on_request(request).expect("it answers")
    }

    #[test]
    fn it_counts_for_people_and_for_programs() {
        let HttpVerdict::Respond(page) = ask(&Request::get("/status")) else { panic!("no page") };
        let text = String::from_utf8(page.body).expect("text");
        assert!(text.contains("<strong>2</strong>") && text.contains("desk:night<td>1"), "{text}");
        assert!(text.contains("&lt;Desk&gt;") && !text.contains("<Desk>"), "{text}");
        let request = Request::get("/status").with_header("Accept", "application/json");
        let HttpVerdict::Respond(answer) = ask(&request) else { panic!("no JSON") };
        assert_eq!(answer.body, br#"{"clients":2,"labels":{"desk:night":1}}"#);
    }

    #[test]
    fn what_is_no_get_is_somebody_elses() {
        assert_eq!(ask(&Request::of("POST", "/status")), HttpVerdict::Pass);
    }

    #[test]
    fn a_label_without_a_value_is_refused() {
        testing::configure(json!({ "labels": ["night"] }));
        assert!(StatusPage::configure().is_err());
    }
}
