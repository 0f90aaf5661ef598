//! Where events are looked up: in a journal, or at the gateway that has it.

use super::gateway::Gateway;
use crate::admin::events::{self, MOST, Page, Query, Shown, Summary};
use crate::app;
use crate::cli::check::{self, Overrides};
use crate::cli::{Failure, dev, outward};
use crate::config::{self, Config};
use crate::error::Chain;
use crate::journal::{self, Journal};
use crate::message::EventId;
use crate::secret::Secret;
use std::convert::Infallible;
use std::path::{Path, PathBuf};

/// Where to look, as it is typed.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Place {
    /// The configuration [default: postern.toml]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Ask the gateway whose admin listener is there, such as `http://127.0.0.1:9440`; no configuration is read
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    admin: Option<String>,
    /// The token of that admin listener
    #[arg(long, value_name = "TOKEN", value_parser = secret, requires = "admin", conflicts_with = "token_file")]
    token: Option<Secret>,
    /// A file that holds the token: other users of this machine can see what is on a command line
    #[arg(long, value_name = "FILE", requires = "admin")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    trust: outward::Trusted,
}

pub enum Source {
    Journal(Journal),
    Gateway(Box<Gateway>),
}

impl Place {
    /// The gateway that was named, if one was.
    fn named(&self) -> Result<Option<Gateway>, Failure> {
        let Some(url) = &self.admin else { return Ok(None) };
        let token = match (&self.token, &self.token_file) {
            (Some(token), _) => Some(token.clone()),
            (None, Some(file)) => Some(outward::secret_of(file)?),
            (None, None) => None,
        };
        Gateway::at(url, token, &self.trust.trust()).map(Some)
    }

    /// The one that is named, else `postern.toml`; and where there is none, that of a `postern run --dev` of this directory.
    pub fn config(&self) -> Result<Config, Failure> {
        let loaded = check::load(self.config.clone(), Overrides::default());
        if loaded.is_ok() || self.config.is_some() || Path::new(config::DEFAULT_FILE).exists() {
            return loaded;
        }
        let demo = config::load(&dev::source(None, Overrides::default())).ok();
        demo.filter(|demo| demo.data.exists()).map_or(loaded, Ok)
    }

    /// Only a gateway that runs has filters and clients.
    pub fn running(&self) -> Result<Gateway, Failure> {
        match self.named()? {
            Some(gateway) => Ok(gateway),
            None => Gateway::of(&self.config()?, &self.trust.trust()),
        }
    }
}

impl Source {
    pub async fn open(place: Place) -> Result<Self, Failure> {
        if let Some(gateway) = place.named()? {
            return Ok(Self::Gateway(Box::new(gateway)));
        }
        let config = place.config()?;
        let settings = app::journal_config(&config);
        if !settings.directory.exists() {
            let text = format!(
                "there is no journal in `{}`\n\
                 hint: run this where the gateway runs, name its configuration with `-c FILE`, or itself with \
                 `--admin URL`",
                config.data.display()
            );
            return Err(Failure::new(Failure::FAILED, text));
        }
        match Journal::open(&settings) {
            Ok(journal) => {
                for damage in journal.damage() {
                    outward::note(&format!("warning: {}", outward::first_line(&damage)));
                }
                Ok(Self::Journal(journal))
            }
            Err(journal::Error::InUse(_)) => {
                let mut gateway = Gateway::of(&config, &place.trust.trust())?;
                gateway.reached().await.map_err(|why| {
                    let text = format!(
                        "another process has the data directory `{}`, but {why}\n\
                         hint: it may be about to start; or name its admin listener with `--admin URL`",
                        config.data.display()
                    );
                    Failure::new(Failure::FAILED, text)
                })?;
                Ok(Self::Gateway(Box::new(gateway)))
            }
            Err(error) => Err(failed(&error)),
        }
    }

    pub async fn list(&mut self, query: &Query) -> Result<Page, Failure> {
        match self {
            Self::Journal(journal) => events::list(journal, query).map_err(|error| failed(&error)),
            Self::Gateway(gateway) => gateway.list(query).await,
        }
    }

    pub async fn show(&mut self, id: EventId) -> Result<Option<Shown>, Failure> {
        match self {
            Self::Journal(journal) => events::show(journal, id).map_err(|error| failed(&error)),
            Self::Gateway(gateway) => gateway.show(id).await,
        }
    }
}

/// A list, page by page.
pub struct Pages {
    query: Option<Query>,
    left: Option<u64>,
}

impl Pages {
    pub fn new(query: Query, limit: Option<u64>) -> Self {
        Self { query: Some(query), left: limit }
    }

    /// The next events, which may be none though others follow. `None`: that was all.
    pub async fn next(&mut self, source: &mut Source) -> Result<Option<Vec<Summary>>, Failure> {
        let Some(mut query) = self.query.take().filter(|_| self.left != Some(0)) else { return Ok(None) };
        query.limit = self.left.map_or(MOST, |left| usize::try_from(left).unwrap_or(MOST).min(MOST));
        let Page { events, next } = source.list(&query).await?;
        self.left = self.left.map(|left| left.saturating_sub(events.len() as u64));
        let next = next.and_then(|next| super::chosen::id(&next).ok());
        // Whoever answers with where he was asked to begin would be asked for ever.
        if let Some(next) = next.filter(|next| query.after.is_none_or(|after| *next > after)) {
            self.query = Some(Query { after: Some(next), ..query });
        }
        Ok(Some(events))
    }
}

fn failed(error: &journal::Error) -> Failure {
    Failure::new(Failure::FAILED, Chain(error).to_string())
}

fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}
