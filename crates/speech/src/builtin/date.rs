//! Dates of which parts may be unknown, and days told relative to another.

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

/// A date as a caller tells it: `march 5` has no year, `the fifteenth` no month either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartialDate {
    pub(super) year: Option<i16>,
    pub(super) month: Option<i8>,
    pub(super) day: Option<i8>,
}

impl PartialDate {
    /// The date of these parts; `None` when no such day exists in any year, or in the year that is told.
    pub(super) fn new(year: Option<i16>, month: Option<i8>, day: Option<i8>) -> Option<Self> {
        // In a year that is not known February may have 29 days, a month that is not known 31.
        let exists = Date::new(year.unwrap_or(2000), month.unwrap_or(1), day.unwrap_or(1)).is_ok();
        (exists && year.is_none_or(|year| (1000..=9999).contains(&year))).then_some(Self { year, month, day })
    }

    pub(super) fn month_day(month: i8, day: i8) -> Option<Self> {
        Self::new(None, Some(month), Some(day))
    }

    pub(super) fn in_year(self, year: i16) -> Option<Self> {
        Self::new(Some(year), self.month, self.day)
    }

    pub(super) fn of_month(of: Date) -> Self {
        Self { year: Some(of.year()), month: Some(of.month()), day: None }
    }

    /// `yyyymmdd`, with `?` for what is not known.
    pub(super) fn canonical(self) -> String {
        let year = self.year.map_or_else(|| "????".to_owned(), |year| format!("{year:04}"));
        let part = |part: Option<i8>| part.map_or_else(|| "??".to_owned(), |part| format!("{part:02}"));
        format!("{year}{}{}", part(self.month), part(self.day))
    }
}

impl From<Date> for PartialDate {
    fn from(date: Date) -> Self {
        Self { year: Some(date.year()), month: Some(date.month()), day: Some(date.day()) }
    }
}

/// The full year of two digits: up to ten years from now, else in the last century.
pub(super) fn full_year(two_digits: u64, today: Option<Date>) -> Option<i16> {
    // Without a date the window ends where it does in most software.
    const WINDOW_END: i16 = 49;
    let two_digits = i16::try_from(two_digits).ok().filter(|year| *year < 100)?;
    let end = today.map_or(WINDOW_END, |today| today.year() % 100 + 10);
    Some(if two_digits <= end { 2000 + two_digits } else { 1900 + two_digits })
}

/// A unit in which days are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Day,
    Week,
    Month,
    Year,
}

/// The day that is `count` units after `from`, before it when negative.
pub(super) fn shifted(from: Date, count: i64, unit: Unit) -> Option<Date> {
    // Nobody counts further.
    let count = Some(count).filter(|count| count.abs() <= 1_000)?;
    let span: Span = match unit {
        Unit::Day => count.days(),
        Unit::Week => count.weeks(),
        Unit::Month => count.months(),
        Unit::Year => count.years(),
    };
    from.checked_add(span).ok()
}

/// The first such weekday after `today`.
pub(super) fn coming(today: Date, weekday: Weekday) -> Option<Date> {
    today.nth_weekday(1, weekday).ok()
}

/// The last such weekday before `today`.
pub(super) fn last(today: Date, weekday: Weekday) -> Option<Date> {
    today.nth_weekday(-1, weekday).ok()
}

/// That weekday in the week, from Monday to Sunday, that is `weeks` after the one of `today`.
pub(super) fn in_week(today: Date, weeks: i64, weekday: Weekday) -> Option<Date> {
    let since_monday = i64::from(today.weekday().to_monday_zero_offset());
    let offset = i64::from(weekday.to_monday_zero_offset());
    shifted(today, weeks * 7 + offset - since_monday, Unit::Day)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_that_do_not_exist_are_no_dates() {
        assert!(PartialDate::month_day(2, 29).is_some());
        assert!(PartialDate::month_day(2, 30).is_none());
        assert!(PartialDate::new(Some(2027), Some(2), Some(29)).is_none());
        assert_eq!(PartialDate::month_day(3, 5).unwrap().canonical(), "????0305");
    }

    #[test]
    fn weeks_begin_on_monday() {
        let wednesday = date(2026, 11, 25);
        assert_eq!(in_week(wednesday, 1, Weekday::Tuesday), Some(date(2026, 12, 1)));
        assert_eq!(in_week(wednesday, 0, Weekday::Sunday), Some(date(2026, 11, 29)));
        assert_eq!(coming(wednesday, Weekday::Wednesday), Some(date(2026, 12, 2)));
    }

    #[test]
    fn two_digits_are_a_year_near_today() {
        let today = Some(date(2026, 11, 25));
        for (digits, year) in [(27, 2027), (36, 2036), (37, 1937), (98, 1998), (5, 2005)] {
            assert_eq!(full_year(digits, today), Some(year));
        }
    }
}
