//! Times of day in English.

use super::{
    Readings,
    date::{DateContext, day},
    numbers::below_hundred,
};
use crate::{
    builtin::{
        time::{DayPart, TimeOfDay},
        tokens::{after, is_any, of_table, skip, starts, written},
    },
    number::english_unit,
};

const PARTS: [(&str, DayPart); 17] = [
    ("am", DayPart::Morning),
    ("in the morning", DayPart::Morning),
    ("this morning", DayPart::Morning),
    ("tomorrow morning", DayPart::Morning),
    ("morning", DayPart::Morning),
    ("pm", DayPart::Afternoon),
    ("in the afternoon", DayPart::Afternoon),
    ("this afternoon", DayPart::Afternoon),
    ("tomorrow afternoon", DayPart::Afternoon),
    ("afternoon", DayPart::Afternoon),
    ("in the evening", DayPart::Evening),
    ("this evening", DayPart::Evening),
    ("tomorrow evening", DayPart::Evening),
    ("at night", DayPart::Night),
    ("tonight", DayPart::Night),
    ("tomorrow night", DayPart::Night),
    ("in the night", DayPart::Night),
];

/// The part of the day that `tokens` begin with.
pub(super) fn day_part(tokens: &[String]) -> Option<(usize, DayPart)> {
    of_table(tokens, &PARTS).into_iter().next()
}

/// A whole utterance as a time of day, and whether a date stood beside it.
pub(in crate::builtin) fn time(tokens: &[String], context: DateContext) -> Option<(TimeOfDay, bool)> {
    let alone = |tokens: &[String]| {
        let tokens = after(tokens, skip(tokens, &["at", "around", "about", "by"]));
        time_readings(tokens).into_iter().find(|(length, _)| *length == tokens.len()).map(|(_, time)| time)
    };
    if let Some(time) = alone(tokens) {
        return Some((time, false));
    }
    // "tomorrow at three pm", "three pm tomorrow"
    (1..tokens.len()).find_map(|at| {
        let (head, tail) = tokens.split_at_checked(at)?;
        let dated = day(head, context).and_then(|_| alone(tail));
        dated.or_else(|| day(tail, context).and_then(|_| alone(head))).map(|time| (time, true))
    })
}

/// Times at the begin of `tokens`, with the part of the day before or behind them.
pub(super) fn time_readings(tokens: &[String]) -> Readings<TimeOfDay> {
    let mut readings = Vec::new();
    // "tonight at seven", "this morning at nine"
    if let Some((length, part)) = day_part(tokens) {
        let at = skip(after(tokens, length), &["at", "around", "about"]);
        for (more, time) in clock(after(tokens, length + at)) {
            readings.extend(time.in_part(part).map(|time| (length + at + more, time)));
        }
    }
    for (length, time) in clock(tokens) {
        let sharp = skip(after(tokens, length), &["sharp", "exactly", "on the dot"]);
        readings.push((length + sharp, time));
        let rest = after(tokens, length);
        for (more, part) in of_table(rest, &PARTS) {
            let sharp = skip(after(rest, more), &["sharp", "exactly", "on the dot"]);
            readings.extend(time.in_part(part).map(|time| (length + more + sharp, time)));
        }
    }
    readings
}

/// Times as a clock shows them.
fn clock(tokens: &[String]) -> Readings<TimeOfDay> {
    let mut readings: Readings<TimeOfDay> = of_table(
        tokens,
        &[
            ("noon", TimeOfDay::NOON),
            ("midday", TimeOfDay::NOON),
            ("twelve noon", TimeOfDay::NOON),
            ("12 noon", TimeOfDay::NOON),
            ("high noon", TimeOfDay::NOON),
            ("midnight", TimeOfDay::MIDNIGHT),
            ("twelve midnight", TimeOfDay::MIDNIGHT),
            ("12 midnight", TimeOfDay::MIDNIGHT),
        ],
    );
    readings.extend(written_clock(tokens));
    readings.extend(around_the_hour(tokens));
    readings.extend(military(tokens));
    for (length, hour) in below_hundred(tokens) {
        let rest = after(tokens, length);
        let oclock = skip(rest, &["oclock", "o clock"]);
        readings.extend(TimeOfDay::clock(hour, 0).map(|time| (length + oclock, time)));
        // "three oh five"
        if let (Some("oh" | "o"), Some(unit)) =
            (rest.first().map(String::as_str), rest.get(1).and_then(|word| english_unit(word)))
        {
            readings.extend(TimeOfDay::clock(hour, u64::from(unit)).map(|time| (length + 2, time)));
        }
        let two_digits = |word: &String| word.len() == 2 || written(word, 1).is_none();
        let minutes = below_hundred(rest).into_iter().filter(|(_, minute)| {
            *minute > 9 || rest.first().is_some_and(|word| word.len() == 2 && word.starts_with('0'))
        });
        for (more, minute) in minutes.filter(|_| rest.first().is_some_and(two_digits)) {
            let hours = skip(after(rest, more), &["hours"]);
            readings.extend(TimeOfDay::clock(hour, minute).map(|time| (length + more + hours, time)));
        }
    }
    readings
}

/// `5:30`, `9.45`, `830`, `0800`.
fn written_clock(tokens: &[String]) -> Option<(usize, TimeOfDay)> {
    let first = tokens.first()?;
    if tokens.get(1).is_some_and(|sign| sign == ":") {
        let minute = tokens.get(2).filter(|minute| minute.len() == 2).and_then(|minute| written(minute, 2))?;
        let seconds = if tokens.get(3).is_some_and(|sign| sign == ":") { 2 } else { 0 };
        return Some((3 + seconds, TimeOfDay::clock(written(first, 2)?, minute)?));
    }
    if let Some((hour, minute)) = first.split_once('.') {
        let minute = written(minute, 2).filter(|_| minute.len() == 2)?;
        return Some((1, TimeOfDay::clock(written(hour, 2)?, minute)?));
    }
    let value = written(first, 4).filter(|_| first.len() > 2)?;
    let hours = skip(after(tokens, 1), &["hours", "hundred hours"]);
    let time = if first.starts_with('0') || hours > 0 { TimeOfDay::military } else { TimeOfDay::clock };
    Some((1 + hours, time(value / 100, value % 100)?))
}

/// "half past five", "a quarter to six", "ten minutes after three", "half five".
fn around_the_hour(tokens: &[String]) -> Readings<TimeOfDay> {
    let mut readings = Vec::new();
    let mut minutes: Readings<u64> =
        of_table(tokens, &[("half", 30), ("a half", 30), ("quarter", 15), ("a quarter", 15)]);
    minutes.extend(below_hundred(tokens).into_iter().filter(|(_, minutes)| (1..60).contains(minutes)));
    for (length, minutes) in minutes {
        let length = length + skip(after(tokens, length), &["minutes", "minute"]);
        let rest = after(tokens, length);
        let past = skip(rest, &["past", "after"]);
        let before = skip(rest, &["to", "till", "til", "until", "before", "of"]);
        let hour_at = length + past.max(before);
        for (more, hour) in below_hundred(after(tokens, hour_at)).into_iter().filter(|(_, hour)| *hour > 0) {
            let oclock = skip(after(tokens, hour_at + more), &["oclock", "o clock"]);
            let end = hour_at + more + oclock;
            let bare_half = minutes == 30 && length == 1 && starts(tokens, "half").is_some();
            if past > 0 || (before == 0 && bare_half) {
                readings.extend(TimeOfDay::clock(hour, minutes).map(|time| (end, time)));
            } else if before > 0 && minutes != 30 {
                readings.extend(TimeOfDay::before(hour, minutes).map(|time| (end, time)));
            }
        }
    }
    readings
}

/// "fifteen hundred hours", "oh nine hundred", "zero eight thirty".
fn military(tokens: &[String]) -> Readings<TimeOfDay> {
    let mut readings = Vec::new();
    let zero = skip(tokens, &["oh", "zero", "o"]);
    for (length, hour) in below_hundred(after(tokens, zero)) {
        if zero > 0 && hour > 9 {
            continue;
        }
        let at = zero + length;
        let rest = after(tokens, at);
        let mut minutes: Readings<u64> = of_table(rest, &[("hundred", 0)]);
        if zero > 0 {
            minutes.extend(below_hundred(rest).into_iter().filter(|(_, minute)| *minute > 9));
        }
        for (more, minute) in minutes {
            let end = at + more;
            let hours = skip(after(tokens, end), &["hours", "hour"]);
            readings.extend(TimeOfDay::military(hour, minute).map(|time| (end + hours, time)));
        }
    }
    if is_any(tokens, &["zero hours", "zero hour"]) {
        readings.extend(TimeOfDay::military(0, 0).map(|time| (2, time)));
    }
    readings
}
