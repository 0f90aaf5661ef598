//! `postern events show`: one event, for a person to read.

use super::chosen;
use super::source::{Place, Source};
use crate::admin::events::{Shown, State, Summary};
use crate::cli::{Failure, outward, print};
use crate::message::EventId;
use std::io::{self, ErrorKind, Write};

#[derive(clap::Args)]
pub struct Show {
    /// The event's id, 16 hexadecimal digits, as `ls` and the log print it
    #[arg(value_parser = chosen::id)]
    id: EventId,
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// The body, byte for byte, and nothing else
    #[arg(long, conflicts_with = "json")]
    raw: bool,
    #[command(flatten)]
    place: Place,
}

impl Show {
    pub async fn execute(self) -> Result<(), Failure> {
        let mut source = Source::open(self.place).await?;
        let Some(shown) = source.show(self.id).await? else {
            let text = format!(
                "there is no event `{}`: none had this id, or retention has taken it\n\
                 hint: `postern events ls` lists ids",
                self.id
            );
            return Err(Failure::new(Failure::FAILED, text));
        };
        if self.json {
            return print(format_args!("{}", serde_json::to_string(&shown).expect("strings are serialisable")));
        }
        let body = shown.bytes().ok_or_else(|| Failure::new(Failure::FAILED, "the event was told without its body"))?;
        if self.raw {
            return match io::stdout().write_all(&body).and_then(|()| io::stdout().flush()) {
                Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                    Err(Failure::new(Failure::FAILED, format!("failed to write to standard output: {error}")))
                }
                _ => Ok(()),
            };
        }
        for line in lines(&shown, &body) {
            print(format_args!("{line}"))?;
        }
        Ok(())
    }
}

/// What a person reads. Words of senders and filters do nothing to a terminal.
fn lines(shown: &Shown, body: &[u8]) -> Vec<String> {
    let Shown { summary, content_type, delivery, decided, trail, .. } = shown;
    let Summary { id, received, webhook, kind, state, bytes, body_sha256, .. } = summary;
    let more = outcome(summary).map_or_else(String::new, |more| format!(" ({more})"));
    let decided = decided.as_ref().map_or_else(String::new, |decided| format!(", {decided}"));
    let content_type = content_type.as_deref().unwrap_or("of no content type");
    let unparsed = if summary.unparsed { ", unparsed" } else { "" };
    let mut lines = vec![
        format!("event     {id}"),
        format!("received  {received}"),
        format!("webhook   {webhook}"),
        format!("kind      {kind}"),
        format!("keys      {}", keys(summary).unwrap_or_else(|| "-".to_owned())),
        format!("state     {state}{decided}{more}"),
    ];
    if delivery.items > 1 {
        let nth =
            chosen::id(id).ok().zip(chosen::id(&delivery.first).ok()).map(|(id, first)| id.0 - first.0.min(id.0) + 1);
        let (nth, items, whole) = (nth.unwrap_or(1), delivery.items, delivery.bytes);
        lines.push(format!("delivery  {nth} of {items} from {}, {whole} bytes", delivery.first));
    }
    lines.extend(trail.iter().map(|step| {
        format!("filter    {}: {}, {} us, sha256 {}", step.filter, step.verdict, step.micros, step.sha256)
    }));
    lines.push(format!("body      {bytes} bytes, {content_type}{unparsed}, sha256 {body_sha256}"));
    for line in &mut lines {
        *line = outward::first_line(line);
    }
    let text = match std::str::from_utf8(body) {
        Ok(text) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => pretty(text),
        Ok(text) => text.to_owned(),
        Err(_) => "(no text: `--raw` writes it)".to_owned(),
    };
    let clean = |c: char| if c.is_control() && c != '\t' { '\u{fffd}' } else { c };
    lines.extend(text.lines().map(|line| line.chars().map(clean).collect()));
    lines
}

/// Whom it is about.
pub fn keys(event: &Summary) -> Option<String> {
    let keys = &event.keys;
    let all = [("waba", &keys.waba), ("phone_number_id", &keys.phone_number_id), ("user", &keys.user)];
    let known: Vec<_> = all.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?))).collect();
    (!known.is_empty()).then(|| known.join(" "))
}

/// What else there is to say of its state.
pub fn outcome(event: &Summary) -> Option<String> {
    match event.state {
        State::Held => {
            let filter = event.filter.as_deref().unwrap_or_default();
            Some(format!("by {filter}: {}", event.reason.as_deref().unwrap_or_default()))
        }
        State::Delivered => {
            let offset = event.offset?;
            Some(match event.count {
                Some(count) if count > 1 => format!("{count} entries from offset {offset}"),
                _ => format!("offset {offset}"),
            })
        }
        State::Duplicate => Some(format!("of {}", event.duplicate_of.as_deref()?)),
        _ => None,
    }
}

/// JSON on lines of its own, its tokens as they are: neither numbers nor the order of keys change.
pub fn pretty(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut characters = json.chars().peekable();
    while let Some(c) = characters.next() {
        if in_string {
            text.push(c);
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            ' ' | '\t' | '\r' | '\n' => {}
            '{' | '[' => {
                while characters.next_if(|c| c.is_ascii_whitespace()).is_some() {}
                text.push(c);
                match characters.next_if(|c| matches!(c, '}' | ']')) {
                    Some(end) => text.push(end),
                    None => {
                        depth += 1;
                        new_line(&mut text, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut text, depth);
                text.push(c);
            }
            ',' => {
                text.push(c);
                new_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            c => {
                in_string = c == '"';
                text.push(c);
            }
        }
    }
    text
}

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out_and_its_tokens_are_as_they_came() {
        let json = " {\"b\":[1e999, {} ,[ ]],\n\"a\\\"{\":\"x, \\\\\",\"c\":{\"d\":null}}";
        let expected = "{\n  \"b\": [\n    1e999,\n    {},\n    []\n  ],\n  \"a\\\"{\": \"x, \\\\\",\n  \"c\": {\n    \"d\": null\n  }\n}";
        assert_eq!(pretty(json), expected);
        assert_eq!((pretty("[]").as_str(), pretty(" 7 ").as_str()), ("[]", "7"));
    }
}
