//! Where events are pushed to.

use super::*;
use crate::secret::Secret;

const TARGET: &str = "[forward.crm]\nurl = \"https://crm.example.com\"\nsecret = [\"whsec_a\", \"whsec_b\"]\n";

#[test]
fn a_target_says_where_to_and_how_it_is_signed_and_the_rest_has_defaults() {
    let mut config = written(format!("{LEAST}{TARGET}")).config();
    let target = config.forward.remove("crm").expect("it is there");
    let seconds = Duration::from_secs;
    let expected = Forward {
        url: "https://crm.example.com".to_owned(),
        webhooks: vec!["whatsapp".to_owned()],
        filter: None,
        secret: ["whsec_a", "whsec_b"].map(Secret::new).into(),
        ca: None,
        from_earliest: false,
        concurrency: 1,
        timeout: seconds(15),
        backoff: Retry { first: seconds(5), longest: seconds(3600) },
        attempts: None,
        give_up: seconds(3 * 24 * 60 * 60),
        breaker: 5,
    };
    assert_eq!(target, expected);
}

#[test]
fn what_cannot_be_meant_of_a_target_is_told() {
    let told =
        |line: &str, expected: &str| appended(&format!("{TARGET}{line}"), &format!("postern.toml:17: {expected}"));
    let hint = "\nhint: after a failure it waits for up to `first`, and up to twice as long each time, up to `longest`";
    told(
        "backoff = { longest = \"1s\" }",
        &format!("`forward.crm.backoff.longest` must not be shorter than `first`{hint}"),
    );
    told("give_up = \"1ms\"", "`forward.crm.give_up` must be between 1s and 3650d");
    told("concurrency = 0", "`forward.crm.concurrency` must be a whole number between 1 and 256");
    told(
        "filter = \"redcat\"",
        "`forward.crm.filter` names a filter that is not defined: `redcat`\nhint: did you mean `redact`?",
    );
    told("from = \"noww\"", "`forward.crm.from` must be `now` or `earliest`\nhint: did you mean `now`?");
}
