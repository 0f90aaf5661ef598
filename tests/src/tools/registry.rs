//! A real registry: Docker's own (`distribution`), as Debian packs it.
//!
//! One in `PATH` is used; else the package is fetched and unpacked into the target directory, which needs `apt-get` and its
//! network but no rights. Where neither can be had the registry's tests say so aloud and end, unless
//! `LANGUAGE_TESTS=required`, as CI sets it.

use crate::guests::target;
use crate::{Issued, Process, Service, eventually, report, respond};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::SystemTime;
use tempfile::TempDir;

/// Dropped, it is gone with all that it holds.
pub struct Registry {
    /// As references and `[registries."…"]` name it.
    pub host: String,
    directory: TempDir,
    _process: Process,
}

/// Whom a registry lets in.
pub enum Guard<'a> {
    Anyone,
    /// `robot` with the password `hunter2`.
    Password,
    /// Whoever brings a token of these.
    Tokens(&'a Tokens),
}

/// bcrypt of `hunter2`, the only form that registry takes.
const PASSWORDS: &str = "robot:$2b$04$RMBrWDd/VI4e0aIcnV7hHuYNvbJJ6Y0XABjRiUpctOqedmgTDfovK\n";

impl Registry {
    /// One that is ready, with TLS or without; `None`, reported, where there is no such program.
    pub async fn start(guard: Guard<'_>, tls: Option<&Issued>) -> Option<Self> {
        let program = program()?;
        let directory = tempfile::Builder::new().prefix("postern-registry-").tempdir().expect("a temporary directory");
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).expect("a temporary directory is writable");
            path
        };
        let mut config = json!({
            "version": 0.1,
            "log": { "level": "info", "formatter": "json" },
            "storage": { "filesystem": { "rootdirectory": directory.path().join("data") } },
            "http": { "addr": "127.0.0.1:0" },
        });
        if let Some(issued) = tls {
            let (chain, key) = (file("chain.pem", &issued.chain), file("key.pem", &issued.key));
            config["http"]["tls"] = json!({ "certificate": chain, "key": key });
        }
        match guard {
            Guard::Anyone => {}
            Guard::Password => {
                config["auth"] = json!({ "htpasswd": { "realm": "test", "path": file("passwords", PASSWORDS) } });
            }
            Guard::Tokens(tokens) => {
                let bundle = file("tokens.pem", &tokens.certificate);
                let token =
                    json!({ "realm": tokens.url, "service": "test", "issuer": "test", "rootcertbundle": bundle });
                config["auth"] = json!({ "token": token });
            }
        }
        let mut command = Command::new(program);
        command.arg("serve").arg(file("config.yml", &config.to_string())).env_remove("OTEL_TRACES_EXPORTER");
        let mut process = Process::start(command);
        let host = eventually("the registry's address", async || {
            if let Some(ended) = process.ended() {
                panic!("the registry ended at once: {}", ended.stderr);
            }
            let log = process.stderr();
            let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let message = |line: &Value| Some(line["msg"].as_str()?.strip_prefix("listening on ")?.to_owned());
            let told = lines.find_map(|line| message(&line))?;
            Some(told.split(',').next().unwrap_or(&told).to_owned())
        })
        .await;
        Some(Self { host, directory, _process: process })
    }

    /// Where it keeps the content that has this digest.
    pub fn blob(&self, hex: &str) -> PathBuf {
        let blobs = self.directory.path().join("data/docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(hex).join("data")
    }
}

/// A server of tokens: it gives `robot`, whose password is `hunter2`, whatever he asks for, and others the right to pull.
pub struct Tokens {
    url: String,
    certificate: String,
    /// What it was asked, in this order.
    pub asked: Arc<Mutex<Vec<Asked>>>,
}

/// A query, and the account that was shown with it.
pub type Asked = (String, Option<String>);

impl Tokens {
    pub async fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(["tokens".to_owned()]).expect("it signs itself");
        let (der, key) = (made.cert.der().to_vec(), made.signing_key.serialize_der());
        let asked: Arc<Mutex<Vec<_>>> = Arc::default();
        let seen = asked.clone();
        let service = Service::start(move |request| {
            let query = request.uri().query().unwrap_or_default().to_owned();
            let account = request.headers().get("authorization");
            let account = account.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            let is_robot = account.as_deref() == Some(&format!("Basic {}", BASE64.encode(b"robot:hunter2")));
            let rights: &[&str] = if is_robot { &["pull", "push"] } else { &["pull"] };
            seen.lock().expect("no test panics in here").push((query, account.clone()));
            match account.is_none() || is_robot {
                true => respond(200, json!({ "token": token(&der, &key, rights) }).to_string()),
                false => respond(401, r#"{"errors":[{"code":"UNAUTHORIZED","message":"wrong password"}]}"#),
            }
        })
        .await;
        Self { url: service.url("/token"), certificate: made.cert.pem(), asked }
    }
}

/// A token for the one repository of these tests, signed as registries want it.
fn token(certificate: &[u8], key: &[u8], rights: &[&str]) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970").as_secs();
    let access = json!([{ "type": "repository", "name": "acme/pass", "actions": rights }]);
    let head = json!({ "typ": "JWT", "alg": "ES256", "x5c": [BASE64.encode(certificate)] });
    let claims = json!({
        "iss": "test", "aud": "test", "sub": "", "jti": "1", "access": access,
        "iat": now, "nbf": now - 60, "exp": now + 600,
    });
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(&head), part(&claims));
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &random).expect("rcgen makes such keys");
    let signature = key.sign(&random, signed.as_bytes()).expect("the system gives random bytes");
    format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
}

fn program() -> Option<PathBuf> {
    static FOUND: LazyLock<Result<PathBuf, String>> = LazyLock::new(find);
    match &*FOUND {
        Ok(program) => Some(program.clone()),
        Err(why) => {
            let hint = "hint: apt-get install docker-registry";
            let required = std::env::var("LANGUAGE_TESTS").is_ok_and(|value| value == "required");
            assert!(!required, "there is no docker-registry, and LANGUAGE_TESTS=required: {why}\n{hint}");
            report(format!("NOT RUN: a test needs a registry and there is no docker-registry: {why}; {hint}"));
            None
        }
    }
}

fn find() -> Result<PathBuf, String> {
    const NAME: &str = "docker-registry";
    let path = std::env::var_os("PATH").unwrap_or_default();
    let unpacked = target().join("registry");
    let program = unpacked.join("usr/bin").join(NAME);
    let found = std::env::split_paths(&path).map(|folder| folder.join(NAME)).chain([program.clone()]);
    if let Some(program) = found.into_iter().find(|file| file.is_file()) {
        return Ok(program);
    }
    let folder =
        tempfile::Builder::new().prefix("registry-").tempdir_in(target()).map_err(|error| error.to_string())?;
    run("apt-get", &["download", NAME], folder.path())?;
    let files = std::fs::read_dir(folder.path()).map_err(|error| error.to_string())?;
    let package = files.filter_map(Result::ok).map(|entry| entry.path()).find(|path| path.extension().is_some());
    let package = package.ok_or("apt-get fetched nothing")?;
    let name = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
    run("dpkg", &["-x", &name, "whole"], folder.path())?;
    // Another run of the tests may have been quicker, and then its own is there.
    let moved = std::fs::rename(folder.path().join("whole"), &unpacked);
    if program.is_file() { Ok(program) } else { Err(format!("the package has no {NAME} in it: {moved:?}")) }
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Result<(), String> {
    let ran = Command::new(program).args(arguments).current_dir(folder).output();
    let ran = ran.map_err(|error| format!("no {program}: {error}"))?;
    let words = String::from_utf8_lossy(&ran.stderr);
    if ran.status.success() { Ok(()) } else { Err(format!("{program} {}: {}", arguments.join(" "), words.trim())) }
}
