//! The language as a whole: Prometheus's own cases, random queries, and
//! queries that are too long or too deep.

mod corpus;
mod deep;
mod random;
mod soup;

use promql::ast::{DurationExpr, DurationKind, Expr, UnaryOp, VectorSelector};
use promql::parser::{Options, parse};

/// What printing keeps of a tree: no spans, matchers in any order, and no plus
/// sign before a duration, which Prometheus's printer drops.
fn normalised(expr: &Expr) -> Expr {
    let mut expr = expr.clone();
    expr.clear_spans();
    expr.walk_mut(|node| match node {
        Expr::Vector(selector) => normalise_selector(selector),
        Expr::Matrix(matrix) => {
            normalise_selector(&mut matrix.selector);
            drop_plus(matrix.range_expr.as_deref_mut());
        }
        Expr::Subquery(subquery) => {
            drop_plus(subquery.range_expr.as_deref_mut());
            drop_plus(subquery.step_expr.as_deref_mut());
            drop_plus(subquery.offset_expr.as_deref_mut());
        }
        _ => {}
    });
    expr
}

fn normalise_selector(selector: &mut VectorSelector) {
    selector.matchers.sort_by_key(ToString::to_string);
    drop_plus(selector.offset_expr.as_deref_mut());
}

fn drop_plus(expr: Option<&mut DurationExpr>) {
    let Some(expr) = expr else { return };
    if let (DurationKind::Unary(UnaryOp::Plus, operand), false) = (&expr.kind, expr.wrapped) {
        *expr = (**operand).clone();
    }
}

/// Checks that a tree prints, parses back to itself, and prints the same.
#[track_caller]
fn assert_survives_printing(expr: &Expr) {
    let printed = expr.to_string();
    let again = parse(&printed, &Options::all());
    let again = again.unwrap_or_else(|error| panic!("{printed:?} does not parse: {error}"));
    assert_eq!(normalised(&again), normalised(expr), "in {printed:?}");
    assert_eq!(again.to_string(), printed);
}
