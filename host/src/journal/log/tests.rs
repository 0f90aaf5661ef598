//! Tests of the log: against a model on a simulated disk, the rules one by one, and on a real disk.

mod model;
mod real;
mod rules;
mod simulated;
