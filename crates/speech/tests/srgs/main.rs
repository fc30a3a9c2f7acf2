//! SRGS 1.0: both forms, references, matching, limits.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod common;
mod faults;
mod forms;
mod loading;
mod matching;
mod phrases;
mod suite;
