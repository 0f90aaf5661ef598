//! What becomes of events once they are stored: how long and how much of them is kept, what is taken for a duplicate,
//! when what is held is judged again, and which numbers are a webhook's.

use super::*;

#[test]
fn what_is_kept_has_an_age_and_a_size_within_reason() {
    let duration = "a duration with its unit, such as `250ms` or `10s`";
    let cases = [
        ("age = \"0s\"", "age` must be between 1s and 3650d".to_owned()),
        ("age = \"999ms\"", "age` must be between 1s and 3650d".to_owned()),
        ("age = \"11y\"", "age` must be between 1s and 3650d".to_owned()),
        ("age = 7", format!("age` must be {duration}, not an integer")),
        ("size = \"63KiB\"", "size` must be between 64KiB and 1024TiB".to_owned()),
        ("size = \"s3cr3t\"", "size` must be a size such as `64KiB` or `3MiB`".to_owned()),
        ("sise = 1", "sise` is not a known key\nhint: did you mean `size`?".to_owned()),
    ];
    for section in ["inbox", "outbox"] {
        for (pair, message) in &cases {
            let expected = format!("postern.toml:15: `{section}.retention.{message}");
            appended(&format!("[{section}]\nretention = {{ {pair} }}"), &expected);
        }
        appended(
            &format!("[{section}]\nretention = \"7d\""),
            &format!("postern.toml:15: `{section}.retention` must be a table, not a string"),
        );
    }
}

#[test]
fn only_the_window_of_duplicates_may_be_none_at_all() {
    appended("[dedupe]\nwindow = \"0s\"", "none");
    appended("[dedupe]\nwindow = \"1s\"", "none");
    let expected = "postern.toml:15: `dedupe.window` must be between 1s and 3650d, or 0s to let duplicates through";
    appended("[dedupe]\nwindow = \"1ms\"", expected);
    for (section, key, range) in [
        ("inbox.retention", "age", "1s and 3650d"),
        ("retry", "first", "1ms and 24h"),
        ("retry", "longest", "1ms and 24h"),
        ("limits", "handover_timeout", "1ms and 24h"),
    ] {
        let expected = format!("postern.toml:15: `{section}.{key}` must be between {range}");
        appended(&format!("[{section}]\n{key} = \"0s\""), &expected);
    }
}

#[test]
fn a_retry_does_not_come_sooner_each_time() {
    let hint = "\nhint: an event is held for `first`, then for twice as long each time, up to `longest`";
    appended(
        "[retry]\nfirst = \"2s\"\nlongest = \"1s\"",
        &format!("postern.toml:16: `retry.longest` must not be shorter than `retry.first`{hint}"),
    );
    appended(
        "[retry]\nfirst = \"11m\"",
        &format!("postern.toml:15: `retry.first` must not be longer than `retry.longest`{hint}"),
    );
}

#[test]
fn the_numbers_of_a_webhook_are_told_by_their_ids() {
    let ids = |list: &str, expected: &str| {
        let to = format!("filters = [\"redact\"]\nphone_number_ids = {list}");
        replaced("filters = [\"redact\"]", &to, expected);
    };
    let key = "postern.toml:9: `webhooks.whatsapp.phone_number_ids`";
    let expected = format!("{key} must be a list of ids of phone numbers: strings of digits");
    ids("\"106540352242922\"", "none");
    ids("[106540352242922]", &format!("{expected}, not an integer"));
    let number = "\nhint: the id of a phone number is not the number: Meta shows it beside the number";
    ids("[\"+49 30 901820\"]", &format!("{expected}{number}"));
    ids("[]", &format!("{key} is empty\nhint: leave it out to take what belongs to any phone number"));
    ids("[\"1\", \"2\", \"1\"]", &format!("{key} has an id twice: 1\nhint: remove one of the two"));
}

#[test]
fn all_of_it_can_come_from_the_environment() {
    let config = written(LEAST)
        .with(&[
            ("POSTERN_REUSE_PORT", "true"),
            ("POSTERN_INBOX__RETENTION__AGE", "30d"),
            ("POSTERN_OUTBOX__RETENTION__SIZE", "1048576"),
            ("POSTERN_DEDUPE__WINDOW", "0s"),
            ("POSTERN_RETRY__LONGEST", "1h"),
            ("POSTERN_WEBHOOKS__WHATSAPP__PHONE_NUMBER_IDS", "1, 2"),
            ("POSTERN_WEBHOOKS__WHATSAPP__ORDERED", "true"),
            ("POSTERN_STREAMS__AGENTS__COMPRESSION", "true"),
            ("POSTERN_LIMITS__HANDOVER_TIMEOUT", "5s"),
        ])
        .config();
    assert!(config.reuse_port && config.webhooks["whatsapp"].ordered && config.streams["agents"].compression);
    assert_eq!(config.inbox, Retention { age: Duration::from_secs(30 * 24 * 60 * 60), size: 10 << 30 });
    assert_eq!((config.outbox.size, config.dedupe_window), (1 << 20, Duration::ZERO));
    assert_eq!(config.retry, Retry { first: Duration::from_secs(1), longest: Duration::from_secs(3600) });
    assert_eq!(config.webhooks["whatsapp"].phone_number_ids.as_deref().unwrap(), ["1", "2"]);
    assert_eq!(config.limits.handover_timeout, Duration::from_secs(5));
}
