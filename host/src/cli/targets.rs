//! `postern targets`: where a gateway that runs pushes events to, what it could not get rid of, and what to do about it.

use super::events::gateway::Gateway;
use super::events::source::Place;
use super::{Failure, outward, print};
use crate::admin::targets::{Dead, DeadLetters, Queued, Report, Resumed, Targets as All, WhichDead};
use crate::message::Cursor;
use serde::Serialize;

/// Look at the forward targets of a running gateway, and help those that are in trouble
#[derive(clap::Subcommand)]
pub enum Targets {
    /// List the targets: how far each is, and how it fares
    Ls(List),
    /// List the dead letters of a target: what it did not take in all the time it had
    Dead(OfTarget),
    /// Try dead letters once more
    Retry(Retry),
    /// Have a target tried again now that is set aside or waits
    Resume(OfTarget),
}

#[derive(clap::Args)]
pub struct List {
    #[command(flatten)]
    how: How,
}

#[derive(clap::Args)]
pub struct OfTarget {
    /// The target, as the configuration calls it
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    how: How,
}

#[derive(clap::Args)]
pub struct Retry {
    /// The target, as the configuration calls it
    #[arg(value_name = "NAME")]
    name: String,
    /// The dead letters, by their cursors
    #[arg(value_name = "CURSOR", required_unless_present = "all", conflicts_with = "all")]
    cursors: Vec<Cursor>,
    /// All of them
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    how: How,
}

#[derive(clap::Args)]
struct How {
    /// JSON: one object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl Targets {
    pub fn execute(self) -> Result<(), Failure> {
        outward::block_on(async {
            match self {
                Self::Ls(List { how }) => {
                    let all: Option<All> = how.gateway()?.get("/v1/targets").await?;
                    let all = all.ok_or_else(|| absent("/v1/targets"))?;
                    all.targets.iter().try_for_each(|target| how.print(target, target_line))
                }
                Self::Dead(OfTarget { name, how }) => {
                    let found: Option<DeadLetters> = how.gateway()?.get(&format!("/v1/targets/{name}/dead")).await?;
                    found.ok_or_else(|| unknown(&name))?.dead.iter().try_for_each(|dead| how.print(dead, dead_line))
                }
                Self::Retry(Retry { name, cursors, all, how }) => {
                    let cursors = (!all).then(|| cursors.iter().map(Cursor::to_string).collect());
                    let body = serde_json::to_vec(&WhichDead { cursors }).expect("strings are serialisable");
                    let done: Option<Queued> = how.gateway()?.post(&format!("/v1/targets/{name}/retry"), body).await?;
                    let line = |Queued { queued }: &Queued| {
                        format!("{queued} tried once more; see `postern targets dead {name}` for what is left")
                    };
                    how.print(&done.ok_or_else(|| unknown(&name))?, line)
                }
                Self::Resume(OfTarget { name, how }) => {
                    let done: Option<Resumed> =
                        how.gateway()?.post(&format!("/v1/targets/{name}/resume"), Vec::new()).await?;
                    let line = |Resumed { resumed }: &Resumed| match resumed {
                        true => format!("{name} is resumed"),
                        false => format!("{name} was not set aside; what waits is tried now"),
                    };
                    how.print(&done.ok_or_else(|| unknown(&name))?, line)
                }
            }
        })
    }
}

impl How {
    fn gateway(&self) -> Result<Gateway, Failure> {
        self.place.running()
    }

    fn print<T: Serialize>(&self, value: &T, line: impl Fn(&T) -> String) -> Result<(), Failure> {
        if self.json {
            print(format_args!("{}", serde_json::to_string(value).expect("strings and numbers are serialisable")))
        } else {
            print(format_args!("{}", line(value)))
        }
    }
}

fn target_line(target: &Report) -> String {
    let Report { name, url, state, behind, delivered, failed, dead, missed, last_error, retry_at, .. } = target;
    let mut line = format!("{name}  {state}  {behind} behind  {delivered} delivered  {failed} failed  {dead} dead");
    if *missed > 0 {
        line.push_str(&format!("  {missed} missed"));
    }
    line.push_str(&format!("  {url}"));
    if let Some(retry_at) = retry_at {
        line.push_str(&format!("  again at {retry_at}"));
    }
    if let Some(error) = last_error {
        line.push_str(&format!("  {error}"));
    }
    shown(&line)
}

fn dead_line(dead: &Dead) -> String {
    let Dead { cursor, id, webhook, kind, attempts, last_error, received } = dead;
    shown(&format!("{cursor}  {id}  {received}  {kind}  {webhook}  {attempts} attempts  {last_error}"))
}

/// What targets wrote does nothing to a terminal.
fn shown(line: &str) -> String {
    line.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

fn unknown(name: &str) -> Failure {
    let text = format!(
        "there is no target `{name}`\nhint: targets are the sections `[forward.NAME]` of the configuration; see \
         `postern targets ls`"
    );
    Failure::new(Failure::FAILED, text)
}

fn absent(target: &str) -> Failure {
    let text = format!("there is no `{target}`\nhint: see that it is the admin listener of a gateway of this version");
    Failure::new(Failure::FAILED, text)
}
