//! Times of day in Chinese.

use jiff::civil::Date;

use super::{date::day, numbers::cardinal};
use crate::builtin::{
    time::{DayPart, TimeOfDay},
    tokens::{after, is_any, of_table, skip, written},
};

const PARTS: [(&str, DayPart); 23] = [
    ("凌晨", DayPart::Morning),
    ("清晨", DayPart::Morning),
    ("清早", DayPart::Morning),
    ("早晨", DayPart::Morning),
    ("早上", DayPart::Morning),
    ("大早上", DayPart::Morning),
    ("上午", DayPart::Morning),
    ("今早", DayPart::Morning),
    ("明早", DayPart::Morning),
    ("am", DayPart::Morning),
    ("中午", DayPart::Midday),
    ("下午", DayPart::Afternoon),
    ("午后", DayPart::Afternoon),
    ("pm", DayPart::Afternoon),
    ("傍晚", DayPart::Evening),
    ("晚上", DayPart::Evening),
    ("晚间", DayPart::Evening),
    ("今晚", DayPart::Evening),
    ("明晚", DayPart::Evening),
    ("夜里", DayPart::Night),
    ("夜晚", DayPart::Night),
    ("半夜", DayPart::Night),
    ("深夜", DayPart::Night),
];

pub(super) fn day_part(tokens: &[String]) -> Option<(usize, DayPart)> {
    of_table(tokens, &PARTS).into_iter().next()
}

/// A whole utterance as a time of day, and whether a date stood before it.
pub(in crate::builtin) fn time(tokens: &[String], today: Option<Date>) -> Option<(TimeOfDay, bool)> {
    if let Some(time) = time_alone(tokens) {
        return Some((time, false));
    }
    (1..tokens.len()).find_map(|at| {
        let (head, tail) = tokens.split_at_checked(at)?;
        let tail = after(tail, skip(tail, &["的"]));
        day(head, today).and_then(|_| time_alone(tail)).map(|time| (time, true))
    })
}

/// All of `tokens` as a time of day.
pub(super) fn time_alone(tokens: &[String]) -> Option<TimeOfDay> {
    if is_any(tokens, &["正午", "中午"]) {
        return Some(TimeOfDay::NOON);
    }
    if is_any(tokens, &["午夜", "子夜"]) {
        return Some(TimeOfDay::MIDNIGHT);
    }
    match day_part(tokens) {
        Some((length, part)) => {
            let rest = after(tokens, length + skip(after(tokens, length), &["的"]));
            clock(rest)?.in_part(part)
        }
        None => clock(tokens),
    }
}

fn clock(tokens: &[String]) -> Option<TimeOfDay> {
    written_clock(tokens).or_else(|| minutes_short(tokens)).or_else(|| hour_and_minutes(tokens))
}

/// `14:30`, `14.30`分
fn written_clock(tokens: &[String]) -> Option<TimeOfDay> {
    let (hour, rest) = tokens.split_first()?;
    if let Some((hour, minute)) = hour.split_once('.') {
        let whole = minute.len() == 2 && (rest.is_empty() || is_any(rest, &["分"]));
        return whole.then(|| TimeOfDay::clock(written(hour, 2)?, written(minute, 2)?))?;
    }
    let clock = match rest {
        [sign, minute] if sign == ":" && minute.len() == 2 => (hour, minute),
        [sign, minute, second_sign, _] if sign == ":" && second_sign == ":" && minute.len() == 2 => (hour, minute),
        _ => return None,
    };
    TimeOfDay::clock(written(clock.0, 2)?, written(clock.1, 2)?)
}

/// 差一刻三点, 差五分钟三点, 三点差五分
fn minutes_short(tokens: &[String]) -> Option<TimeOfDay> {
    if tokens.first().is_some_and(|token| token == "差") {
        let (length, minutes) = minutes(after(tokens, 1))?;
        let (more, hour) = hour(after(tokens, 1 + length))?;
        return (1 + length + more == tokens.len()).then(|| TimeOfDay::before(hour, minutes))?;
    }
    let (length, hour) = hour(tokens)?;
    let short = skip(after(tokens, length), &["差"]);
    let (more, minutes) = minutes(after(tokens, length + short)).filter(|_| short > 0)?;
    (length + short + more == tokens.len()).then(|| TimeOfDay::before(hour, minutes))?
}

/// 五分, 五分钟, 一刻
fn minutes(tokens: &[String]) -> Option<(usize, u64)> {
    let (length, count) = cardinal(tokens)?;
    let rest = after(tokens, length);
    let quarter = skip(rest, &["刻钟", "刻"]);
    if quarter > 0 && (1..=3).contains(&count) {
        return Some((length + quarter, count * 15));
    }
    let unit = skip(rest, &["分钟", "分"]);
    (unit > 0 && count < 60).then_some((length + unit, count))
}

/// 八点, 八时, 八点钟
fn hour(tokens: &[String]) -> Option<(usize, u64)> {
    let (length, hour) = cardinal(tokens)?;
    let unit = skip(after(tokens, length), &["点钟", "点", "时"]);
    (unit > 0).then_some((length + unit, hour))
}

/// 八点, 八点半, 八点一刻, 八点零五, 八点四十五分, 八点过五分, 八点整
fn hour_and_minutes(tokens: &[String]) -> Option<TimeOfDay> {
    let (length, hour) = hour(tokens)?;
    let rest = after(tokens, length);
    if rest.is_empty() || is_any(rest, &["整"]) {
        return TimeOfDay::clock(hour, 0);
    }
    if is_any(rest, &["半", "半钟"]) {
        return TimeOfDay::clock(hour, 30);
    }
    let past = skip(rest, &["过", "又"]);
    let rest = after(rest, past);
    if let Some((more, minutes)) = minutes(rest) {
        return (more == rest.len()).then(|| TimeOfDay::clock(hour, minutes))?;
    }
    // A single digit without 零 or 分 would be a decimal: 八点五.
    let (more, minutes) = cardinal(rest)?;
    let two_digits = minutes > 9 || more == 2 || rest.first().is_some_and(|token| token.len() == 2);
    (more == rest.len() && two_digits).then(|| TimeOfDay::clock(hour, minutes))?
}
