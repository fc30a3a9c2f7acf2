use std::fs;

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Program {
    #[command(subcommand)]
    command: GrammarCommand,
}

const MENU: &str = "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' xml:lang='en-US' root='menu'
    tag-format='semantics/1.0'><rule id='menu' scope='public'><example>sales</example><one-of>
    <item>sales<tag>out.to='S'</tag></item><item>technical support<tag>out.to='T'</tag></item>
    <item><ruleref uri='more.grxml#extra'/><tag>out.to=rules.extra</tag></item></one-of></rule></grammar>";
const MORE: &str = "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' xml:lang='en-US' root='extra'>
    <rule id='extra' scope='public'>billing</rule></grammar>";

/// A folder with grammars.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Exit status, output, faults.
fn run(folder: &tempfile::TempDir, arguments: &[&str]) -> (u8, String, String) {
    let place = folder.path().canonicalize().unwrap().display().to_string();
    let arguments = arguments.iter().map(|argument| argument.replace("DIR", &place));
    let program = Program::try_parse_from(["grammar".to_owned()].into_iter().chain(arguments)).unwrap();
    let (mut out, mut faults) = (Vec::new(), Vec::new());
    let status = program.command.run(&mut out, &mut faults).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&place, "DIR");
    (status, text(out), text(faults))
}

#[test]
fn a_good_grammar_is_described_with_all_its_documents() {
    let folder = folder(&[("menu.grxml", MENU), ("more.grxml", MORE)]);
    let (status, out, faults) = run(&folder, &["check", "DIR/menu.grxml"]);
    assert_eq!((status, faults.as_str()), (0, ""));
    for part in [
        "a grammar for speech in en-US",
        "tags are scripts",
        "$menu (public, root; line 2",
        "refers to more.grxml#extra",
        "example: sales",
        "$extra (public, root; line 2",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
}

#[test]
fn faults_are_told_with_file_line_and_column() {
    let wrong = "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' xml:lang='en-US' root='r'>\n  <rule id='r'>go <ruleref uri='#none'/></rule></grammar>";
    let folder = folder(&[("wrong.grxml", wrong), ("menu.grxml", MENU), ("more.grxml", wrong)]);
    let (status, out, faults) = run(&folder, &["check", "DIR/wrong.grxml"]);
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(faults.starts_with("DIR/wrong.grxml:2:"), "{faults}");
    let (_, _, faults) = run(&folder, &["check", "DIR/menu.grxml"]);
    assert!(faults.starts_with("DIR/more.grxml:2:"), "{faults}");
    assert_eq!(run(&folder, &["check", "DIR/none.grxml"]).0, 1);
    assert_eq!(run(&folder, &["match", "DIR/wrong.grxml", "--text", "go"]).0, EXIT_UNUSABLE);
}

#[test]
fn a_match_tells_tree_and_value_and_a_mismatch_exits_with_one() {
    let folder = folder(&[("menu.grxml", MENU), ("more.grxml", MORE)]);
    let (status, out, _) = run(&folder, &["match", "DIR/menu.grxml", "--text", "sales"]);
    assert_eq!(
        (status, out.as_str()),
        (0, "accepted\nparse: $menu[\"sales\",{!{out.to='S'}!}]\nvalue: {\"to\":\"S\"}\n")
    );
    let (status, out, _) = run(&folder, &["match", "DIR/menu.grxml", "--text", "billing", "--json"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (status, &told["accepted"], &told["interpretations"][0]["value"]["to"]),
        (0, &json!(true), &json!("billing"))
    );
    assert_eq!(told["interpretations"][0]["tree"]["children"][0]["rule"], json!("extra"));
    let (status, out, _) = run(&folder, &["match", "DIR/menu.grxml", "--text", "nothing"]);
    assert_eq!((status, out.as_str()), (1, "rejected\n"));
    assert_eq!(run(&folder, &["match", "DIR/more.grxml#extra", "--text", "billing"]).0, 0);
    assert_eq!(run(&folder, &["match", "DIR/menu.grxml", "--dtmf", "1"]).0, 1);
}

#[test]
fn sound_finds_what_was_nearly_said() {
    let folder = folder(&[("menu.grxml", MENU), ("more.grxml", MORE)]);
    assert_eq!(run(&folder, &["match", "DIR/menu.grxml", "--text", "sails"]).0, 1);
    let (status, out, _) = run(&folder, &["match", "DIR/menu.grxml", "--text", "sails", "--sound"]);
    assert_eq!(status, 0);
    assert!(out.contains("value: {\"to\":\"S\"}"), "{out}");
}

#[test]
fn builtin_grammars_and_keys_are_matched() {
    let folder = folder(&[]);
    let (status, out, _) = run(&folder, &["match", "builtin:dtmf/digits?length=4", "--dtmf", "1234"]);
    assert_eq!((status, out.as_str()), (0, "accepted\nvalue: \"1234\"\n"));
    assert_eq!(run(&folder, &["match", "builtin:grammar/boolean", "--text", "banana"]).0, 1);
    assert_eq!(run(&folder, &["match", "builtin:grammar/none", "--text", "x"]).0, EXIT_UNUSABLE);
    assert_eq!(run(&folder, &["check", "builtin:grammar/digits"]).0, 0);
    let date = ["match", "builtin:grammar/date", "--text", "tomorrow", "--today", "2026-12-31"];
    assert_eq!(run(&folder, &date).0, 0);
}

#[test]
fn references_to_other_places_are_refused() {
    let to = |uri: &str| MENU.replace("more.grxml#extra", uri);
    let folder = folder(&[("http.grxml", &to("http://127.0.0.1/a#b")), ("up.grxml", &to("../../etc/passwd"))]);
    let (status, _, faults) = run(&folder, &["check", "DIR/http.grxml"]);
    assert_eq!(status, 1);
    assert!(faults.contains("not followed"), "{faults}");
    let (status, _, faults) = run(&folder, &["check", "DIR/up.grxml"]);
    assert_eq!(status, 1, "{faults}");
}
