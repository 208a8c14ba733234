//! Random tokens: whatever the text, the parser answers.

use promql::parser::{Options, Position, parse, parse_selector};
use promql::printer::prettify;
use proptest::prelude::*;

const TOKENS: &[&str] = &[
    "sum",
    "topk",
    "count_values",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "bool",
    "fill",
    "fill_left",
    "offset",
    "anchored",
    "smoothed",
    "and",
    "or",
    "unless",
    "atan2",
    "start",
    "end",
    "step",
    "range",
    "min_of",
    "max_of",
    "rate",
    "info",
    "time",
    "foo",
    "a:b",
    "inf",
    "nan",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "=",
    "==",
    "!=",
    "=~",
    "!~",
    "<",
    ">",
    "<=",
    ">=",
    "</",
    ">/",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "@",
    "#",
    "\n",
    " ",
    "1",
    "0",
    "5m",
    "0x1F",
    "1e3",
    "1_0",
    "5mm",
    ".5",
    "9.5e10",
    r#""x""#,
    "'y'",
    "`z`",
    r#""\xff""#,
    r#""\q""#,
    "\"",
    "`",
    "'",
    "\\",
    "é",
    "\u{fffd}",
    "\0",
    "foo[5m]",
    "foo[5m:1m]",
    "@ start()",
    "offset -5m",
    "fill(1)",
    "by (a)",
    r#"{a="b"}"#,
    "step()",
    "(foo)",
];

fn soup() -> impl Strategy<Value = String> {
    let token = proptest::sample::select(TOKENS);
    let glue = proptest::sample::select(&["", " "][..]);
    (proptest::collection::vec(token, 0..24), glue).prop_map(|(tokens, glue)| tokens.join(glue))
}

/// Parses with all options and with none, and uses what comes out.
fn check(query: &str) {
    for options in [Options::all(), Options::default()] {
        match parse(query, &options) {
            Ok(expr) => {
                assert!(expr.span().end <= query.len());
                assert!(!expr.to_string().is_empty());
                assert!(!prettify(&expr).is_empty());
            }
            Err(error) => {
                assert!(error.span.start <= error.span.end, "{error:?}");
                assert!(error.span.end <= query.len(), "{error:?}");
                assert_eq!(error.position, Position::of(query, error.span.start));
                assert!(!error.message.is_empty());
            }
        }
    }
    assert_eq!(parse_selector(query), parse_selector(query));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_tokens_are_read_or_refused(query in soup()) {
        check(&query);
    }

    #[test]
    fn random_characters_are_read_or_refused(query in ".{0,64}") {
        check(&query);
    }
}
