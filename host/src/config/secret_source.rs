//! Secrets: a string, or where to get one: `{ file = "…" }`, `{ env = "…" }`, `{ command = "…" }`.
//!
//! What cannot be had is told by its key and its source, never by what was got. A command is not repeated either: its
//! arguments may hold a password.

use super::locate::inline;
use super::problem::{Place, advice_on_reading};
use super::reader::{Read, Reported, Section, Value};
use super::seen::{Purpose, Shape};
use super::tree::{Item, Node};
use crate::secret::Secret;
use crate::task;
use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A secret is a line or a key, not a device that never ends.
const MOST: u64 = 64 * 1024;

/// How long a command may take. It runs while postern starts and reloads, and nobody is there to type.
const PATIENCE: Duration = Duration::from_secs(10);

const EXPECTED: &str = "a string, `{ file = \"…\" }`, `{ env = \"…\" }` or `{ command = \"…\" }`";

/// What to do about a variable that gives nothing, a secret that is none, and a command that fails.
const SET: &str =
    "set it where postern is started: `export` it in the shell, or name it in the service's or container's environment";
const TEXT: &str = "a secret must be text: check that this is the right one";
const TRY: &str = "try it by hand in the directory of the configuration file, as the user that postern runs as: it must print the secret";

impl Value<'_> {
    /// The secret itself; never an empty one, which would let everybody in.
    pub fn secret(&self) -> Read<Secret> {
        self.takes(Shape::Secret);
        match &self.node.item {
            Item::Text(text) => match self.node.loose().and_then(|text| inline(text, &self.node.place)) {
                Some(table) if table.children().is_some() => self.part(table).secret(),
                _ => {
                    if matches!(self.node.place, Place::File { .. }) {
                        self.context.note(|seen| seen.secrets.written.push(self.key.clone()));
                    }
                    self.not_empty(text.clone())
                }
            },
            Item::Table(_) => self.fetched(),
            _ => Err(self.wrong(EXPECTED)),
        }
    }

    /// One secret or a list of them, at least one. Commas separate nothing here: a secret may hold them.
    pub fn secrets(&self) -> Read<Vec<Secret>> {
        self.takes(Shape::Secret);
        self.context.note(|seen| seen.key(&self.key).list = true);
        let list = match (&self.node.item, self.node.loose()) {
            (Item::List(_), _) => self.list(),
            (_, Some(text)) => match inline(text, &self.node.place) {
                Some(Node { item: Item::List(elements), .. }) => {
                    elements.into_iter().map(|element| self.part(element)).collect()
                }
                _ => vec![self.clone()],
            },
            _ => vec![self.clone()],
        };
        if list.is_empty() {
            return Err(self.problem("is empty: there must be at least one"));
        }
        let secrets: Vec<Read<Secret>> = list.iter().map(Value::secret).collect();
        secrets.into_iter().collect()
    }

    fn fetched(&self) -> Read<Secret> {
        let mut section = Section::of(self.context, self.key.clone(), &self.node);
        let sources = [section.optional("file"), section.optional("env"), section.optional("command")];
        section.finish(&[]);
        // One layer may replace another's source by a different one; within a layer there must be one.
        let highest = sources.iter().flatten().map(|value| value.node.place.layer()).max();
        let counts = |value: &&Value<'_>| Some(value.node.place.layer()) == highest;
        let [file, env, command] = sources.each_ref().map(|source| source.as_ref().filter(counts));
        let fetches = self.context.purpose == Purpose::Serve;
        match (file, env, command) {
            (Some(file), None, None) => {
                let path = file.path()?;
                self.context.note(|seen| seen.secrets.files.push((self.key.clone(), path.clone())));
                if fetches { self.read_file(&path) } else { Ok(self.unfetched()) }
            }
            (None, Some(variable), None) if !fetches => {
                variable.text("the name of an environment variable").map(|_| self.unfetched())
            }
            (None, None, Some(command)) if !fetches => command.text("a command").map(|_| self.unfetched()),
            (None, Some(variable), None) => self.read_variable(variable.text("the name of an environment variable")?),
            (None, None, Some(command)) => self.ask_command(command.text("a command")?),
            _ => Err(self.problem(format!("must be {EXPECTED}, and only one of them"))),
        }
    }

    /// What stands for a secret that is not to be used. It is longer than any that is asked for.
    fn unfetched(&self) -> Secret {
        Secret::new("not fetched: the configuration is read to be shown")
    }

    fn read_file(&self, path: &Path) -> Read<Secret> {
        let mut bytes = Vec::new();
        let read = std::fs::File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes));
        let named = format!("its file {}", path.display());
        match read {
            Ok(_) => self.decoded(bytes, &named),
            Err(error) => Err(self.failed(&format!("{named} cannot be read: {error}"), advice_on_reading(&error))),
        }
    }

    fn read_variable(&self, variable: &str) -> Read<Secret> {
        let environment = &self.context.source.environment;
        let found = environment.iter().find(|(name, _)| name.as_os_str() == OsStr::new(variable));
        let named = format!("its environment variable `{}`", variable.escape_debug());
        match found.map(|(_, value)| value.to_str()) {
            Some(Some("")) => Err(self.failed(&format!("{named} is empty"), SET)),
            Some(Some(text)) => Ok(Secret::new(text)),
            Some(None) => Err(self.failed(&format!("{named} is not UTF-8"), TEXT)),
            None => Err(self.failed(&format!("{named} is not set"), SET)),
        }
    }

    fn ask_command(&self, command: &str) -> Read<Secret> {
        let directory = self.context.source.base_of(&self.node.place);
        match run(command, directory, PATIENCE) {
            Ok(Ran::Succeeded(bytes)) => self.decoded(bytes, "its command"),
            Ok(Ran::Failed(status)) => Err(self.failed(&format!("its command failed: {status}"), TRY)),
            Ok(Ran::TooLong) => Err(self.failed(
                &format!("its command took longer than {}s", PATIENCE.as_secs()),
                "it must print the secret sooner, and can ask nobody for it: nothing is there to be read",
            )),
            Err(error) => {
                Err(self.failed(&format!("its command could not be run: {error}"), "it needs `sh` in the `PATH`"))
            }
        }
    }

    fn decoded(&self, bytes: Vec<u8>, named: &str) -> Read<Secret> {
        if bytes.len() as u64 > MOST {
            return Err(self.failed(
                &format!("{named} gives more than {} KiB", MOST / 1024),
                "it must give the secret and nothing else",
            ));
        }
        let Ok(mut text) = String::from_utf8(bytes) else {
            return Err(self.failed(&format!("{named} does not give UTF-8"), TEXT));
        };
        // One end of line is the editor's or the command's; a second one would be the secret's.
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        match text.is_empty() {
            true => Err(self.failed(&format!("{named} gives nothing"), "it must give the secret and nothing else")),
            false => Ok(Secret::new(text)),
        }
    }

    fn not_empty(&self, text: String) -> Read<Secret> {
        match text.is_empty() {
            true => Err(self.problem_with_hint(
                "is empty",
                "an empty secret protects nothing: write a real one, or where to get it, such as `{ env = \"NAME\" }`",
            )),
            false => Ok(Secret::new(text)),
        }
    }

    fn failed(&self, why: &str, hint: &str) -> Reported {
        self.problem_with_hint(format!("could not be had: {why}"), hint)
    }
}

/// What became of a command.
pub(super) enum Ran {
    Succeeded(Vec<u8>),
    Failed(ExitStatus),
    TooLong,
}

/// Runs a command of the shell for what it prints. What it complains of goes where postern's own complaints go.
pub(super) fn run(command: &str, directory: &Path, patience: Duration) -> io::Result<Ran> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).stdout(Stdio::piped());
    if !directory.as_os_str().is_empty() {
        shell.current_dir(directory);
    }
    // A group of its own, so that what the shell started can be ended with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    let child = shell.spawn()?;
    let group = child.id();
    let (tell, told) = mpsc::sync_channel(1);
    task::thread("secret", move || tell.send(finish(child)))?;
    told.recv_timeout(patience).unwrap_or_else(|_| {
        // The thread above is still waiting for the shell, so the number is still its; both end with it.
        #[cfg(unix)]
        Command::new("sh").arg("-c").arg(format!("kill -KILL -{group}")).stderr(Stdio::null()).status()?;
        Ok(Ran::TooLong)
    })
}

fn finish(mut child: Child) -> io::Result<Ran> {
    let mut bytes = Vec::new();
    if let Some(output) = child.stdout.take() {
        // Dropping the rest unread ends a command that would go on printing.
        output.take(MOST + 1).read_to_end(&mut bytes)?;
    }
    let status = child.wait()?;
    // One that prints too much was ended by us: that is what is to be said of it.
    let succeeded = status.success() || bytes.len() as u64 > MOST;
    Ok(if succeeded { Ran::Succeeded(bytes) } else { Ran::Failed(status) })
}

impl super::source::Source {
    /// Where the relative paths begin that were written at a place.
    pub(super) fn base_of(&self, place: &Place) -> &Path {
        match place {
            Place::Flag { .. } | Place::Embedded { .. } => &self.directory,
            Place::Default | Place::File { .. } | Place::Environment { .. } => self.base(),
        }
    }
}
