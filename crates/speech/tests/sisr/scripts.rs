//! `semantics/1.0`: rule variables, scopes, defaults.

use serde_json::json;
use speech::{Utterance, interpret};

use super::{check, compile, load};

const SCRIPT: &str = "semantics/1.0";

/// Sizes and drinks.
const DRINKS: &str = "
  <rule id='size'><one-of><item>small<tag>out='S'</tag></item><item>large<tag>out='L'</tag></item></one-of></rule>
  <rule id='drink'><one-of><item>cola<tag>out.name='coke'; out.cold=true</tag></item>
    <item>tea<tag>out.name='tea'; out.cold=false</tag></item></one-of></rule>
  <rule id='digit'><one-of><item>one<tag>out=1</tag></item><item>two<tag>out=2</tag></item>
    <item>three<tag>out=3</tag></item></one-of></rule>
  <rule id='plain'><one-of><item>red</item><item>dark green</item></one-of></rule>";

fn with_drinks(rule: &str) -> String {
    format!("<rule id='r'>{rule}</rule>{DRINKS}")
}

#[test]
fn grm_020_out_holds_scalars_objects_and_lists() {
    let cases = check(
        SCRIPT,
        &[
            ("<rule id='r'>go<tag>out='x'</tag></rule>", &[("go", json!("x"))]),
            ("<rule id='r'>go<tag>out=5</tag></rule>", &[("go", json!(5))]),
            ("<rule id='r'>go<tag>out=36.5</tag></rule>", &[("go", json!(36.5))]),
            ("<rule id='r'>go<tag>out=-1</tag></rule>", &[("go", json!(-1))]),
            ("<rule id='r'>go<tag>out=true</tag></rule>", &[("go", json!(true))]),
            ("<rule id='r'>go<tag>out=null</tag></rule>", &[("go", json!(null))]),
            ("<rule id='r'>go<tag>out=''</tag></rule>", &[("go", json!(""))]),
            ("<rule id='r'>go<tag>out.a='x'; out.b=2;</tag></rule>", &[("go", json!({"a": "x", "b": 2}))]),
            ("<rule id='r'>go<tag>out={a: {b: [1, 2]}}</tag></rule>", &[("go", json!({"a": {"b": [1, 2]}}))]),
            ("<rule id='r'>go<tag>out=[]; out.push('x'); out.push(1)</tag></rule>", &[("go", json!(["x", 1]))]),
            ("<rule id='r'>go<tag>out=new Array('a','b')</tag></rule>", &[("go", json!(["a", "b"]))]),
            ("<rule id='r'>go<tag>out.a=new Object(); out.a.b='c'</tag></rule>", &[("go", json!({"a": {"b": "c"}}))]),
            ("<rule id='r'>go<tag>out=new String('boxed')</tag></rule>", &[("go", json!("boxed"))]),
            ("<rule id='r'>go<tag>out.a=undefined; out.b=1</tag></rule>", &[("go", json!({"b": 1}))]),
            ("<rule id='r'>go<tag>out['a b']=1</tag></rule>", &[("go", json!({"a b": 1}))]),
            ("<rule id='r'>go<tag>out=0/0</tag></rule>", &[("go", json!(null))]),
            ("<rule id='r'>go<tag>out='转人工'</tag></rule>", &[("go", json!("转人工"))]),
            ("<rule id='r'>go<tag><![CDATA[out = 1 < 2 && 'a' + \"b\"]]></tag></rule>", &[("go", json!("ab"))]),
            ("<rule id='r'>go<tag>out=1 // why</tag><tag>out+=1 /* not */</tag></rule>", &[("go", json!(2))]),
        ],
    );
    assert_eq!(cases, 19);
}

#[test]
fn grm_020_what_is_not_assigned_is_the_last_rule_or_the_words() {
    let cases = check(
        SCRIPT,
        &[
            ("<rule id='r'>go home</rule>", &[("go home", json!("go home"))]),
            ("<rule id='r'>go<tag></tag></rule>", &[("go", json!("go"))]),
            ("<rule id='r'>go<tag>var x=1;</tag></rule>", &[("go", json!("go"))]),
            (&with_drinks("<ruleref uri='#plain'/>"), &[("red", json!("red")), ("dark green", json!("dark green"))]),
            (&with_drinks("a <ruleref uri='#size'/>"), &[("a large", json!("L"))]),
            (
                &with_drinks("a <ruleref uri='#size'/> <ruleref uri='#drink'/>"),
                &[
                    ("a large tea", json!({"name": "tea", "cold": false})),
                    ("a small cola", json!({"name": "coke", "cold": true})),
                ],
            ),
            (&with_drinks("<ruleref uri='#size'/> <ruleref uri='#plain'/>"), &[("small red", json!("red"))]),
            (&with_drinks("<ruleref uri='#size'/><tag>var unused=rules.size</tag>"), &[("small", json!("S"))]),
            (
                &with_drinks("go <item repeat='0-1'><ruleref uri='#size'/></item>"),
                &[("go", json!("go")), ("go small", json!("S"))],
            ),
            (&with_drinks("please <ruleref special='NULL'/> go"), &[("please go", json!("please go"))]),
        ],
    );
    assert_eq!(cases, 13);
}

#[test]
fn grm_020_rules_give_what_was_referred_to() {
    let cases = check(
        SCRIPT,
        &[
            (&with_drinks("<ruleref uri='#size'/> <ruleref uri='#drink'/><tag>out.size=rules.size; out.drink=rules.drink.name</tag>"), &[
                ("small tea", json!({"size": "S", "drink": "tea"})),
            ]),
            (&with_drinks("<ruleref uri='#size'/><tag>out.a=rules.latest()</tag> <ruleref uri='#drink'/><tag>out.b=rules.latest().name</tag>"), &[
                ("large cola", json!({"a": "L", "b": "coke"})),
            ]),
            // The last use of a rule counts.
            (&with_drinks("<ruleref uri='#digit'/> <ruleref uri='#digit'/><tag>out=rules.digit</tag>"), &[("one two", json!(2))]),
            (&with_drinks("<ruleref uri='#digit'/><tag>out.from=rules.digit</tag> to <ruleref uri='#digit'/><tag>out.to=rules.digit</tag>"), &[
                ("one to three", json!({"from": 1, "to": 3})),
            ]),
            (&with_drinks("<tag>out=''</tag><item repeat='1-4'><ruleref uri='#digit'/><tag>out+=rules.digit</tag></item>"), &[
                ("one", json!("1")), ("one two three", json!("123")), ("three three two one", json!("3321")),
            ]),
            (&with_drinks("<tag>out=0</tag><item repeat='1-'><ruleref uri='#digit'/><tag>out=out+rules.digit</tag></item>"), &[
                ("one two three", json!(6)),
            ]),
            (&with_drinks("<tag>out.list=[]</tag><item repeat='1-'><ruleref uri='#size'/><tag>out.list.push(rules.size)</tag></item>"), &[
                ("small large", json!({"list": ["S", "L"]})),
            ]),
            // A rule that was not passed is not there.
            (&with_drinks("go <item repeat='0-1'><ruleref uri='#size'/></item><tag>out.size=rules.size; out.known=rules.size != undefined</tag>"), &[
                ("go", json!({"known": false})), ("go large", json!({"size": "L", "known": true})),
            ]),
            (&with_drinks("<ruleref uri='#drink'/><tag>out=rules.drink; out.extra=1</tag>"), &[
                ("tea", json!({"name": "tea", "cold": false, "extra": 1})),
            ]),
            (&with_drinks("<ruleref uri='#size'/><tag>out=rules['size']</tag>"), &[("large", json!("L"))]),
            // Of rules inside of rules only the outer ones are seen.
            ("<rule id='r'><ruleref uri='#a'/><tag>out=rules.a + typeof rules.b</tag></rule>
              <rule id='a'><ruleref uri='#b'/><tag>out='a' + rules.b</tag></rule><rule id='b'>go<tag>out='b'</tag></rule>", &[
                ("go", json!("abundefined")),
            ]),
            ("<rule id='r'>go <ruleref uri='#r2'/></rule><rule id='r2'><one-of><item>on <ruleref uri='#r2'/><tag>out='x' + rules.r2</tag></item>
              <item>end<tag>out='.'</tag></item></one-of></rule>", &[("go on on end", json!("xx."))]),
        ],
    );
    assert_eq!(cases, 15);
}

#[test]
fn grm_020_meta_gives_words_and_scores() {
    let cases = check(
        SCRIPT,
        &[
            ("<rule id='r'>go home<tag>out=meta.current().text</tag></rule>", &[("go home", json!("go home"))]),
            // What comes after the tag was not matched yet.
            ("<rule id='r'>go <tag>out=meta.current().text</tag> home</rule>", &[("go home", json!("go"))]),
            ("<rule id='r'><tag>out=meta.current().text + '.'</tag>go</rule>", &[("go", json!("."))]),
            (
                &with_drinks("a <ruleref uri='#plain'/><tag>out.t=meta.plain.text; out.c=meta.current().text</tag>"),
                &[("a dark green", json!({"t": "dark green", "c": "a dark green"}))],
            ),
            (
                &with_drinks("<ruleref uri='#size'/> <ruleref uri='#drink'/><tag>out=meta.latest().text</tag>"),
                &[("small tea", json!("tea"))],
            ),
            (
                &with_drinks(
                    "<ruleref uri='#digit'/><tag>out.a=meta.digit.text</tag> <ruleref uri='#digit'/><tag>out.b=meta.digit.text</tag>",
                ),
                &[("one two", json!({"a": "one", "b": "two"}))],
            ),
            ("<rule id='r'>转人工<tag>out=meta.current().text</tag></rule>", &[("转人工", json!("转人工"))]),
            (
                "<rule id='r'>go<tag>out=meta.current().score &gt; 0.8 &amp;&amp; meta.current().score &lt;= 1</tag></rule>",
                &[("go", json!(true))],
            ),
            (
                &with_drinks("<ruleref uri='#size'/><tag>out=meta.size.score == meta.latest().score</tag>"),
                &[("small", json!(true))],
            ),
            (
                &with_drinks(
                    "go <item repeat='0-1'><ruleref uri='#size'/></item><tag>out=meta.size == undefined</tag>",
                ),
                &[("go", json!(true))],
            ),
        ],
    );
    assert_eq!(cases, 10);
}

#[test]
fn grm_020_scopes_are_of_the_rule_and_of_the_grammar() {
    let cases = check(
        SCRIPT,
        &[
            ("<rule id='r'><tag>var n=1</tag>go<tag>n+=1; out=n</tag></rule>", &[("go", json!(2))]),
            // Variables of one rule are unknown in another.
            ("<rule id='r'><tag>var n=1</tag><ruleref uri='#s'/></rule><rule id='s'>go<tag>out=typeof n</tag></rule>", &[
                ("go", json!("undefined")),
            ]),
            ("<tag>var greeting='hello';</tag><rule id='r'>go<tag>out=greeting</tag></rule>", &[("go", json!("hello"))]),
            ("<tag>function twice(x) { return 2 * x; }</tag><rule id='r'>go<tag>out=twice(4)</tag></rule>", &[("go", json!(8))]),
            ("<tag>var a=1</tag><tag>var b=a+1</tag><rule id='r'>go<tag>out=b</tag></rule>", &[("go", json!(2))]),
            ("<tag>var price={small: 2, large: 3};</tag><rule id='r'><ruleref uri='#s'/><tag>out=price[rules.s]</tag></rule>
              <rule id='s'><one-of><item>small</item><item>large</item></one-of></rule>", &[("small", json!(2)), ("large", json!(3))]),
            ("<rule id='r'>go<tag>function f(x) { if (x &lt; 2) return 1; return x * f(x - 1); } out=f(5)</tag></rule>", &[("go", json!(120))]),
            ("<rule id='r'>go<tag>for (var i=0, s=''; i &lt; 3; i++) s+=i; out=s</tag></rule>", &[("go", json!("012"))]),
            ("<rule id='r'>go<tag>out='2012-11-22'.replace(/-/g, '/').split('/')</tag></rule>", &[("go", json!(["2012", "11", "22"]))]),
            ("<rule id='r'>go<tag>try { nothing.x } catch (e) { out='caught' }</tag></rule>", &[("go", json!("caught"))]),
            ("<rule id='r'>go<tag>switch (2) { case 2: out='two'; break; default: out='?' }</tag></rule>", &[("go", json!("two"))]),
            ("<rule id='r'>go<tag>out=Math.max(1, 7) + parseInt('08', 10)</tag></rule>", &[("go", json!(15))]),
            ("<rule id='r'>go<tag>out=[3,1,2].sort().concat([4]).join('-')</tag></rule>", &[("go", json!("1-2-3-4"))]),
            ("<rule id='r'>go<tag>out='Abc'.toUpperCase().charAt(1) + 'x'.length</tag></rule>", &[("go", json!("B1"))]),
            ("<rule id='r'>go<tag>let x=1; const y=2; out=`${x}${y}`</tag></rule>", &[("go", json!("12"))]),
        ],
    );
    assert_eq!(cases, 16);
}

#[test]
fn one_interpretation_leaves_nothing_for_the_next() {
    let content = "<tag>var n=0;</tag><rule id='r'>go<tag>n++; leaked=(typeof leaked == 'undefined') ? 1 : 2; out=[n, leaked]</tag></rule>";
    let grammar = compile(SCRIPT, content).unwrap();
    for _ in 0..2 {
        assert_eq!(super::best(&grammar, "go").instance, json!([1, 1]));
    }
}

fn document(tag_format: &str, content: &str) -> String {
    format!(
        "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' xml:lang='en-US' root='r' tag-format='{tag_format}'>{content}</grammar>"
    )
}

#[test]
fn grm_020_each_grammar_keeps_its_own_format_and_global_tags() {
    let documents = [
        ("http://a/main", document(SCRIPT, "<tag>var who='main'; function f() { return who; }</tag><rule id='r'>
            <ruleref uri='other#drink'/><tag>out.other=rules.drink</tag> <ruleref uri='plain'/><tag>out.plain=rules.r; out.who=f()</tag></rule>")),
        ("http://a/other", document(SCRIPT, "<tag>var who='other'; function f() { return who; }</tag>
            <rule id='r'>x</rule><rule id='drink' scope='public'>tea<tag>out=f()</tag></rule>")),
        ("http://a/plain", document("semantics/1.0-literals", "<rule id='r'>now<tag>out=literally</tag></rule>")),
    ];
    let grammar = load(&documents, "http://a/main");
    assert_eq!(
        super::best(&grammar, "tea now").instance,
        json!({"other": "other", "plain": "out=literally", "who": "main"})
    );
}

#[test]
fn keys_and_builtin_grammars_have_values_for_scripts() {
    let body = "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' mode='dtmf' root='r' tag-format='semantics/1.0'>
        <rule id='r'><tag>out=''</tag><item repeat='2'><ruleref uri='#k'/><tag>out+=rules.k</tag></item><tag>out={pin: out, keys: meta.current().text}</tag></rule>
        <rule id='k'><one-of><item>1</item><item>*<tag>out='s'</tag></item></one-of></rule></grammar>";
    let keys = speech::Grammar::from_body("application/srgs+xml", body.as_bytes(), speech::Language::English).unwrap();
    let matched = speech::match_all_dtmf(&[keys], "1*");
    assert_eq!(matched.matches[0].instance, json!({"pin": "1s", "keys": "1*"}));
    let spoken = compile(
        SCRIPT,
        "<rule id='r'>pin <ruleref uri='builtin:grammar/digits'/><tag>out.pin=rules.latest(); out.said=meta.latest().text</tag></rule>",
    )
    .unwrap();
    assert_eq!(super::best(&spoken, "pin one two").instance, json!({"pin": "12", "said": "one two"}));
}

#[test]
fn a_tree_can_be_interpreted_by_itself() {
    let grammar = compile(SCRIPT, "<rule id='r'>go<tag>out=1</tag></rule>").unwrap();
    let trees = grammar.parse(Utterance::spoken("go", 1.0, speech::Language::English), speech::Language::English, 1);
    assert_eq!(interpret(&trees[0]), Ok(json!(1)));
}
