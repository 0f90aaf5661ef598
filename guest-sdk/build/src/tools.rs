//! A language's own tools: found, of a version that works, or else told how to get; and run, with what they say passed on.

use crate::Error;
use std::path::Path;
use std::process::{Command, Stdio};

/// A program that a language needs.
pub struct Tool<'a> {
    /// As it is called by its users: `componentize-py`.
    pub name: &'a str,
    /// How to get it, a line each.
    pub how: &'a str,
}

impl Tool<'_> {
    /// It is not there, or does not do: why, and how to get one that does.
    pub fn missing(&self, why: impl Into<String>) -> Error {
        Error::Tool { name: self.name.to_owned(), why: why.into(), how: self.how.to_owned() }
    }

    /// What the first of `programs` that can be started says when asked for its version, and which that was.
    ///
    /// `programs` are commands with all that comes before `ask`: `["python3", "-m", "ziglang"]`.
    pub fn find<'p>(&self, programs: &'p [&'p [&'p str]], ask: &str) -> Result<(Command, String), Error> {
        for program in programs {
            let Some((name, before)) = program.split_first() else { continue };
            let mut command = Command::new(name);
            command.args(before);
            let mut asked = Command::new(name);
            let output = asked.args(before).arg(ask).stdin(Stdio::null()).output();
            if let Ok(output) = output
                && output.status.success()
            {
                let words =
                    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
                return Ok((command, words.trim().to_owned()));
            }
        }
        let tried = programs.iter().map(|program| format!("`{}`", program.join(" "))).collect::<Vec<_>>();
        Err(self.missing(format!("none of {} can be started", tried.join(", "))))
    }
}

/// Runs a tool to its end in `directory`. All that it says goes to standard error: standard output is the caller's.
pub fn run(mut command: Command, directory: &Path) -> Result<(), Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let start = |source| Error::Start { program: program.clone(), source };
    command.current_dir(directory).stdin(Stdio::null()).stdout(std::io::stderr());
    let status = command.status().map_err(start)?;
    if status.success() { Ok(()) } else { Err(Error::Ran { program, directory: directory.to_owned(), status }) }
}

/// The first number of the form `1.2.3` or `1.2` in what a tool says of its version.
pub fn version(words: &str) -> Option<(u32, u32, u32)> {
    words.split(|letter: char| !letter.is_ascii_digit() && letter != '.').find_map(|word| {
        let mut parts = word.split('.').map(|part| part.parse().ok());
        let (major, minor) = (parts.next()??, parts.next()??);
        Some((major, minor, parts.next().flatten().unwrap_or(0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_tools_say() {
        assert_eq!(version("go version go1.27.3 linux/amd64"), Some((1, 27, 3)));
        assert_eq!(version("Debian clang version 22.1.0 (x)"), Some((22, 1, 0)));
        assert_eq!(version("0.17"), Some((0, 17, 0)));
        assert_eq!(version("no number"), None);
    }

    #[test]
    fn a_missing_tool_is_named_with_how_to_get_it() {
        let tool = Tool { name: "frobnicate", how: "apt-get install frobnicate" };
        let error = tool.find(&[&["/nonexistent/frobnicate"]], "--version").expect_err("it is not there").to_string();
        assert!(error.contains("`frobnicate`") && error.contains("apt-get install frobnicate"), "{error}");
    }
}
