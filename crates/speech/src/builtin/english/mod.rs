//! What English speakers say to the builtin types. Everything here reads tokens without hesitation and politeness.

mod date;
mod digits;
mod money;
mod numbers;
mod phone;
mod time;

pub(super) use date::{DateContext, date};
pub(super) use digits::digits;
pub(super) use money::amount;
pub(super) use numbers::number;
pub(super) use phone::phone;
pub(super) use time::time;

/// All the ways in which tokens begin with something: how many tokens each takes, and what it says.
type Readings<T> = Vec<(usize, T)>;

/// The reading that takes all `count` tokens.
fn whole<T>(readings: Readings<T>, count: usize) -> Option<T> {
    readings.into_iter().find(|(length, _)| *length == count).map(|(_, value)| value)
}
