//! What `send`, `listen` and `events` share beside going out to a server: their options, and what is said to whoever typed
//! them.

pub use crate::outward::{Answer, Ask, Client, Destination, Error, Kind, Trust, connection, read, request};

use super::Failure;
use crate::error::Chain;
use crate::secret::Secret;
use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use std::future::Future;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whose certificates are taken.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Trusted {
    /// Trust the certificates in this file (PEM), and no others
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    ca: Option<PathBuf>,
    /// Take any certificate: whoever stands in between can then read and change everything
    #[arg(long)]
    insecure: bool,
}

impl Trusted {
    pub fn trust(&self) -> Trust {
        Trust { ca: self.ca.clone(), insecure: self.insecure }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = if matches!(error, Error::Url { .. }) { Self::USAGE } else { Self::FAILED };
        Self::new(code, Chain(&error).to_string())
    }
}

/// Runs a command's work to its end on this thread.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Failure::new(Failure::CANNOT_START, format!("failed to start the asynchronous runtime: {error}"))
    })?;
    let done = runtime.block_on(work);
    // A name being looked up cannot be called off, and is not worth waiting for.
    runtime.shutdown_background();
    done
}

/// Reads a `--header`. Its value may be a token, so a message repeats its name at most.
pub fn header(header: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let usage = |message: String| Failure::new(Failure::USAGE, message);
    let Some((name, value)) = header.split_once(':') else {
        return Err(usage("a `--header` has no colon: write it as `Name: value`".to_owned()));
    };
    let name: HeaderName =
        name.trim().parse().map_err(|_| usage("a `--header` has a name that no header can have".to_owned()))?;
    let mut value: HeaderValue =
        value.trim().parse().map_err(|_| usage(format!("the value of the header `{name}` cannot be sent in one")))?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// A secret that is a file's text.
pub fn secret_of(file: &Path) -> Result<Secret, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
    // Editors end a file with a line break, which nobody means to be of the secret.
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Secret::new(line))
}

pub fn unreadable(file: &Path, error: &io::Error) -> Failure {
    Failure::new(Failure::FAILED, format!("failed to read `{}`: {error}", file.display()))
}

/// Writes a line for the user to standard error. That it can be closed is no reason to stop, nor to panic as
/// `eprintln!` does.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// How long a server asks to be left alone, where it says so in seconds.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The first line of what a server said, in a form that does nothing to a terminal.
pub fn first_line(text: &str) -> String {
    const LONGEST: usize = 200;
    let line = text.trim().lines().next().unwrap_or_default().trim_end();
    line.chars().take(LONGEST).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outward::Address;

    #[test]
    fn a_url_that_is_none_is_wrong_usage() {
        let error = Address::parse("localhost:8443", Kind::Http).expect_err("it has no scheme");
        assert_eq!(Failure::from(error).code, Failure::USAGE);
    }

    #[test]
    fn what_a_server_says_does_nothing_to_a_terminal() {
        assert_eq!(first_line(" no\u{1b}[2J such \nthing"), "no\u{fffd}[2J such");
        assert_eq!(first_line(&"x".repeat(5000)).len(), 200);
        assert_eq!(first_line(""), "");
    }
}
