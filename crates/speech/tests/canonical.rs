//! Values told in words come back as the same values: each property writes a value as people would say it, and reads it.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

use proptest::prelude::*;
use speech::{Grammar, Hypothesis, Language};

fn understood(uri: &str, language: Language, spoken: &str) -> Option<String> {
    let matches = Grammar::from_uri(uri).unwrap().match_speech(&[Hypothesis::new(spoken, 1.0, language)]);
    let instance = &matches.first()?.instance;
    Some(instance.as_str().map_or_else(|| instance.to_string(), str::to_owned))
}

const UNITS: [&str; 20] = [
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

fn index(value: u64) -> usize {
    usize::try_from(value).unwrap()
}

fn english(value: u64) -> String {
    let rest = |rest: u64| if rest == 0 { String::new() } else { format!(" {}", english(rest)) };
    match value {
        0..20 => UNITS[index(value)].to_owned(),
        20..100 => match value % 10 {
            0 => TENS[index(value / 10)].to_owned(),
            unit => format!("{}-{}", TENS[index(value / 10)], UNITS[index(unit)]),
        },
        100..1_000 => match value % 100 {
            0 => format!("{} hundred", UNITS[index(value / 100)]),
            low => format!("{} hundred and {}", UNITS[index(value / 100)], english(low)),
        },
        1_000..1_000_000 => format!("{} thousand{}", english(value / 1_000), rest(value % 1_000)),
        _ => format!("{} million{}", english(value / 1_000_000), rest(value % 1_000_000)),
    }
}

const HAN: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];

fn chinese(value: u64) -> String {
    let below = |rest: u64, next: u64| match rest {
        0 => String::new(),
        rest if rest < next => format!("零{}", chinese_inner(rest)),
        rest => chinese_inner(rest),
    };
    match value {
        10..20 => format!("十{}", if value == 10 { "" } else { HAN[index(value - 10)] }),
        10_000.. => format!("{}万{}", chinese(value / 10_000), below(value % 10_000, 1_000)),
        _ => chinese_inner(value),
    }
}

/// As inside of a larger number, where ten is 一十.
fn chinese_inner(value: u64) -> String {
    let below = |rest: u64, next: u64| match rest {
        0 => String::new(),
        rest if rest < next => format!("零{}", chinese_inner(rest)),
        rest => chinese_inner(rest),
    };
    match value {
        0..10 => HAN[index(value)].to_owned(),
        10..100 => format!(
            "{}十{}",
            HAN[index(value / 10)],
            if value.is_multiple_of(10) { "" } else { HAN[index(value % 10)] }
        ),
        100..1_000 => format!("{}百{}", HAN[index(value / 100)], below(value % 100, 10)),
        1_000..10_000 => format!("{}千{}", HAN[index(value / 1_000)], below(value % 1_000, 100)),
        _ => chinese(value),
    }
}

fn one_by_one(digits: &str, names: &[&str]) -> String {
    digits.chars().map(|c| names[index(u64::from(c.to_digit(10).unwrap()))]).collect::<Vec<_>>().join(" ")
}

fn ordinal(day: u64) -> String {
    let suffix = match day {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    };
    format!("{day}{suffix}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn english_numbers_come_back(value in prop_oneof![0u64..200, 0u64..10_000, 0u64..1_000_000_000]) {
        prop_assert_eq!(understood("builtin:grammar/number", Language::English, &english(value)), Some(value.to_string()));
    }

    #[test]
    fn chinese_numbers_come_back(value in prop_oneof![0u64..200, 0u64..10_000, 0u64..100_000_000]) {
        let spoken = chinese(value);
        prop_assert_eq!(understood("builtin:grammar/number", Language::Chinese, &spoken), Some(value.to_string()), "{}", spoken);
    }

    #[test]
    fn decimals_come_back(whole in 0u64..1_000, fraction in "[0-9]{0,3}[1-9]") {
        let expected = Some(format!("{whole}.{fraction}"));
        let english = format!("{} point {}", english(whole), one_by_one(&fraction, &UNITS));
        prop_assert_eq!(understood("builtin:grammar/number", Language::English, &english), expected.clone(), "{}", english);
        let chinese = format!("{}点{}", chinese(whole), one_by_one(&fraction, &HAN));
        prop_assert_eq!(understood("builtin:grammar/number", Language::Chinese, &chinese), expected, "{}", chinese);
    }

    #[test]
    fn digits_come_back(digits in "[0-9]{1,16}") {
        for (language, names) in [(Language::English, &UNITS[..10]), (Language::Chinese, &HAN[..])] {
            let spoken = one_by_one(&digits, names);
            prop_assert_eq!(understood("builtin:grammar/digits", language, &spoken), Some(digits.clone()), "{}", spoken);
            let written = digits.chars().map(String::from).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(understood("builtin:grammar/digits", language, &written), Some(digits.clone()));
        }
    }

    #[test]
    fn telephone_numbers_come_back(number in "[1-9][0-9]{5,10}", extension in "[0-9]{1,4}") {
        let expected = Some(format!("{number}x{extension}"));
        let english = format!("{} extension {}", one_by_one(&number, &UNITS), one_by_one(&extension, &UNITS));
        prop_assert_eq!(understood("builtin:grammar/phone", Language::English, &english), expected.clone());
        let chinese = format!("{}转{}", one_by_one(&number, &HAN), one_by_one(&extension, &HAN));
        prop_assert_eq!(understood("builtin:grammar/phone", Language::Chinese, &chinese), expected);
    }

    #[test]
    fn dates_come_back(year in 1950u64..2050, month in 1u64..=12, day in 1u64..=28) {
        let expected = Some(format!("{year:04}{month:02}{day:02}"));
        let name = MONTHS[index(month - 1)];
        for spoken in [
            format!("{name} {}, {year}", ordinal(day)),
            format!("the {} of {name} {year}", ordinal(day)),
            format!("{month}/{day}/{year}"),
            format!("{year}-{month:02}-{day:02}"),
        ] {
            prop_assert_eq!(understood("builtin:grammar/date", Language::English, &spoken), expected.clone(), "{}", spoken);
        }
        let years = one_by_one(&year.to_string(), &HAN);
        for spoken in [
            format!("{years}年{}月{}号", chinese(month), chinese(day)),
            format!("{year}年{month}月{day}日"),
        ] {
            prop_assert_eq!(understood("builtin:grammar/date", Language::Chinese, &spoken), expected.clone(), "{}", spoken);
        }
        let expected = Some(format!("????{month:02}{day:02}"));
        let spoken = format!("{name} {}", english(day));
        prop_assert_eq!(understood("builtin:grammar/date", Language::English, &spoken), expected, "{}", spoken);
    }

    #[test]
    fn times_come_back(hour in 0u64..24, minute in 0u64..60) {
        let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
        let (half, part) = if hour < 12 { ("a", "a.m.") } else { ("p", "p.m.") };
        let minutes = match minute {
            0 => "o'clock".to_owned(),
            1..10 => format!("oh {}", english(minute)),
            _ => english(minute),
        };
        let expected = Some(format!("{twelve:02}{minute:02}{half}"));
        for spoken in [format!("{twelve}:{minute:02} {part}"), format!("{} {minutes} {part}", english(twelve))] {
            prop_assert_eq!(understood("builtin:grammar/time", Language::English, &spoken), expected.clone(), "{}", spoken);
        }
        let clock = if (1..=12).contains(&hour) { "?" } else { "h" };
        let expected = Some(format!("{hour:02}{minute:02}{clock}"));
        let minutes = match minute {
            0 => "整".to_owned(),
            1..10 => format!("零{}分", chinese(minute)),
            _ => format!("{}分", chinese(minute)),
        };
        for spoken in [format!("{hour}:{minute:02}"), format!("{}点{minutes}", chinese(hour))] {
            prop_assert_eq!(understood("builtin:grammar/time", Language::Chinese, &spoken), expected.clone(), "{}", spoken);
        }
    }

    #[test]
    fn amounts_come_back(major in 1u64..10_000, minor in 0u64..100) {
        let expected = Some(format!("USD{major}.{minor:02}"));
        for spoken in [
            format!("${major}.{minor:02}"),
            format!("{} dollars and {} cents", english(major), english(minor)),
        ] {
            prop_assert_eq!(understood("builtin:grammar/currency", Language::English, &spoken), expected.clone(), "{}", spoken);
        }
        let expected = Some(format!("CNY{major}.{minor:02}"));
        let (jiao, fen) = (minor / 10, minor % 10);
        let tail = match (jiao, fen) {
            (0, 0) => "钱".to_owned(),
            (0, fen) => format!("零{}分", HAN[index(fen)]),
            (jiao, 0) => format!("{}毛", HAN[index(jiao)]),
            (jiao, fen) => format!("{}毛{}", HAN[index(jiao)], HAN[index(fen)]),
        };
        let spoken = format!("{}块{tail}", chinese(major));
        prop_assert_eq!(understood("builtin:grammar/currency", Language::Chinese, &spoken), expected, "{}", spoken);
    }
}
