//! Dates in Chinese.

use jiff::civil::{Date, Weekday};

use super::{
    numbers::{cardinal, digit_run},
    time::{day_part, time_alone},
};
use crate::builtin::{
    date::{PartialDate, Unit, coming, full_year, in_week, shifted},
    tokens::{after, of_table, skip, starts, written},
};

/// A whole utterance as a date, and whether a time of day stood beside it.
pub(in crate::builtin) fn date(tokens: &[String], today: Option<Date>) -> Option<(PartialDate, bool)> {
    if let Some(date) = day(tokens, today) {
        return Some((date, false));
    }
    // 下周三下午两点, 明天上午
    (1..tokens.len()).find_map(|end| {
        let (head, time) = tokens.split_at_checked(end)?;
        let date = day(head, today)?;
        let part = day_part(time).is_some_and(|(length, _)| length == time.len());
        (part || time_alone(time).is_some()).then_some((date, true))
    })
}

pub(super) fn day(tokens: &[String], today: Option<Date>) -> Option<PartialDate> {
    let tokens = after(tokens, skip(tokens, &["公历", "阳历"]));
    let all = |(length, date): (usize, PartialDate)| (length == tokens.len()).then_some(date);
    today
        .and_then(|today| relative(tokens, today).or_else(|| month_end(tokens, today)))
        .and_then(all)
        .or_else(|| calendar(tokens, today).and_then(all))
        .or_else(|| with_weekday(tokens, today))
        .or_else(|| with_signs(tokens, today))
        .or_else(|| eight_digits(tokens))
}

/// 今天, 大后天, 下周三, 三天后
fn relative(tokens: &[String], today: Date) -> Option<(usize, PartialDate)> {
    const DAYS: [(&str, i64); 21] = [
        ("大前天", -3),
        ("前天", -2),
        ("昨天", -1),
        ("昨日", -1),
        ("昨晚", -1),
        ("今天", 0),
        ("今日", 0),
        ("今儿", 0),
        ("今晚", 0),
        ("今早", 0),
        ("当天", 0),
        ("明天", 1),
        ("明日", 1),
        ("明儿", 1),
        ("明早", 1),
        ("明晚", 1),
        ("次日", 1),
        ("后天", 2),
        ("后日", 2),
        ("大后天", 3),
        ("大后日", 3),
    ];
    if let Some((length, days)) = of_table(tokens, &DAYS).into_iter().next() {
        return Some((length, shifted(today, days, Unit::Day)?.into()));
    }
    if let Some((length, date)) = weekday_of_week(tokens, today) {
        return Some((length, date.into()));
    }
    // 过三天, 再过两周
    let past = skip(tokens, &["再过", "过"]);
    let (length, count) = cardinal(after(tokens, past))?;
    let length = past + length;
    let rest = after(tokens, length);
    let units = [
        ("天", Unit::Day),
        ("日", Unit::Day),
        ("周", Unit::Week),
        ("个星期", Unit::Week),
        ("星期", Unit::Week),
        ("个礼拜", Unit::Week),
        ("礼拜", Unit::Week),
        ("个月", Unit::Month),
        ("年", Unit::Year),
    ];
    let (unit_length, unit) = of_table(rest, &units).into_iter().next()?;
    let rest = after(rest, unit_length);
    let sides = [("之后", 1), ("以后", 1), ("过后", 1), ("后", 1), ("之前", -1), ("以前", -1), ("前", -1)];
    let side = of_table(rest, &sides).into_iter().next();
    let (side_length, sign) = side.or((past > 0).then_some((0, 1)))?;
    let date = shifted(today, sign * i64::try_from(count).ok()?, unit)?;
    Some((length + unit_length + side_length, date.into()))
}

/// 周三, 这周三, 下周三, 下下周三, 上个星期五: weeks begin on Monday; without a week it is the next such day.
fn weekday_of_week(tokens: &[String], today: Date) -> Option<(usize, Date)> {
    let weeks = [
        ("上上个", -2),
        ("上上", -2),
        ("上个", -1),
        ("上", -1),
        ("这个", 0),
        ("这", 0),
        ("本", 0),
        ("下个", 1),
        ("下", 1),
        ("下下个", 2),
        ("下下", 2),
    ];
    let week = of_table(tokens, &weeks).into_iter().next();
    let lead = week.map_or(0, |(length, _)| length);
    let (length, weekday) = weekday(after(tokens, lead))?;
    let date = match week {
        Some((_, weeks)) => in_week(today, weeks, weekday),
        None => coming(today, weekday),
    };
    Some((lead + length, date?))
}

/// 周三, 星期天, 礼拜5
fn weekday(tokens: &[String]) -> Option<(usize, Weekday)> {
    let name = skip(tokens, &["星期", "礼拜", "周"]);
    if name == 0 {
        return None;
    }
    let weekday = match tokens.get(name)?.as_str() {
        "一" | "1" => Weekday::Monday,
        "二" | "2" => Weekday::Tuesday,
        "三" | "3" => Weekday::Wednesday,
        "四" | "4" => Weekday::Thursday,
        "五" | "5" => Weekday::Friday,
        "六" | "6" => Weekday::Saturday,
        "日" | "天" | "7" => Weekday::Sunday,
        _ => return None,
    };
    Some((name + 1, weekday))
}

/// 月底, 下个月底, 年底
fn month_end(tokens: &[String], today: Date) -> Option<(usize, PartialDate)> {
    const ENDS: [&str; 4] = ["底", "末", "的最后一天", "最后一天"];
    if let Some((length, months)) = months(tokens).or_else(|| starts(tokens, "月").map(|length| (length, 0))) {
        let end = skip(after(tokens, length), &ENDS);
        if end > 0 {
            return Some((length + end, shifted(today, months, Unit::Month)?.last_of_month().into()));
        }
    }
    if let Some((length, years)) = years_from_now(tokens).or_else(|| starts(tokens, "年").map(|length| (length, 0))) {
        let end = skip(after(tokens, length), &ENDS);
        if end > 0 {
            return Some((length + end, shifted(today, years, Unit::Year)?.last_of_year().into()));
        }
    }
    None
}

/// 这个月, 下个月
fn months(tokens: &[String]) -> Option<(usize, i64)> {
    let names = [
        ("上个月", -1),
        ("上月", -1),
        ("这个月", 0),
        ("这月", 0),
        ("本月", 0),
        ("当月", 0),
        ("下个月", 1),
        ("下月", 1),
        ("下下个月", 2),
        ("下下月", 2),
    ];
    of_table(tokens, &names).into_iter().next()
}

/// 今年, 明年
fn years_from_now(tokens: &[String]) -> Option<(usize, i64)> {
    let names =
        [("前年", -2), ("去年", -1), ("今年", 0), ("本年", 0), ("明年", 1), ("来年", 1), ("后年", 2), ("大后年", 3)];
    of_table(tokens, &names).into_iter().next()
}

/// 二零二七年三月五号, 明年三月, 下个月五号, 十五号, 元旦
fn calendar(tokens: &[String], today: Option<Date>) -> Option<(usize, PartialDate)> {
    let (lead, year) = match year(tokens, today) {
        Some((length, year)) => (length, Some(year)),
        None => (0, None),
    };
    let rest = after(tokens, lead + usize::from(lead > 0 && tokens.get(lead).is_some_and(|token| token == "的")));
    let lead = tokens.len() - rest.len();
    if rest.is_empty() {
        return year.map(|year| (lead, PartialDate { year: Some(year), month: None, day: None }));
    }
    if let Some((length, (month, day))) = holiday(rest) {
        return Some((lead + length, PartialDate::new(year, Some(month), Some(day))?));
    }
    // 下个月五号
    if let (Some((length, months)), None, Some(today)) = (months(rest), year, today) {
        let of = shifted(today.first_of_month(), months, Unit::Month)?;
        let tail = after(rest, length + skip(after(rest, length), &["的"]));
        let length = rest.len() - tail.len();
        return match day_of_month(tail) {
            Some((more, day)) => Some((length + more, PartialDate::new(Some(of.year()), Some(of.month()), Some(day))?)),
            None => Some((length, PartialDate::of_month(of))),
        };
    }
    if let Some((length, month)) = month(rest) {
        let tail = after(rest, length);
        let of = lead + length;
        if let Some((more, day)) = day_of_month(tail).or_else(|| bare_day(tail)) {
            return Some((of + more, PartialDate::new(year, Some(month), Some(day))?));
        }
        let end = skip(tail, &["底", "末", "的最后一天", "最后一天"]);
        if end > 0 {
            // Without a year February is taken to have 28 days.
            let last = Date::new(year.unwrap_or(2027), month, 1).ok()?.days_in_month();
            return Some((of + end, PartialDate::new(year, Some(month), Some(last))?));
        }
        let part = skip(tail, &["份"]);
        return Some((of + part, PartialDate { year, month: Some(month), day: None }));
    }
    if lead > 0 {
        return None;
    }
    day_of_month(rest).and_then(|(length, day)| Some((length, PartialDate::new(None, None, Some(day))?)))
}

fn year(tokens: &[String], today: Option<Date>) -> Option<(usize, i16)> {
    if let (Some((length, years)), Some(today)) = (years_from_now(tokens), today) {
        return Some((length, shifted(today, years, Unit::Year)?.year()));
    }
    let (length, digits) = digit_run(tokens);
    if tokens.get(length).is_none_or(|token| token != "年") {
        return None;
    }
    let year = match digits.len() {
        4 => digits.parse().ok(),
        2 => full_year(digits.parse().ok()?, today),
        _ => None,
    };
    year.map(|year| (length + 1, year))
}

fn month(tokens: &[String]) -> Option<(usize, i8)> {
    let (length, month) = cardinal(tokens).filter(|(_, month)| (1..=12).contains(month))?;
    let named = tokens.get(length).is_some_and(|token| token == "月");
    named.then_some((length + 1, i8::try_from(month).ok()?))
}

/// 五号, 5日
fn day_of_month(tokens: &[String]) -> Option<(usize, i8)> {
    let (length, day) = cardinal(tokens).filter(|(_, day)| (1..=31).contains(day))?;
    let named = tokens.get(length).is_some_and(|token| token == "号" || token == "日");
    named.then_some((length + 1, i8::try_from(day).ok()?))
}

/// The day behind a month without 号: 十二月二十五.
fn bare_day(tokens: &[String]) -> Option<(usize, i8)> {
    let (length, day) = cardinal(tokens).filter(|(_, day)| (1..=31).contains(day))?;
    (length == tokens.len()).then_some((length, i8::try_from(day).ok()?))
}

/// Days with a name that are the same each year of the solar calendar.
fn holiday(tokens: &[String]) -> Option<(usize, (i8, i8))> {
    let names = [
        ("元旦", (1, 1)),
        ("元旦节", (1, 1)),
        ("情人节", (2, 14)),
        ("妇女节", (3, 8)),
        ("三八妇女节", (3, 8)),
        ("劳动节", (5, 1)),
        ("五一", (5, 1)),
        ("五一劳动节", (5, 1)),
        ("五一节", (5, 1)),
        ("儿童节", (6, 1)),
        ("六一儿童节", (6, 1)),
        ("教师节", (9, 10)),
        ("国庆", (10, 1)),
        ("国庆节", (10, 1)),
        ("十一国庆节", (10, 1)),
        ("万圣节", (10, 31)),
        ("双十一", (11, 11)),
        ("平安夜", (12, 24)),
        ("圣诞", (12, 25)),
        ("圣诞节", (12, 25)),
    ];
    let (length, day) = of_table(tokens, &names).into_iter().next()?;
    let more = skip(after(tokens, length), &["那天", "当天", "那一天"]);
    Some((length + more, day))
}

/// 三月五号星期五, 星期五三月五号: the weekday is not checked.
fn with_weekday(tokens: &[String], today: Option<Date>) -> Option<PartialDate> {
    let whole = |tokens: &[String]| {
        let (length, date) = calendar(tokens, today)?;
        (length == tokens.len() && date.day.is_some()).then_some(date)
    };
    if let Some((length, _)) = weekday(tokens) {
        return whole(after(tokens, length));
    }
    (1..tokens.len()).rev().find_map(|end| {
        let (head, tail) = tokens.split_at_checked(end)?;
        weekday(tail).filter(|(length, _)| *length == tail.len()).and_then(|_| whole(head))
    })
}

/// `2027-03-05`, `2027/3/5`, `3/5`
fn with_signs(tokens: &[String], today: Option<Date>) -> Option<PartialDate> {
    let numbers: Vec<&String> = tokens.iter().step_by(2).collect();
    let signs = tokens.iter().skip(1).step_by(2).all(|sign| sign == "/" || sign == "-");
    let small = |token: &String| written(token, 2).and_then(|value| i8::try_from(value).ok());
    match numbers.as_slice() {
        _ if !signs || tokens.len().is_multiple_of(2) => None,
        [year, month, day] => {
            let value = written(year, 4)?;
            let year = match year.len() {
                4 => i16::try_from(value).ok(),
                2 => full_year(value, today),
                _ => None,
            };
            PartialDate::new(Some(year?), Some(small(month)?), Some(small(day)?))
        }
        [month, day] if tokens.get(1).is_some_and(|sign| sign == "/") => {
            PartialDate::month_day(small(month)?, small(day)?)
        }
        _ => None,
    }
}

/// 二零二七零三零五
fn eight_digits(tokens: &[String]) -> Option<PartialDate> {
    let (length, digits) = digit_run(tokens);
    if length != tokens.len() || digits.len() != 8 {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to);
    let year: i16 = part(0, 4)?.parse().ok().filter(|year| (1900..2100).contains(year))?;
    PartialDate::new(Some(year), part(4, 6)?.parse().ok(), part(6, 8)?.parse().ok())
}
