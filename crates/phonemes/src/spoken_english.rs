//! Numbers, times, dates, money and symbols in English text as the words they are read as.

use std::fmt::Write as _;

const BELOW_TWENTY: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const SCALES: [(u64, &str); 4] =
    [(1_000_000_000_000, "trillion"), (1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand")];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Abbreviations whose full stop would end the sentence, with what they are read as.
const ABBREVIATIONS: [(&str, &str); 12] = [
    ("Mr.", "Mister"),
    ("Mrs.", "Missus"),
    ("Ms.", "Miz"),
    ("Dr.", "Doctor"),
    ("Prof.", "Professor"),
    ("St.", "Saint"),
    ("a.m.", "AM"),
    ("p.m.", "PM"),
    ("e.g.", "for example"),
    ("i.e.", "that is"),
    ("etc.", "et cetera"),
    ("vs.", "versus"),
];

/// `text` with numbers, times, dates, money and symbols written out as words: "$5" becomes "five dollars", "3:30"
/// "three thirty". What is not recognized stays as it is; digits never remain.
#[must_use]
pub fn spoken_english(text: &str) -> String {
    let mut result = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let at_word_start = !result.ends_with(char::is_alphanumeric);
        let abbreviation = ABBREVIATIONS.iter().find(|(short, _)| at_word_start && rest.starts_with(short));
        if let Some((short, long)) = abbreviation {
            let after = rest.get(short.len()..).unwrap_or_default();
            result.push_str(long);
            // "At 5 p.m. Does that suit you?": this full stop ends a sentence too.
            let title = long.starts_with(char::is_uppercase) && !short.contains(".m.");
            if !title && after.trim_start().chars().next().is_none_or(char::is_uppercase) {
                result.push('.');
            }
            rest = after;
            continue;
        }
        if let Some((words, after)) = number(rest, !at_word_start) {
            separate(&mut result);
            result.push_str(&words);
            if after.starts_with(char::is_alphabetic) {
                result.push(' ');
            }
            rest = after;
            continue;
        }
        match symbol(first) {
            Some(word) => {
                separate(&mut result);
                result.push_str(word);
                result.push(' ');
            }
            None => result.push(first),
        }
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    result
}

/// A space, unless there is one.
fn separate(result: &mut String) {
    if result.ends_with(|last: char| !last.is_whitespace() && !matches!(last, '(' | '"' | '“' | '\'' | '-')) {
        result.push(' ');
    }
}

fn symbol(symbol: char) -> Option<&'static str> {
    Some(match symbol {
        '&' => "and",
        '%' => "percent",
        '@' => "at",
        '+' => "plus",
        '=' => "equals",
        '#' => "number",
        '°' => "degrees",
        '$' => "dollars",
        '£' => "pounds",
        '€' => "euros",
        _ => return None,
    })
}

/// The words for the number that `text` starts with, and what follows it. `in_word`: a letter stands before it.
fn number(text: &str, in_word: bool) -> Option<(String, &str)> {
    if let Some((currency, after)) =
        text.chars().next().and_then(|c| Some((Currency::of(c)?, text.get(c.len_utf8()..)?)))
    {
        let (whole, decimals, after) = quantity(after)?;
        return Some((currency.amount(&whole, decimals), after));
    }
    let (whole, after) = digits(text)?;
    if in_word {
        return Some((one_by_one(whole), after));
    }
    date(text)
        .or_else(|| time(text))
        .or_else(|| telephone(text))
        .or_else(|| range(text))
        .or_else(|| {
            let (whole, decimals, after) = quantity(text)?;
            if let Some(decimals) = decimals {
                return Some((format!("{} point {}", cardinal_of(&whole), one_by_one(decimals)), after));
            }
            for suffix in ["st", "nd", "rd", "th"] {
                if let Some(after) =
                    after.strip_prefix(suffix).filter(|after| !after.starts_with(char::is_alphanumeric))
                {
                    return Some((whole.parse().map_or_else(|_| one_by_one(&whole), ordinal), after));
                }
            }
            let grouped = text.len() - after.len() > whole.len();
            Some((
                if grouped { cardinal_of(&whole) } else { year(&whole).unwrap_or_else(|| cardinal_of(&whole)) },
                after,
            ))
        })
        .or_else(|| Some((cardinal_of(whole), after)))
}

/// The leading digits and what follows.
fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 { None } else { text.split_at_checked(end) }
}

/// Digits with commas between thousands, decimals, and what follows.
fn quantity(text: &str) -> Option<(String, Option<&str>, &str)> {
    let (first, mut after) = digits(text)?;
    let mut whole = first.to_owned();
    while let Some((group, next)) = after.strip_prefix(',').and_then(digits) {
        if group.len() != 3 || whole.len() > 12 {
            break;
        }
        whole.push_str(group);
        after = next;
    }
    match after.strip_prefix('.').and_then(digits) {
        Some((decimals, after)) => Some((whole, Some(decimals), after)),
        None => Some((whole, None, after)),
    }
}

/// "2026-11-22".
fn date(text: &str) -> Option<(String, &str)> {
    let (year_digits, rest) = digits(text).filter(|(year, _)| year.len() == 4)?;
    let (month, rest) = rest.strip_prefix('-').and_then(digits).filter(|(month, _)| month.len() == 2)?;
    let (day, rest) = rest.strip_prefix('-').and_then(digits).filter(|(day, _)| day.len() == 2)?;
    let month = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
    let day = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let year = year(year_digits).unwrap_or_else(|| cardinal_of(year_digits));
    Some((format!("{month} {}, {year}", ordinal(day)), rest))
}

/// "3:30", "12:05", "9:00".
fn time(text: &str) -> Option<(String, &str)> {
    let (hour, rest) = digits(text).filter(|(hour, _)| hour.len() <= 2)?;
    let (minute, rest) = rest.strip_prefix(':').and_then(digits).filter(|(minute, _)| minute.len() == 2)?;
    let (hour, minute): (u64, u64) = (hour.parse().ok()?, minute.parse().ok()?);
    if hour > 24 || minute > 59 {
        return None;
    }
    let words = match minute {
        0 if rest
            .trim_start()
            .get(..1)
            .is_some_and(|next| next.eq_ignore_ascii_case("a") || next.eq_ignore_ascii_case("p")) =>
        {
            cardinal(hour)
        }
        0 => format!("{} o'clock", cardinal(hour)),
        1..10 => format!("{} oh {}", cardinal(hour), cardinal(minute)),
        _ => format!("{} {}", cardinal(hour), cardinal(minute)),
    };
    Some((words, rest))
}

/// Seven digits or more, in groups joined by hyphens or spaces, or a number with a leading zero: read digit by digit.
fn telephone(text: &str) -> Option<(String, &str)> {
    const DIGITS_MIN: usize = 7;
    let (first, mut after) = digits(text)?;
    let mut groups = vec![first];
    while let Some((group, next)) = after.strip_prefix(['-', ' ']).and_then(digits) {
        groups.push(group);
        after = next;
    }
    let count: usize = groups.iter().map(|group| group.len()).sum();
    let decimal = after.strip_prefix(['.', ',']).and_then(digits).is_some();
    if count >= DIGITS_MIN && !decimal {
        let groups: Vec<String> = groups.into_iter().map(one_by_one).collect();
        return Some((groups.join(", "), after));
    }
    let (first, after) = digits(text)?;
    let leading_zero = first.len() > 1 && first.starts_with('0') && !after.starts_with('.');
    leading_zero.then(|| (one_by_one(first), after))
}

/// "3-5".
fn range(text: &str) -> Option<(String, &str)> {
    let (low, rest) = digits(text)?;
    let (high, rest) = rest.strip_prefix(['-', '–']).and_then(digits)?;
    if rest.starts_with('-') {
        return None;
    }
    Some((format!("{} to {}", cardinal_of(low), cardinal_of(high)), rest))
}

struct Currency {
    unit: [&'static str; 2],
    hundredth: [&'static str; 2],
}

impl Currency {
    fn of(symbol: char) -> Option<Currency> {
        Some(match symbol {
            '$' => Currency { unit: ["dollar", "dollars"], hundredth: ["cent", "cents"] },
            '£' => Currency { unit: ["pound", "pounds"], hundredth: ["penny", "pence"] },
            '€' => Currency { unit: ["euro", "euros"], hundredth: ["cent", "cents"] },
            _ => return None,
        })
    }

    fn amount(&self, whole: &str, decimals: Option<&str>) -> String {
        let counted = |count: &str, names: [&str; 2]| {
            let [one, many] = names;
            format!("{} {}", cardinal_of(count), if count.trim_start_matches('0') == "1" { one } else { many })
        };
        match decimals {
            None => counted(whole, self.unit),
            Some("00") => counted(whole, self.unit),
            Some(cents) if cents.len() == 2 => {
                format!("{} and {}", counted(whole, self.unit), counted(cents, self.hundredth))
            }
            Some(decimals) => format!("{} point {} {}", cardinal_of(whole), one_by_one(decimals), self.unit[1]),
        }
    }
}

/// A number of four digits as a year is read, from 1100 to 2099.
fn year(digits: &str) -> Option<String> {
    let number: u64 = digits.parse().ok().filter(|number| (1100..2100).contains(number))?;
    if digits.len() != 4 {
        return None;
    }
    let (century, rest) = (number / 100, number % 100);
    Some(match (century, rest) {
        (20, 0..10) => cardinal(number),
        (_, 0) => format!("{} hundred", cardinal(century)),
        (_, 1..10) => format!("{} oh {}", cardinal(century), cardinal(rest)),
        _ => format!("{} {}", cardinal(century), cardinal(rest)),
    })
}

fn cardinal_of(digits: &str) -> String {
    digits.parse().ok().filter(|&number| number < 1_000_000_000_000_000).map_or_else(|| one_by_one(digits), cardinal)
}

fn cardinal(number: u64) -> String {
    let mut words = String::new();
    let mut rest = number;
    for (scale, name) in SCALES {
        if rest >= scale {
            // Infallible: writing to a String.
            let _ = write!(words, "{} {name} ", cardinal(rest / scale));
            rest %= scale;
        }
    }
    if rest >= 100 {
        let _ = write!(words, "{} hundred ", below_hundred(rest / 100));
        rest %= 100;
    }
    if rest > 0 || number == 0 {
        words.push_str(&below_hundred(rest));
    }
    words.trim_end().to_owned()
}

fn below_hundred(number: u64) -> String {
    let name = |names: &[&'static str], at: u64| usize::try_from(at).ok().and_then(|at| names.get(at)).copied();
    if let Some(word) = name(&BELOW_TWENTY, number) {
        return word.to_owned();
    }
    let tens = name(&TENS, number / 10).unwrap_or_default();
    match number % 10 {
        0 => tens.to_owned(),
        ones => format!("{tens} {}", name(&BELOW_TWENTY, ones).unwrap_or_default()),
    }
}

fn ordinal(number: u64) -> String {
    let words = cardinal(number);
    let (before, last) = words.rsplit_once(' ').map_or(("", words.as_str()), |(before, last)| (before, last));
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        _ => match last.strip_suffix('y') {
            Some(stem) => format!("{stem}ieth"),
            None => format!("{last}th"),
        },
    };
    format!("{before} {last}").trim_start().to_owned()
}

fn one_by_one(digits: &str) -> String {
    let words: Vec<&str> = digits
        .chars()
        .filter_map(|digit| BELOW_TWENTY.get(usize::try_from(digit.to_digit(10)?).ok()?).copied())
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_a_person_would() {
        for (text, expected) in [
            ("0", "zero"),
            ("I have 3 apples", "I have three apples"),
            ("21", "twenty one"),
            ("110 beds", "one hundred ten beds"),
            ("1,234,567", "one million two hundred thirty four thousand five hundred sixty seven"),
            ("2.50", "two point five zero"),
            ("1st 2nd 3rd 12th 20th 101st", "first second third twelfth twentieth one hundred first"),
            ("in 1999, 2005 and 2026", "in nineteen ninety nine, two thousand five and twenty twenty six"),
            ("1900", "nineteen hundred"),
            ("50%", "fifty percent "),
            ("3-5 days", "three to five days"),
            ("007", "zero zero seven"),
            ("B2B", "B two B"),
            ("10mg", "ten mg"),
        ] {
            assert_eq!(spoken_english(text), expected, "{text}");
        }
    }

    #[test]
    fn times_and_dates_are_read_as_a_person_would() {
        for (text, expected) in [
            ("at 3:30 p.m.", "at three thirty PM."),
            ("3 p.m. Is it good?", "three PM. Is it good?"),
            ("from 3 p.m. to 4", "from three PM to four"),
            ("at 9:00 AM", "at nine AM"),
            ("at 9:00", "at nine o'clock"),
            ("10:05", "ten oh five"),
            ("on 2026-11-22.", "on November twenty second, twenty twenty six."),
            ("99:99", "ninety nine: ninety nine"),
        ] {
            assert_eq!(spoken_english(text), expected, "{text}");
        }
    }

    #[test]
    fn money_is_read_with_its_unit() {
        for (text, expected) in [
            ("$5", "five dollars"),
            ("$1", "one dollar"),
            ("$1,000.00", "one thousand dollars"),
            ("£3.50", "three pounds and fifty pence"),
            ("€2.5", "two point five euros"),
        ] {
            assert_eq!(spoken_english(text), expected, "{text}");
        }
    }

    #[test]
    fn telephone_numbers_are_read_digit_by_digit() {
        assert_eq!(spoken_english("call 555-0123 or"), "call five five five, zero one two three or");
        assert_eq!(spoken_english("+1 555 0123"), "plus one, five five five, zero one two three");
    }

    #[test]
    fn abbreviations_do_not_end_a_sentence() {
        assert_eq!(spoken_english("Dr. Lee & Mrs. Poe"), "Doctor Lee and  Missus Poe");
    }

    proptest! {
        #[test]
        fn no_digit_remains(text in "[0-9a-z$%:,.+ -]{0,30}") {
            prop_assert!(!spoken_english(&text).contains(|c: char| c.is_ascii_digit()), "{}", spoken_english(&text));
        }

        #[test]
        fn text_without_digits_or_symbols_stays(text in "[a-zA-Z ,!?]{0,30}") {
            prop_assert_eq!(spoken_english(&text), text);
        }
    }
}
