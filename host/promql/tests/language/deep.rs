//! Queries of hostile length and depth end in bounded time, on the stack of
//! a worker thread.

use std::thread;

use promql::ast::{Descend, Expr, MAX_DEPTH, type_of, walk};
use promql::parser::{Options, parse};
use promql::printer::prettify;

use super::normalised;

/// What worker threads commonly have.
const STACK_BYTES: usize = 2 << 20;

fn on_a_worker(test: impl FnOnce() + Send + 'static) {
    let worker = thread::Builder::new().stack_size(STACK_BYTES);
    let worker = worker.spawn(test).expect("a thread starts");
    worker.join().expect("the test does not panic");
}

fn nested(open: &str, inner: &str, close: &str, levels: usize) -> String {
    format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
}

/// Everything that goes over a whole tree.
fn use_up(expr: &Expr) {
    let printed = expr.to_string();
    assert_eq!(parse(&printed, &Options::all()).map(|again| again.to_string()), Ok(printed));
    assert!(!prettify(expr).is_empty());
    assert!(!format!("{expr:?}").is_empty());
    assert_eq!(expr.clone(), *expr);
    assert_eq!(normalised(expr), normalised(&expr.clone().map(|node| node)));
    let mut nodes = 0;
    walk(expr, |_, _| {
        nodes += 1;
        Descend::Into
    });
    assert!(nodes > 0);
    assert_eq!(type_of(expr), expr.value_type());
}

#[test]
fn nesting_up_to_the_limit_is_read_and_beyond_it_refused() {
    const FORMS: [(&str, &str, &str); 8] = [
        ("(", "a", ")"),
        ("-", "a", ""),
        ("abs(", "a", ")"),
        ("sum by (x) (", "a", ")"),
        ("topk(1, ", "a", ")"),
        ("label_replace(", "a", r#", "a", "b", "c", "d")"#),
        ("a ^ ", "a", ""),
        ("a ^ -", "a", ""),
    ];
    on_a_worker(|| {
        for (open, inner, close) in FORMS {
            let query = nested(open, inner, close, MAX_DEPTH / 2 - 1);
            use_up(&parse(&query, &Options::all()).expect("half the limit is allowed"));
            let query = nested(open, inner, close, 30_000);
            let error = parse(&query, &Options::all()).expect_err("too deep");
            assert_eq!(error.message, "expression is nested more than 500 levels deep");
        }
    });
}

#[test]
fn the_limit_counts_levels_of_the_tree() {
    on_a_worker(|| {
        let parens = |levels| parse(&nested("(", "1", ")", levels), &Options::all());
        use_up(&parens(MAX_DEPTH - 1).expect("within the limit"));
        assert!(parens(MAX_DEPTH).is_err());
    });
}

#[test]
fn deep_durations_are_refused() {
    on_a_worker(|| {
        let sum = vec!["1"; 20_000].join("+");
        for query in [
            format!("a[{}]", nested("(", "1", ")", 30_000)),
            format!("a[{}]", nested("-", "1", "", 30_000)),
            format!("a[{sum}]"),
            format!("a offset ({sum})"),
            format!("a[{}]", nested("min_of(1, ", "1", ")", 30_000)),
            format!("a{}", "[1m:1m]".repeat(30_000)),
        ] {
            let error = parse(&query, &Options::all()).expect_err("too deep");
            assert!(error.message.contains("levels deep"), "{error}");
        }
        let sum = vec!["1"; MAX_DEPTH - 2].join("+");
        use_up(&parse(&format!("a[{sum}]"), &Options::all()).expect("within the limit"));
    });
}

#[test]
fn long_chains_of_operators_need_no_stack() {
    on_a_worker(|| {
        for (operand, operator) in [("a", "+"), ("1", "-"), ("(a)", "or"), ("a * 2 ^ 3", "and")] {
            let chain = vec![operand; 20_000].join(&format!(" {operator} "));
            use_up(&parse(&chain, &Options::all()).expect("long is not deep"));
        }
    });
}

#[test]
fn long_lists_are_not_deep() {
    on_a_worker(|| {
        let labels = vec!["a"; 20_000].join(", ");
        let strings = vec![r#""a""#; 20_000].join(", ");
        let matchers = vec![r#"a="b""#; 20_000].join(",");
        for query in [
            format!("sum by ({labels}) (a)"),
            format!("label_join(a, {strings})"),
            format!("a{{{matchers}}}"),
            format!("a {}", "smoothed ".repeat(20_000)),
        ] {
            use_up(&parse(&query, &Options::all()).expect("long is not deep"));
        }
    });
}
