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

#[test]
fn a_proxy_is_named_and_asked_for_something_it_says() {
    let name = "\nhint: name the proxies in `proxy.trusted`: their addresses, or their network such as `10.0.0.0/8`";
    appended("[proxy]\nprotocol = true", &format!("postern.toml:15: `proxy.protocol` is believed of nobody{name}"));
    appended(
        "[proxy]\nheaders = \"forwarded\"",
        &format!("postern.toml:15: `proxy.headers` is believed of nobody{name}"),
    );
    appended(
        "[proxy]\ntrusted = \"10.0.0.0/8\"",
        "postern.toml:15: `proxy.trusted` names proxies, and nothing they say is asked for\n\
         hint: set `proxy.protocol = true`, or `proxy.headers` to the header in which they tell it",
    );
    let trusted = |network: &str, expected: &str| {
        appended(&format!("[proxy]\nprotocol = true\ntrusted = [\"192.0.2.7\", \"{network}\"]"), expected);
    };
    trusted("fd00::/8", "none");
    trusted(
        "proxy.internal",
        "postern.toml:16: `proxy.trusted` must be addresses or networks such as `10.0.0.0/8` or `192.0.2.7`",
    );
    trusted(
        "10.0.0.1/8",
        "postern.toml:16: `proxy.trusted` has an address beside its network: 10.0.0.1/8\n\
         hint: for the network write `10.0.0.0/8`, for the one address leave out what follows it",
    );
    trusted(
        "0.0.0.0/0",
        "postern.toml:16: `proxy.trusted` must not be everybody: 0.0.0.0/0\n\
         hint: whoever is trusted can say that he is anyone: name the addresses of the proxies alone",
    );
}

#[test]
fn a_certificate_by_acme_has_its_domains_and_the_consent_of_who_asks() {
    let least = "acme = { domains = [\"GW.example.com.\"], agree = true }";
    let written = written(LEAST.replace("plain = true", least));
    let Identity::Acme(acme) = written.config().tls.identity else { panic!("it was said") };
    assert_eq!((acme.domains.as_slice(), acme.email, acme.ca), (["gw.example.com".to_owned()].as_slice(), None, None));
    assert_eq!(acme.directory, "https://acme-v02.api.letsencrypt.org/directory");
    assert_eq!((acme.challenge, acme.http), (AcmeChallenge::TlsAlpn01, vec![]));

    let told = |section: &str, expected: &str| {
        replaced("plain = true", section, &format!("postern.toml:3: {expected}"));
    };
    told(
        "acme = { domains = [\"*.example.com\"], agree = true }",
        "`tls.acme.domains` has a wildcard: *.example.com\n\
         hint: a wildcard takes a change of DNS (DNS-01), which postern does not do: name each domain",
    );
    for not_one in ["192.0.2.1", "https://a.example", "a b", "-a.example", "a..b", "m\u{fc}ller.example"] {
        told(
            &format!("acme = {{ domains = \"{not_one}\", agree = true }}"),
            "`tls.acme.domains` must be domains such as `gw.example.com`\n\
             hint: names, not addresses or URLs; one with other letters in its `xn--` form",
        );
    }
    told(
        "acme = { domains = [\"a.example\", \"A.example\"], agree = true }",
        "`tls.acme.domains` has a domain twice: a.example\nhint: remove one of the two",
    );
    told(
        "acme = { domains = [\"a.example\"] }",
        "`tls.acme.agree` must be said: an authority gives certificates only to those who agree to its terms\n\
         hint: read them (Let's Encrypt has them at https://letsencrypt.org/repository/), then write `agree = true`",
    );
    told(
        "acme = { domains = [\"a.example\"], agree = true, challenge = \"http-01\" }",
        "`tls.acme.challenge` asks at port 80 of each domain, and nothing listens there\n\
         hint: set `http = \"0.0.0.0:80\"` beside it, or take `tls-alpn-01`, which needs port 443 alone",
    );
    told(
        "acme = { domains = [\"a.example\"], agree = true, email = \"mailto:a@b\" }",
        "`tls.acme.email` must be an address such as `ops@example.com`",
    );
    told(
        "acme = { domains = [\"a.example\"], agree = true, directory = \"http://ca.example/\" }",
        "`tls.acme.directory` must be `letsencrypt`, `letsencrypt-staging`, or the URL of an authority's directory, \
         by `https://`",
    );
    told(
        "acme = { domains = [\"a.example\"], agree = true, http = \"127.0.0.1:9440\" }",
        "`tls.acme.http` is the address of another listener as well: 127.0.0.1:9440\n\
         hint: authorities ask at port 80, and browsers begin there",
    );
    let both = "acme = { domains = [\"a.example\"], agree = true }\n";
    replaced(
        "plain = true",
        &format!("{both}plain = true"),
        "postern.toml:3: `tls.acme` contradicts `tls.plain`, which says that there is no TLS here\n\
         hint: keep one of the two",
    );
    replaced(
        "plain = true",
        &format!("{both}certificate = \"c\""),
        "postern.toml:3: `tls.acme` contradicts the certificate or key that is configured as well\n\
         hint: keep one of the two",
    );
}
