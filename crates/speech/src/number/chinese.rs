//! Chinese numbers.

use pinyin::ToPinyin;

use super::{Link, Spoken, choose, written};
use crate::text;

/// 0 to 9 by their characters.
pub(crate) fn digit(c: char) -> Option<u32> {
    Some(match c {
        '零' | '〇' | '洞' => 0,
        '一' | '幺' | '壹' => 1,
        '二' | '两' | '俩' | '贰' => 2,
        '三' | '叁' | '仨' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

fn scale(c: char) -> Option<u64> {
    Some(match c {
        '十' | '拾' => 10,
        '百' | '佰' => 100,
        '千' | '仟' => 1_000,
        '万' => 10_000,
        '亿' => 100_000_000,
        _ => return None,
    })
}

/// Words that hold a number's character and mean no number.
const IDIOMS: [&str; 46] = [
    "一点点",
    "一些",
    "一下",
    "一直",
    "一样",
    "一定",
    "一般",
    "一起",
    "一会",
    "一共",
    "一切",
    "一旦",
    "一边",
    "一方面",
    "一丢丢",
    "一丁点",
    "一阵",
    "一如",
    "一向",
    "一再",
    "万一",
    "唯一",
    "统一",
    "千万别",
    "千万不",
    "七上八下",
    "乱七八糟",
    "十分疼",
    "十分痛",
    "十分难",
    "十分严",
    "十分不",
    "十分舒",
    "十分好",
    "十分满",
    "十分的",
    "十全",
    "三三两两",
    "两样",
    "四肢",
    "五官",
    "六神",
    "半天",
    "一半会",
    "老百姓",
    "百分百的",
];

/// The top of a scale, not the answer.
const SCALES: [&str; 16] = [
    "满分是十分",
    "满分十分",
    "满分10分",
    "满分是10分",
    "总分十分",
    "总共十分",
    "十分里面",
    "十分里",
    "十分当中",
    "十分之中",
    "10分里面",
    "10分里",
    "零到十分",
    "一到十分",
    "0到10分",
    "1到10分",
];

pub(super) fn parse(text: &str) -> Option<f64> {
    let mut plain: String =
        text.chars().map(text::half_width).map(text::simplified).filter(|c| !c.is_whitespace()).collect();
    for scale in SCALES {
        plain = plain.replace(scale, "，");
    }
    for idiom in IDIOMS {
        plain = plain.replace(idiom, "，");
    }
    let chars: Vec<char> = plain.chars().collect();
    let mut numbers = Vec::new();
    let mut at = 0;
    let mut gap_start = 0;
    while at < chars.len() {
        let rest = chars.get(at..).unwrap_or_default();
        match number(rest) {
            Some(found) => {
                let gap = chars.get(gap_start..at).unwrap_or_default();
                let link = if numbers.is_empty() { Link::Other } else { link(gap) };
                numbers.push(Spoken { value: found.value, link });
                at += found.length;
                gap_start = at;
            }
            None => at += 1,
        }
    }
    if numbers.is_empty() { score_by_sound(&plain) } else { choose(&numbers) }
}

/// A score said alone ("一分") of which the recognizer wrote homophones ("移分", "三粉"). 四 and 十 are told apart by too
/// little, so neither is guessed.
fn score_by_sound(text: &str) -> Option<f64> {
    const HEDGES: [&str; 9] = ["大概", "大约", "应该", "差不多", "可能", "左右", "就是", "是", "吧"];
    let words: String = text.chars().filter(|c| text::is_han(*c)).collect();
    let words = HEDGES.iter().fold(words, |words, hedge| words.replace(hedge, ""));
    let mut syllables = words.chars().map(|c| c.to_pinyin().map_or("", |pinyin| pinyin.plain()));
    let (Some(score), Some("fen" | "feng"), None) = (syllables.next(), syllables.next(), syllables.next()) else {
        return None;
    };
    Some(match score {
        "ling" | "lin" => 0.0,
        "yi" => 1.0,
        "er" | "liang" => 2.0,
        "san" => 3.0,
        "wu" => 5.0,
        "liu" => 6.0,
        "qi" => 7.0,
        "ba" => 8.0,
        "jiu" => 9.0,
        _ => return None,
    })
}

fn link(gap: &[char]) -> Link {
    let gap: String = gap.iter().filter(|c| text::is_han(**c)).collect();
    if ["不对", "不是", "说错", "应该", "哦不", "等等", "改成"].iter().any(|word| gap.contains(word)) {
        return Link::Correction;
    }
    let rest = ["分", "个", "度", "或者", "或", "到", "至", "左右", "还是", "也许", "可能", "天", "次", "岁", "是"]
        .iter()
        .fold(gap, |gap, word| gap.replace(word, ""));
    if rest.is_empty() { Link::Range } else { Link::Other }
}

/// A number and how many characters it takes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Found {
    value: f64,
    length: usize,
}

fn number(chars: &[char]) -> Option<Found> {
    let c = |at: usize| chars.get(at).copied();
    if c(0) == Some('负') {
        let found = number(chars.get(1..)?)?;
        return Some(Found { value: -found.value, length: found.length + 1 });
    }
    if c(0) == Some('半') {
        return Some(Found { value: 0.5, length: 1 });
    }
    // 百分之八十 is 80, 十分之六 is 6: of a hundred, of ten.
    for prefix in ["百分之", "十分之"] {
        let head: String = chars.iter().take(3).collect();
        if head == prefix {
            let found = number(chars.get(3..)?)?;
            return Some(Found { value: found.value, length: found.length + 3 });
        }
    }
    let (mut value, mut at) = match written_prefix(chars) {
        Some((value, length)) => match c(length).and_then(scale).filter(|scale| *scale >= 10_000) {
            Some(scale) => (value * to_f64(scale), length + 1),
            None => (value, length),
        },
        None => {
            let length = chars.iter().take_while(|c| digit(**c).is_some() || scale(**c).is_some()).count();
            let (value, length) = integer_prefix(chars.get(..length)?)?;
            (to_f64(value), length)
        }
    };
    // 有一点疼 is "a bit", 一点五 is 1.5, 三十六度五 is 36.5, 六点半 and 三个半 are halves.
    let separator = c(at).is_some_and(|c| matches!(c, '点' | '度' | '分' | '块' | '个' | '.'));
    if separator {
        let is_decimal = matches!(c(at), Some('点' | '度' | '块' | '.'));
        let decimals: String = chars
            .iter()
            .skip(at + 1)
            .take(8)
            .map_while(|c| digit(*c).or_else(|| c.to_digit(10)))
            .map(|d| d.to_string())
            .collect();
        let after = c(at + 1 + decimals.len());
        if is_decimal && !decimals.is_empty() && after.and_then(scale).is_none() {
            let fraction: f64 = format!("0.{decimals}").parse().ok()?;
            value += fraction;
            at += 1 + decimals.len();
        } else if c(at + 1) == Some('半') {
            value += 0.5;
            at += 2;
        } else if c(at) == Some('点') && chars.first() == Some(&'一') && at == 1 {
            return None;
        }
    } else if c(at) == Some('半') {
        value += 0.5;
        at += 1;
    }
    Some(Found { value, length: at })
}

/// Digits written in ASCII at the begin.
fn written_prefix(chars: &[char]) -> Option<(f64, usize)> {
    let mut word = String::new();
    for (at, &c) in chars.iter().enumerate() {
        let next_is_digit = chars.get(at + 1).is_some_and(char::is_ascii_digit);
        let is_point = c == '.' && next_is_digit && !word.is_empty() && !word.contains('.');
        let is_minus = c == '-' && next_is_digit && word.is_empty();
        if c.is_ascii_digit() || is_point || is_minus {
            word.push(c);
        } else if !(c == ',' && next_is_digit && !word.is_empty()) {
            break;
        }
    }
    let length = word.chars().count();
    // A separator of thousands is not in the word but was read over.
    let commas = chars.iter().take_while(|c| c.is_ascii_digit() || **c == ',').filter(|c| **c == ',').count();
    let trailing = usize::from(commas > 0 && chars.get(length + commas - 1) == Some(&','));
    written(&word).map(|value| (value, length + commas - trailing))
}

/// The whole number that all of `chars` speak: 二十三, 一百二, 一三八.
pub(crate) fn integer(chars: &[char]) -> Option<u64> {
    integer_prefix(chars).filter(|(_, length)| *length == chars.len()).map(|(value, _)| value)
}

fn integer_prefix(chars: &[char]) -> Option<(u64, usize)> {
    let digits = chars.iter().take_while(|c| digit(**c).is_some()).count();
    let has_scale = chars.get(digits).copied().and_then(scale).is_some();
    if digits >= 2 && !(has_scale && digits == 2 && chars.first() == Some(&'零')) {
        let values: Vec<u32> = chars.iter().take(digits).filter_map(|c| digit(*c)).collect();
        // 六七分, 两三百: neighbours are a guess between the two, of which the first counts.
        if let [first, second] = values.as_slice()
            && *first > 0
            && *second == first + 1
        {
            let scales = chars.iter().skip(2).take_while(|c| scale(**c).is_some()).count();
            let factor =
                chars.iter().skip(2).take(scales).filter_map(|c| scale(*c)).try_fold(1u64, u64::checked_mul)?;
            return Some((u64::from(*first).checked_mul(factor)?, 2 + scales));
        }
        if has_scale || digits > 15 {
            return None;
        }
        return Some((values.iter().fold(0, |value, digit| value * 10 + u64::from(*digit)), digits));
    }
    positional(chars)
}

/// A number with scales. The last digit without one counts in the scale below the last: 一百二 is 120, 一百零二 is 102.
fn positional(chars: &[char]) -> Option<(u64, usize)> {
    let mut total = 0u64; // Closed groups: 亿 and 万.
    let mut section = 0u64; // Below 万.
    let mut pending: Option<u64> = None; // A digit that waits for its scale.
    let mut last_scale = 0u64;
    let mut after_zero = false;
    let mut length = 0;
    for &c in chars {
        if let Some(value) = digit(c) {
            if pending.is_some_and(|pending| pending > 0) {
                break;
            }
            after_zero = value == 0 || pending == Some(0);
            pending = Some(u64::from(value));
        } else if let Some(scale) = scale(c) {
            if scale >= 10_000 {
                let group = section.checked_add(pending.take().unwrap_or(0))?;
                if group == 0 && (total == 0 || scale == 10_000) {
                    return None;
                }
                // 一亿两千万: 万 counts what stands after 亿, 亿 all that stands before it.
                let grown = match scale {
                    10_000 => group.checked_mul(scale).and_then(|group| total.checked_add(group)),
                    _ => total.checked_add(group).and_then(|total| total.checked_mul(scale)),
                };
                total = grown.filter(|total| *total < 1 << 50)?;
                section = 0;
            } else {
                // 十二 without a digit before is one ten; 百 and 千 alone are words, not numbers.
                let count = match pending.take() {
                    Some(digit) => digit,
                    None if scale == 10 => 1,
                    None => return (length > 0).then_some((total.checked_add(section)?, length)),
                };
                section = section.checked_add(count.checked_mul(scale)?)?;
            }
            last_scale = scale;
            after_zero = false;
        } else {
            break;
        }
        length += 1;
    }
    let low = match pending {
        Some(digit) if last_scale >= 100 && !after_zero => digit * (last_scale / 10),
        Some(digit) => digit,
        None => 0,
    };
    (length > 0).then_some((total.checked_add(section)?.checked_add(low)?, length))
}

#[expect(clippy::cast_precision_loss, reason = "numbers of an answer are far below 2^53")]
fn to_f64(value: u64) -> f64 {
    value as f64
}
