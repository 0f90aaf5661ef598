//! Filters in the languages that have an SDK, each as its users meet it.

mod javascript;
