//! The dialect is Go's; facts from Go's documentation and its tests' rules.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn matches(pattern: &str, text: &str) -> bool {
    let pattern = Pattern::new(pattern.as_bytes()).unwrap_or_else(|e| panic!("{pattern}: {e}"));
    pattern.is_match(text)
}

/// The error's text after `error parsing regexp: `.
fn error(pattern: &str) -> String {
    match Pattern::new(pattern.as_bytes()) {
        Ok(_) => panic!("{pattern} is accepted"),
        Err(error) => error.to_string().replacen("error parsing regexp: ", "", 1),
    }
}

#[track_caller]
fn check(pattern: &str, matching: &[&str], others: &[&str]) {
    for text in matching {
        assert!(matches(pattern, text), "{pattern} does not match {text:?}");
    }
    for text in others {
        assert!(!matches(pattern, text), "{pattern} matches {text:?}");
    }
}

#[test]
fn a_pattern_must_match_the_whole_text_and_dots_match_line_feeds() {
    check("a.c", &["abc", "a\nc", "aéc"], &["xabc", "abcx", "ac"]);
    check("a|b", &["a", "b"], &["ab", "xa", "bx"]);
    check(".*", &["", "a\nb"], &[]);
    check("(?-s).*", &["", "ab"], &["a\nb"]);
    check("", &[""], &["a"]);
}

#[test]
fn perl_classes_and_word_borders_are_ascii() {
    check(r"\w+", &["aZ_9"], &["é", "x٣"]);
    check(r"\d", &["7"], &["٣"]);
    check(r"\s", &["\t", "\n", "\x0c", "\r", " "], &["\x0b", "\u{a0}", "\u{2003}"]);
    check(r"\S", &["\x0b", "é"], &[" "]);
    check(r"é\b.*", &["éa"], &["é", "é-"]);
    check(r"a\B.*", &["ab"], &["aé", "a"]);
    check(r"\W", &["é"], &["e"]);
}

#[test]
fn what_other_dialects_read_as_operators_is_literal() {
    check(r"\<a\>", &["<a>"], &["a"]);
    check("[a&&b]", &["a", "&", "b"], &["c"]);
    check("[+--b]", &["+", ",", "-", "b"], &["a"]);
    check("[a~~b]", &["~", "a"], &["c"]);
    check("[[]", &["["], &["a"]);
    check("[[a]]", &["[]", "a]"], &["a", "["]);
    check("[[=a=]]", &["[]", "a]", "=]"], &["a"]);
    check("{", &["{"], &[]);
    check("a{b", &["a{b"], &[]);
    check("a{,2}", &["a{,2}"], &["a", "aa"]);
    check("a{02}", &["a{02}"], &["aa"]);
    check("x{2,", &["x{2,"], &[]);
    check("a*{", &["{", "aa{"], &[]);
    check("]", &["]"], &[]);
}

#[test]
fn escapes_of_go_are_understood() {
    check(r"\Q+|*?{[\E", &["+|*?{["], &["+"]);
    check(r"\Qab\E+", &["ab", "abbb"], &["abab"]);
    check(r"\Qa.b", &["a.b"], &["axb"]);
    check(r"\101\x42\x{43}", &["ABC"], &[]);
    check(r"\0", &["\0"], &[]);
    check(r"[\012-\234]\141", &["\na", "\u{9c}a"], &["\u{9d}a"]);
    check(r"\a\f\t\n\r\v", &["\x07\x0c\t\n\r\x0b"], &[]);
    check(r"\_\-\/", &["_-/"], &[]);
    check(r"\Aa\z", &["a"], &["b"]);
    check(r"[\d-z]", &["5", "-", "z"], &["a"]);
    check("[]a]", &["]", "a"], &["b"]);
    check("[^]a]", &["b", "\n"], &["]", "a"]);
    check("[a-]", &["a", "-"], &["b"]);
    check("[a-b-c]", &["a", "b", "-", "c"], &["d"]);
    check("[[:word:]-]", &["_", "-"], &["."]);
    check("[[:^alpha:]]", &["1", "é"], &["a"]);
    check("[[:alpha:", &[], &[]);
}

#[test]
fn surrogates_can_be_named_and_match_nothing() {
    check(r"\x{d800}", &[], &["", "\u{fffd}"]);
    check(r"a|\x{dfff}", &["a"], &["\u{fffd}"]);
    check(r"[\x{d7ff}-\x{e000}]", &["\u{d7ff}", "\u{e000}"], &["\u{e001}"]);
    check(r"[^\x{d800}-\x{dfff}]", &["a", "\u{ffff}"], &[""]);
}

#[test]
fn unicode_classes_are_categories_and_scripts() {
    check(r"\pL\p{Lu}\p{lu}\p{Letter}\p{uppercase_letter}", &["xXXxX"], &["xxXxX"]);
    check(r"\p{Greek}\p{greek}\P{Greek}", &["αβa"], &["αaa"]);
    check(r"\p{^L}\P{^L}", &["1a"], &["aa"]);
    check(r"[\p{Braille}\pZ]", &["\u{2800}", " "], &["a"]);
    check(r"\p{Any}\p{ASCII}\p{Assigned}", &["\nab"], &["\né\u{378}"]);
    check(r"\p{Thai}\p{Old_Italic}", &["\u{e01}\u{10300}"], &[]);
    check(r"\p{Cs}|\P{Cs}", &["a"], &[""]);
    for refused in
        ["Grek", "isGreek", "Script=Greek", "gc=L", "Alphabetic", "White_Space", "", "Lé", "Zzzz"]
    {
        let item = format!("\\p{{{refused}}}");
        assert_eq!(error(&item), format!("invalid character class range: `{item}`"));
    }
}

#[test]
fn folding_follows_unicode_and_comes_before_negation() {
    check("(?i)k", &["k", "K", "\u{212a}"], &["j"]);
    check("(?i)straße", &["STRAßE", "STRAẞE", "\u{17f}traße"], &["strasse"]);
    check("(?i)[A-Z]", &["q", "\u{17f}", "\u{212a}"], &["1"]);
    check("(?i)[^k]", &["j"], &["k", "K", "\u{212a}"]);
    check(r"(?i)\W", &["é"], &["\u{17f}", "\u{212a}"]);
    check(r"(?i)\p{Lu}", &["a", "A"], &["1"]);
    check(r"(?i)[\x{0}-\x{10ffff}]", &["a"], &[]);
    check("a(?i)b(?-i)c(?i:d)e", &["abcde", "aBcDe"], &["Abcde", "abCde", "abcdE"]);
}

#[test]
fn flags_end_with_their_group() {
    check("(?:(?i)a)b", &["Ab", "ab"], &["aB"]);
    check("(a(?i)b|c)d", &["aBd", "Cd"], &["aBD"]);
    check("(?m)a$\n^b", &["a\nb"], &["ab"]);
    check("a$\n^b", &[], &["a\nb"]);
    check("(?)a(?i-s:b)", &["aB"], &["AB"]);
    let lazy = Regex::new("(?U)(a+)(a*)").unwrap();
    assert_eq!(lazy.captures("aaa").unwrap().get(1), Some("a"));
    let greedy = Regex::new("(?U)(a+?)(a*)").unwrap();
    assert_eq!(greedy.captures("aaa").unwrap().get(1), Some("aaa"));
}

#[test]
fn errors_have_go_s_texts() {
    for (pattern, text) in [
        ("(abc", "missing closing ): `(abc`"),
        ("abc)", "unexpected ): `abc)`"),
        ("a)|(b", "unexpected ): `a)|(b`"),
        ("x[a-z", "missing closing ]: `[a-z`"),
        ("[]", "missing closing ]: `[]`"),
        ("[a-Z]", "invalid character class range: `a-Z`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        (r"[a-\d]", r"invalid escape sequence: `\d`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a++b", "invalid nested repetition operator: `++`"),
        ("a*?*", "invalid nested repetition operator: `*?*`"),
        ("x{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("a|+?b", "missing argument to repetition operator: `+?`"),
        ("(?i)(?:{2})", "missing argument to repetition operator: `{2}`"),
        (r"\Q\E*", "missing argument to repetition operator: `*`"),
        ("x{1001}", "invalid repeat count: `{1001}`"),
        ("x{2,1}", "invalid repeat count: `{2,1}`"),
        ("x{99999999999}", "invalid repeat count: `{99999999999}`"),
        ("(a{1000}){1000}", "invalid repeat count: `{1000}`"),
        ("((x{2}){10}){51}", "invalid repeat count: `{51}`"),
        (r"\8", r"invalid escape sequence: `\8`"),
        (r"\1", r"invalid escape sequence: `\1`"),
        (r"\u0041", r"invalid escape sequence: `\u`"),
        (r"\C", r"invalid escape sequence: `\C`"),
        (r"\é", r"invalid escape sequence: `\é`"),
        (r"\x4", r"invalid escape sequence: `\x4`"),
        (r"\x{}", r"invalid escape sequence: `\x{}`"),
        (r"\x{110000}", r"invalid escape sequence: `\x{110000`"),
        (r"\x{41", r"invalid escape sequence: `\x{41`"),
        ("a\\", "trailing backslash at end of expression: ``"),
        ("(?x)a", "invalid or unsupported Perl syntax: `(?x`"),
        ("(?u:a)", "invalid or unsupported Perl syntax: `(?u`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?i-)a", "invalid or unsupported Perl syntax: `(?i-)`"),
        ("(?i", "invalid or unsupported Perl syntax: `(?i`"),
        ("(?P=n)", "invalid or unsupported Perl syntax: `(?P`"),
        ("(?P<n", "invalid named capture: `(?P<n`"),
        ("(?P<a b>x)", "invalid named capture: `(?P<a b>`"),
        ("(?<>x)", "invalid named capture: `(?<>`"),
        (r"\pX", r"invalid character class range: `\pX`"),
        (r"\p{Greek", r"invalid character class range: `\p{Greek`"),
        (r"\p", r"invalid character class range: `\p`"),
    ] {
        assert_eq!(error(pattern), text, "of {pattern}");
    }
    let error = Pattern::new(b"a.\xff").unwrap_err().to_string();
    assert_eq!(error, "error parsing regexp: invalid UTF-8: `\u{fffd}`");
}

#[test]
fn repetition_counts_multiply_up_to_a_thousand() {
    check("(x{2}){500}", &[&"x".repeat(1000)], &["x"]);
    check("(?:x{1000}){0,1}", &["", &"x".repeat(1000)], &["x"]);
    check("(?:x{0}){1000}y", &["y"], &[]);
    check("((((((((((x{1}){2}){2}){2}){2}){2}){2}){2}){2}){2})", &[&"x".repeat(512)], &[]);
    check("(?:x{1000})*", &["", &"x".repeat(2000)], &["x"]);
    check("a*(?i)*", &["aa"], &["A"]);
}

#[test]
fn words_need_not_be_utf_8_and_are_not_parsed() {
    let pattern = Pattern::new(b"a|\xff|b").unwrap();
    assert!(pattern.is_match("b") && !pattern.is_match("\u{fffd}"));
    let words: Vec<&str> = pattern.words().unwrap().iter().map(|word| &**word).collect();
    assert_eq!(words, ["a", "b"]);
}

#[test]
fn lists_of_words_are_recognised() {
    for (pattern, expected) in [
        ("foo", vec!["foo"]),
        ("b|a|b|", vec!["", "a", "b"]),
        (r"a\.example|b\.example", vec!["a.example", "b.example"]),
        ("(api|web)-(1|2)", vec!["api-1", "api-2", "web-1", "web-2"]),
        ("(?i)ok", vec!["OK", "Ok", "O\u{212a}", "oK", "ok", "o\u{212a}"]),
        ("5..|x", vec![]),
        ("a?b", vec!["ab", "b"]),
    ] {
        let pattern = Pattern::new(pattern.as_bytes()).unwrap();
        let words = pattern.words().unwrap_or(&[]);
        assert_eq!(words.iter().map(|word| &**word).collect::<Vec<_>>(), expected);
    }
    let many: Vec<String> = (0..30_000).map(|n| format!(r"host-{n}\.example\.com")).collect();
    let many = Pattern::new(many.join("|").as_bytes()).unwrap();
    assert_eq!(many.words().unwrap().len(), 30_000);
    assert!(many.is_match("host-29999.example.com") && !many.is_match("host-30000.example.com"));
}

#[test]
fn groups_are_numbered_and_named_as_in_go() {
    let regex = Regex::new("(?P<a>x)|(?<a>y)|(?P<1x>z)").unwrap();
    assert_eq!(regex.captures("y").unwrap().name("a"), Some("y"));
    assert_eq!(regex.captures("y").unwrap().get(1), None);
    assert_eq!(regex.captures("z").unwrap().name("1x"), Some("z"));
    assert!(regex.captures("xy").is_none());
    let last = Regex::new("(?:(a)|b)*").unwrap();
    assert_eq!(last.captures("ab").unwrap().get(1), Some("a"));
}

#[test]
fn a_replacement_pattern_is_wrapped_as_text() {
    let error = Regex::new("(a").unwrap_err().to_string();
    assert_eq!(error, "error parsing regexp: missing closing ): `^(?s:(a)$`");
    let split = Regex::new("a)|(?:b").unwrap();
    assert!(split.is_match("ax") && split.is_match("xb") && !split.is_match("xa"));
}

#[test]
fn templates_expand_as_in_go() {
    let regex = Regex::new("(?P<first>[a-z]+)-([0-9]+)").unwrap();
    let groups = regex.captures("web-42").unwrap();
    for (template, expected) in [
        ("$1", "web"),
        ("$2/$1", "42/web"),
        ("${2}x", "42x"),
        ("$2x", ""),
        ("$first", "web"),
        ("${first}s", "webs"),
        ("$firsts", ""),
        ("$0", "web-42"),
        ("$$1", "$1"),
        ("$", "$"),
        ("a$", "a$"),
        ("$-", "$-"),
        ("${1", "${1"),
        ("${}", "${}"),
        ("${1 }", "${1 }"),
        ("$9", ""),
        ("$01", ""),
        ("$é$1", "web"),
        ("$1.$2", "web.42"),
        ("$99999999999999999999", ""),
    ] {
        let mut out = String::new();
        groups.expand(template, &mut out);
        assert_eq!(out, expected, "of {template}");
    }
}

#[test]
fn hostile_patterns_are_refused_quickly_or_handled() {
    let nested = |open: &str, inner: &str, close: &str, depth| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    let refused = [
        "(a{1000}){1000}".to_owned(),
        r"\pL{1000}".to_owned() + &r"\pL{1000}".repeat(20),
        ".{1000}".repeat(10_000),
        r"[\pL0]".repeat(50_000),
        "[^a]".repeat(300_000),
        r"(?i)[\x{42}-\x{10ffff}]".repeat(50_000),
        "(".repeat(1_000_000),
        nested("(?:a", "b", ")", 100_000),
        nested("(?:x|y(?:", "b", "))", 5_000),
        nested("(", "b", ")*", 2_000),
        "^".repeat(2_000_000),
        "(?:a|.b)?".repeat(100_000),
    ];
    for pattern in &refused {
        let start = Instant::now();
        let (whole, groups) = (Pattern::new(pattern.as_bytes()), Regex::new(pattern));
        assert!(groups.is_err(), "{} is accepted", &pattern[..20.min(pattern.len())]);
        drop(whole);
        let elapsed = start.elapsed();
        assert!(elapsed < Duration::from_secs(5), "{elapsed:?}: {}", &pattern[..20]);
    }
    let chars: Vec<String> =
        (0x100..0x8000u32).filter_map(char::from_u32).map(String::from).collect();
    for accepted in [chars.join("|"), chars.join("|") + "|aa|.*x", nested("(", "b", ")", 990)] {
        let start = Instant::now();
        assert!(Pattern::new(accepted.as_bytes()).is_ok());
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
}

/// Patterns with every kind of item, often malformed.
fn any_pattern() -> impl Strategy<Value = String> {
    let item = prop_oneof![
        4 => "[abAB]",
        1 => "[é\u{212a}\u{17f}]",
        4 => proptest::sample::select(vec![
            "(", ")", "(?:", "(?i)", "(?P<n>", "|", "*", "+", "?", "{2}", "{0,1}", "{1,}", ".", "^", "$",
            "[", "]", "[^", "-", r"\d", r"\W", r"\pL", r"\P{Greek}", r"\Q", r"\E", r"\b", r"\x{61}",
            r"\101", "[:alpha:]", "\n", "\\", "(?-s)", ".*", ".+",
        ]).prop_map(str::to_owned),
    ];
    proptest::collection::vec(item, 0..12).prop_map(|items| items.concat())
}

/// Well-formed patterns that mean the same in Go's and in Rust's dialect.
fn common_pattern() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[ab]{1,3}",
        proptest::sample::select(vec![
            ".", "[a-b]", "[^a]", ".*", ".+", "(?i:a)", "(?-s:.)", "^", "$", ""
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            proptest::collection::vec(inner.clone(), 1..4)
                .prop_map(|parts| format!("({})", parts.join("|"))),
            (inner, proptest::sample::select(vec!["*", "+", "?", "{2}", "{1,3}", "*?", "??"]))
                .prop_map(|(part, op)| format!("(?:{part}){op}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_pattern_panics(pattern in any_pattern(), text in "[abAé\n]{0,6}") {
        let _ = Pattern::new(pattern.as_bytes()).map(|pattern| pattern.is_match(&text));
        let _ = Regex::new(&pattern).map(|regex| {
            regex.captures(&text).map(|groups| groups.expand("$1$n${0}", &mut String::new()))
        });
    }

    #[test]
    fn no_bytes_panic(pattern in proptest::collection::vec(any::<u8>(), 0..20)) {
        let _ = Pattern::new(&pattern).map(|pattern| pattern.is_match("a"));
    }

    #[test]
    fn a_fast_test_agrees_with_the_automaton(
        pattern in prop_oneof![
            any_pattern(),
            common_pattern(),
            "[ab.|]{0,8}",
            r"(a|b|ab|é)?(\.\*|\.\+|\.)?(a|ba|é)?(\.\*|\.\+)?",
        ],
        texts in proptest::collection::vec("[abA.é\n]{0,5}", 8),
    ) {
        let flags = Flags { dot_newline: true, ..Flags::default() };
        let Ok(parsed) = parse::parse(&pattern, flags, Groups::Ignore) else { return Ok(()) };
        let slow = compile_whole(&pattern, parsed.hir).unwrap();
        let chosen = Pattern::new(pattern.as_bytes()).unwrap();
        for text in &texts {
            prop_assert_eq!(chosen.is_match(text), slow.is_match(text), "{} on {:?}", pattern, text);
        }
    }

    #[test]
    fn common_syntax_means_what_it_means_elsewhere(
        pattern in common_pattern(),
        texts in proptest::collection::vec("[abA\n]{0,6}", 8),
    ) {
        let ours = Regex::new(&pattern).unwrap();
        let theirs = meta::Regex::new(&format!("^(?s:{pattern})$")).unwrap();
        for text in &texts {
            let mut groups = theirs.create_captures();
            theirs.captures(text, &mut groups);
            let own = ours.captures(text);
            prop_assert_eq!(own.is_some(), groups.is_match(), "{} on {:?}", pattern, text);
            for index in 0..groups.group_len() {
                let theirs = groups.get_group(index).map(|span| &text[span.range()]);
                prop_assert_eq!(own.as_ref().and_then(|own| own.get(index)), theirs);
            }
        }
    }
}
