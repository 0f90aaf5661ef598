//! `postern reload`, `pause`, `resume`, `drain`: what an operator tells a gateway that runs, through its admin listener.

use super::events::source::Place;
use super::outward::{Answer, first_line};
use super::{Failure, print};
use serde::Deserialize;
use serde_json::Value as Json;

/// Have the gateway read its configuration, filters and certificates again: all of it, or nothing
///
/// What is changed by it is printed. When something is wrong, nothing is changed, everything that is wrong is printed, and the
/// exit code is 78. No connection is dropped either way.
#[derive(clap::Args)]
pub struct Reload {
    /// Print what the gateway answers, one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Turn webhooks away with 503, until `postern resume`; clients stay, and what was received is dispatched
#[derive(clap::Args)]
pub struct Pause {
    #[command(flatten)]
    place: Place,
}

/// Take webhooks again, after `postern pause`
#[derive(clap::Args)]
pub struct Resume {
    #[command(flatten)]
    place: Place,
}

/// Stop the gateway as SIGTERM does: what is under way is finished, clients are told where they are and when to come back
#[derive(clap::Args)]
pub struct Drain {
    #[command(flatten)]
    place: Place,
}

/// What a reload has changed.
#[derive(Deserialize)]
struct Reloaded {
    #[serde(default)]
    changed: Vec<Changed>,
    /// Each a filter whose component is another now.
    #[serde(default, alias = "changes")]
    filters: Vec<Json>,
}

#[derive(Deserialize)]
struct Changed {
    key: String,
    #[serde(default)]
    from: Json,
    #[serde(default)]
    to: Json,
}

impl Reload {
    pub async fn execute(self) -> Result<(), Failure> {
        let answer = self.place.running()?.tell("/v1/reload").await?;
        let refused = answer.status == http::StatusCode::UNPROCESSABLE_ENTITY;
        if self.json && (refused || answer.status.is_success()) {
            print(format_args!("{}", answer.text.trim_end()))?;
            return if refused { Err(Failure::new(Failure::CONFIG, "")) } else { Ok(()) };
        }
        if refused {
            let why = problems(&answer.text).join("\n");
            return Err(Failure::new(
                Failure::CONFIG,
                format!("{why}\nnothing was changed: the gateway serves as before"),
            ));
        }
        let reloaded: Reloaded = understood("/v1/reload", &succeeded(answer)?)?;
        for line in reloaded.lines() {
            print(format_args!("{line}"))?;
        }
        Ok(())
    }
}

impl Reloaded {
    fn lines(&self) -> Vec<String> {
        let keys = self.changed.iter().map(|changed| row(&changed.key, &changed.from, &changed.to));
        let filters = self.filters.iter().map(|filter| match filter["filter"].as_str() {
            Some(name) => row(&format!("filter {name}"), &filter["from"], &filter["to"]),
            None => format!("filter {}", shown(filter)),
        });
        let lines: Vec<String> = keys.chain(filters).collect();
        if lines.is_empty() { vec!["read again: nothing has changed".to_owned()] } else { lines }
    }
}

fn row(key: &str, from: &Json, to: &Json) -> String {
    first_line(&format!("{key}: {} → {}", shown(from), shown(to)))
}

fn shown(value: &Json) -> String {
    match value {
        Json::Null => "(none)".to_owned(),
        Json::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// What is wrong, as `postern check` prints it; or what was answered, line by line.
fn problems(text: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Refused {
        problems: Vec<Json>,
    }
    let lines = |text: &str| text.lines().map(first_line).collect::<Vec<_>>();
    let Ok(Refused { problems }) = serde_json::from_str(text) else { return lines(text) };
    let told = |problem: &Json| {
        let part = |name: &str| problem[name].as_str().filter(|text| !text.is_empty());
        match (part("message"), part("place"), part("hint")) {
            (Some(message), place, hint) => {
                let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
                let hint = hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
                lines(&format!("{place}{message}{hint}"))
            }
            _ => lines(&shown(problem)),
        }
    };
    problems.iter().flat_map(told).collect()
}

impl Pause {
    pub async fn execute(self) -> Result<(), Failure> {
        succeeded(self.place.running()?.tell("/v1/pause").await?)?;
        print(format_args!("paused: webhooks are turned away with 503, until `postern resume`; clients stay"))
    }
}

impl Resume {
    pub async fn execute(self) -> Result<(), Failure> {
        succeeded(self.place.running()?.tell("/v1/resume").await?)?;
        print(format_args!("resumed: webhooks are taken"))
    }
}

impl Drain {
    pub async fn execute(self) -> Result<(), Failure> {
        succeeded(self.place.running()?.tell("/v1/drain").await?)?;
        print(format_args!("draining: what is under way is finished, then the gateway ends"))
    }
}

fn succeeded(answer: Answer) -> Result<String, Failure> {
    if answer.status.is_success() {
        return Ok(answer.text);
    }
    let text = format!("the gateway refused with {}: {}", answer.status, first_line(&answer.text));
    Err(Failure::new(Failure::FAILED, text))
}

fn understood<T: for<'a> Deserialize<'a>>(target: &str, text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::new(Failure::FAILED, format!("the gateway's answer to `{target}` is not understood: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        understood::<Reloaded>("/v1/reload", text).expect("it is understood").lines()
    }

    #[test]
    fn a_reload_tells_each_change_in_a_line() {
        let text = r#"{"changed":[{"key":"limits.body","from":"3MiB","to":"1MiB"},{"key":"streams.b","from":null,"to":{}}],
            "filters":[{"filter":"redact","from":"ab","to":"cd"}]}"#;
        assert_eq!(lines(text), ["limits.body: 3MiB → 1MiB", "streams.b: (none) → {}", "filter redact: ab → cd"]);
        assert_eq!(lines(r#"{"changes":[]}"#), ["read again: nothing has changed"]);
    }

    #[test]
    fn a_refused_reload_tells_all_that_is_wrong_however_it_is_put() {
        let structured = r#"{"problems":[{"place":"postern.toml:3","message":"`x` is wrong","hint":"do y"},"plain"]}"#;
        assert_eq!(problems(structured), ["postern.toml:3: `x` is wrong", "hint: do y", "plain"]);
        assert_eq!(problems("one\ntwo\u{1b}[2J\n"), ["one", "two\u{fffd}[2J"]);
    }
}
