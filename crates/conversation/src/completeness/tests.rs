use Completeness::{Complete, Incomplete, Unsure};
use proptest::prelude::*;
use speech::Language::{Chinese, English};

use super::*;

const DIGITS: Expects = Expects::Digits { min: None, max: None };

fn exactly(count: u32) -> Expects {
    Expects::Digits { min: Some(count), max: Some(count) }
}

fn check(language: Language, cases: &[(&str, Expects, Completeness)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|&(text, expects, expected)| (text, expects, expected, completeness(text, language, expects)))
        .filter(|(_, _, expected, found)| expected != found)
        .map(|(text, expects, expected, found)| format!("{text:?} to {expects:?} is {found:?}, not {expected:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn english_turns_are_as_complete_as_they_sound() {
    use Expects::{Anything, Choice, DateTime, Name, Number, Open, YesNo};
    check(
        English,
        &[
            ("", Anything, Incomplete),
            ("um", Anything, Incomplete),
            ("uh well", YesNo, Incomplete),
            ("yes", YesNo, Complete),
            ("Yes.", YesNo, Complete),
            ("no", YesNo, Complete),
            ("yeah sure", YesNo, Complete),
            ("no I don't", YesNo, Complete),
            ("yes it is", YesNo, Complete),
            ("yes I am", YesNo, Complete),
            ("no I'm not", YesNo, Complete),
            ("yes and", YesNo, Incomplete),
            ("yes but", YesNo, Incomplete),
            ("no because", YesNo, Incomplete),
            ("yes, um", YesNo, Incomplete),
            ("I think so", YesNo, Complete),
            ("I don't know", YesNo, Unsure),
            ("yes", Anything, Complete),
            ("no thank you", Anything, Complete),
            ("I feel much better now", Anything, Unsure),
            ("I feel much better now and", Anything, Incomplete),
            ("I feel a lot better but", Anything, Incomplete),
            ("it started because", Anything, Incomplete),
            ("I went to the", Anything, Incomplete),
            ("I would like to", Anything, Incomplete),
            ("I'd like to speak with my", Anything, Incomplete),
            ("can I talk to", Anything, Incomplete),
            ("it hurts when I", Anything, Incomplete),
            ("it hurts when I walk", Anything, Unsure),
            ("when I get up", Anything, Incomplete),
            ("if I eat something", Anything, Incomplete),
            ("if I eat something, it hurts", Anything, Unsure),
            ("I was going to say, um", Anything, Incomplete),
            ("let me see", Anything, Incomplete),
            ("hold on", Anything, Incomplete),
            ("well you know", Anything, Incomplete),
            ("my name is", Anything, Incomplete),
            ("I was wondering", Anything, Incomplete),
            ("my number is", Anything, Incomplete),
            ("my number is five five five", Anything, Incomplete),
            ("my phone number is 555 1234 567", Anything, Unsure),
            ("it's about", Anything, Incomplete),
            ("how do I get there?", Anything, Complete),
            ("where are you", Anything, Unsure),
            ("that's all", Anything, Complete),
            ("no, that's it", Anything, Complete),
            ("goodbye", Anything, Complete),
            ("okay thank you bye", Anything, Complete),
            ("I took two of the tablets, and then", Anything, Incomplete),
            ("first I had dinner,", Anything, Incomplete),
            ("first I had dinner...", Anything, Incomplete),
            ("one two three four", exactly(4), Complete),
            ("one two three", exactly(4), Incomplete),
            ("1 2 3 4", exactly(4), Complete),
            ("five five five", exactly(10), Incomplete),
            ("five five five one two three four five six seven", exactly(10), Complete),
            ("sure it's one two three four", exactly(4), Complete),
            ("my pin is", exactly(4), Incomplete),
            ("my pin is nine nine", exactly(4), Incomplete),
            ("my pin is nine nine oh one", exactly(4), Complete),
            ("the card number is 4111", Expects::Digits { min: Some(12), max: Some(19) }, Incomplete),
            ("4111 1111 1111 1111", Expects::Digits { min: Some(12), max: Some(19) }, Unsure),
            ("one two three", DIGITS, Unsure),
            ("one two three", Expects::Digits { min: Some(3), max: None }, Complete),
            ("one two", Expects::Digits { min: None, max: Some(4) }, Incomplete),
            ("I don't have it here", exactly(4), Unsure),
            ("one two three um", exactly(4), Incomplete),
            ("six", Number, Complete),
            ("about six", Number, Complete),
            ("twenty", Number, Unsure),
            ("twenty five", Number, Complete),
            ("two hundred", Number, Unsure),
            ("two hundred and", Number, Incomplete),
            ("three point", Number, Incomplete),
            ("it's about", Number, Incomplete),
            ("quite a lot", Number, Unsure),
            ("next Tuesday", DateTime, Complete),
            ("June the third", DateTime, Complete),
            ("the third of", DateTime, Incomplete),
            ("tomorrow", DateTime, Complete),
            ("half past nine", DateTime, Complete),
            ("some time next", DateTime, Unsure),
            ("on Monday at", DateTime, Incomplete),
            ("the red one", Choice, Complete),
            ("sales", Choice, Complete),
            ("sales or", Choice, Incomplete),
            ("I would rather have the second one that you named", Choice, Unsure),
            ("John Smith", Name, Unsure),
            ("my name is John", Name, Unsure),
            ("it's", Name, Incomplete),
            ("twelve Baker Street in", Name, Unsure),
            ("so yesterday I went home", Open, Incomplete),
            ("and then it got worse, so I called you, that's all", Open, Complete),
            ("no", Open, Unsure),
            ("what should I do?", Open, Unsure),
        ],
    );
}

#[test]
fn chinese_turns_are_as_complete_as_they_sound() {
    use Expects::{Anything, Choice, DateTime, Name, Number, Open, YesNo};
    check(
        Chinese,
        &[
            ("", Anything, Incomplete),
            ("嗯", YesNo, Complete),
            ("嗯", Anything, Incomplete),
            ("呃，那个", Anything, Incomplete),
            ("是", YesNo, Complete),
            ("是的", YesNo, Complete),
            ("不是", YesNo, Complete),
            ("没有", YesNo, Complete),
            ("有", YesNo, Complete),
            ("对", YesNo, Complete),
            ("好的", YesNo, Complete),
            ("不用了", YesNo, Complete),
            ("是的，但是", YesNo, Incomplete),
            ("有，然后", YesNo, Incomplete),
            ("没有，不过", YesNo, Incomplete),
            ("不知道", YesNo, Unsure),
            ("好的", Anything, Complete),
            ("我好多了", Anything, Unsure),
            ("我好多了，然后", Anything, Incomplete),
            ("我昨天去了医院，就是", Anything, Incomplete),
            ("我想问一下", Anything, Unsure),
            ("我觉得", Anything, Incomplete),
            ("我的号码是", Anything, Incomplete),
            ("我的电话是一三八", Anything, Incomplete),
            ("我的电话是一三八一二三四五六七八", Anything, Unsure),
            ("还有", Anything, Incomplete),
            ("因为", Anything, Incomplete),
            ("因为昨天下雨", Anything, Incomplete),
            ("因为昨天下雨，我没去", Anything, Unsure),
            ("如果明天还疼的话", Anything, Incomplete),
            ("要是不行", Anything, Incomplete),
            ("要是不行我就再来", Anything, Unsure),
            ("吃饭的时候", Anything, Incomplete),
            ("我跟", Anything, Incomplete),
            ("伤口有点", Anything, Incomplete),
            ("伤口有点红", Anything, Unsure),
            ("大概", Anything, Incomplete),
            ("等一下", Anything, Incomplete),
            ("我看看", Anything, Incomplete),
            ("我叫", Anything, Incomplete),
            ("可以洗澡吗", Anything, Complete),
            ("那怎么办", Anything, Complete),
            ("你们几点下班？", Anything, Complete),
            ("就这些", Anything, Complete),
            ("没有了，谢谢", Anything, Complete),
            ("再见", Anything, Complete),
            ("首先", Anything, Incomplete),
            ("我昨天，", Anything, Incomplete),
            ("我昨天……", Anything, Incomplete),
            ("一二三四", exactly(4), Complete),
            ("一二三", exactly(4), Incomplete),
            ("幺三八", exactly(11), Incomplete),
            ("幺三八一二三四五六七八", exactly(11), Complete),
            ("号码是", exactly(11), Incomplete),
            ("我的号码是一三八", exactly(11), Incomplete),
            ("我的号码是13812345678", exactly(11), Complete),
            ("一三八然后", exactly(11), Incomplete),
            ("一三八，", exactly(11), Incomplete),
            ("我没带身份证", exactly(18), Incomplete),
            ("我不记得了", exactly(18), Unsure),
            ("一二三四五六", DIGITS, Unsure),
            ("六分", Number, Complete),
            ("六", Number, Complete),
            ("大概六", Number, Complete),
            ("三十七度五", Number, Complete),
            ("三十七点", Number, Unsure),
            ("大概", Number, Incomplete),
            ("明天", DateTime, Complete),
            ("下周二", DateTime, Complete),
            ("六月三号", DateTime, Complete),
            ("下午三点", DateTime, Complete),
            ("下午三点到", DateTime, Incomplete),
            ("看情况", DateTime, Unsure),
            ("第二个", Choice, Complete),
            ("第二个或者", Choice, Incomplete),
            ("我想选你刚才说的第二个方案", Choice, Unsure),
            ("张伟", Name, Unsure),
            ("我姓", Name, Incomplete),
            ("我昨天去了医院", Open, Incomplete),
            ("后来就好了，就这些", Open, Complete),
            ("没有", Open, Unsure),
        ],
    );
}

#[test]
fn the_script_decides_over_the_language_that_was_asked_for() {
    assert_eq!(completeness("然后", English, Expects::Anything), Incomplete);
    assert_eq!(completeness("and then", Chinese, Expects::Anything), Incomplete);
}

#[test]
fn of_a_long_story_the_end_is_looked_at() {
    let story = "and then we went on ".repeat(400);
    assert_eq!(completeness(&format!("{story} that's all"), English, Expects::Open), Complete);
    assert_eq!(completeness(&story, English, Expects::Open), Incomplete);
}

fn expects() -> impl Strategy<Value = Expects> {
    let count = || proptest::option::of(0u32..20);
    prop_oneof![
        Just(Expects::Anything),
        Just(Expects::YesNo),
        (count(), count()).prop_map(|(min, max)| Expects::Digits { min, max }),
        Just(Expects::Number),
        Just(Expects::DateTime),
        Just(Expects::Choice),
        Just(Expects::Name),
        Just(Expects::Open),
    ]
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,300}", expects in expects()) {
        let _ = completeness(&text, English, expects);
        let _ = completeness(&text, Chinese, expects);
    }
}
