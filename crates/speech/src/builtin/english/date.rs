//! Dates in English.

use jiff::civil::{Date, Weekday};

use super::{
    Readings, digits,
    numbers::{below_hundred, cardinals, ordinals},
    time::{day_part, time_readings},
    whole,
};
use crate::{
    builtin::{
        date::{PartialDate, Unit, coming, full_year, in_week, last, shifted},
        tokens::{after, is_any, of_table, skip, starts, written},
    },
    number::english_unit,
};

const MONTHS: [(&str, i8); 24] = [
    ("january", 1),
    ("jan", 1),
    ("february", 2),
    ("feb", 2),
    ("march", 3),
    ("mar", 3),
    ("april", 4),
    ("apr", 4),
    ("may", 5),
    ("june", 6),
    ("jun", 6),
    ("july", 7),
    ("jul", 7),
    ("august", 8),
    ("aug", 8),
    ("september", 9),
    ("sept", 9),
    ("sep", 9),
    ("october", 10),
    ("oct", 10),
    ("november", 11),
    ("nov", 11),
    ("december", 12),
    ("dec", 12),
];

const WEEKDAYS: [(&str, Weekday); 14] = [
    ("monday", Weekday::Monday),
    ("mondays", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("tuesdays", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("wednesdays", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("thursdays", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("fridays", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("saturdays", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
    ("sundays", Weekday::Sunday),
];

/// Days with a name that are the same each year, as month and day.
const HOLIDAYS: [(&str, (i8, i8)); 13] = [
    ("christmas day", (12, 25)),
    ("christmas eve", (12, 24)),
    ("christmas", (12, 25)),
    ("boxing day", (12, 26)),
    ("new years day", (1, 1)),
    ("new years eve", (12, 31)),
    ("new years", (1, 1)),
    ("valentines day", (2, 14)),
    ("valentines", (2, 14)),
    ("saint patricks day", (3, 17)),
    ("st patricks day", (3, 17)),
    ("independence day", (7, 4)),
    ("halloween", (10, 31)),
];

/// What is known beside the words.
#[derive(Clone, Copy)]
pub(in crate::builtin) struct DateContext {
    pub(in crate::builtin) today: Option<Date>,
    /// Whether `3/5` is the third of May.
    pub(in crate::builtin) day_first: bool,
}

/// A whole utterance as a date, and whether a time of day stood beside it.
pub(in crate::builtin) fn date(tokens: &[String], context: DateContext) -> Option<(PartialDate, bool)> {
    if let Some(date) = day(tokens, context) {
        return Some((date, false));
    }
    // "tomorrow at three pm", "Monday morning"
    (1..tokens.len()).find_map(|end| {
        let (date, time) = tokens.split_at_checked(end)?;
        let date = day(date, context)?;
        is_time_of_day(time).then_some((date, true))
    })
}

pub(super) fn day(tokens: &[String], context: DateContext) -> Option<PartialDate> {
    if let Some(date) = whole(relative(tokens, context.today), tokens.len()) {
        return Some(date);
    }
    let tokens = after(tokens, skip(tokens, &["on", "in", "by"]));
    with_signs(tokens, context)
        .or_else(|| whole(relative(tokens, context.today), tokens.len()))
        .or_else(|| whole(calendar(tokens, context.today), tokens.len()))
        .or_else(|| with_weekday(tokens, context.today))
        .or_else(|| spoken_digits(tokens, context.today))
}

fn is_time_of_day(tokens: &[String]) -> bool {
    let at = skip(tokens, &["at", "around", "about", "by"]);
    let rest = after(tokens, at);
    let part = |tokens: &[String]| day_part(tokens).is_some_and(|(length, _)| length == tokens.len());
    (at == 0 && part(tokens)) || is_any(tokens, &["morning", "afternoon", "evening", "night"]) || {
        // "February 29 2027" is no time.
        let told_as_time = at > 0 || rest.len() > 1;
        told_as_time && time_readings(rest).into_iter().any(|(length, _)| length == rest.len())
    }
}

/// `3/5/2027`, `3/5`, `2027-03-05`.
fn with_signs(tokens: &[String], context: DateContext) -> Option<PartialDate> {
    let sign = tokens.get(1).filter(|sign| *sign == "/" || *sign == "-")?;
    let number = |at: usize| tokens.get(at).and_then(|token| written(token, 4));
    let part = |at: usize| number(at).and_then(|value| i8::try_from(value).ok());
    match tokens.len() {
        3 if sign == "/" => {
            let (month, day) = if context.day_first { (part(2)?, part(0)?) } else { (part(0)?, part(2)?) };
            PartialDate::month_day(month, day)
        }
        5 if tokens.get(3) == Some(sign) => {
            if tokens.first().is_some_and(|year| year.len() == 4) {
                return PartialDate::new(i16::try_from(number(0)?).ok(), part(2), part(4));
            }
            let year = match tokens.get(4)?.len() {
                4 => i16::try_from(number(4)?).ok(),
                2 => full_year(number(4)?, context.today),
                _ => None,
            }?;
            let (month, day) = if context.day_first { (part(2)?, part(0)?) } else { (part(0)?, part(2)?) };
            PartialDate::new(Some(year), Some(month), Some(day))
        }
        _ => None,
    }
}

/// Days told relative to today.
fn relative(tokens: &[String], today: Option<Date>) -> Readings<PartialDate> {
    let Some(today) = today else { return Vec::new() };
    let mut readings: Readings<PartialDate> = Vec::new();
    let mut add = |length: usize, date: Option<Date>| {
        readings.extend(date.map(|date| (length, PartialDate::from(date))));
    };
    for (length, date) in anchors(tokens, today) {
        add(length, Some(date));
    }
    // "a week from Monday", "two weeks from today", "in three days", "three days ago"
    let lead = skip(tokens, &["in"]);
    for (length, count, unit) in spans(after(tokens, lead)) {
        let length = lead + length;
        let rest = after(tokens, length);
        if lead > 0 {
            add(length, shifted(today, count, unit));
            continue;
        }
        if let Some(more) = starts(rest, "from now") {
            add(length + more, shifted(today, count, unit));
        }
        if let Some(more) = starts(rest, "ago") {
            add(length + more, shifted(today, -count, unit));
        }
        for (joint, sign) in of_table(rest, &[("from", 1), ("after", 1), ("before", -1)]) {
            for (more, anchor) in anchors(after(rest, joint), today) {
                add(length + joint + more, shifted(anchor, sign * count, unit));
            }
        }
    }
    // "the end of the month", "the last day of next month", "the first of next month"
    let the = skip(tokens, &["the"]);
    let rest = after(tokens, the);
    let end = skip(rest, &["end of", "last day of", "very end of"]);
    if end > 0 {
        for (length, months) in months_from_now(after(rest, end)) {
            add(the + end + length, shifted(today, months, Unit::Month).map(Date::last_of_month));
        }
        for (length, years) in years_from_now(after(rest, end)) {
            add(the + end + length, shifted(today, years, Unit::Year).map(Date::last_of_year));
        }
    }
    for (length, day) in ordinals(rest) {
        let of = skip(after(rest, length), &["day of", "of"]);
        for (more, months) in months_from_now(after(rest, length + of)).into_iter().filter(|_| of > 0) {
            let month = shifted(today.first_of_month(), months, Unit::Month);
            let date = month.and_then(|month| Date::new(month.year(), month.month(), i8::try_from(day).ok()?).ok());
            add(the + length + of + more, date);
        }
    }
    for (length, months) in months_from_now(tokens) {
        let month = shifted(today.first_of_month(), months, Unit::Month);
        readings.extend(month.map(|month| (length, PartialDate::of_month(month))));
    }
    for (length, years) in years_from_now(tokens) {
        let year = shifted(today, years, Unit::Year).map(Date::year);
        readings.extend(year.map(|year| (length, PartialDate { year: Some(year), month: None, day: None })));
    }
    readings
}

/// Days that are named: "today", "the day after tomorrow", "next Tuesday", "Friday".
fn anchors(tokens: &[String], today: Date) -> Readings<Date> {
    const DAYS: [(&str, i64); 10] = [
        ("the day before yesterday", -2),
        ("day before yesterday", -2),
        ("yesterday", -1),
        ("today", 0),
        ("todays date", 0),
        ("tonight", 0),
        ("tomorrow", 1),
        ("tmrw", 1),
        ("the day after tomorrow", 2),
        ("day after tomorrow", 2),
    ];
    let mut readings: Readings<Date> = of_table(tokens, &DAYS)
        .into_iter()
        .filter_map(|(length, days)| Some((length, shifted(today, days, Unit::Day)?)))
        .collect();
    let weekday = |lead: usize| of_table(after(tokens, lead), &WEEKDAYS).into_iter().next();
    for (lead, resolve) in [
        ("", coming as fn(Date, Weekday) -> Option<Date>),
        ("coming", coming),
        ("this coming", coming),
        ("the coming", coming),
        ("this", this_weekday),
        ("next", |today, weekday| in_week(today, 1, weekday)),
        ("last", last),
        ("this past", last),
    ] {
        let Some(length) = starts(tokens, lead) else { continue };
        if let Some((more, weekday)) = weekday(length)
            && let Some(date) = resolve(today, weekday)
        {
            readings.push((length + more, date));
            for (tail, weeks) in of_table(after(tokens, length + more), &[("next week", 1), ("this week", 0)]) {
                readings.extend(in_week(today, weeks, weekday).map(|date| (length + more + tail, date)));
            }
        }
    }
    readings
}

/// "This Monday" is in this week, unless it is over.
fn this_weekday(today: Date, weekday: Weekday) -> Option<Date> {
    in_week(today, 0, weekday).filter(|date| *date >= today).or_else(|| coming(today, weekday))
}

/// "a week", "three days"
fn spans(tokens: &[String]) -> Vec<(usize, i64, Unit)> {
    const UNITS: [(&str, Unit); 8] = [
        ("day", Unit::Day),
        ("days", Unit::Day),
        ("week", Unit::Week),
        ("weeks", Unit::Week),
        ("month", Unit::Month),
        ("months", Unit::Month),
        ("year", Unit::Year),
        ("years", Unit::Year),
    ];
    let article = tokens.first().filter(|word| *word == "a" || *word == "an").map(|_| (1, 1));
    let couple = starts(tokens, "a couple of").map(|length| (length, 2));
    cardinals(tokens)
        .into_iter()
        .chain(article)
        .chain(couple)
        .flat_map(|(length, count)| {
            let count = i64::try_from(count).ok();
            let units = of_table(after(tokens, length), &UNITS);
            units.into_iter().filter_map(move |(more, unit)| Some((length + more, count?, unit)))
        })
        .collect()
}

fn months_from_now(tokens: &[String]) -> Readings<i64> {
    of_table(tokens, &[("the month", 0), ("this month", 0), ("next month", 1), ("last month", -1)])
}

fn years_from_now(tokens: &[String]) -> Readings<i64> {
    of_table(tokens, &[("the year", 0), ("this year", 0), ("next year", 1), ("last year", -1)])
}

/// A month alone, with its day, with a year; a day alone; a year alone; a day with a name.
fn calendar(tokens: &[String], today: Option<Date>) -> Readings<PartialDate> {
    let mut readings: Readings<PartialDate> = Vec::new();
    let mut days: Readings<PartialDate> = Vec::new();
    for (length, month) in of_table(tokens, &MONTHS) {
        let the = skip(after(tokens, length), &["the"]);
        let rest = after(tokens, length + the);
        for (more, day) in ordinals(rest).into_iter().chain(below_hundred(rest).into_iter().filter(|_| the == 0)) {
            let date = i8::try_from(day).ok().and_then(|day| PartialDate::month_day(month, day));
            days.extend(date.map(|date| (length + the + more, date)));
        }
        let alone = PartialDate { year: None, month: Some(month), day: None };
        readings.push((length, alone));
        let of = skip(after(tokens, length), &["of"]);
        for (more, year) in years(after(tokens, length + of)) {
            readings.extend(alone.in_year(year).map(|date| (length + of + more, date)));
        }
        for (more, years) in years_from_now(after(tokens, length + of)) {
            let date = today.and_then(|today| alone.in_year(shifted(today, years, Unit::Year)?.year()));
            readings.extend(date.map(|date| (length + of + more, date)));
        }
    }
    let the = skip(tokens, &["the"]);
    let rest = after(tokens, the);
    let end = skip(rest, &["end of", "last day of"]);
    for (length, month) in of_table(after(rest, end), &MONTHS).into_iter().filter(|_| end > 0) {
        // Without a year February is taken to have 28 days.
        let last =
            Date::new(2027, month, 1).ok().and_then(|first| PartialDate::month_day(month, first.days_in_month()));
        days.extend(last.map(|date| (the + end + length, date)));
    }
    for (length, day) in ordinals(rest) {
        let Ok(day) = i8::try_from(day) else { continue };
        let alone = PartialDate::new(None, None, Some(day));
        readings.extend(alone.map(|date| (the + length, date)));
        let of = skip(after(rest, length), &["day of", "of"]);
        for (more, month) in of_table(after(rest, length + of), &MONTHS) {
            days.extend(PartialDate::month_day(month, day).map(|date| (the + length + of + more, date)));
        }
    }
    for (length, day) in below_hundred(tokens) {
        for (more, month) in of_table(after(tokens, length), &MONTHS) {
            let date = i8::try_from(day).ok().and_then(|day| PartialDate::month_day(month, day));
            days.extend(date.map(|date| (length + more, date)));
        }
    }
    for (length, (month, day)) in of_table(tokens, &HOLIDAYS) {
        days.extend(PartialDate::month_day(month, day).map(|date| (length, date)));
    }
    if let Some(length) = starts(tokens, "the fourth of july") {
        days.extend(PartialDate::month_day(7, 4).map(|date| (length, date)));
    }
    for (length, year) in years(tokens) {
        readings.push((length, PartialDate { year: Some(year), month: None, day: None }));
        // "twenty twenty seven March fifth"
        for (more, date) in calendar_days(after(tokens, length)) {
            readings.extend(date.in_year(year).map(|date| (length + more, date)));
        }
    }
    for (length, date) in days {
        readings.push((length, date));
        let joint = skip(after(tokens, length), &["of", "in"]);
        let rest = after(tokens, length + joint);
        let full = years(rest).into_iter().chain(
            years_from_now(rest)
                .into_iter()
                .filter_map(|(more, years)| Some((more, shifted(today?, years, Unit::Year)?.year()))),
        );
        for (more, year) in full.chain(short_years(rest, today)) {
            readings.extend(date.in_year(year).map(|date| (length + joint + more, date)));
        }
    }
    readings
}

/// A month with its day, without a year.
fn calendar_days(tokens: &[String]) -> Readings<PartialDate> {
    let mut days = Vec::new();
    for (length, month) in of_table(tokens, &MONTHS) {
        let the = skip(after(tokens, length), &["the"]);
        let rest = after(tokens, length + the);
        for (more, day) in ordinals(rest).into_iter().chain(below_hundred(rest)) {
            let date = i8::try_from(day).ok().and_then(|day| PartialDate::month_day(month, day));
            days.extend(date.map(|date| (length + the + more, date)));
        }
    }
    days
}

/// Years in full: "nineteen eighty four", "two thousand and three", "twenty oh five", `2027`.
fn years(tokens: &[String]) -> Readings<i16> {
    let lead = skip(tokens, &["the year", "year"]);
    let tokens = after(tokens, lead);
    let mut readings = Vec::new();
    if let Some(year) = tokens.first().filter(|word| word.len() == 4).and_then(|word| written(word, 4)) {
        readings.push((1, year));
    }
    for (length, century) in below_hundred(tokens) {
        let spoken = tokens.first().is_some_and(|word| written(word, 2).is_none());
        if !(spoken && (10..=29).contains(&century)) {
            continue;
        }
        let rest = after(tokens, length);
        readings.extend(
            below_hundred(rest)
                .into_iter()
                .filter(|(_, low)| *low > 9)
                .map(|(n, low)| (length + n, century * 100 + low)),
        );
        if rest.first().is_some_and(|word| word == "oh" || word == "o") {
            let unit = rest.get(1).and_then(|word| english_unit(word));
            readings.extend(unit.map(|unit| (length + 2, century * 100 + u64::from(unit))));
        }
        if rest.first().is_some_and(|word| word == "hundred") && century < 20 {
            readings.push((length + 1, century * 100));
        }
    }
    readings.extend(cardinals(tokens).into_iter().filter(|(length, year)| *length > 1 && (2000..2100).contains(year)));
    let spelled: Vec<u32> = tokens.iter().take(4).map_while(|word| english_unit(word)).collect();
    if let [first @ (1 | 2), rest @ ..] = spelled.as_slice()
        && rest.len() == 3
    {
        let year = rest.iter().fold(*first, |year, digit| year * 10 + digit);
        readings.push((4, u64::from(year)));
    }
    readings
        .into_iter()
        .filter(|(_, year)| (1800..2200).contains(year))
        .filter_map(|(length, year)| Some((lead + length, i16::try_from(year).ok()?)))
        .collect()
}

/// Years of two digits, behind a day: "seventy six", "oh five", `76`.
fn short_years(tokens: &[String], today: Option<Date>) -> Readings<i16> {
    let mut readings: Readings<u64> = below_hundred(tokens).into_iter().filter(|(_, year)| *year > 9).collect();
    if let (Some("oh" | "zero"), Some(unit)) =
        (tokens.first().map(String::as_str), tokens.get(1).and_then(|word| english_unit(word)))
    {
        readings.push((2, u64::from(unit)));
    }
    readings.into_iter().filter_map(|(length, year)| Some((length, full_year(year, today)?))).collect()
}

/// "Tuesday March fifth", "March fifth, a Tuesday": the weekday is not checked.
fn with_weekday(tokens: &[String], today: Option<Date>) -> Option<PartialDate> {
    let (length, _) = of_table(tokens, &WEEKDAYS).into_iter().next()?;
    let rest = after(tokens, length);
    let found = whole(calendar(rest, today), rest.len())?;
    found.day.map(|_| found)
}

/// A date spoken as numbers: "seven four nineteen seventy six", or as eight digits.
fn spoken_digits(tokens: &[String], today: Option<Date>) -> Option<PartialDate> {
    for (month_length, month) in two_digits(tokens) {
        let rest = after(tokens, month_length);
        for (day_length, day) in two_digits(rest) {
            let year = after(rest, day_length);
            let date = |year| PartialDate::new(Some(year), i8::try_from(month).ok(), i8::try_from(day).ok());
            if let Some(date) = whole(years(year), year.len()).and_then(date) {
                return Some(date);
            }
        }
    }
    let digits = digits(tokens).filter(|digits| digits.len() == 8)?;
    let part = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<i16>().ok());
    let small = |from: usize| part(from, from + 2).and_then(|part| i8::try_from(part).ok());
    let plausible = |year: &i16| today.map_or((1900..2100).contains(year), |today| (today.year() - *year).abs() < 130);
    let year_first = part(0, 4).filter(plausible).and_then(|year| PartialDate::new(Some(year), small(4), small(6)));
    year_first
        .or_else(|| part(4, 8).filter(plausible).and_then(|year| PartialDate::new(Some(year), small(0), small(2))))
}

/// "seven", "oh seven", "eleven"
fn two_digits(tokens: &[String]) -> Readings<u64> {
    match (tokens.first().map(String::as_str), tokens.get(1).and_then(|word| english_unit(word))) {
        (Some("oh" | "zero" | "o"), Some(unit)) => vec![(2, u64::from(unit))],
        _ => below_hundred(tokens),
    }
}
