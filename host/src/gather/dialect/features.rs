//! What a text uses of the language, beyond what every server has.

use std::collections::BTreeSet;

use promql::ast::{
    At, BinaryOp, Cardinality, Descend, DurationKind, Expr, Extended, VectorSelector, walk,
};
use promql::matcher::{MatchOp, Matcher};
use promql::quote::{is_legacy_label_name, is_legacy_metric_name};

/// Functions, aggregations and modifiers of an expression, sorted, each once.
#[must_use]
pub fn features(expr: &Expr) -> Vec<String> {
    let mut found = BTreeSet::new();
    walk(expr, |node, _| {
        of_node(node, &mut |feature| {
            found.insert(feature.to_owned());
        });
        Descend::Into
    });
    found.into_iter().collect()
}

fn of_node(node: &Expr, add: &mut dyn FnMut(&str)) {
    match node {
        Expr::Aggregate(node) => add(node.op.as_str()),
        Expr::Binary(node) => {
            if node.op == BinaryOp::Atan2 {
                add(node.op.as_str());
            }
            if let Some(matching) = &node.matching {
                match matching.cardinality {
                    Cardinality::ManyToOne | Cardinality::OneToMany => add("group"),
                    Cardinality::OneToOne | Cardinality::ManyToMany => {}
                }
                if matching.fill.lhs.is_some() || matching.fill.rhs.is_some() {
                    add("fill");
                }
            }
        }
        Expr::Call(node) => add(node.function.name),
        Expr::Matrix(node) => {
            of_selector(&node.selector, add);
            of_duration(node.range_expr.as_deref().map(|range| &range.kind), add);
        }
        Expr::Subquery(node) => {
            add("subquery");
            of_time(node.offset_ms, node.at, add);
            for own in [&node.range_expr, &node.step_expr, &node.offset_expr] {
                of_duration(own.as_deref().map(|own| &own.kind), add);
            }
        }
        Expr::Vector(node) => of_selector(node, add),
        Expr::Number(_) | Expr::Paren(_) | Expr::String(_) | Expr::Unary(_) => {}
    }
}

fn of_selector(node: &VectorSelector, add: &mut dyn FnMut(&str)) {
    of_time(node.offset_ms, node.at, add);
    of_duration(node.offset_expr.as_deref().map(|own| &own.kind), add);
    match node.extended {
        Some(Extended::Anchored) => add("anchored"),
        Some(Extended::Smoothed) => add("smoothed"),
        None => {}
    }
    // Names that older servers have no quotes for.
    let is_quoted = |matcher: &Matcher| {
        let named = matcher.is_name() && matcher.op() == MatchOp::Equal;
        let value = matcher.value().to_str_lossy();
        !is_legacy_label_name(matcher.name()) || (named && !is_legacy_metric_name(&value))
    };
    if node.matchers.iter().any(is_quoted) {
        add("utf-8 names");
    }
}

fn of_time(offset_ms: i64, at: Option<At>, add: &mut dyn FnMut(&str)) {
    if offset_ms < 0 {
        add("negative offset");
    }
    if at.is_some() {
        add("@");
    }
}

fn of_duration(kind: Option<&DurationKind>, add: &mut dyn FnMut(&str)) {
    if kind.is_some() {
        add("duration expression");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let options = promql::parser::Options {
            experimental_functions: true,
            extended_range_selectors: true,
            fill_modifiers: true,
            ..promql::parser::Options::default()
        };
        features(&promql::parser::parse(text, &options).expect("a query"))
    }

    #[test]
    fn functions_aggregations_and_modifiers_are_features() {
        assert_eq!(
            of("sum by (a) (rate(x[5m] offset -1m)) / on (a) group_left () max(y @ 5)"),
            ["@", "group", "max", "negative offset", "rate", "sum"]
        );
        assert_eq!(of("max_over_time(x[5m:1m])"), ["max_over_time", "subquery"]);
        assert_eq!(of("rate(x[5m] smoothed)"), ["rate", "smoothed"]);
        assert_eq!(of(r#"{"a.b"} + fill (0) x"#), ["fill", "utf-8 names"]);
        assert_eq!(of("-(a + 1)"), Vec::<String>::new());
    }
}
