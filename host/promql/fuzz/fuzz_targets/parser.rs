//! Any text: the parser answers, and what it accepts survives printing.
//!
//! Invariants: no panic; printing a tree and parsing the text gives the same
//! text again, printed on one line or on many; an error's place is within the
//! text. Left out are the few trees that Prometheus prints, and so do we, in a
//! way that does not parse back (see the head of `promql::printer`).

#![no_main]

use libfuzzer_sys::fuzz_target;
use promql::ast::{Descend, Expr, VectorMatching, VectorSelector, walk};
use promql::parser::{Options, parse};
use promql::printer::prettify;

/// Durations beyond this pass through floats that do not hold them.
const LONG_MS: i64 = 30 * 24 * 3600 * 1000;

fuzz_target!(|text: &str| {
    let options = Options::all();
    let expr = match parse(text, &options) {
        Ok(expr) => expr,
        Err(error) => {
            assert!(error.span.start <= text.len() + 1, "{error:?} of {text:?}");
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let (printed, pretty) = (expr.to_string(), prettify(&expr));
    if !parses_back(&expr) {
        return;
    }
    let again = parse(&printed, &options)
        .unwrap_or_else(|error| panic!("{text:?} prints as {printed:?}: {error}"));
    assert_eq!(again.to_string(), printed, "of {text:?}");
    let again = parse(&pretty, &options)
        .unwrap_or_else(|error| panic!("{text:?} prints prettily as {pretty:?}: {error}"));
    assert_eq!(again.to_string(), printed, "of {text:?}, prettily {pretty:?}");
});

fn parses_back(expr: &Expr) -> bool {
    let mut all = true;
    walk(expr, |node, _| {
        all &= match node {
            Expr::Number(number) => number.value.is_finite() && !number.duration,
            Expr::Vector(selector) => selector_parses_back(selector),
            Expr::Matrix(matrix) => {
                selector_parses_back(&matrix.selector)
                    && matrix.range_expr.is_none()
                    && matrix.range_ms < LONG_MS
            }
            Expr::Subquery(subquery) => {
                let plain = subquery.range_expr.is_none()
                    && subquery.step_expr.is_none()
                    && subquery.offset_expr.is_none();
                let times = [subquery.range_ms, subquery.step_ms, subquery.offset_ms];
                plain && times.iter().all(|time| time.abs() < LONG_MS)
            }
            Expr::Aggregate(aggregate) => labels_parse_back(&aggregate.grouping),
            Expr::Binary(binary) => {
                binary.matching.as_ref().is_none_or(|matching| matching_parses_back(matching))
            }
            _ => true,
        };
        Descend::Into
    });
    all
}

fn matching_parses_back(matching: &VectorMatching) -> bool {
    let fill = matching.fill.lhs.into_iter().chain(matching.fill.rhs);
    labels_parse_back(&matching.labels)
        && labels_parse_back(&matching.include)
        && fill.into_iter().all(f64::is_finite)
}

fn selector_parses_back(selector: &VectorSelector) -> bool {
    let text = selector.to_string();
    selector.offset_expr.is_none()
        && selector.offset_ms.abs() < LONG_MS
        && !text.is_empty()
        && !text.contains('\u{fffd}')
}

/// Names that lists need in quotes, which are not printed.
fn labels_parse_back(labels: &[String]) -> bool {
    let reserved = ["without", "inf", "nan"];
    labels.iter().all(|label| !reserved.contains(&label.to_ascii_lowercase().as_str()))
}
