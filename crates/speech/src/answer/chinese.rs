//! Chinese answers.

use super::Sense::{self, No, Unsure, Yes};
use crate::text;

/// Chinese answers may be followed by anything; the longest that fits counts, so the exceptions are listed as well.
#[rustfmt::skip]
const ANSWERS: &[(Sense, &[&str])] = &[
    (Yes, &[
        "是", "是的", "是啊", "是呀", "是滴", "是哒", "对", "对的", "对啊", "对呀", "对对", "对头", "没错", "不错",
        "正确", "准确", "好的", "好啊", "好呀", "好吧", "好嘞", "好哒", "好滴", "好好好", "可以", "可以的", "可以啊",
        "行的", "行啊", "行吧", "成吧", "没问题", "没有问题", "没关系", "没意见", "没有意见", "没毛病", "嗯", "恩",
        "唔", "有", "有的", "有啊", "有过", "有一点", "有点", "要", "要的", "需要", "想", "想要", "愿意", "同意",
        "确认", "确定", "确实", "当然", "必须的", "会", "会的", "能", "能够", "明白", "知道了", "了解", "清楚",
        "收到", "方便", "就是", "是这样", "欢迎", "肯定", "不用说", "没说错", "没有错", "ok", "yes", "yeah", "okay",
        "一直有", "还有", "偶尔有", "偶尔", "不要紧", "没什么问题",
    ]),
    (No, &[
        "不", "没", "没有", "否", "别", "错", "错了", "算了", "免了", "拒绝", "取消", "从来没有", "从没",
        "从未", "未", "还没", "并没有", "并不", "并非", "绝不", "绝对不", "当然不", "当然没", "暂时不", "暂时没",
        "先不", "先别", "肯定不", "肯定没", "确实不", "确实没", "完全没", "完全不", "根本没", "根本不", "一点也不",
        "一点都不", "一点也没", "一点都没", "什么都没有", "哪有", "才不", "都没有", "都没", "都不", "也没有", "也没",
        "也不", "也不用", "还不", "真没", "真不", "好像没", "好像不", "no", "nope", "用不着", "谢谢不用", "不同意",
        "不愿意", "不可以", "不方便", "不需要", "不确认", "有什么用",
    ]),
    (Unsure, &[
        "不知道", "不清楚", "不太清楚", "不大清楚", "不确定", "不太确定", "不记得", "不太记得", "不好说", "不一定",
        "不晓得", "不懂", "不太懂", "不明白", "不太明白", "不好意思", "不少", "不仅", "不管", "不止", "不但",
        "不得不", "不过", "不然", "不如", "不同", "没听清", "没听懂", "没听见", "没听到", "没有听清", "没有听懂",
        "没有听到", "没事", "没办法", "没准", "没明白", "没记住", "没想好", "没想过", "是不是", "是吗", "是谁",
        "是什么", "是否", "是哪", "对不对", "对吗", "对不起", "对面", "对于", "对方", "有没有", "有吗", "有什么",
        "有谁", "有时候不", "好不好", "可不可以", "可以吗", "能不能", "能不", "能吗", "要不要", "要不", "要是",
        "要么", "要多", "会不会", "会吗", "会议", "行不行", "想不想", "想问", "想想", "想一想", "知道吗", "需不需要",
        "需要吗", "需要多", "别的", "别人", "错过", "无所谓", "不可能吧", "能听", "能再", "可以再", "别挂", "要什么",
        "会怎么", "会有什么", "要怎么", "需要什么", "需要怎么", "确定吗", "方便吗",
    ]),
];

/// Answers only when nothing but a particle or another answer follows: as the begin of a longer sentence they mean
/// something else (好疼, 行李, 成都).
const WHOLE: &[(Sense, &str)] = &[(Yes, "好"), (Yes, "行"), (Yes, "成"), (No, "无")];

/// Words before an answer that do not change it.
#[rustfmt::skip]
const LEADS: &[&str] = &[
    "我觉得", "我想", "我认为", "我感觉", "应该", "好像", "可能", "大概", "那个", "这个", "那", "我", "呃", "额",
    "哦", "噢", "啊", "哎", "诶", "喂", "你好", "医生", "其实", "目前", "现在", "暂时", "倒是", "倒", "反正", "这",
    "它", "他", "她", "都", "也", "还", "就", "确实", "谢谢", "唉", "哈", "今天", "最近", "真的", "真", "那就",
    "当时", "之前", "以前", "这两天", "这几天", "平时", "一般", "基本", "基本上", "目前为止", "说实话", "您好",
];

/// What takes back the answer before it.
const CORRECTIONS: &[&str] = &["不对", "不是", "说错了", "等等", "等一下", "应该是", "我是说"];

pub(super) fn yes_no(text: &str) -> Option<bool> {
    let normal = text::normalize(text);
    let mut rest = normal.as_str();
    let (answer, length) = loop {
        match answer_at(rest) {
            Some((Yes, length)) => break (true, length),
            Some((No, length)) => break (false, length),
            Some((Unsure, _)) => return None,
            None => {
                let lead = LEADS.iter().filter(|lead| rest.starts_with(**lead)).max_by_key(|lead| lead.len())?;
                rest = rest.get(lead.len()..).unwrap_or_default();
            }
        }
    };
    // "嗯" only listens: what comes after it is the answer, if there is one.
    let tail = rest.get(length..).unwrap_or_default();
    if matches!(rest.get(..length), Some("嗯" | "恩" | "唔")) && !tail.is_empty() {
        let particles = ['嗯', '恩', '唔', '啊', '呢', '哦'];
        return match yes_no(tail) {
            None if tail.chars().all(|c| particles.contains(&c)) => Some(true),
            later => later,
        };
    }
    for correction in CORRECTIONS {
        if let Some((_, after)) = tail.split_once(correction)
            && let Some((sense @ (Yes | No), _)) = answer_at(after)
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

fn answer_at(text: &str) -> Option<(Sense, usize)> {
    let listed = ANSWERS
        .iter()
        .flat_map(|(sense, phrases)| phrases.iter().map(move |phrase| (*sense, *phrase)))
        .filter(|(_, phrase)| text.starts_with(phrase))
        .max_by_key(|(_, phrase)| phrase.len())
        .map(|(sense, phrase)| (sense, phrase.len()));
    listed.or_else(|| {
        WHOLE.iter().find_map(|(sense, word)| {
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
    use super::yes_no;

    #[test]
    #[rustfmt::skip]
    fn forms_of_yes() {
        for text in [
            "是", "是的", "是啊", "对", "对的", "对对对", "没错", "好", "好的", "好的，谢谢", "好，可以", "行",
            "行吧", "可以", "可以的", "嗯", "嗯嗯", "嗯，是的", "嗯对", "有", "有的", "有一点疼", "要", "需要",
            "没问题", "没有问题", "当然可以", "同意", "愿意", "确认", "我想要", "应该是的", "好像有", "那就可以吧",
            "OK", "我觉得可以", "会的", "能", "正确", "嗯好的", "是 的", "對的", "沒問題", "对，没有发烧",
        ] {
            assert_eq!(yes_no(text), Some(true), "{text}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn forms_of_no() {
        for text in [
            "不", "不是", "不是的", "无", "不对", "不要", "不用", "不用了，谢谢", "不行", "不可以", "不好", "不需要",
            "不想", "不会", "不能", "没", "没有", "没有啊", "没有发烧", "沒有", "还没有", "从来没有", "嗯，没有", "好像没有",
            "应该不是", "我没有", "都没有", "一点都不疼", "算了", "错了", "否", "别", "不太好", "暂时不用",
            "目前没有", "并没有", "那个，不用", "我不想", "呃没有", "没呢", "用不着", "都不疼",
        ] {
            assert_eq!(yes_no(text), Some(false), "{text}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn that_is_neither_is_not_guessed() {
        for text in [
            "不知道", "不清楚", "不好说", "不好意思", "没听清", "是不是", "有没有", "好疼啊", "行李", "你是谁",
            "什么", "六分", "对不起", "是的，不对，没有", "没有，不对，是的", "不一定", "可以吗", "要不要",
            "嗯，不知道", "没事", "无法", "用", "喂", "你好",
        ] {
            assert_eq!(yes_no(text), None, "{text}");
        }
    }
}
