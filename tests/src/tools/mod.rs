//! The tools of the languages that filters are written in, as their users get them.
//!
//! Where a language's own first tools are missing, or no registry answers, its tests say so aloud and end, unless
//! `LANGUAGE_TESTS=required`, as CI sets it.

pub mod javascript;

/// A test does not run, for want of this.
fn wanting(what: &str, hint: &str) {
    let required = std::env::var("LANGUAGE_TESTS").is_ok_and(|value| value == "required");
    assert!(!required, "{what}, and LANGUAGE_TESTS=required\nhint: {hint}");
    crate::report(format_args!("NOT RUN: {what}; hint: {hint}"));
}
