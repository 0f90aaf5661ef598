//! What is kept, and what is said of it. The protocol itself is tried against a real authority, see `tests/e2e/acme.rs`.

use super::store::{Failed, Store};
use super::*;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

fn config(folder: &Path, domains: &[&str]) -> Config {
    let (key, authority) = (KeyPair::generate().expect("a key"), folder.join("ca.pem"));
    let made = CertificateParams::new(["ca".to_owned()]).expect("a name").self_signed(&key).expect("it signs itself");
    std::fs::write(&authority, made.pem()).expect("the folder is writable");
    let url = "https://ca.example/directory";
    let directory = destination(url, Some(&authority)).expect("a URL");
    Config {
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        email: None,
        folder: super::folder(folder, &directory, url),
        directory,
        url: url.to_owned(),
        challenge: Challenge::TlsAlpn01,
        challenges: Challenges::default(),
    }
}

fn certificate(domains: &[&str]) -> String {
    let key = KeyPair::generate().expect("a key");
    let mut params =
        CertificateParams::new(domains.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).expect("names");
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2026, 4, 1));
    format!("{}{}", params.self_signed(&key).expect("it signs itself").pem(), key.serialize_pem())
}

#[test]
fn what_would_be_done_is_told_of_each_state_of_the_disk() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let config = config(folder.path(), &["a.example", "b.example"]);
    let at_once = "would ask https://ca.example/directory for a.example, b.example at once, by tls-alpn-01";
    assert_eq!(intention(&config), format!("no certificate yet: {at_once}"));
    let store = Store::open(&config.folder).expect("the folder is writable");
    store.keep_certificate(&certificate(&["a.example"])).expect("it is kept");
    assert_eq!(intention(&config), format!("the certificate that is there is for other domains: {at_once}"));
    store.keep_certificate(&certificate(&["b.example", "A.example", "c.example"])).expect("it is kept");
    let told = intention(&config);
    assert!(told.starts_with("a certificate for a.example, b.example until 2026-04-01T00:00:00Z, to be"), "{told}");
    store.keep_certificate("nonsense").expect("it is kept");
    assert_eq!(intention(&config), format!("no certificate yet: {at_once}"));
    assert!(!file(&config.folder).with_extension("draft").exists());
}

#[test]
fn another_authority_has_a_folder_of_its_own_that_others_do_not_read() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let one = config(folder.path(), &["a.example"]);
    let other = super::folder(folder.path(), &one.directory, "https://ca.example/staging");
    assert_ne!(one.folder, other);
    let store = Store::open(&one.folder).expect("the folder is writable");
    store.keep_certificate(&certificate(&["a.example"])).expect("it is kept");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&one.folder), mode(&file(&one.folder))), (0o700, 0o600));
    }
}

#[test]
fn a_failure_outlives_the_process_and_a_damaged_file_is_none() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let config = config(folder.path(), &["a.example"]);
    let store = Store::open(&config.folder).expect("the folder is writable");
    assert_eq!(store.failed(), None);
    let failed = Failed { times: 3, at: 1, until: 2, limited: true };
    store.keep_failed(Some(&failed));
    assert_eq!(Store::open(&config.folder).expect("it is there").failed(), Some(failed));
    store.keep_failed(None);
    assert_eq!(store.failed(), None);
    std::fs::write(config.folder.join("account.json"), "{\"id\":").expect("it is writable");
    assert!(store.account().is_none());
}

#[test]
fn a_problem_is_told_in_one_line_with_advice_for_the_kind_it_is() {
    let problem = |kind: &str, detail: &str| {
        let document = serde_json::json!({ "type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail });
        Error::of("order", instant_acme::Error::Api(serde_json::from_value(document).expect("a problem document")))
    };
    let limited = problem("rateLimited", "too many \"orders\"\n\u{1b}[31m");
    let text = limited.to_string();
    assert!(
        text.starts_with("failed to order: the certificate authority says: API error: too many \"orders\""),
        "{text}"
    );
    assert!(limited.is_limit() && text.contains("\nhint: it has limits") && !text.contains('\u{1b}'), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(problem("accountDoesNotExist", "").is_strange_account());
    assert!(problem("x", &"y".repeat(5000)).to_string().len() < 1200);
}
