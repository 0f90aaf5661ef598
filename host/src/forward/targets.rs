//! The targets, for operators.

use super::Command;
use super::report::{Dead, Report};
use super::status::Status;
use crate::message::{Cursor, Offset};
use crate::metrics::{Metrics, PerTarget};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Clones are the same.
#[derive(Clone, Default)]
pub struct Targets(Arc<BTreeMap<Arc<str>, Target>>);

pub struct Target {
    pub(super) url: String,
    pub(super) status: Status,
    pub(super) commands: mpsc::Sender<Command>,
}

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("there is no target `{0}`\nhint: targets are the sections `[forward.NAME]` of the configuration")]
    Unknown(String),
    #[error("target `{0}` is set aside\nhint: resume it first")]
    SetAside(String),
    #[error("target `{0}` does not answer now\nhint: it may be about to end, or to start; try again")]
    Busy(String),
}

impl Targets {
    pub(super) fn new(targets: BTreeMap<Arc<str>, Target>) -> Self {
        Self(Arc::new(targets))
    }

    /// How one is, for whoever takes its place and goes on telling it.
    pub(super) fn status(&self, name: &str) -> Option<Status> {
        self.0.get(name).map(|target| target.status.clone())
    }

    /// `tail` is the end of the outbox, here and below.
    pub fn list(&self, tail: Offset) -> Vec<Report> {
        self.0.iter().map(|(name, target)| target.status.report(name, &target.url, tail)).collect()
    }

    pub fn dead(&self, name: &str) -> Result<Arc<[Dead]>, Refused> {
        Ok(self.find(name)?.status.lock().dead.clone())
    }

    /// Has dead letters tried once more, `None` all of them, and says how many. What becomes of them is seen later.
    pub async fn retry(&self, name: &str, which: Option<Vec<Cursor>>) -> Result<usize, Refused> {
        let asked = self.ask(name, |answer| Command::Retry(which, answer)).await?;
        asked.map_err(|()| Refused::SetAside(name.to_owned()))
    }

    /// Has a target tried again now; true when it was set aside.
    pub async fn resume(&self, name: &str) -> Result<bool, Refused> {
        self.ask(name, Command::Resume).await
    }

    /// Sets the gauges.
    pub fn measure(&self, metrics: &Metrics, tail: Offset) {
        for (name, target) in self.0.iter() {
            let label = PerTarget { target: name.clone() };
            let report = target.status.report(name, "", tail);
            for (gauge, value) in [(&metrics.forward_behind, report.behind), (&metrics.forward_dead, report.dead)] {
                gauge.get_or_create(&label).set(i64::try_from(value).unwrap_or(i64::MAX));
            }
        }
    }

    fn find(&self, name: &str) -> Result<&Target, Refused> {
        self.0.get(name).ok_or_else(|| Refused::Unknown(name.to_owned()))
    }

    async fn ask<T>(&self, name: &str, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Refused> {
        let busy = || Refused::Busy(name.to_owned());
        let (answer, answered) = oneshot::channel();
        self.find(name)?.commands.try_send(command(answer)).map_err(|_| busy())?;
        answered.await.map_err(|_| busy())
    }
}
