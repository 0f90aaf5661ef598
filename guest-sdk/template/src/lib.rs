//! Drops what says a word: `word` in the filter's configuration, or "unsubscribe".

use postern_filter::log::{self, Level};
use postern_filter::prelude::*;
use serde::Deserialize;

/// What the operator may say under `config`. A key that is not here keeps the filter out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MyFilter {
    #[serde(default = "unsubscribe")]
    word: String,
}

fn unsubscribe() -> String {
    "unsubscribe".to_owned()
}

/// Where WhatsApp has the text of a message.
const TEXT: &str = "/entry/0/changes/0/value/messages/0/text/body";

impl Filter for MyFilter {
    fn configure() -> Result<Self> {
        config::parse()
    }

    fn on_message(&self, message: &Message) -> Result<Verdict> {
        let said = message
            .pointer(TEXT)
            .is_some_and(|text| text.contains(&self.word));
        if !said {
            return Ok(Verdict::Pass);
        }
        log::write(Level::Info, "dropped", &[("word", &self.word)]);
        Ok(Verdict::drop(format!("it says {}", self.word)))
    }
}

postern_filter::filter!(MyFilter: message);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn saying(text: &str) -> Message {
        Message::json(
            &json!({ "entry": [{ "changes": [{ "value": { "messages": [{ "text": { "body": text } }] } }] }] }),
        )
    }

    #[test]
    fn what_says_the_word_is_dropped_and_the_rest_passes() {
        postern_filter::testing::configure(json!({ "word": "stop" }));
        let filter = MyFilter::configure().expect("it is right");
        let verdict = filter
            .on_message(&saying("please stop"))
            .expect("it is judged");
        assert_eq!(verdict, Verdict::drop("it says stop"));
        let verdict = filter
            .on_message(&saying("please go on"))
            .expect("it is judged");
        assert_eq!(verdict, Verdict::Pass);
    }

    #[test]
    fn a_setting_that_there_is_not_keeps_it_out() {
        postern_filter::testing::configure(json!({ "wrod": "stop" }));
        assert!(MyFilter::configure().is_err());
    }
}
