//! Shapes that a parser must survive.

use std::time::{Duration, Instant};

use super::*;

/// The mistakes of a text as lines, or `fine`.
fn check(text: &str) -> String {
    let mut report = Report::new("f");
    let tree = parse(text, &mut report);
    match report.finish() {
        Ok(_) => tree.map_or("nothing", |_| "fine").to_owned(),
        Err(mistakes) => mistakes.to_string(),
    }
}

/// A tree as one line.
fn show(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Scalar { text, plain: true } => text.clone(),
        Value::Scalar { text, plain: false } => format!("{text:?}"),
        Value::List(items) => {
            format!("[{}]", items.iter().map(|item| show(item)).collect::<Vec<_>>().join(" "))
        }
        Value::Map(entries) => {
            let entry = |entry: &Entry| format!("{}:{}", entry.key, show(&entry.node));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(" "))
        }
    }
}

fn tree(text: &str) -> String {
    let mut report = Report::new("f");
    let tree = parse(text, &mut report).map(|tree| show(&tree));
    tree.unwrap_or_else(|| panic!("{:?}", report.finish()))
}

#[test]
fn scalars_stay_as_written() {
    assert_eq!(
        tree("a: 1\nb: '1'\nc: !!str 1\nd: ~\ne:\nf: |\n  x\ng: 007"),
        r#"{a:1 b:"1" c:"1" d:null e:null f:"x\n" g:007}"#
    );
}

#[test]
fn line_ends_byte_order_marks_and_directives_do_not_matter() {
    for text in ["a: 1\r\nb: [2]\r\n", "\u{feff}a: 1\nb: [2]", "%YAML 1.1\n---\na: 1\nb: [2]\n..."]
    {
        assert_eq!(tree(text), "{a:1 b:[2]}", "{text:?}");
    }
}

#[test]
fn a_merge_key_fills_in_what_is_not_there() {
    let text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\n\
                one: {<<: *x, b: 3}\nboth: {<<: [*x, *y]}\nquoted: {'<<': *x}";
    assert_eq!(
        tree(text),
        "{x:{a:1 b:1} y:{b:2 c:2} one:{b:3 a:1} both:{a:1 b:1 c:2} quoted:{<<:{a:1 b:1}}}"
    );
}

#[test]
fn a_merge_needs_a_mapping() {
    for value in ["1", "[]", "[{a: 1}, 2]", "null"] {
        let text = format!("a:\n  <<: {value}\n");
        assert_eq!(check(&text), "f:2:3: a: found `<<` without a mapping to merge");
    }
}

#[test]
fn nested_aliases_are_refused_before_they_grow() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..60 {
        let list = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    let start = Instant::now();
    assert_eq!(check(&text), "f:5:45: a4[7]: found aliases that add more than 100000 values");
    assert!(start.elapsed() < Duration::from_secs(2), "took {:?}", start.elapsed());
}

#[test]
fn depth_is_bounded_with_and_without_aliases() {
    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(check(&nested(63)), "fine");
    for text in [nested(65), "[".repeat(1_000_000), "- ".repeat(1_000_000)] {
        assert!(check(&text).ends_with("found more than 64 levels of nesting"), "{}", check(&text));
    }
    let chain: String = (1..70).map(|n| format!("a{n}: &a{n} [*a{}]\n", n - 1)).collect();
    let text = format!("a0: &a0 [x]\n{chain}");
    assert_eq!(check(&text), "f:64:12: a63[0]: found more than 64 levels of nesting");
}

#[test]
fn an_alias_cannot_hold_itself() {
    assert_eq!(check("a: &a [*a]"), "f:1:8: a[0]: found an alias inside of its own anchor");
    assert_eq!(
        check("a: *b"),
        "f:1:4: a: found an alias (`*name`) without an anchor (`&name`) above it"
    );
}

#[test]
fn large_files_are_read_or_refused_in_good_time() {
    let start = Instant::now();
    let size = 8 << 20;
    for piece in ["- a\n", "\n", "a", "[", "{", "? ", ": ", "&a ", "%", "# x\n", "- [a, {b: c}]\n"]
    {
        let outcome = check(&piece.repeat(size / piece.len()));
        assert!(outcome == "fine" || outcome.starts_with("f:"), "{outcome}");
    }
    // Generous, for a loaded machine without optimisation.
    assert!(start.elapsed() < Duration::from_secs(120), "took {:?}", start.elapsed());
}
