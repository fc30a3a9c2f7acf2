//! Days as people name them when they make an appointment. The result is a label, not a date: the service has no calendar.

/// The day that a text names: `monday` … `sunday`, `next-monday`, `today`, `tomorrow`, `day-after-tomorrow`, `MM-DD`, `any`.
pub(crate) fn parse(text: &str) -> Option<String> {
    let text = text.to_lowercase();
    relative(&text).or_else(|| weekday(&text)).or_else(|| month_day(&text)).or_else(|| any(&text))
}

fn relative(text: &str) -> Option<String> {
    // The longer name first: it contains the shorter one.
    const NAMES: [(&str, &str); 8] = [
        ("day after tomorrow", "day-after-tomorrow"),
        ("tomorrow", "tomorrow"),
        ("today", "today"),
        ("大后天", "in-three-days"),
        ("后天", "day-after-tomorrow"),
        ("明天", "tomorrow"),
        ("明日", "tomorrow"),
        ("今天", "today"),
    ];
    NAMES.iter().find(|(name, _)| text.contains(name)).map(|(_, label)| (*label).to_owned())
}

fn weekday(text: &str) -> Option<String> {
    const ENGLISH: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    // 周, 星期 and 礼拜 with a digit.
    const CHINESE: [(&[char], &str); 7] = [
        (&['一', '1'], "monday"),
        (&['二', '2'], "tuesday"),
        (&['三', '3'], "wednesday"),
        (&['四', '4'], "thursday"),
        (&['五', '5'], "friday"),
        (&['六', '6'], "saturday"),
        (&['日', '天', '7'], "sunday"),
    ];
    if let Some(day) =
        ENGLISH.iter().find(|day| words(text).any(|word| word == **day || word.strip_suffix('s') == Some(day)))
    {
        return Some(if words(text).any(|word| word == "next") { format!("next-{day}") } else { (*day).to_owned() });
    }
    for name in ["星期", "礼拜", "周"] {
        let Some((before, after)) = text.split_once(name) else { continue };
        let Some(first) = after.chars().next() else { continue };
        if let Some((_, day)) = CHINESE.iter().find(|(characters, _)| characters.contains(&first)) {
            return Some(if before.ends_with('下') || before.ends_with("下个") {
                format!("next-{day}")
            } else {
                (*day).to_owned()
            });
        }
    }
    None
}

fn month_day(text: &str) -> Option<String> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let number = |text: &str, language| speech::number::parse(text, language).filter(|n| n.fract() == 0.0);
    let (month, day) = if let Some((month, rest)) = text.split_once('月') {
        let digits = month.rfind(|c: char| !"一二三四五六七八九十0123456789".contains(c));
        let month = digits.and_then(|at| month.get(at..)).map_or(month, |tail| {
            tail.trim_start_matches(|c: char| !c.is_numeric() && !"一二三四五六七八九十".contains(c))
        });
        let day = rest.split(['号', '日']).next()?;
        (number(month, speech::Language::Chinese)?, number(day, speech::Language::Chinese)?)
    } else {
        let (index, name) = MONTHS.iter().enumerate().find(|(_, name)| words(text).any(|word| word == **name))?;
        let rest = text.replace(name, " ");
        (f64::from(u32::try_from(index).ok()?) + 1.0, number(&ordinals_as_cardinals(&rest), speech::Language::English)?)
    };
    ((1.0..=12.0).contains(&month) && (1.0..=31.0).contains(&day)).then(|| format!("{month:02}-{day:02}"))
}

/// "5th" is heard as often as "5"; spoken ordinals are the number parser's business.
fn ordinals_as_cardinals(text: &str) -> String {
    text.split_whitespace()
        .filter(|word| !matches!(*word, "the" | "of" | "on"))
        .map(|word| {
            let digits = word.trim_end_matches(|c: char| !c.is_ascii_digit());
            if digits.is_empty() { word } else { digits }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn any(text: &str) -> Option<String> {
    const NAMES: [&str; 10] = [
        "any day",
        "anytime",
        "any time",
        "whenever",
        "doesn't matter",
        "都可以",
        "都行",
        "随便",
        "哪天都",
        "什么时候都",
    ];
    NAMES.iter().any(|name| text.contains(name)).then(|| "any".to_owned())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_are_understood() {
        for (text, day) in [
            ("Tuesday would be fine", "tuesday"),
            ("next Friday please", "next-friday"),
            ("on Mondays", "monday"),
            ("tomorrow", "tomorrow"),
            ("the day after tomorrow", "day-after-tomorrow"),
            ("March 5th", "03-05"),
            ("the 12 of december", "12-12"),
            ("any day is good", "any"),
            ("周三吧", "wednesday"),
            ("下周一可以", "next-monday"),
            ("星期天", "sunday"),
            ("下个礼拜五", "next-friday"),
            ("后天上午", "day-after-tomorrow"),
            ("三月五号", "03-05"),
            ("12月1日", "12-01"),
            ("都可以", "any"),
        ] {
            assert_eq!(parse(text).as_deref(), Some(day), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_is_none() {
        for text in ["", "yes", "I don't know", "十三月一号", "好的", "一周"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            parse(&text);
        }
    }
}
