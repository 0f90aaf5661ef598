//! What an operator sees: the admin listener.

use crate::{Gateway, Reply, Sender, eventually};
use http::Method;
use serde_json::Value;
use std::net::SocketAddr;

pub struct Admin(SocketAddr);

impl Admin {
    pub fn of(gateway: &Gateway) -> Self {
        Self(gateway.admin())
    }

    pub async fn get(&self, target: &str) -> Reply {
        Sender::plain(self.0).await.get(target).await
    }

    /// Posts JSON, and gives the JSON that is answered with a 200.
    pub async fn post(&self, target: &str, body: &Value) -> Value {
        let sent = Sender::plain(self.0).await.send(Method::POST, target, &[], body.to_string()).await;
        let reply = sent.expect("the admin listener answers");
        assert_eq!(reply.status, 200, "POST {target} {body}: {}", reply.text());
        serde_json::from_slice(&reply.body).expect("the answer is JSON")
    }

    /// Events of the inbox: all that this query finds, however many pages they take.
    pub async fn events(&self, query: &str) -> Vec<Value> {
        let (mut events, mut after) = (vec![], String::new());
        loop {
            let reply = self.get(&format!("/v1/events?limit=1000&{query}{after}")).await;
            assert_eq!(reply.status, 200, "events are listed: {reply:?}");
            let list: Value = serde_json::from_slice(&reply.body).expect("the list is JSON");
            events.extend(list["events"].as_array().expect("it has `events`").iter().cloned());
            match list["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return events,
            }
        }
    }

    /// Waits until so many events are in this state, and gives them.
    pub async fn events_become(&self, query: &str, state: &str, count: usize) -> Vec<Value> {
        let what = format!("{count} events {state}");
        eventually(what, async || {
            let mut events = self.events(query).await;
            events.retain(|event| event["state"] == state);
            Some(events).filter(|events| events.len() == count)
        })
        .await
    }

    /// The sum of a metric over all its samples that carry these labels; 0 when there is none.
    pub async fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let reply = self.get("/metrics").await;
        assert_eq!(reply.status, 200, "metrics are there to be read");
        sum(&reply.text(), name, labels)
    }

    /// Waits until the metric is that.
    pub async fn metric_becomes(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        let what = format_args!("{name}{labels:?} = {value}").to_string();
        eventually(what, async || (self.metric(name, labels).await == value).then_some(())).await;
    }

    /// A forward target, as it is told.
    pub async fn target(&self, name: &str) -> Value {
        let reply = self.get("/v1/targets").await;
        let told: Value = serde_json::from_slice(&reply.body).expect("the targets are JSON");
        let mut targets = told["targets"].as_array().expect("it has `targets`").iter();
        targets.find(|target| target["name"] == name).expect("it is configured").clone()
    }

    /// Waits until this is so of a forward target.
    pub async fn target_becomes(&self, name: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        eventually(format!("target {name} {what}"), async || Some(self.target(name).await).filter(&is_so)).await
    }

    /// The dead letters of a forward target.
    pub async fn dead(&self, name: &str) -> Vec<Value> {
        let reply = self.get(&format!("/v1/targets/{name}/dead")).await;
        let mut told: Value = serde_json::from_slice(&reply.body).expect("the dead letters are JSON");
        let Value::Array(dead) = told["dead"].take() else { panic!("it has `dead`") };
        dead
    }

    /// Events that wait for somebody to look, the oldest first.
    pub async fn held(&self) -> Vec<Value> {
        self.events("held=true").await
    }

    /// Waits until so many events are held, and gives them.
    pub async fn held_becomes(&self, count: usize) -> Vec<Value> {
        let what = format!("{count} held events");
        eventually(what, async || Some(self.held().await).filter(|held| held.len() == count)).await
    }
}

fn sum(metrics: &str, name: &str, labels: &[(&str, &str)]) -> f64 {
    let samples = metrics.lines().filter_map(|line| line.strip_prefix(name));
    let wanted = samples.filter(|rest| rest.starts_with(['{', ' ']));
    let labelled = wanted.filter(|rest| labels.iter().all(|(key, value)| rest.contains(&format!("{key}=\"{value}\""))));
    // Not `sum`, which makes -0 of nothing.
    labelled.filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok()).fold(0.0, |sum, value| sum + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_by_name_and_label() {
        let text = "# TYPE a counter\na_total{x=\"1\",y=\"2\"} 3\na_total{x=\"2\"} 4\na_total_more 9\nb 1.5\n";
        assert_eq!(sum(text, "a_total", &[]), 7.0);
        assert_eq!(sum(text, "a_total", &[("x", "1")]), 3.0);
        assert_eq!(sum(text, "b", &[]), 1.5);
        assert_eq!(sum(text, "c", &[]), 0.0);
    }
}
