//! Numbers, times, dates and symbols in Chinese text as the characters they are read as.

const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];

/// Words before which two is 两.
const MEASURES: &str = "个位名天次点分小周年片粒颗针瓶盒杯种件张条只台块元家间人名岁遍回";

/// `text` with numbers, times, dates and symbols written out: "15:30" becomes "十五点三十分", "50%" "百分之五十". Digits
/// never remain.
#[must_use]
pub fn spoken_chinese(text: &str) -> String {
    let mut result = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some((characters, after)) = number(rest) {
            result.push_str(&characters);
            rest = after;
            continue;
        }
        match first {
            '%' => result.push_str("百分号"),
            '℃' => result.push_str("摄氏度"),
            '°' => result.push('度'),
            '&' => result.push('和'),
            '+' => result.push('加'),
            '=' => result.push_str("等于"),
            other => result.push(other),
        }
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    result
}

fn number(text: &str) -> Option<(String, &str)> {
    if let Some((whole, decimals, after)) = text.strip_prefix(['¥', '￥']).and_then(quantity) {
        return Some((format!("{}元", amount(whole, decimals, "元")), after));
    }
    date(text).or_else(|| time(text)).or_else(|| telephone(text)).or_else(|| range(text)).or_else(|| {
        let (whole, decimals, after) = quantity(text)?;
        if let Some(after) = after.strip_prefix(['%', '％']) {
            return Some((format!("百分之{}", amount(whole, decimals, "")), after));
        }
        if after.starts_with('年') && whole.len() == 4 && decimals.is_none() {
            return Some((one_by_one(whole), after));
        }
        Some((amount(whole, decimals, after), after))
    })
}

fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 { None } else { text.split_at_checked(end) }
}

fn quantity(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let (whole, after) = digits(text)?;
    match after.strip_prefix('.').and_then(digits) {
        Some((decimals, after)) => Some((whole, Some(decimals), after)),
        None => Some((whole, None, after)),
    }
}

/// "2026-11-22".
fn date(text: &str) -> Option<(String, &str)> {
    let (year, rest) = digits(text).filter(|(year, _)| year.len() == 4)?;
    let (month, rest) = rest.strip_prefix('-').and_then(digits).filter(|(month, _)| month.len() == 2)?;
    let (day, rest) = rest.strip_prefix('-').and_then(digits).filter(|(day, _)| day.len() == 2)?;
    let (month, day) =
        (month.parse().ok().filter(|m| (1..=12).contains(m))?, day.parse().ok().filter(|d| (1..=31).contains(d))?);
    Some((format!("{}年{}月{}日", one_by_one(year), cardinal(month), cardinal(day)), rest))
}

/// "15:30".
fn time(text: &str) -> Option<(String, &str)> {
    let (hour, rest) = digits(text).filter(|(hour, _)| hour.len() <= 2)?;
    let (minute, rest) = rest.strip_prefix([':', '：']).and_then(digits).filter(|(minute, _)| minute.len() == 2)?;
    let hour: u64 = hour.parse().ok().filter(|&hour| hour <= 24)?;
    let minute: u64 = minute.parse().ok().filter(|&minute| minute < 60)?;
    let hour = if hour == 2 { "两".to_owned() } else { cardinal(hour) };
    let minutes = match minute {
        0 => String::new(),
        1..10 => format!("零{}分", cardinal(minute)),
        _ => format!("{}分", cardinal(minute)),
    };
    Some((format!("{hour}点{minutes}"), rest))
}

/// Seven digits or more in groups, or a leading zero: digit by digit, with one as 幺 so that it is not taken for seven.
fn telephone(text: &str) -> Option<(String, &str)> {
    const DIGITS_MIN: usize = 7;
    let (first, mut after) = digits(text)?;
    let mut groups = vec![first];
    while let Some((group, next)) = after.strip_prefix(['-', ' ']).and_then(digits) {
        groups.push(group);
        after = next;
    }
    if groups.iter().map(|group| group.len()).sum::<usize>() >= DIGITS_MIN && !after.starts_with('.') {
        let groups: Vec<String> = groups.into_iter().map(|group| one_by_one(group).replace('一', "幺")).collect();
        return Some((groups.join("，"), after));
    }
    let (first, after) = digits(text)?;
    let leading_zero = first.len() > 1 && first.starts_with('0') && !after.starts_with('.');
    leading_zero.then(|| (one_by_one(first), after))
}

/// "3-5", "3~5".
fn range(text: &str) -> Option<(String, &str)> {
    let (low, rest) = digits(text)?;
    let (high, rest) = rest.strip_prefix(['-', '~', '～', '–']).and_then(digits)?;
    if rest.starts_with('-') {
        return None;
    }
    Some((format!("{}到{}", amount(low, None, ""), amount(high, None, rest)), rest))
}

/// A quantity; `after` decides between 二 and 两.
fn amount(whole: &str, decimals: Option<&str>, after: &str) -> String {
    let value = whole.parse().ok().filter(|&value| value < 1_000_000_000_000);
    match (value, decimals) {
        (Some(2), None) if after.starts_with(|next| MEASURES.contains(next)) => "两".to_owned(),
        (Some(value), None) => cardinal(value),
        (Some(value), Some(decimals)) => format!("{}点{}", cardinal(value), one_by_one(decimals)),
        (None, None) => one_by_one(whole),
        (None, Some(decimals)) => format!("{}点{}", one_by_one(whole), one_by_one(decimals)),
    }
}

fn cardinal(value: u64) -> String {
    let mut result = String::new();
    let mut zero_pending = false;
    for (scale, name) in [(100_000_000, "亿"), (10_000, "万"), (1, "")] {
        let group = value / scale % 10_000;
        if group == 0 {
            zero_pending = !result.is_empty();
            continue;
        }
        // A gap between groups is one 零: 一万零三.
        if zero_pending || !result.is_empty() && group < 1000 {
            result.push('零');
        }
        zero_pending = false;
        let characters = below_ten_thousand(group, result.is_empty());
        // 两万, 两亿.
        result.push_str(if group == 2 && scale > 1 { "两" } else { &characters });
        result.push_str(name);
    }
    if result.is_empty() { "零".to_owned() } else { result }
}

/// `leads`: nothing stands before it, so ten is 十 and not 一十.
fn below_ten_thousand(value: u64, leads: bool) -> String {
    let mut result = String::new();
    let mut zero_pending = false;
    for (scale, name) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
        match value / scale % 10 {
            0 => zero_pending = !result.is_empty(),
            digit => {
                if zero_pending {
                    result.push('零');
                    zero_pending = false;
                }
                let bare_ten = scale == 10 && digit == 1 && result.is_empty() && leads;
                if digit == 2 && scale == 1000 {
                    result.push('两');
                } else if !bare_ten {
                    result.extend(character(digit));
                }
                result.push_str(name);
            }
        }
    }
    result
}

fn character(digit: u64) -> Option<char> {
    usize::try_from(digit).ok().and_then(|digit| DIGITS.get(digit)).copied()
}

fn one_by_one(digits: &str) -> String {
    digits.chars().filter_map(|digit| character(u64::from(digit.to_digit(10)?))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_a_person_would() {
        for (text, expected) in [
            ("0", "零"),
            ("10", "十"),
            ("12分", "十二分"),
            ("110", "一百一十"),
            ("205", "二百零五"),
            ("1003", "一千零三"),
            ("2500", "两千五百"),
            ("10003", "一万零三"),
            ("20000", "两万"),
            ("100010", "十万零一十"),
            ("100000000", "幺零零零零零零零零"),
            ("2个，2点，20个", "两个，两点，二十个"),
            ("第2题", "第二题"),
            ("3.5", "三点五"),
            ("50%", "百分之五十"),
            ("3-5天", "三到五天"),
            ("36.8℃", "三十六点八摄氏度"),
            ("¥20", "二十元"),
        ] {
            assert_eq!(spoken_chinese(text), expected, "{text}");
        }
    }

    #[test]
    fn times_and_dates_are_read_as_a_person_would() {
        for (text, expected) in [
            ("15:30", "十五点三十分"),
            ("2:00", "两点"),
            ("9:05", "九点零五分"),
            ("2026年11月22日", "二零二六年十一月二十二日"),
            ("2026-11-22", "二零二六年十一月二十二日"),
        ] {
            assert_eq!(spoken_chinese(text), expected, "{text}");
        }
    }

    #[test]
    fn telephone_numbers_are_read_digit_by_digit() {
        assert_eq!(spoken_chinese("请拨13800138000。"), "请拨幺三八零零幺三八零零零。");
        assert_eq!(spoken_chinese("010-62770000"), "零幺零，六二七七零零零零");
    }

    proptest! {
        #[test]
        fn no_digit_remains(text in "[0-9a-z%:.年点个 -]{0,30}") {
            prop_assert!(!spoken_chinese(&text).contains(|c: char| c.is_ascii_digit()));
        }
    }
}
