//! How Chinese turns break off.

/// Words that are said while thinking, and nothing else.
const HESITATIONS: &[&str] = &["嗯", "呃", "额", "唔", "诶", "欸", "那个", "这个", "就是", "那", "我想想", "等一下"];

/// After these more comes, always.
#[rustfmt::skip]
const ANNOUNCING: &[&str] = &[
    "然后", "而且", "但是", "可是", "不过", "因为", "所以", "还有", "或者", "以及", "并且", "如果", "要是", "虽然", "比如", "比如说", "就是说",
    "那个", "这个", "就是", "也就是", "嗯", "呃", "额", "我想想", "我想一下", "我看看", "我看一下", "等一下", "稍等", "等等", "另外", "其实", "除了",
    "的话", "的时候", "之后呢", "还是说", "首先", "第一", "和", "跟", "与", "把", "给", "从", "比", "向", "在", "被", "我的",
];

/// After these more comes, unless the whole is an answer already: 是, 不是.
#[rustfmt::skip]
const OPEN: &[&str] = &[
    "是", "我", "你", "他", "她", "有点", "大概", "可能", "好像", "应该", "差不多", "我觉得", "我想", "我要", "我想要", "想", "要", "叫", "姓", "号码",
    "名字", "到", "最", "很", "特别", "非常",
];

/// Ends of the above that are none.
const WHOLE: &[&str] = &["不是", "也是", "都是", "才是", "没到", "不要", "需要", "不想", "想要我", "谢谢你"];

/// Words that say that a number follows.
#[rustfmt::skip]
pub(super) const NUMBERED: &[&str] = &[
    "号码", "电话", "手机", "卡号", "账号", "身份证", "验证码", "密码", "编号", "尾号", "邮编",
];

/// Ends of questions.
pub(super) const ASKING: &[&str] = &["吗", "呢", "怎么办", "什么", "多少", "哪里", "为什么", "行不行", "可不可以"];

/// Ends of turns.
#[rustfmt::skip]
pub(super) const CLOSING: &[&str] = &[
    "就这些", "就这样", "没有了", "没了", "没别的", "没别的了", "没问题了", "说完了", "好了", "再见", "拜拜", "谢谢", "谢谢你", "谢谢您", "不用了", "可以了",
    "行了", "就行", "没事了", "没什么", "没有问题", "没什么了",
];

/// Clauses that need another one, and what that begins with.
const SUBORDINATING: &[&str] = &["如果", "要是", "因为", "虽然", "假如", "每次"];
const MAIN: &[&str] = &["就", "所以", "但", "还", "都", "才", "会"];
/// A clause of more characters has its other half, or is none.
const CUT_CLAUSE_CHARS_MAX: usize = 14;

pub(super) fn is_hesitation(text: &str) -> bool {
    let mut rest = text;
    while let Some(shorter) = HESITATIONS.iter().find_map(|word| rest.strip_prefix(word)) {
        rest = shorter;
    }
    rest.is_empty()
}

pub(super) fn announces_more(text: &str) -> bool {
    ANNOUNCING.iter().any(|end| text.ends_with(end))
}

pub(super) fn breaks_off(text: &str) -> bool {
    OPEN.iter().any(|end| text.ends_with(end)) && !WHOLE.iter().any(|end| text.ends_with(end))
}

/// 如果明天下雨, and nothing that follows from it.
pub(super) fn is_cut_clause(text: &str, punctuated: &str) -> bool {
    let Some(rest) = SUBORDINATING.iter().find_map(|word| text.strip_prefix(word)) else { return false };
    text.chars().nth(CUT_CLAUSE_CHARS_MAX).is_none()
        && !punctuated.trim_end_matches(['，', ',']).contains(['，', ','])
        && !MAIN.iter().any(|word| rest.contains(word))
}
