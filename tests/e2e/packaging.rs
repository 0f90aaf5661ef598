//! What postern is packed in: the files of `host/packaging` say what this postern understands.

use crate::home;
use postern_tests::{Config, Ended, Home};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is in the workspace").join("host/packaging")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(packaging().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The rest of the first line that begins so.
fn after<'a>(text: &'a str, beginning: &str) -> &'a str {
    let rest = text.lines().find_map(|line| line.trim_start().strip_prefix(beginning));
    rest.unwrap_or_else(|| panic!("no line begins with {beginning:?} in:\n{text}")).trim()
}

/// The strings of a JSON list.
fn list(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Demands that the binary takes these arguments: it reads all of them before it gives help.
async fn understood(arguments: &[String]) {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(["--help"]).collect();
    let ended = home(&Config::basic()).run(&arguments).await;
    assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
}

/// Checks a packaged configuration in a home that has its files where `from` is.
async fn checked(config: &str, secrets: &str, environment: &[(String, String)]) -> Ended {
    let home: Arc<Home> = home(&Config::basic());
    for name in ["secrets", "tls"] {
        std::fs::create_dir(home.path(name)).expect("the home is writable");
    }
    for (from, to) in [("cert.pem", "tls/cert.pem"), ("key.pem", "tls/key.pem")] {
        std::fs::copy(home.path(from), home.path(to)).expect("the home has a certificate");
    }
    for name in ["app_secret", "verify_token", "jwt_secret"] {
        home.write(&format!("secrets/{name}"), "long enough to sign with, and nobody's\n");
    }
    assert!(config.contains(secrets), "no secret is from {secrets}");
    home.write("postern.toml", config.replace(secrets, "secrets/"));
    for (name, value) in environment {
        home.set(name, value);
    }
    home.set("POSTERN_DATA", "data");
    home.run(&["check", "-c", "postern.toml"]).await
}

#[tokio::test]
async fn the_configuration_of_the_debian_package_is_good_once_its_secrets_are_there() {
    let unit = read("systemd/postern.service");
    // What is in the directory has names that begin with the credential's.
    let (id, directory) = after(&unit, "LoadCredential=").split_once(':').expect("a name and a path");
    let config = read("postern.toml");
    assert!(config.contains(directory), "the configuration says where secrets go");
    let ended = checked(&config, &format!("/run/credentials/postern.service/{id}_"), &[]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let data = after(&config, "data ").trim_start_matches(['=', ' ']).trim_matches('"');
    assert_eq!(data, format!("/var/lib/{}", after(&unit, "StateDirectory=")), "the unit lets it write there");
}

#[tokio::test]
async fn the_configuration_of_the_chart_is_good_with_the_environment_it_sets() {
    let values = read("helm/postern/values.yaml");
    let (_, block) = values.split_once("\nconfig: |\n").expect("values.yaml has a configuration");
    let lines = block.lines().take_while(|line| line.is_empty() || line.starts_with("  "));
    let config: Vec<&str> = lines.map(|line| line.get(2..).unwrap_or_default()).collect();
    let set = read("helm/postern/templates/statefulset.yaml");
    let lines: Vec<&str> = set.lines().map(str::trim).collect();
    let variables = lines.windows(2).filter_map(|pair| {
        let name = pair[0].strip_prefix("- name: ")?;
        let value = pair[1].strip_prefix("value: ")?.trim_matches('"');
        let value = match name {
            "POSTERN_TLS__CERTIFICATE" => "tls/cert.pem",
            "POSTERN_TLS__KEY" => "tls/key.pem",
            "POSTERN_LIMITS__DRAIN_TIMEOUT" => "30s",
            // One or the other, and this test takes the certificate.
            "POSTERN_TLS__PLAIN" => return None,
            _ => value,
        };
        Some((name.to_owned(), value.to_owned()))
    });
    let mut environment: Vec<_> = variables.collect();
    assert!(environment.len() >= 6, "the environment was not found: {environment:?}");
    environment.push(("POSTERN_ADMIN__TOKEN".to_owned(), "of a secret".to_owned()));
    let ended = checked(&config.join("\n"), "/etc/postern/secrets/", &environment).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn every_command_line_of_a_package_is_understood() {
    let unit = read("systemd/postern.service");
    let mut words = after(&unit, "ExecStart=").split_whitespace().map(str::to_owned);
    assert_eq!(words.next().as_deref(), Some("/usr/bin/postern"));
    understood(&words.collect::<Vec<_>>()).await;
    let image = read("Dockerfile");
    assert_eq!(list(after(&image, "ENTRYPOINT ")), ["/usr/bin/postern"]);
    understood(&list(after(&image, "CMD "))).await;
    understood(&list(after(&read("helm/postern/templates/statefulset.yaml"), "args: "))).await;
}

#[test]
fn packages_have_the_version_of_the_crate() {
    let chart = read("helm/postern/Chart.yaml");
    assert_eq!(after(&chart, "version: "), env!("CARGO_PKG_VERSION"));
    assert_eq!(after(&chart, "appVersion: "), env!("CARGO_PKG_VERSION"));
    assert_eq!(after(&read("Dockerfile"), "ARG RUST="), env!("CARGO_PKG_RUST_VERSION"));
}

#[test]
fn what_the_debian_package_holds_is_there() {
    let host = packaging().join("..");
    let manifest = std::fs::read_to_string(host.join("Cargo.toml")).expect("the crate has a manifest");
    let (_, assets) = manifest.split_once("\nassets = [\n").expect("it lists what the package holds");
    let assets = assets.lines().take_while(|line| *line != "]").map(|line| list(line.trim().trim_end_matches(',')));
    let mut sources: Vec<_> = assets.map(|asset| asset[0].clone()).collect();
    assert!(sources.len() > 3, "{sources:?}");
    sources.retain(|source| !source.starts_with("target/"));
    for source in
        sources.iter().map(String::as_str).chain(["packaging/systemd/postern.service", "packaging/debian/postinst"])
    {
        assert!(host.join(source).is_file(), "{source}");
    }
}
