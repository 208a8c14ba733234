//! The text that a group's replicas are asked with.
//!
//! In: an expression with the spans of the query. Out: its text without the
//! group's labels, with everything said that a server would otherwise take
//! from its own configuration or from the range of the request, and where the
//! nodes of the query stand in it.

use std::mem::discriminant;

use promql::Labels;
use promql::ast::{At, Expr, VectorSelector};
use promql::matcher::{MatchOp, Matcher};
use promql::parser;

use super::Why;
pub(super) use crate::gather::scope::resolve;

/// The longest text that is sent.
const MAX_TEXT: usize = 64 << 10;

/// What a server would decide itself, and we decide for it.
#[derive(Clone, Copy, Debug)]
pub struct Rewrite {
    /// First evaluation time, in milliseconds: `@ start()`.
    pub start_ms: i64,
    /// Last evaluation time, in milliseconds: `@ end()`.
    pub end_ms: i64,
    /// The step of subqueries that name none, in milliseconds.
    pub subquery_step_ms: i64,
    /// The language in which the text must parse again.
    pub language: parser::Options,
}

/// A text, and where the query's nodes stand in it.
pub(super) struct Text {
    pub(super) text: String,
    /// Where a node starts in the text, and in the query; ascending.
    pub(super) places: Vec<(usize, usize)>,
}

/// The text of an expression for a group with these labels.
pub(super) fn text(expr: &Expr, group: &Labels, rewrite: &Rewrite) -> Result<Text, Why> {
    let changed = expr.clone().map(|node| for_group(node, group, rewrite));
    let text = changed.to_string();
    if text.len() > MAX_TEXT {
        return Err(Why::Large);
    }
    // What does not parse back to the same cannot be sent.
    let parsed = parser::parse(&text, &rewrite.language).map_err(|_| Why::Language)?;
    let mut places = Vec::new();
    let mut pending = vec![(&parsed, &changed)];
    while let Some((own, query)) = pending.pop() {
        if discriminant(own) != discriminant(query)
            || own.children().count() != query.children().count()
        {
            return Err(Why::Language);
        }
        places.push((own.span().start, query.span().start));
        pending.extend(own.children().zip(query.children()));
    }
    places.sort_unstable();
    places.dedup_by_key(|(own, _)| *own);
    Ok(Text { text, places })
}

/// The expression as it is evaluated here, over any part of the query's steps:
/// nothing in it depends on the whole of them any more.
pub(super) fn fixed(expr: Expr, rewrite: &Rewrite) -> Expr {
    let no_group = Labels::empty();
    expr.map(|node| for_group(node, &no_group, rewrite))
}

fn for_group(node: Expr, group: &Labels, rewrite: &Rewrite) -> Expr {
    match node {
        Expr::Vector(mut selector) => {
            change_selector(&mut selector, group, rewrite);
            Expr::Vector(selector)
        }
        Expr::Matrix(mut matrix) => {
            change_selector(&mut matrix.selector, group, rewrite);
            matrix.range_expr = None;
            Expr::Matrix(matrix)
        }
        Expr::Subquery(mut subquery) => {
            if subquery.step_ms == 0 {
                subquery.step_ms = rewrite.subquery_step_ms;
            }
            (subquery.range_expr, subquery.step_expr, subquery.offset_expr) = (None, None, None);
            subquery.at = subquery.at.map(|at| moment(at, rewrite));
            Expr::Subquery(subquery)
        }
        Expr::Aggregate(mut aggregate) => {
            aggregate.grouping.retain(|name| group.get(name).is_none());
            if aggregate.without {
                // The group's label hides one of the replica's.
                aggregate.grouping.extend(group.iter().map(|(name, _)| name.to_owned()));
            }
            Expr::Aggregate(aggregate)
        }
        Expr::Binary(mut binary) => {
            if let Some(matching) = binary.matching.as_mut().filter(|matching| matching.on) {
                matching.labels.retain(|name| group.get(name).is_none());
            }
            Expr::Binary(binary)
        }
        other => other,
    }
}

fn change_selector(selector: &mut VectorSelector, group: &Labels, rewrite: &Rewrite) {
    // Groups whose labels rule a selector out are not asked.
    selector.matchers = resolve(&selector.matchers, group).unwrap_or_default();
    if !selector.matchers.iter().any(Matcher::is_name) {
        selector.name = String::new();
    }
    if selector.matchers.iter().all(|matcher| matcher.matches("")) {
        let any = Matcher::new("__name__", MatchOp::NotEqual, "");
        selector.matchers.extend(any); // without a pattern there is no error
    }
    selector.offset_expr = None;
    selector.at = selector.at.map(|at| moment(at, rewrite));
}

fn moment(at: At, rewrite: &Rewrite) -> At {
    match at {
        At::Time(time) => At::Time(time),
        At::Start => At::Time(rewrite.start_ms),
        At::End => At::Time(rewrite.end_ms),
    }
}
