//! What callers say around what counts: "let me see, I think it was …", 应该是…吧.

use super::{
    Kind,
    tokens::{after, ends, starts},
};
use crate::Language;

/// Before any type.
#[rustfmt::skip]
const ENGLISH_BEFORE: &[&str] = &[
    "its", "it is", "it was", "thats", "that is", "that was", "that would be", "it would be", "i think", "i guess",
    "i believe", "i said", "i say", "id say", "i would say", "let me see", "lets see", "let me think", "lets say", "say",
    "about", "around", "roughly", "approximately", "maybe", "probably", "perhaps", "almost", "how about", "make it",
    "make that", "i want", "i would like", "id like", "i need", "give me", "can i have", "my answer is", "the answer is",
    "ok", "okay", "so", "yes", "yeah", "sure", "right", "alright", "hi", "hello", "actually", "oh", "and", "the",
    "sorry", "i mean", "like", "you know", "just", "it should be", "should be", "lets do", "lets go with",
    "could we do", "can we do", "could you do", "could you make it", "i would prefer", "id prefer", "lets do it", "i can come in", "i can come", "i can do", "i have",
    "there are", "there is", "sometime", "can you do", "i", "it has to be",
];
#[rustfmt::skip]
const ENGLISH_AFTER: &[&str] = &[
    "thanks", "thank you", "thank you very much", "i think", "i guess", "i believe", "or so", "maybe", "instead",
    "if possible", "ok", "okay", "right", "then", "sir", "maam", "exactly", "would be good", "would be great",
    "would be fine", "would be nice", "is fine", "is good", "is great", "works", "works for me", "works best",
    "sounds good", "approximately", "roughly", "or thereabouts", "thats it", "thats all", "of them", "even", "is free", "is ok", "is okay", "would work",
];
#[rustfmt::skip]
const CHINESE_BEFORE: &[&str] = &[
    "应该是", "应该", "大概是", "大概", "大约是", "大约", "差不多是", "差不多", "可能是", "可能", "好像是", "好像", "也许",
    "就是", "是", "我觉得是", "我觉得", "我想是", "我想", "我说的是", "我说", "我是说", "那就", "那", "这个", "那个", "我要", "我想要", "要",
    "请", "麻烦", "对", "好的", "好", "嗯", "让我想想", "我想想", "想想", "我看看", "我看一下", "你好", "喂", "改成",
    "那么", "就", "可以", "哦", "啊", "呃", "行", "我", "我有", "您", "你", "再", "有",
];
#[rustfmt::skip]
const CHINESE_AFTER: &[&str] = &[
    "吧", "呢", "啊", "呀", "嘛", "哦", "哈", "的", "谢谢", "谢谢你", "左右", "就行", "就可以", "可以吗", "可以", "好了",
    "行吗", "好吗", "行不行", "上下", "这样", "这样子", "没了", "完了", "就这些", "对", "样子", "的样子", "吗", "了", "为止", "过来", "有空", "有时间", "来", "去", "都行", "都可以",
];

fn before(kind: &Kind, language: Language) -> &'static [&'static str] {
    match (kind, language) {
        (Kind::Date, Language::English) => &[
            "the date is",
            "my birthday is",
            "my birth date is",
            "my date of birth is",
            "date of birth is",
            "birthday is",
            "my birthday was",
            "i was born on",
            "i was born",
            "born on",
            "on",
            "it was on",
            "for",
        ],
        (Kind::Date, Language::Chinese) => &[
            "我想约",
            "想约",
            "约",
            "我想预约",
            "预约",
            "改到",
            "换到",
            "推到",
            "定在",
            "订在",
            "约在",
            "我的生日是",
            "我生日是",
            "生日是",
            "生日",
            "我的出生日期是",
            "出生日期是",
            "出生日期",
            "日期是",
            "我是",
            "在",
            "从",
        ],
        (Kind::Time, Language::English) => &["at", "the time is", "the appointment is", "by", "for"],
        (Kind::Time, Language::Chinese) => {
            &["我想约", "想约", "约", "我想预约", "预约", "改到", "换到", "定在", "约在", "时间是", "现在是", "在"]
        }
        (Kind::Number(_), Language::English) => &["the number is", "number", "the number"],
        (Kind::Number(_), Language::Chinese) => &["数字是", "一共", "总共", "有", "号码是"],
        (Kind::Currency, Language::English) => &[
            "i would like to pay",
            "id like to pay",
            "i want to pay",
            "pay",
            "i owe",
            "it costs",
            "it cost",
            "the amount is",
            "the total is",
            "a total of",
            "transfer",
            "send",
            "i paid",
            "to pay",
            "exactly",
        ],
        (Kind::Currency, Language::Chinese) => &[
            "我要充",
            "我想充",
            "充值",
            "充",
            "我要转",
            "我要付",
            "转账",
            "转",
            "付",
            "支付",
            "金额是",
            "一共",
            "总共",
            "花了",
            "价格是",
            "给我",
            "还",
        ],
        (Kind::Digits(_), Language::English) => &[
            "my",
            "is",
            "number",
            "code",
            "pin",
            "account",
            "card",
            "phone",
            "zip",
            "are",
            "id",
            "this",
            "room",
            "extension",
            "confirmation",
            "order",
            "member",
            "it",
            "that",
        ],
        (Kind::Digits(_), Language::Chinese) => &[
            "我的",
            "密码是",
            "密码",
            "尾号是",
            "尾号",
            "验证码是",
            "验证码",
            "卡号是",
            "卡号",
            "编号是",
            "编号",
            "号码是",
            "号码",
            "订单号是",
            "工号是",
            "房间号是",
            "身份证号是",
            "我的是",
        ],
        (Kind::Phone, Language::English) => &[
            "my number is",
            "my phone number is",
            "my telephone number is",
            "my cell phone number is",
            "my cell is",
            "the number is",
            "the phone number is",
            "you can reach me at",
            "reach me at",
            "you can call me at",
            "call me at",
            "call me on",
            "contact me at",
            "call",
            "dial",
            "number",
            "phone",
            "phone number",
            "my home number is",
        ],
        (Kind::Phone, Language::Chinese) => &[
            "我的",
            "手机号码是",
            "手机号是",
            "手机号码",
            "手机号",
            "手机是",
            "手机",
            "电话号码是",
            "电话号码",
            "电话是",
            "电话",
            "号码是",
            "号码",
            "请打",
            "打",
            "拨打",
            "请拨",
            "拨",
            "联系方式是",
            "座机是",
            "座机",
            "固定电话是",
        ],
        (Kind::Boolean(_), _) => &[],
    }
}

fn behind(kind: &Kind, language: Language) -> &'static [&'static str] {
    match (kind, language) {
        (Kind::Date, Language::Chinese) => &["出生", "出生的", "生", "生的", "那天", "过"],
        (Kind::Digits(_), Language::Chinese) => &["号"],
        _ => &[],
    }
}

/// What may be left of an utterance when what stands around it is taken away, least taken away first.
pub(super) fn cores<'a>(tokens: &'a [String], kind: &Kind, language: Language) -> Vec<&'a [String]> {
    let (common_before, common_after) = match language {
        Language::English => (ENGLISH_BEFORE, ENGLISH_AFTER),
        Language::Chinese => (CHINESE_BEFORE, CHINESE_AFTER),
    };
    let heads = reach(|taken| {
        let rest = after(tokens, taken);
        let phrases = common_before.iter().chain(before(kind, language));
        phrases.filter_map(|phrase| starts(rest, phrase)).map(|more| taken + more).collect()
    });
    let tails = reach(|taken| {
        let rest = tokens.get(..tokens.len() - taken).unwrap_or_default();
        let phrases = common_after.iter().chain(behind(kind, language));
        phrases.filter_map(|phrase| ends(rest, phrase)).map(|more| taken + more).collect()
    });
    let mut spans: Vec<(usize, usize)> = heads
        .iter()
        .flat_map(|head| tails.iter().map(|tail| (*head, *tail)))
        .filter(|(head, tail)| head + tail < tokens.len())
        .collect();
    spans.sort_by_key(|(head, tail)| head + tail);
    spans.into_iter().filter_map(|(head, tail)| tokens.get(head..tokens.len() - tail)).collect()
}

/// All counts that can be reached from none by `step`.
fn reach(step: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
    const REACHED_MAX: usize = 12;
    let mut reached = vec![0];
    let mut next = 0;
    while let Some(taken) = reached.get(next).copied() {
        for more in step(taken) {
            if !reached.contains(&more) && reached.len() < REACHED_MAX {
                reached.push(more);
            }
        }
        next += 1;
    }
    reached
}

/// What stands before and after the words that take back what was said before them: "five, no, six", 不是明天，是后天.
pub(super) fn correction(tokens: &[String], language: Language) -> Option<(&[String], &[String])> {
    let marks: &[&str] = match language {
        Language::English => &[
            "no wait",
            "wait no",
            "no sorry",
            "no i mean",
            "no make that",
            "i mean",
            "sorry",
            "no",
            "actually",
            "make that",
            "rather",
            "correction",
            "scratch that",
            "wait",
        ],
        Language::Chinese => &["不对", "不是", "说错了", "错了", "哦不", "等等", "等一下", "我是说", "应该是"],
    };
    let negated = match language {
        Language::English => starts(tokens, "not"),
        Language::Chinese => starts(tokens, "不是"),
    };
    let longest = |at: usize| marks.iter().filter_map(|mark| starts(after(tokens, at), mark)).max();
    let split = |from: usize, to: usize, length: usize| {
        let corrected = after(tokens, to + length);
        (from < to && !corrected.is_empty()).then(|| tokens.get(from..to).map(|taken_back| (taken_back, corrected)))?
    };
    if let Some(from) = negated {
        let but = |at: usize| ["是", "而是", "but"].iter().filter_map(|but| starts(after(tokens, at), but)).max();
        return (from..tokens.len()).find_map(|at| split(from, at, but(at)?));
    }
    // The first of the last marks in a row: "no I mean".
    let mut found = None;
    let mut at = 1;
    while at < tokens.len() {
        match longest(at) {
            Some(length) => {
                found = split(0, at, length).or(found);
                at += length;
            }
            None => at += 1,
        }
    }
    found
}
