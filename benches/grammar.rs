//! What a grammar costs: `cargo bench -p speech --bench grammar -- [PHRASES…]`.
//!
//! Compiles lists of phrases with a tag each and matches what is in them and what is not, in three shapes: a flat list; a
//! list whose items may begin with words that all of them share; a list that is a rule behind a carrier phrase of another rule.
//! Says how long compiling takes, what the compiled grammar takes of memory, and how long an utterance takes. What is not
//! found word for word is compared by sound; that is the column "by sound".

#![expect(clippy::disallowed_methods, reason = "the time that it takes is what is measured")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use speech::{Grammar, Hypothesis, Language, Utterance};

/// Utterances of each kind for one grammar.
const UTTERANCES: usize = 2_000;

const SYLLABLES: [&str; 24] = [
    "ba", "ko", "ti", "ren", "sal", "mo", "dex", "vin", "lu", "gar", "pe", "tor", "na", "wis", "chem", "fo", "ly",
    "ran", "ste", "bul", "quo", "zen", "hal", "jin",
];

#[derive(Clone, Copy)]
enum Shape {
    Flat,
    Optional,
    Nested,
}

/// A phrase of two or three made-up words; different for each number.
fn phrase(number: usize) -> String {
    let word = |mut value: usize, length: usize| {
        let mut word = String::new();
        for _ in 0..length {
            word.push_str(SYLLABLES[value % SYLLABLES.len()]);
            value /= SYLLABLES.len();
        }
        word
    };
    let mixed = number.wrapping_mul(7_919) % 331_776;
    let family = number / 331_776;
    let mut phrase = format!("{} {}", word(mixed, 2), word(mixed / 576, 2));
    if number.is_multiple_of(3) || family > 0 {
        let _ = write!(phrase, " {}", word(number, 3));
    }
    phrase
}

fn document(shape: Shape, count: usize) -> String {
    let mut items = String::new();
    for number in 0..count {
        let (before, after) = match shape {
            Shape::Flat | Shape::Nested => ("", ""),
            Shape::Optional => (
                "<item repeat='0-1'>the</item> ",
                " <item repeat='0-1'><one-of><item>now</item><item>please</item></one-of></item>",
            ),
        };
        let _ = write!(items, "<item>{before}{}{after}<tag>{number}</tag></item>", phrase(number));
    }
    let rules = match shape {
        Shape::Flat | Shape::Optional => format!("<rule id='r'><one-of>{items}</one-of></rule>"),
        Shape::Nested => format!(
            "<rule id='r'><item repeat='0-1'><ruleref uri='#c'/></item> <ruleref uri='#l'/></rule>\
             <rule id='c'><one-of><item>connect me to</item><item>I want</item><item>go to</item></one-of></rule>\
             <rule id='l'><one-of>{items}</one-of></rule>"
        ),
    };
    format!(
        "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' xml:lang='en-US' root='r' \
         tag-format='semantics/1.0-literals'>{rules}</grammar>"
    )
}

/// The memory of this process that is its own, in bytes; `None` where the system does not tell it so.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// The median and the 99th percentile of what `act` takes.
fn measure(mut act: impl FnMut(usize)) -> (Duration, Duration) {
    let mut times: Vec<Duration> = (0..UTTERANCES)
        .map(|number| {
            let start = Instant::now();
            act(number);
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

fn microseconds((median, late): (Duration, Duration)) -> String {
    format!("{:>9.1} {:>9.1}", median.as_secs_f64() * 1e6, late.as_secs_f64() * 1e6)
}

fn row(name: &str, shape: Shape, count: usize) {
    let body = document(shape, count);
    let before = resident_bytes();
    let start = Instant::now();
    let grammar = match Grammar::from_body("application/srgs+xml", body.as_bytes(), Language::English) {
        Ok(grammar) => grammar,
        Err(error) => {
            println!("{name:<9} {count:>7}  {error}");
            return;
        }
    };
    let compiled = start.elapsed();
    let memory = match (before, resident_bytes()) {
        // Later grammars are built where the first ones were.
        (Some(before), Some(after)) if matches!(shape, Shape::Flat) => {
            format!("{:.1}", after.saturating_sub(before) as f64 / (1024.0 * 1024.0))
        }
        _ => "-".to_owned(),
    };
    let said = |number: usize| {
        let phrase = phrase(number.wrapping_mul(104_729) % count);
        match shape {
            Shape::Flat => phrase,
            Shape::Optional => format!("the {phrase} please"),
            Shape::Nested => format!("connect me to {phrase}"),
        }
    };
    let inside = measure(|number| {
        let found = grammar.match_speech(&[Hypothesis::new(said(number), 0.9, Language::English)]);
        assert!(!found.is_empty(), "{:?} is in the grammar", said(number));
    });
    // Nearly the words of a phrase: found nowhere, or by sound.
    let strange = |number: usize| said(number).replace("ba", "bo").replace("ti", "te") + "x";
    let outside = measure(|number| {
        let _ = grammar.parse(Utterance::spoken(&strange(number), 0.9, Language::English), Language::English, 1);
    });
    let by_sound = measure(|number| {
        let _ = grammar.match_speech(&[Hypothesis::new(strange(number), 0.9, Language::English)]);
    });
    println!(
        "{name:<9} {count:>7} {:>9.1} {memory:>8} {} {} {}",
        compiled.as_secs_f64() * 1e3,
        microseconds(inside),
        microseconds(outside),
        microseconds(by_sound)
    );
}

fn main() {
    let counts: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let counts = if counts.is_empty() { vec![10, 100, 1_000, 10_000, 100_000] } else { counts };
    println!("{:<17} {:>9} {:>8} {:>19} {:>19} {:>19}", "", "compile", "memory", "matches", "no match", "by sound");
    println!(
        "{:<9} {:>7} {:>9} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "list", "phrases", "ms", "MiB", "p50 µs", "p99 µs", "p50 µs", "p99 µs", "p50 µs", "p99 µs"
    );
    // The first grammar of a process pays for what all share.
    let _ = Grammar::from_body("application/srgs+xml", document(Shape::Flat, 10).as_bytes(), Language::English);
    for (name, shape) in [("flat", Shape::Flat), ("optional", Shape::Optional), ("nested", Shape::Nested)] {
        for count in &counts {
            row(name, shape, *count);
        }
    }
}
