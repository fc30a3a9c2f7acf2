//! The two forms of SRGS say the same: random grammars, written in both, accept the same sentences in the same way.

use proptest::{collection::vec, option, prelude::*};

use crate::common::{grammar, parses};

/// Words, some of which are several, and Han characters.
const TOKENS: [&str; 7] = ["a", "b", "red", "New York", "don't", "北京", "seven"];
const RULES: usize = 3;

/// What a rule says.
#[derive(Debug, Clone)]
enum Rule {
    Token(usize),
    Tag(u8),
    Null,
    Void,
    Sequence(Vec<Rule>),
    Alternatives(Vec<(Option<u8>, Rule)>),
    Repeat(Box<Rule>, u8, Option<u8>),
    Reference(usize),
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let leaf = prop_oneof![
        6 => (0..TOKENS.len()).prop_map(Rule::Token),
        1 => any::<u8>().prop_map(Rule::Tag),
        1 => Just(Rule::Null),
        1 => Just(Rule::Void),
        2 => (0..RULES).prop_map(Rule::Reference),
    ];
    let rule = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(Rule::Sequence),
            vec((option::of(1..5u8), inner.clone()), 1..4).prop_map(Rule::Alternatives),
            (inner, 0..3u8, option::of(0..3u8)).prop_map(|(of, min, more)| Rule::Repeat(
                Box::new(of),
                min,
                more.map(|more| min + more)
            )),
        ]
    });
    vec(rule, RULES)
}

fn range(min: u8, max: Option<u8>) -> String {
    match max {
        Some(max) if max == min => min.to_string(),
        Some(max) => format!("{min}-{max}"),
        None => format!("{min}-"),
    }
}

fn to_xml(rule: &Rule) -> String {
    match rule {
        Rule::Token(token) => format!("<token>{}</token>", TOKENS[*token]),
        Rule::Tag(tag) => format!("<tag>t{tag}</tag>"),
        Rule::Null => "<ruleref special='NULL'/>".to_owned(),
        Rule::Void => "<ruleref special='VOID'/>".to_owned(),
        Rule::Sequence(parts) => parts.iter().map(to_xml).collect(),
        Rule::Alternatives(alternatives) => {
            let item = |(weight, rule): &(Option<u8>, Rule)| {
                let weight = weight.map(|weight| format!(" weight='{weight}'")).unwrap_or_default();
                format!("<item{weight}>{}</item>", to_xml(rule))
            };
            format!("<one-of>{}</one-of>", alternatives.iter().map(item).collect::<String>())
        }
        Rule::Repeat(of, min, max) => format!("<item repeat='{}'>{}</item>", range(*min, *max), to_xml(of)),
        Rule::Reference(rule) => format!("<ruleref uri='#r{rule}'/>"),
    }
}

fn to_abnf(rule: &Rule) -> String {
    match rule {
        Rule::Token(token) => format!("\"{}\"", TOKENS[*token]),
        Rule::Tag(tag) => format!("{{t{tag}}}"),
        Rule::Null => "$NULL".to_owned(),
        Rule::Void => "$VOID".to_owned(),
        Rule::Sequence(parts) => format!("({})", parts.iter().map(to_abnf).collect::<Vec<_>>().join(" ")),
        Rule::Alternatives(alternatives) => {
            let alternative = |(weight, rule): &(Option<u8>, Rule)| {
                let weight = weight.map(|weight| format!("/{weight}/ ")).unwrap_or_default();
                format!("{weight}{}", to_abnf(rule))
            };
            format!("({})", alternatives.iter().map(alternative).collect::<Vec<_>>().join(" | "))
        }
        Rule::Repeat(of, min, max) => format!("({})<{}>", to_abnf(of), range(*min, *max)),
        Rule::Reference(rule) => format!("$r{rule}"),
    }
}

fn documents(rules: &[Rule]) -> (String, String) {
    let xml = rules.iter().zip(0..).map(|(rule, number)| format!("<rule id='r{number}'>{}</rule>", to_xml(rule)));
    let abnf = rules.iter().zip(0..).map(|(rule, number)| format!("$r{number} = {};\n", to_abnf(rule)));
    (
        format!(
            "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' xml:lang='en' root='r0'>{}</grammar>",
            xml.collect::<String>()
        ),
        format!("#ABNF 1.0;\nlanguage en;\nroot $r0;\n{}", abnf.collect::<String>()),
    )
}

/// Says something that a rule accepts, as `choices` decide; `None` on a way that does not end.
fn say(
    rules: &[Rule],
    rule: &Rule,
    choices: &mut impl Iterator<Item = usize>,
    depth: usize,
) -> Option<Vec<&'static str>> {
    const DEPTH_MAX: usize = 40;
    const WORDS_MAX: usize = 30;
    if depth > DEPTH_MAX {
        return None;
    }
    let mut said = Vec::new();
    match rule {
        Rule::Token(token) => said.push(TOKENS[*token]),
        Rule::Tag(_) | Rule::Null => {}
        Rule::Void => return None,
        Rule::Sequence(parts) => {
            for part in parts {
                said.extend(say(rules, part, choices, depth + 1)?);
            }
        }
        Rule::Alternatives(alternatives) => {
            let (_, rule) = &alternatives[choices.next()? % alternatives.len()];
            said.extend(say(rules, rule, choices, depth + 1)?);
        }
        Rule::Repeat(of, min, max) => {
            let least = usize::from(*min);
            let most = max.map_or(least + 3, usize::from);
            for _ in 0..least + choices.next()? % (most - least + 1) {
                said.extend(say(rules, of, choices, depth + 1)?);
            }
        }
        Rule::Reference(rule) => said.extend(say(rules, &rules[*rule], choices, depth + 1)?),
    }
    (said.len() <= WORDS_MAX).then_some(said)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn grm_001_grm_002_both_forms_accept_the_same_sentences(
        rules in rules(),
        choices in vec(vec(0..60usize, 60), 6),
        places in vec((0..8usize, 0..TOKENS.len()), 6),
    ) {
        let (xml, abnf) = documents(&rules);
        let (from_xml, from_abnf) = (grammar(&xml), grammar(&abnf));
        for (choices, (place, token)) in choices.into_iter().zip(places) {
            let Some(said) = say(&rules, &rules[0], &mut choices.into_iter(), 0) else { continue };
            let sentence = said.join(" ");
            let readings = parses(&from_xml, &sentence);
            prop_assert!(!readings.is_empty(), "{sentence:?} is said by {abnf}");
            prop_assert_eq!(&readings, &parses(&from_abnf, &sentence));
            // Something that it may or may not accept: one word other, more, or less.
            let mut other = said;
            match (place % 3, other.len()) {
                (0, _) => other.insert(place.min(other.len()), TOKENS[token]),
                (1, 1..) => drop(other.remove(place % other.len())),
                (_, 1..) => {
                    let place = place % other.len();
                    other[place] = TOKENS[token];
                }
                (_, 0) => {}
            }
            let sentence = other.join(" ");
            prop_assert_eq!(parses(&from_xml, &sentence), parses(&from_abnf, &sentence), "{}", abnf);
        }
    }

    #[test]
    fn grm_018_a_sentence_is_begun_by_each_of_its_beginnings(rules in rules(), choices in vec(0..60usize, 60)) {
        let (_, abnf) = documents(&rules);
        let grammar = grammar(&abnf);
        if let Some(said) = say(&rules, &rules[0], &mut choices.into_iter(), 0) {
            for end in 0..said.len() {
                let begin = crate::common::heard(&said[..end].join(" "));
                let progress = grammar.progress(&begin);
                let goes_on =
                    matches!(progress, speech::Progress::Prefix | speech::Progress::Complete { can_grow: true });
                prop_assert!(goes_on, "{:?} {:?} {}", begin.text, progress, abnf);
            }
        }
    }

    #[test]
    fn every_phrase_that_is_told_is_accepted(rules in rules()) {
        let grammar = grammar(&documents(&rules).0);
        for phrase in grammar.enumerate(200).into_iter().flatten() {
            prop_assert!(!parses(&grammar, &phrase.words.join(" ")).is_empty(), "{phrase:?}");
        }
    }
}
