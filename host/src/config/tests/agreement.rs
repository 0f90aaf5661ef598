//! What keys must agree on with each other.

use super::*;

#[test]
fn two_of_a_kind_cannot_have_one_path() {
    let second = "[webhooks.b]\npath = \"/whatsapp\"\nverify_token = \"v\"\napp_secret = \"s\"\n";
    replaced(
        "[streams.agents]\n",
        &format!("{second}[streams.agents]\n"),
        "postern.toml:10: `webhooks.b.path` is the path of `webhooks.whatsapp` as well: /whatsapp\n\
         hint: give each a path of its own",
    );
    appended(
        "[streams.b]\npath = \"/ws\"\nopen = true",
        "postern.toml:15: `streams.b.path` is the path of `streams.agents` as well: /ws\n\
         hint: give each a path of its own",
    );
    // The two in one place is what the original server had.
    replaced("/ws", "/whatsapp", "none");
}

#[test]
fn a_stream_says_who_may_connect() {
    replaced(
        "open = true",
        "",
        "postern.toml:9: `streams.agents` lets nobody in: it has no admission filter and is not open\n\
         hint: name a filter in `admission`, or say `open = true` if anyone may connect",
    );
    replaced(
        "open = true",
        "open = true\nadmission = [\"redact\"]",
        "postern.toml:11: `streams.agents.open` contradicts `admission`, which asks filters whom to let in\n\
         hint: keep one of the two",
    );
    let origins =
        "`streams.agents.origins` must be origins such as `https://desk.example.com`: scheme, host and port, no path";
    for (origin, hint) in [
        ("https://a/", ""),
        ("desk.example.com", ""),
        ("https://", ""),
        ("*", "\nhint: leave `origins` out to let any origin in"),
    ] {
        let to = format!("open = true\norigins = [\"{origin}\"]");
        replaced("open = true", &to, &format!("postern.toml:12: {origins}{hint}"));
    }
}

#[test]
fn a_client_is_asked_before_it_is_given_up() {
    let hint = "\nhint: a client is asked every `heartbeat`, and closed when it has not answered for `limits.idle`";
    replaced(
        "open = true",
        "open = true\nheartbeat = \"60s\"",
        &format!("postern.toml:12: `streams.agents.heartbeat` must be shorter than `limits.idle`{hint}"),
    );
    appended(
        "[limits]\nidle = \"20s\"",
        &format!("postern.toml:15: `limits.idle` must be longer than `streams.agents.heartbeat`{hint}"),
    );
}

#[test]
fn tls_is_a_certificate_and_a_key_or_said_not_to_be() {
    let alone = |line: &str, expected: &str| replaced("plain = true", line, &format!("postern.toml:3: {expected}"));
    alone(
        "certificate = \"c\"",
        "`tls.certificate` has no `tls.key` beside it\nhint: set `tls.key` to the file of its private key",
    );
    alone(
        "key = \"k\"",
        "`tls.key` has no `tls.certificate` beside it\n\
         hint: set `tls.certificate` to the file of the certificate chain that belongs to it",
    );
    alone(
        "key_password = \"p\"",
        "`tls.key_password` has no `tls.key` beside it\n\
         hint: set `tls.certificate` and `tls.key`, or leave the password out",
    );
    replaced(
        "plain = true",
        "key = \"k\"\ncertificate = \"c\"\nplain = true",
        "postern.toml:5: `tls.plain` contradicts the certificate or key that is configured as well\n\
         hint: keep one of the two",
    );
    let missing = "`tls` has no certificate\n\
         hint: set `tls.certificate` and `tls.key`, or say `tls.plain = true` if a load balancer in front has done TLS";
    replaced("plain = true", "plain = false", &format!("postern.toml:2: {missing}"));
    replaced("[tls]\nplain = true", "", &format!("postern.toml: {missing}"));
}

#[test]
fn a_webhook_without_its_secrets_is_refused() {
    for (line, key) in [("app_secret = \"s3cr3t\"", "app_secret"), ("verify_token = \"let me in\"", "verify_token")] {
        let variable = format!("POSTERN_WEBHOOKS__WHATSAPP__{}", key.to_uppercase());
        let expected = format!(
            "postern.toml:4: `webhooks.whatsapp.{key}` is missing\nhint: write it in the file, or set `{variable}`"
        );
        replaced(line, "", &expected);
    }
    replaced(
        "app_secret = \"s3cr3t\"",
        "app_secret = []",
        "postern.toml:7: `webhooks.whatsapp.app_secret` is empty: there must be at least one",
    );
    replaced(
        "app_secret = \"s3cr3t\"",
        "app_secret = [\n\"s3cr3t\",\n\"\"]",
        &format!("postern.toml:9: `webhooks.whatsapp.app_secret` is empty\n{EMPTY_SECRET}"),
    );
}

#[test]
fn an_operator_port_that_others_can_reach_needs_a_token() {
    let problem = "`admin.listen` can be reached from other machines, so `admin.token` must be set\n\
         hint: set `admin.token = { env = \"ADMIN_TOKEN\" }`, or listen on `127.0.0.1`";
    appended("[admin]\nlisten = \"0.0.0.0:9440\"", &format!("postern.toml:15: {problem}"));
    appended("[admin]\nlisten = \"[::1]:9440\"", "none");
    appended(
        "[admin]\nlisten = \"127.0.0.1:8443\"",
        "postern.toml:15: `admin.listen` is an address of `listen` as well: 127.0.0.1:8443\n\
         hint: give it a port of its own, such as 9440",
    );
}
