//! Other people's programs that tests need, fetched when a test first asks for one.

pub mod registry;
