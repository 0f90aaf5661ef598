//! How errors are told. Every error type prints its own level only and keeps its cause in `source()`; this prints the
//! whole chain once, at the place where it leaves postern, and what to do about it last.

use std::error::Error;
use std::fmt;

/// What separates a message from the advice behind it.
const HINT: &str = "\nhint: ";

/// Prints an error and its causes, then their advice, each on a line of its own:
///
/// ```text
/// failed to open the journal in `data`: permission denied
/// hint: see that the directory is writable
/// ```
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hints = Vec::new();
        let mut next = Some(self.0);
        let mut separator = "";
        while let Some(error) = next {
            let text = error.to_string();
            let mut parts = text.split(HINT);
            write!(f, "{separator}{}", parts.next().unwrap_or_default())?;
            hints.extend(parts.map(str::to_owned));
            separator = ": ";
            next = error.source();
        }
        hints.iter().try_for_each(|hint| write!(f, "{HINT}{hint}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to open `a`\nhint: look at it")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn causes_follow_each_other_and_advice_comes_last() {
        let error = Outer(std::io::Error::other("it is broken"));
        assert_eq!(Chain(&error).to_string(), "failed to open `a`: it is broken\nhint: look at it");
    }
}
