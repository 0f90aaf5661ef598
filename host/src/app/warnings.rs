//! What does not keep a gateway from starting, and is not right all the same: each at its line, with what to do about it.
//! `run` logs it, `check` prints it.
//!
//! What depends on who starts postern, and on what else runs here, is [`foreseen`] by `check` alone: `run` finds out by
//! itself, and then knows better.

mod certificates;
mod machine;
mod secrets;
mod uses;

use crate::config::{Config, Problem};

/// Something that is not right.
#[derive(Clone, Debug)]
pub struct Warning {
    pub problem: Problem,
    /// It is of no use to start so, though one can.
    pub grave: bool,
}

/// All of them. Reads certificates and looks at files; changes nothing.
pub fn warnings(config: &Config) -> Vec<Warning> {
    let mut list = List { config, warnings: Vec::new() };
    certificates::look(&mut list);
    uses::look(&mut list);
    secrets::look(&mut list);
    machine::look(&mut list);
    list.sorted()
}

/// What would keep it from starting here and now, as whoever asks.
pub fn foreseen(config: &Config) -> Vec<Warning> {
    let mut list = List { config, warnings: Vec::new() };
    machine::foresee(&mut list);
    list.sorted()
}

struct List<'a> {
    config: &'a Config,
    warnings: Vec<Warning>,
}

impl List<'_> {
    fn warn(&mut self, key: &str, message: String, hint: &str) {
        self.add(key, message, hint, false);
    }

    fn add(&mut self, key: &str, message: String, hint: &str, grave: bool) {
        let problem = self.config.problem(key, message).with_hint(hint);
        self.warnings.push(Warning { problem, grave });
    }

    fn sorted(self) -> Vec<Warning> {
        let mut warnings = self.warnings;
        warnings.sort_by_key(|warning| warning.problem.place.order());
        warnings
    }
}
