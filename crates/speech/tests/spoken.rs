//! What people say to the builtin types, and what it means: the tables in `spoken/`, one for each type.
//!
//! A line has the type with its parameters, the language, what was said as a recognizer writes it, and the result; `-` is
//! no match. Of each table 98 of 100 lines must be exact.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

use std::{fs, path::Path};

use speech::{Date, DtmfMatch, Grammar, Hypothesis, Language};

/// The day on which the tables are spoken.
fn today() -> Date {
    "2026-11-25".parse().unwrap()
}

fn understood(uri: &str, language: Language, spoken: &str) -> String {
    let grammar = Grammar::from_uri(uri).unwrap_or_else(|error| panic!("{uri}: {error}")).on(Some(today()));
    let matches = grammar.match_speech(&[Hypothesis::new(spoken, 1.0, language)]);
    matches.first().map_or_else(
        || "-".to_owned(),
        |found| found.instance.as_str().map_or_else(|| found.instance.to_string(), str::to_owned),
    )
}

fn check(table: &str, least: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spoken").join(table);
    let text = fs::read_to_string(&path).unwrap();
    let mut forms = 0;
    let mut wrong = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let [kind, language, spoken, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{table}: {line:?} does not have four fields");
        };
        let meant = understood(&format!("builtin:grammar/{kind}"), Language::from_tag(language).unwrap(), spoken);
        forms += 1;
        if meant != expected {
            wrong.push(format!("{kind} {language} {spoken:?}: {meant}, expected {expected}"));
        }
    }
    for line in &wrong {
        eprintln!("{line}");
    }
    let exact = forms - wrong.len();
    println!("{table}: {exact} of {forms} exact");
    assert!(forms >= least, "{table} has only {forms} forms");
    assert!(exact * 100 >= forms * 98, "{table}: {exact} of {forms} exact:\n{}", wrong.join("\n"));
}

#[test]
fn answers_of_yes_and_no_are_understood() {
    check("boolean.tsv", 90);
}

#[test]
fn dates_are_understood() {
    check("date.tsv", 230);
}

#[test]
fn times_are_understood() {
    check("time.tsv", 190);
}

#[test]
fn numbers_are_understood() {
    check("number.tsv", 130);
}

#[test]
fn digits_are_understood() {
    check("digits.tsv", 85);
}

#[test]
fn amounts_of_money_are_understood() {
    check("currency.tsv", 120);
}

#[test]
fn telephone_numbers_are_understood() {
    check("phone.tsv", 65);
}

#[test]
fn further_forms_of_all_types_are_understood() {
    check("further.tsv", 150);
}

#[test]
fn without_a_date_of_today_relative_days_do_not_match() {
    let grammar = Grammar::from_uri("builtin:grammar/date").unwrap();
    let matches = |text, language| !grammar.match_speech(&[Hypothesis::new(text, 1.0, language)]).is_empty();
    assert!(!matches("tomorrow", Language::English));
    assert!(!matches("下周三", Language::Chinese));
    assert!(matches("March fifth", Language::English));
    assert!(matches("三月五号", Language::Chinese));
}

#[test]
fn words_around_are_allowed_when_the_uri_says_so_and_cost_confidence() {
    let strict = Grammar::from_uri("builtin:grammar/time").unwrap();
    let loose = Grammar::from_uri("builtin:grammar/time?garbage=true").unwrap();
    let said = [Hypothesis::new("my bus leaves from the station at half past two I am told", 1.0, Language::English)];
    assert!(strict.match_speech(&said).is_empty());
    let matches = loose.match_speech(&said);
    assert_eq!(matches[0].instance, "0230?");
    assert!(matches[0].confidence < 0.95);
    let two =
        [Hypothesis::new("the red one at half past two and the blue one at four o'clock", 1.0, Language::English)];
    assert!(loose.match_speech(&two).is_empty());
}

#[test]
fn keys_mean_what_the_appendix_says() {
    for (kind, keys, expected, can_grow) in [
        ("boolean", "1", "true", false),
        ("boolean", "2", "false", false),
        ("boolean?y=7;n=9", "9", "false", false),
        ("date", "20270305", "20270305", false),
        ("digits", "0123", "0123", true),
        ("digits?length=4", "0123", "0123", false),
        ("currency", "12", "12.00", true),
        ("currency", "12*", "12.00", true),
        ("currency", "12*5", "12.50", true),
        ("currency", "12*05", "12.05", false),
        ("currency", "*59", "0.59", false),
        ("number", "12*50", "12.5", true),
        ("number?length=5", "12345", "12345", false),
        ("phone", "8005551234*789", "8005551234x789", true),
        ("time", "0530", "0530?", false),
        ("time", "1730", "1730h", false),
        ("time", "0005", "0005h", false),
        ("time", "5", "0500?", true),
        ("time", "12", "1200?", true),
        ("time", "930", "0930?", false),
    ] {
        let grammar = Grammar::from_uri(&format!("builtin:dtmf/{kind}")).unwrap();
        match grammar.match_dtmf(keys) {
            DtmfMatch::Complete { can_grow: grows, instance } => {
                let instance = instance.as_str().map_or_else(|| instance.to_string(), str::to_owned);
                assert_eq!((instance.as_str(), grows), (expected, can_grow), "{kind} {keys}");
            }
            other => panic!("{kind} {keys}: {other:?}"),
        }
    }
    for (kind, keys) in
        [("date", "2027"), ("date", "2027030"), ("currency", "*"), ("number", "*"), ("phone", "5*"), ("time", "95")]
    {
        let grammar = Grammar::from_uri(&format!("builtin:dtmf/{kind}")).unwrap();
        assert_eq!(grammar.match_dtmf(keys), DtmfMatch::Prefix, "{kind} {keys}");
    }
    for (kind, keys) in [
        ("date", "20271301"),
        ("date", "20270230"),
        ("currency", "1*555"),
        ("phone", "*5"),
        ("time", "99"),
        ("time", "2460"),
        ("time", "12345"),
        ("time", "1*"),
    ] {
        let grammar = Grammar::from_uri(&format!("builtin:dtmf/{kind}")).unwrap();
        assert_eq!(grammar.match_dtmf(keys), DtmfMatch::NoMatch, "{kind} {keys}");
    }
}
