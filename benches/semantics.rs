//! What an interpretation costs: `cargo bench -p speech --bench semantics`.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::time::{Duration, Instant};

use speech::{Grammar, Language, ParseTree, Utterance, interpret};

const ROUNDS: usize = 2_000;

fn main() {
    let digits =
        "<rule id='r'><tag>out=''</tag><item repeat='1-'><ruleref uri='#d'/><tag>out+=rules.d</tag></item></rule>
        <rule id='d'><one-of><item>one<tag>out=1</tag></item><item>two<tag>out=2</tag></item></one-of></rule>";
    let many = format!("one {}", "two ".repeat(15));
    for (name, format, content, input) in [
        ("one literal", "semantics/1.0-literals", "<rule id='r'>go<tag>G</tag></rule>", "go"),
        ("one assignment", "semantics/1.0", "<rule id='r'>go<tag>out.a='x'; out.b=1</tag></rule>", "go"),
        ("16 rules", "semantics/1.0", digits, many.as_str()),
        ("endless loop, refused", "semantics/1.0", "<rule id='r'>go<tag>while (1) {}</tag></rule>", "go"),
    ] {
        let tree = tree(format, content, input);
        let mut times: Vec<Duration> = (0..ROUNDS).map(|_| timed(&tree)).collect();
        times.sort();
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
        println!("{name:24} p50 {:?}, p99 {:?}", at(50), at(99));
    }
}

fn tree(format: &str, content: &str, input: &str) -> ParseTree {
    let body = format!(
        "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' xml:lang='en-US' root='r' tag-format='{format}'>{content}</grammar>"
    );
    let grammar = Grammar::from_body("application/srgs+xml", body.as_bytes(), Language::English).unwrap();
    let input = Utterance::spoken(input, 1.0, Language::English);
    grammar.parse(input, Language::English, 1).into_iter().next().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn timed(tree: &ParseTree) -> Duration {
    let begun = Instant::now();
    let _ = std::hint::black_box(interpret(tree));
    begun.elapsed()
}
