//! `postern events export`: events as JSON lines, each a case for `postern filter test`.
//!
//! `{"id":"…","webhook":"…","kind":"…","keys":{…},"received":"…","content_type":"…","body":…,
//! "verdict":{"outcome":"…","trail":[…]}}`. What is no JSON has `"base64"` in the body's stead; JSON whose line breaks
//! or outer spaces could not stand in a line has both, and then `base64` has the bytes.

use super::chosen::{self, Filters};
use super::source::{Pages, Place, Source};
use crate::admin::events::{About, Shown, State, Summary};
use crate::cli::{Failure, outward};
use crate::message::Step;
use serde::Serialize;
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Export {
    #[command(flatten)]
    filters: Filters,
    /// No more than this many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Write to this file [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

#[derive(Serialize)]
struct Case<'a> {
    id: &'a str,
    webhook: &'a str,
    kind: &'a str,
    keys: &'a About,
    received: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<&'a str>,
    verdict: Verdict<'a>,
}

#[derive(Serialize)]
struct Verdict<'a> {
    outcome: State,
    trail: &'a [Step],
}

impl Export {
    pub async fn execute(self) -> Result<(), Failure> {
        let mut source = Source::open(self.place).await?;
        let name = self.output.as_ref().map_or("standard output".to_owned(), |path| format!("`{}`", path.display()));
        let unwritten = |error: io::Error| Failure::new(Failure::FAILED, format!("failed to write {name}: {error}"));
        let out: Box<dyn Write> = match &self.output {
            Some(path) => Box::new(File::create(path).map_err(unwritten)?),
            None => Box::new(io::stdout().lock()),
        };
        let mut out = BufWriter::new(out);
        let mut pages = Pages::new(self.filters.query(), self.limit);
        let show = self.output.is_some() && io::stderr().is_terminal();
        let mut count = 0_u64;
        while let Some(events) = pages.next(&mut source).await? {
            for event in &events {
                // Retention may have taken it since it was listed.
                let Some(shown) = chosen::id(&event.id).ok().map(|id| source.show(id)) else { continue };
                let Some(shown) = shown.await? else { continue };
                match writeln!(out, "{}", line(&shown)) {
                    // As with `head`: whoever read has what he wanted.
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                    done => done.map_err(unwritten)?,
                }
                count += 1;
            }
            if show {
                let _ = write!(io::stderr(), "\r{count} events");
            }
        }
        match out.flush() {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(unwritten(error)),
            _ => {}
        }
        if show {
            outward::note("");
        }
        Ok(())
    }
}

fn line(shown: &Shown) -> String {
    let Shown { summary, content_type, trail, body, base64, .. } = shown;
    let Summary { id, webhook, kind, keys, received, state, .. } = summary;
    let case = Case {
        id,
        webhook,
        kind,
        keys,
        received,
        content_type: content_type.as_deref(),
        body: body.as_deref(),
        base64: base64.as_deref(),
        verdict: Verdict { outcome: *state, trail },
    };
    serde_json::to_string(&case).expect("strings are serialisable")
}
