//! Yes and no, as people say them.

use crate::{Language, text};

/// Whether a text says yes or no: "yeah, sure" is `Some(true)`, "不用了" is `Some(false)`. `None` when it says neither,
/// both ("yes, no wait"), asks back ("是不是") or does not know ("不知道"): better to ask again than to guess.
///
/// The language is that of the text's script; `language` decides only when there is none.
pub fn yes_no(text: &str, language: Language) -> Option<bool> {
    // Far longer than any answer to a yes/no question.
    const CHARS_MAX: usize = 400;
    if text.chars().nth(CHARS_MAX).is_some() {
        return None;
    }
    match Language::of_text(text).unwrap_or(language) {
        Language::English => english(text),
        Language::Chinese => chinese(text),
    }
}

/// What a phrase says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    Yes,
    No,
    /// Neither, though it looks like one: the answer cannot be known.
    Unsure,
}

use Sense::{No, Unsure, Yes};

/// English phrases in the spelling of `text::normalize`; the longest that fits counts.
const ENGLISH: &[(Sense, &[&str])] = &[
    (
        Yes,
        &[
            "yes",
            "yeah",
            "yea",
            "yep",
            "yup",
            "yah",
            "ya",
            "yeh",
            "yass",
            "aye",
            "uh huh",
            "mm hmm",
            "mhm",
            "mmhmm",
            "uhhuh",
            "sure",
            "sure thing",
            "for sure",
            "ok",
            "okay",
            "k",
            "kay",
            "alright",
            "all right",
            "right",
            "thats right",
            "that is right",
            "youre right",
            "correct",
            "thats correct",
            "that is correct",
            "true",
            "thats true",
            "thats it",
            "exactly",
            "absolutely",
            "definitely",
            "certainly",
            "indeed",
            "of course",
            "affirmative",
            "positive",
            "agreed",
            "i agree",
            "fine",
            "thats fine",
            "sounds good",
            "sounds great",
            "go ahead",
            "go for it",
            "by all means",
            "please do",
            "you bet",
            "totally",
            "naturally",
            "gladly",
            "i do",
            "i did",
            "i am",
            "i have",
            "i will",
            "i would",
            "i can",
            "i could",
            "i think so",
            "i believe so",
            "i guess so",
            "i suppose so",
            "i hope so",
            "it is",
            "it does",
            "it did",
            "it has",
            "it was",
            "they are",
            "they do",
            "we do",
            "we are",
            "we have",
            "id like that",
            "i would like that",
            "id love to",
            "i would love to",
            "lets do it",
            "lets do that",
            "why not",
            "no problem",
            "no problem at all",
            "no worries",
            "no doubt",
            "not a problem",
            "of course i do",
            "very much so",
            "you got it",
            "yes sir",
            "yes maam",
            "works for me",
            "that works",
            "perfect",
            "great",
            "good",
            "very good",
            "confirm",
            "confirmed",
            "i confirm",
            "a little",
            "a little bit",
            "a bit",
            "sometimes i do",
        ],
    ),
    (
        No,
        &[
            "no",
            "nope",
            "nah",
            "naw",
            "nay",
            "no way",
            "uh uh",
            "nuh uh",
            "no thanks",
            "no thank you",
            "not",
            "not at all",
            "not really",
            "not now",
            "not yet",
            "not today",
            "not me",
            "not particularly",
            "not exactly",
            "negative",
            "never",
            "none",
            "nothing",
            "neither",
            "dont",
            "do not",
            "i dont",
            "i do not",
            "i didnt",
            "i did not",
            "i am not",
            "im not",
            "i havent",
            "i have not",
            "i have no",
            "i have none",
            "i have nothing",
            "i had no",
            "i wont",
            "i will not",
            "i wouldnt",
            "i would not",
            "id rather not",
            "i would rather not",
            "i cant",
            "i cannot",
            "i can not",
            "i couldnt",
            "i dont think so",
            "i do not think so",
            "i dont believe so",
            "i guess not",
            "i think not",
            "i hope not",
            "i suppose not",
            "it isnt",
            "it is not",
            "its not",
            "it doesnt",
            "it does not",
            "it didnt",
            "it hasnt",
            "it wasnt",
            "they arent",
            "they dont",
            "we dont",
            "we havent",
            "there isnt",
            "there is no",
            "there is not",
            "there is none",
            "theres no",
            "theres none",
            "there arent",
            "there are no",
            "there are none",
            "there wasnt",
            "there was no",
            "thats wrong",
            "that is wrong",
            "wrong",
            "incorrect",
            "thats incorrect",
            "thats not right",
            "that is not right",
            "thats not correct",
            "false",
            "of course not",
            "certainly not",
            "absolutely not",
            "definitely not",
            "probably not",
            "maybe not",
            "hell no",
            "no sir",
            "no maam",
            "cancel",
            "stop",
            "no good",
            "refuse",
            "i refuse",
            "i disagree",
            "disagree",
            "dont want",
        ],
    ),
    (
        Unsure,
        &[
            "i dont know",
            "i do not know",
            "dont know",
            "i dont remember",
            "dont remember",
            "i dont understand",
            "i didnt understand",
            "i didnt hear",
            "i didnt catch",
            "i didnt get",
            "i cant hear",
            "im not sure",
            "i am not sure",
            "not sure",
            "no idea",
            "i have no idea",
            "ive no idea",
            "i cant say",
            "i cant tell",
            "not certain",
            "right now",
            "no comment",
            "i cant remember",
            "good question",
            "i am not certain",
            "right here",
            "good morning",
            "good afternoon",
            "good evening",
            "good bye",
            "goodbye",
            "it is hard to say",
            "no one",
            "great question",
            "never mind",
            "nevermind",
            "yes or no",
            "yes and no",
            "yes no",
            "no yes",
            "well yes and no",
            "maybe yes maybe no",
            "i have a question",
            "i would like to know",
            "i would like to ask",
            "i can hear",
            "i cant understand",
            "dont understand",
            "do not understand",
            "stop talking",
        ],
    ),
];

/// Words before an answer that do not change it.
const ENGLISH_LEADS: &[&str] = &[
    "oh",
    "ah",
    "so",
    "um",
    "uh",
    "er",
    "erm",
    "hmm",
    "hm",
    "well",
    "actually",
    "honestly",
    "probably",
    "basically",
    "i think",
    "i believe",
    "i guess",
    "i suppose",
    "i would say",
    "id say",
    "i said",
    "the answer is",
    "my answer is",
    "it would be",
    "that would be",
    "that would be a",
    "thats a",
    "that is a",
    "its a",
    "a big",
    "hell",
    "hi",
    "hello",
    "please",
    "just",
    "um i mean",
    "and",
    "but",
    "yeah well",
    "let me think",
    "let me see",
    "sorry",
    "a",
    "thank you",
    "thanks",
    "maybe",
    "perhaps",
    "doctor",
];

/// What takes back the answer before it.
const ENGLISH_CORRECTIONS: &[&str] =
    &["wait", "i mean", "sorry", "actually", "rather", "correction", "hold on", "scratch that"];

fn english(text: &str) -> Option<bool> {
    let words = text::words(text);
    let mut rest = words.as_slice();
    let first = loop {
        if let Some((sense, _)) = longest(ENGLISH, rest) {
            break sense;
        }
        let lead = ENGLISH_LEADS.iter().filter_map(|lead| starts_with(rest, lead)).max()?;
        rest = rest.get(lead..).unwrap_or_default();
    };
    let answer = match first {
        Yes => true,
        No => false,
        Unsure => return None,
    };
    // "no, yes": an opposite word right after, or after a word of correction, takes the answer back.
    let after = longest(ENGLISH, rest).map_or(0, |(_, length)| length);
    let mut rest = rest.get(after..).unwrap_or_default();
    let mut may_turn = true;
    while let Some((_, tail)) = rest.split_first() {
        if let Some(length) = ENGLISH_CORRECTIONS.iter().filter_map(|word| starts_with(rest, word)).max() {
            may_turn = true;
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        match longest(ENGLISH, rest) {
            Some((Yes, _)) if may_turn && !answer && is_plain(rest, &["yes", "yeah", "yep", "yup"]) => return None,
            Some((No, _)) if may_turn && answer && is_plain(rest, &["no", "nope", "nah"]) => return None,
            Some((Unsure, _)) if may_turn => return None,
            Some((_, length)) => rest = rest.get(length..).unwrap_or_default(),
            None => {
                may_turn = false;
                rest = tail;
            }
        }
    }
    Some(answer)
}

fn is_plain(words: &[String], plain: &[&str]) -> bool {
    words.first().is_some_and(|word| plain.contains(&word.as_str()))
}

/// How many words of `words` the phrase takes, if they begin with it.
fn starts_with(words: &[String], phrase: &str) -> Option<usize> {
    let mut count = 0;
    for expected in phrase.split(' ') {
        if words.get(count)? != expected {
            return None;
        }
        count += 1;
    }
    Some(count)
}

fn longest(table: &[(Sense, &[&str])], words: &[String]) -> Option<(Sense, usize)> {
    table
        .iter()
        .flat_map(|(sense, phrases)| phrases.iter().map(move |phrase| (*sense, *phrase)))
        .filter_map(|(sense, phrase)| starts_with(words, phrase).map(|length| (sense, length)))
        .max_by_key(|(_, length)| *length)
}

/// Chinese answers may be followed by anything; the longest that fits counts, so the exceptions are listed as well.
const CHINESE: &[(Sense, &[&str])] = &[
    (
        Yes,
        &[
            "是",
            "是的",
            "是啊",
            "是呀",
            "是滴",
            "是哒",
            "对",
            "对的",
            "对啊",
            "对呀",
            "对对",
            "对头",
            "没错",
            "不错",
            "正确",
            "准确",
            "好的",
            "好啊",
            "好呀",
            "好吧",
            "好嘞",
            "好哒",
            "好滴",
            "好好好",
            "可以",
            "可以的",
            "可以啊",
            "行的",
            "行啊",
            "行吧",
            "成吧",
            "没问题",
            "没有问题",
            "没关系",
            "没意见",
            "没有意见",
            "没毛病",
            "嗯",
            "恩",
            "唔",
            "有",
            "有的",
            "有啊",
            "有过",
            "有一点",
            "有点",
            "要",
            "要的",
            "需要",
            "想",
            "想要",
            "愿意",
            "同意",
            "确认",
            "确定",
            "确实",
            "当然",
            "必须的",
            "会",
            "会的",
            "能",
            "能够",
            "明白",
            "知道了",
            "了解",
            "清楚",
            "收到",
            "方便",
            "就是",
            "是这样",
            "欢迎",
            "肯定",
            "不用说",
            "没说错",
            "没有错",
            "ok",
            "yes",
            "yeah",
            "okay",
            "一直有",
            "还有",
            "偶尔有",
            "偶尔",
            "不要紧",
            "没什么问题",
        ],
    ),
    (
        No,
        &[
            "不",
            "没",
            "没有",
            "否",
            "别",
            "无",
            "错",
            "错了",
            "算了",
            "免了",
            "拒绝",
            "取消",
            "从来没有",
            "从没",
            "从未",
            "未",
            "还没",
            "并没有",
            "并不",
            "并非",
            "绝不",
            "绝对不",
            "当然不",
            "当然没",
            "暂时不",
            "暂时没",
            "先不",
            "先别",
            "肯定不",
            "肯定没",
            "确实不",
            "确实没",
            "完全没",
            "完全不",
            "根本没",
            "根本不",
            "一点也不",
            "一点都不",
            "一点也没",
            "一点都没",
            "什么都没有",
            "哪有",
            "才不",
            "都没有",
            "都没",
            "都不",
            "也没有",
            "也没",
            "也不",
            "也不用",
            "还不",
            "真没",
            "真不",
            "好像没",
            "好像不",
            "no",
            "nope",
            "用不着",
            "谢谢不用",
            "不同意",
            "不愿意",
            "不可以",
            "不方便",
            "不需要",
            "不确认",
            "有什么用",
        ],
    ),
    (
        Unsure,
        &[
            "不知道",
            "不清楚",
            "不太清楚",
            "不大清楚",
            "不确定",
            "不太确定",
            "不记得",
            "不太记得",
            "不好说",
            "不一定",
            "不晓得",
            "不懂",
            "不太懂",
            "不明白",
            "不太明白",
            "不好意思",
            "不少",
            "不仅",
            "不管",
            "不止",
            "不但",
            "不得不",
            "不过",
            "不然",
            "不如",
            "不同",
            "没听清",
            "没听懂",
            "没听见",
            "没听到",
            "没有听清",
            "没有听懂",
            "没有听到",
            "没事",
            "没办法",
            "没准",
            "没明白",
            "没记住",
            "没想好",
            "没想过",
            "是不是",
            "是吗",
            "是谁",
            "是什么",
            "是否",
            "是哪",
            "对不对",
            "对吗",
            "对不起",
            "对面",
            "对于",
            "对方",
            "有没有",
            "有吗",
            "有什么",
            "有谁",
            "有时候不",
            "好不好",
            "可不可以",
            "可以吗",
            "能不能",
            "能不",
            "能吗",
            "要不要",
            "要不",
            "要是",
            "要么",
            "要多",
            "会不会",
            "会吗",
            "会议",
            "行不行",
            "想不想",
            "想问",
            "想想",
            "想一想",
            "知道吗",
            "需不需要",
            "需要吗",
            "需要多",
            "别的",
            "别人",
            "错过",
            "无所谓",
            "不可能吧",
            "能听",
            "能再",
            "可以再",
            "别挂",
            "要什么",
            "会怎么",
            "会有什么",
            "要怎么",
            "需要什么",
            "需要怎么",
            "确定吗",
            "方便吗",
        ],
    ),
];

/// Answers only when nothing but a particle or another answer follows: as the begin of a longer sentence they mean
/// something else (好疼, 行李, 成都).
const CHINESE_WHOLE: &[(Sense, &str)] = &[(Yes, "好"), (Yes, "行"), (Yes, "成"), (Yes, "中"), (Yes, "用")];

/// Words before an answer that do not change it.
const CHINESE_LEADS: &[&str] = &[
    "我觉得",
    "我想",
    "我认为",
    "我感觉",
    "应该",
    "好像",
    "可能",
    "大概",
    "那个",
    "这个",
    "那",
    "我",
    "呃",
    "额",
    "哦",
    "噢",
    "啊",
    "哎",
    "诶",
    "喂",
    "你好",
    "医生",
    "其实",
    "目前",
    "现在",
    "暂时",
    "倒是",
    "倒",
    "反正",
    "这",
    "它",
    "他",
    "她",
    "都",
    "也",
    "还",
    "就",
    "确实",
    "谢谢",
    "唉",
    "哈",
    "今天",
    "最近",
    "真的",
    "真",
    "那就",
    "当时",
    "之前",
    "以前",
    "这两天",
    "这几天",
    "平时",
    "一般",
    "基本",
    "基本上",
    "目前为止",
    "说实话",
    "您好",
];

const CHINESE_CORRECTIONS: &[&str] = &["不对", "不是", "说错了", "等等", "等一下", "应该是", "我是说"];

fn chinese(text: &str) -> Option<bool> {
    let normal = text::normalize(text);
    let mut rest = normal.as_str();
    let (answer, length) = loop {
        match chinese_answer(rest) {
            Some((Yes, length)) => break (true, length),
            Some((No, length)) => break (false, length),
            Some((Unsure, _)) => return None,
            None => {
                let lead =
                    CHINESE_LEADS.iter().filter(|lead| rest.starts_with(**lead)).max_by_key(|lead| lead.len())?;
                rest = rest.get(lead.len()..).unwrap_or_default();
            }
        }
    };
    // "嗯" only listens: what comes after it is the answer, if there is one.
    let tail = rest.get(length..).unwrap_or_default();
    if matches!(rest.get(..length), Some("嗯" | "恩" | "唔")) && !tail.is_empty() {
        let particles = ['嗯', '恩', '唔', '啊', '呢', '哦'];
        return match chinese(tail) {
            None if tail.chars().all(|c| particles.contains(&c)) => Some(true),
            later => later,
        };
    }
    for correction in CHINESE_CORRECTIONS {
        if let Some((_, after)) = tail.split_once(correction)
            && let Some((sense @ (Yes | No), _)) = chinese_answer(after)
            && (sense == Yes) != answer
        {
            return None;
        }
    }
    if answer && (tail.starts_with("不对") || tail.starts_with("不是")) {
        return None;
    }
    if answer && tail.ends_with(['吗', '么']) {
        return None;
    }
    Some(answer)
}

fn chinese_answer(text: &str) -> Option<(Sense, usize)> {
    let listed = CHINESE
        .iter()
        .flat_map(|(sense, phrases)| phrases.iter().map(move |phrase| (*sense, *phrase)))
        .filter(|(_, phrase)| text.starts_with(phrase))
        .max_by_key(|(_, phrase)| phrase.len())
        .map(|(sense, phrase)| (sense, phrase.len()));
    listed.or_else(|| {
        CHINESE_WHOLE.iter().find_map(|(sense, word)| {
            let rest = text.strip_prefix(word)?;
            let rest = rest.trim_start_matches(['啊', '呀', '吧', '呢', '嘛', '哦', '的', '了', '啦', '好', '行']);
            let ends = rest.is_empty()
                || ["谢谢", "没问题", "可以", "我知道", "那就", "就这样"].iter().any(|next| rest.starts_with(next));
            ends.then_some((*sense, word.len()))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_forms_of_yes() {
        for text in [
            "yes",
            "Yes.",
            "yeah",
            "Yep!",
            "yup",
            "uh huh",
            "mhm",
            "sure",
            "Sure, why not?",
            "OK",
            "okay then",
            "alright",
            "right",
            "that's right",
            "That is correct.",
            "correct",
            "absolutely",
            "of course",
            "definitely",
            "I do",
            "I am",
            "I think so",
            "um, yes",
            "well, yeah",
            "oh yes please",
            "Yes, I have a fever",
            "yes yes",
            "no problem",
            "sounds good",
            "go ahead",
            "I would say yes",
            "yes, not too bad",
            "affirmative",
            "by all means",
            "it is",
            "yes I took no more than two",
            "yeah no problem",
            "actually yes",
            "true",
            "I guess so",
            "fine",
        ] {
            assert_eq!(yes_no(text, Language::English), Some(true), "{text}");
        }
    }

    #[test]
    fn english_forms_of_no() {
        for text in [
            "no",
            "No.",
            "nope",
            "nah",
            "no thanks",
            "No, thank you.",
            "not really",
            "not at all",
            "I don't",
            "I do not",
            "I don't think so",
            "negative",
            "never",
            "none",
            "nothing",
            "of course not",
            "absolutely not",
            "wrong",
            "that's not right",
            "I haven't",
            "I have no pain",
            "there is no redness",
            "um no",
            "well, not yet",
            "no no no",
            "I'm not",
            "it isn't",
            "it's not",
            "probably not",
            "incorrect",
            "No, I am fine",
            "I'd rather not",
            "uh, nope",
            "no, that is all",
            "certainly not",
            "no I did it right",
        ] {
            assert_eq!(yes_no(text, Language::English), Some(false), "{text}");
        }
    }

    #[test]
    fn english_that_is_neither_is_not_guessed() {
        for text in [
            "",
            "maybe",
            "I don't know",
            "I'm not sure",
            "no idea",
            "what",
            "six",
            "yes no",
            "yes, no wait",
            "no, I mean yes",
            "there was a man",
            "noon",
            "know",
            "yesterday it hurt",
            "could you repeat that",
            "sales",
            "the note",
            "yes and no",
            "no one told me",
        ] {
            assert_eq!(yes_no(text, Language::English), None, "{text}");
        }
    }

    #[test]
    fn chinese_forms_of_yes() {
        for text in [
            "是",
            "是的",
            "是啊",
            "对",
            "对的",
            "对对对",
            "没错",
            "好",
            "好的",
            "好的，谢谢",
            "好，可以",
            "行",
            "行吧",
            "可以",
            "可以的",
            "嗯",
            "嗯嗯",
            "嗯，是的",
            "嗯对",
            "有",
            "有的",
            "有一点疼",
            "要",
            "需要",
            "没问题",
            "没有问题",
            "当然可以",
            "同意",
            "愿意",
            "确认",
            "我想要",
            "应该是的",
            "好像有",
            "那就可以吧",
            "OK",
            "我觉得可以",
            "会的",
            "能",
            "正确",
            "嗯好的",
            "是 的",
            "对，没有发烧",
        ] {
            assert_eq!(yes_no(text, Language::Chinese), Some(true), "{text}");
        }
    }

    #[test]
    fn chinese_forms_of_no() {
        for text in [
            "不",
            "不是",
            "不是的",
            "不对",
            "不要",
            "不用",
            "不用了，谢谢",
            "不行",
            "不可以",
            "不好",
            "不需要",
            "不想",
            "不会",
            "不能",
            "没",
            "没有",
            "没有啊",
            "没有发烧",
            "还没有",
            "从来没有",
            "嗯，没有",
            "好像没有",
            "应该不是",
            "我没有",
            "都没有",
            "一点都不疼",
            "算了",
            "错了",
            "否",
            "别",
            "不太好",
            "暂时不用",
            "目前没有",
            "并没有",
            "那个，不用",
            "我不想",
            "呃没有",
            "没呢",
            "用不着",
            "都不疼",
        ] {
            assert_eq!(yes_no(text, Language::Chinese), Some(false), "{text}");
        }
    }

    #[test]
    fn chinese_that_is_neither_is_not_guessed() {
        for text in [
            "不知道",
            "不清楚",
            "不好说",
            "不好意思",
            "没听清",
            "是不是",
            "有没有",
            "好疼啊",
            "行李",
            "你是谁",
            "什么",
            "六分",
            "对不起",
            "是的，不对，没有",
            "没有，不对，是的",
            "不一定",
            "可以吗",
            "要不要",
            "嗯，不知道",
            "没事",
            "喂",
            "你好",
        ] {
            assert_eq!(yes_no(text, Language::Chinese), None, "{text}");
        }
    }

    #[test]
    fn the_script_decides_over_the_language_that_was_asked_for() {
        assert_eq!(yes_no("没有", Language::English), Some(false));
        assert_eq!(yes_no("yes", Language::Chinese), Some(true));
    }
}
