//! What Chinese speakers say to the builtin types. Everything here reads tokens without hesitation and politeness.

mod date;
mod digits;
mod money;
mod numbers;
mod repair;
mod time;

pub(super) use date::date;
pub(super) use digits::{digits, phone};
pub(super) use money::amount;
pub(super) use numbers::number;
pub(super) use repair::{Repairable, repairs};
pub(super) use time::time;
