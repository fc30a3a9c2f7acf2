//! What the embedded recognizers wrote of synthetic speech over a telephone line with noise, matched to closed grammars and
//! builtin types: how much is understood, and how much is taken for something that was not said.
//!
//! `heard/telephone.tsv` has one utterance a line: what kind it is (`closed`: a phrase of the menu; `oog`: nothing that any
//! grammar has; or a builtin type), its language, what was said, and what was heard, with the engine's confidences.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

use std::{collections::BTreeMap, fs, path::Path};

use speech::{Date, Grammar, Hypothesis, Language};

struct Line {
    kind: String,
    language: Language,
    said: String,
    heard: Vec<Hypothesis>,
}

fn lines() -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/heard/telephone.tsv");
    let text = fs::read_to_string(path).unwrap();
    let line = |line: &str| {
        let [kind, language, said, heard] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line:?} does not have four fields");
        };
        let language = Language::from_tag(language).unwrap();
        let hypothesis = |text: &str| {
            let (confidence, words) = text.split_once("  ").unwrap();
            Hypothesis::new(words, confidence.parse().unwrap(), language)
        };
        let heard = heard.split('|').filter(|text| !text.is_empty()).map(hypothesis).collect();
        Line { kind: kind.to_owned(), language, said: said.to_owned(), heard }
    };
    text.lines().filter(|text| !text.starts_with('#') && !text.is_empty()).map(line).collect()
}

fn menu(language: Language, lines: &[Line]) -> Grammar {
    let phrases = lines.iter().filter(|line| line.kind == "closed" && line.language == language);
    let items: String = phrases.map(|line| format!("<item>{0}<tag>{0}</tag></item>", line.said)).collect();
    let document = format!(
        "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' xml:lang='{}' root='menu' \
         tag-format='semantics/1.0-literals'><rule id='menu'><one-of>{items}</one-of></rule></grammar>",
        language.tag()
    );
    Grammar::from_body("application/srgs+xml", document.as_bytes(), language).unwrap()
}

/// What came of the utterances of one kind in one language.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    said: usize,
    right: usize,
    wrong: usize,
}

fn outcomes(threshold: f32) -> BTreeMap<(String, Language), Outcome> {
    let lines = lines();
    let today: Date = "2026-11-25".parse().unwrap();
    let menus = Language::ALL.map(|language| menu(language, &lines));
    let mut outcomes: BTreeMap<(String, Language), Outcome> = BTreeMap::new();
    for line in &lines {
        let menu = menus.iter().find(|menu| menu.language() == Some(line.language)).unwrap();
        let best = |grammar: &Grammar, heard: &[Hypothesis]| {
            let found = grammar.match_speech(heard).into_iter().next();
            found.filter(|found| found.confidence >= threshold).map(|found| found.instance)
        };
        let (group, expected, found) = match line.kind.as_str() {
            "closed" => ("menu", Some(line.said.clone().into()), best(menu, &line.heard)),
            "oog" => ("out of grammar", None, best(menu, &line.heard)),
            kind => {
                let grammar = Grammar::from_uri(&format!("builtin:grammar/{kind}")).unwrap().on(Some(today));
                let told = [Hypothesis::new(line.said.clone(), 1.0, line.language)];
                ("builtin", best(&grammar, &told), best(&grammar, &line.heard))
            }
        };
        let outcome = outcomes.entry((group.to_owned(), line.language)).or_default();
        outcome.said += 1;
        match found {
            found if found == expected => outcome.right += 1,
            None => {}
            Some(found) => {
                outcome.wrong += 1;
                eprintln!("{} {:?}: {found}", line.said, line.heard.first().map(|best| best.text.as_str()));
            }
        }
    }
    for ((group, language), Outcome { said, right, wrong }) in &outcomes {
        println!("{group}, {language}, threshold {threshold}: {right} of {said} right, {wrong} wrong");
    }
    outcomes
}

/// Everything in the tables of spoken forms, and what was heard, as words that a grammar may not know.
fn other_words(language: Language) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spoken");
    let mut words = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let [_, tag, spoken, expected] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
            if Language::from_tag(tag) == Some(language) && expected != "-" {
                words.push(spoken.to_owned());
            }
        }
    }
    words
}

#[test]
fn a_menu_is_understood_by_sound_and_nothing_else_is_taken_for_it() {
    for threshold in [0.0, 0.5, 0.6, 0.7] {
        for ((group, language), Outcome { said, right, wrong }) in outcomes(threshold) {
            let least = match (group.as_str(), language, threshold) {
                ("out of grammar", _, _) => 95,
                ("menu", Language::English, 0.0) => 80,
                ("menu", Language::Chinese, 0.0) => 70,
                // What the threshold refuses is a question of the setting; what is taken for something else is not.
                _ => 0,
            };
            assert!(right * 100 >= said * least, "{group}, {language}, {threshold}: {right} of {said}");
            // A value of which a word was not heard cannot be told from another value; a phrase of a menu can.
            let most = if group == "builtin" { 10 } else { 50 };
            assert!(wrong * most <= said, "{group}, {language}, {threshold}: {wrong} of {said} wrong");
        }
    }
}

#[test]
fn forms_of_other_types_are_not_taken_for_phrases_of_a_menu() {
    let lines = lines();
    for language in Language::ALL {
        let menu = menu(language, &lines);
        let words = other_words(language);
        let is_taken = |words: &String| !menu.match_speech(&[Hypothesis::new(words.clone(), 1.0, language)]).is_empty();
        let taken: Vec<_> = words.iter().filter(|words| is_taken(words)).collect();
        println!("{language}: {} of {} utterances are taken for a phrase", taken.len(), words.len());
        assert!(taken.len() * 200 <= words.len(), "{taken:?}");
    }
}

#[test]
fn what_no_type_has_is_not_taken_for_a_value() {
    let today: Date = "2026-11-25".parse().unwrap();
    for kind in ["date", "time", "number", "digits", "currency", "phone"] {
        let grammar = Grammar::from_uri(&format!("builtin:grammar/{kind}")).unwrap().on(Some(today));
        for line in lines().iter().filter(|line| line.kind == "closed" || line.kind == "oog") {
            let said = Hypothesis::new(line.said.clone(), 1.0, line.language);
            assert_eq!(grammar.match_speech(&[said]), [], "{kind}");
            assert_eq!(grammar.match_speech(&line.heard), [], "{kind}");
        }
    }
}
