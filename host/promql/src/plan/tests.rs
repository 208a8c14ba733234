//! Plans as text: what is read, and what is computed once.

use std::fmt::Write;

use expect_test::{Expect, expect};

use super::{Node, Source};
use crate::query::{Options, Query};
use crate::{parser, plan};

/// The selects of a range query from 1000 s to 1600 s every 60 s.
fn check_selects(text: &str, expected: &Expect) {
    let options = Options { language: parser::Options::all(), ..Options::default() };
    let query = Query::new(text, 1_000_000, 1_600_000, 60_000, &options).unwrap();
    let mut out = String::new();
    for select in query.selects() {
        let matchers: Vec<String> = select.matchers.iter().map(ToString::to_string).collect();
        write!(out, "{{{}}} {}..={}", matchers.join(","), select.start_ms, select.end_ms).unwrap();
        if let Some(at) = select.lookups {
            write!(out, " at {}..={} step {}", at.start_ms, at.end_ms, at.step_ms).unwrap();
        }
        out.push('\n');
    }
    expected.assert_eq(&out);
}

fn show(node: &Node) -> String {
    match node {
        Node::Number(value) => value.to_string(),
        Node::String(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        Node::Instant(_) => "instant".to_owned(),
        Node::Range(range) => match &range.source {
            Source::Samples { .. } => "range".to_owned(),
            Source::Subquery { node, .. } => format!("subquery({})", show(node)),
        },
        Node::Call(call) => {
            let args: Vec<String> = call.args.iter().map(show).collect();
            format!("{}({})", call.function.name, args.join(", "))
        }
        Node::Aggregate(aggregate) => format!("{}({})", aggregate.op, show(&aggregate.input)),
        Node::Chain(chain) => {
            let mut out = show(&chain.first);
            for link in &chain.links {
                if link.left_invariant {
                    out = format!("once({out})");
                }
                write!(out, " {} {}", link.op, show(&link.right)).unwrap();
            }
            out
        }
        Node::Negate(inner) => format!("-{}", show(inner)),
        Node::Given(index) => format!("given({index})"),
        Node::Invariant(inner) => format!("once({})", show(inner)),
    }
}

fn check_plan(text: &str, expected: &str) {
    let expr = parser::parse(text, &parser::Options::all()).unwrap();
    let grid = plan::Grid { start_ms: 0, end_ms: 60_000, step_ms: 1000 };
    assert_eq!(show(&plan::lower(&expr, grid, false, &[])), expected);
}

#[test]
fn an_instant_selector_reads_from_its_lookback_on() {
    check_selects(
        "x",
        &expect![[r#"
        {__name__="x"} 700001..=1600000 at 1000000..=1600000 step 60000
    "#]],
    );
}

#[test]
fn a_range_selector_is_open_to_the_left() {
    check_selects(
        "rate(x[5m] offset 1m)",
        &expect![[r#"
        {__name__="x"} 640001..=1540000
    "#]],
    );
}

#[test]
fn a_pinned_selector_is_looked_at_once() {
    check_selects(
        "x @ 500 + y @ end()",
        &expect![[r#"
        {__name__="x"} 200001..=500000 at 500000..=500000 step 1
        {__name__="y"} 1300001..=1600000 at 1600000..=1600000 step 1
    "#]],
    );
}

#[test]
fn a_subquery_is_evaluated_at_multiples_of_its_step() {
    check_selects(
        "max_over_time(x[10m:7s] offset 3s)",
        &expect![[r#"
        {__name__="x"} 99001..=1596000 at 399000..=1596000 step 7000
    "#]],
    );
}

#[test]
fn extended_selectors_read_around_their_range() {
    check_selects(
        "rate(x[1m] anchored) + rate(y[1m] smoothed)",
        &expect![[r#"
        {__name__="x"} 640001..=1600000
        {__name__="y"} 640001..=1900000
    "#]],
    );
}

#[test]
fn a_selector_whose_times_matter_is_read_as_written() {
    check_selects(
        "timestamp(x)",
        &expect![[r#"
        {__name__="x"} 700001..=1600000
    "#]],
    );
}

#[test]
fn info_reads_the_info_metrics_too() {
    check_selects(
        r#"info(x, {version=~".+"})"#,
        &expect![[r#"
        {__name__="x"} 700001..=1600000 at 1000000..=1600000 step 60000
        {__name__="target_info",version=~".+"} 700001..=1600000
    "#]],
    );
}

#[test]
fn what_is_the_same_at_every_step_is_computed_once() {
    check_plan("x @ 0", "once(instant)");
    check_plan("sum(x @ 0) + y", "once(sum(instant)) + instant");
    check_plan("1 + 2 + x", "once(1 + 2) + instant");
    check_plan("x + (1 + 2)", "instant + once(1 + 2)");
    check_plan("rate(x[5m] @ 0)", "once(rate(range))");
    check_plan("max_over_time(rate(x[5m] @ 0)[1h:])", "max_over_time(subquery(once(rate(range))))");
}

#[test]
fn functions_of_the_evaluation_time_are_not_computed_once() {
    check_plan("time()", "time()");
    check_plan("predict_linear(x[5m] @ 0, 10)", "predict_linear(range, 10)");
    check_plan("timestamp(x @ 0)", "once(timestamp(instant))");
    check_plan("timestamp(abs(x @ 0))", "timestamp(once(abs(instant)))");
}

#[test]
fn the_query_context_becomes_numbers() {
    check_plan("start() + end() + range() + step()", "once(0 + 60 + 60 + 1)");
}
