use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::{InputMode, Language, Utterance};

fn source(tag_format: TagFormat, global_tags: &[&str]) -> Arc<GrammarSource> {
    Arc::new(GrammarSource {
        uri: String::new(),
        mode: InputMode::Speech,
        tag_format,
        global_tags: global_tags.iter().map(|tag| Arc::from(*tag)).collect(),
        language: Some("en-US".into()),
    })
}

/// A rule with one token and one tag.
fn tagged(tag: &str, format: TagFormat, global_tags: &[&str]) -> ParseTree {
    let children = vec![ParseNode::Token { written: "words".into(), words: 0..1 }, ParseNode::Tag(Arc::from(tag))];
    ParseTree {
        root: RuleInstance {
            rule: "main".into(),
            grammar: source(format, global_tags),
            reference: None,
            children,
            words: 0..1,
            value: None,
        },
        input: Arc::new(Utterance::spoken("words", 0.5, Language::English)),
    }
}

fn script(tag: &str) -> Result<Value, SemanticsError> {
    interpret(&tagged(tag, TagFormat::Script, &[]))
}

#[test]
fn a_script_gives_its_value() {
    assert_eq!(script("out = 1 + 1"), Ok(json!(2)));
    assert_eq!(script("out.a = {b: [1, 'x', null, true]}"), Ok(json!({"a": {"b": [1, "x", null, true]}})));
    assert_eq!(script("var x = 5;"), Ok(json!("words")));
    assert_eq!(script("out = undefined"), Ok(Value::Null));
}

#[test]
fn sec_017_a_script_cannot_take_more_than_its_share() {
    let hostile = [
        "while (1) {}",
        "try { while (1) {} } finally { while (1) {} }",
        "function f() { f(); } f()",
        "var a = []; while (1) a.push(a.length)",
        "var s = 'x'; while (1) s += s",
        "out = 'x'.repeat(1 << 28)",
        "new Array(4294967295).indexOf(1)",
        "new Array(4294967295).join('x')",
        "new Array(4294967295).reverse()",
        "new Array(4294967295).sort()",
        "[].concat(new Array(4294967295))",
        "'a'.repeat(50000).indexOf('a'.repeat(20000) + 'b')",
        "/(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab')",
        "var o = {}; for (var i = 0; i < 800; i++) o['k' + i] = i; for (;;) ({...o})",
        "var o = {}; for (var i = 0; i < 800; i++) o['k' + i] = i; for (;;) { for (var k in o) break; }",
        "out = {toJSON: function () { while (1) {} }}",
        "for (;;) try { [3, 2, 1].sort() } catch (e) {}",
    ];
    for tag in hostile {
        let error = script(tag).unwrap_err();
        assert_eq!(error.kind, SemanticsErrorKind::Limit, "{tag}: {error}");
    }
}

#[test]
fn sec_017_a_script_finds_nothing_of_the_host() {
    for name in [
        "require",
        "process",
        "console",
        "print",
        "std",
        "os",
        "globalThis",
        "eval",
        "Function",
        "setTimeout",
        "performance",
        "Promise",
        "WebAssembly",
        "Proxy",
        "Reflect",
        "Symbol",
        "BigInt",
        "ArrayBuffer",
        "load",
        "import.meta",
    ] {
        let error = script(&format!("out = {name}.x")).unwrap_err();
        assert_eq!(error.kind, SemanticsErrorKind::Script, "{name}");
    }
    for tag in [
        "(function () {}).constructor('return 1')()",
        "(function* () {}).constructor('yield 1')()",
        "out = eval('1')",
        "out = 2n ** 9n",
        "Object.defineProperty({}, 'x', {get: function () {}})",
        "import('std')",
    ] {
        let value = script(tag);
        assert!(value.is_err() || value == Ok(json!("words")), "{tag}: {value:?}");
    }
}

#[test]
fn rec_056_a_wrong_script_is_a_typed_failure() {
    for (tag, kind) in [
        ("out = nowhere.x", SemanticsErrorKind::Script),
        ("throw new Error('no')", SemanticsErrorKind::Script),
        ("throw 5", SemanticsErrorKind::Script),
        ("out = (", SemanticsErrorKind::Script),
        ("out.a = out", SemanticsErrorKind::Script),
        ("out = new Array(20000).join('ab')", SemanticsErrorKind::Limit),
    ] {
        assert_eq!(script(tag).unwrap_err().kind, kind, "{tag}");
    }
}

#[test]
fn scripts_are_read_without_running_them() {
    assert_eq!(check(&TagFormat::Script, ["out = 1", "while (1) {}"]), Ok(()));
    assert_eq!(check(&TagFormat::Literals, ["out = ("]), Ok(()));
    let (index, error) = check(&TagFormat::Script, ["out = 1", "out = ("]).unwrap_err();
    assert_eq!((index, error.kind), (1, SemanticsErrorKind::Script));
    assert!(check(&TagFormat::Script, ["out = 10n"]).is_err());
}
