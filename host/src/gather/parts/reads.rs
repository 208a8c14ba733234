//! What a site reads: its selectors, and which samples around each step.

use promql::ast::Expr;
use promql::matcher::Matcher;
use promql::query::{Query, Select};

use crate::gather::group::Group;
use crate::gather::scope::resolve;
use crate::plan::{Reach, Steps};
use crate::storage::Question;

/// A selector, and its reach.
pub(super) type SelectorReach = (Vec<Matcher>, Reach);

/// What a group's share of a site reads: each selector as the replicas are
/// asked, once.
pub(super) struct Reads(pub(super) Vec<SelectorReach>);

impl Reads {
    /// A group's share of these selectors, which are as written.
    pub(super) fn of(group: &Group, selects: &[SelectorReach]) -> Self {
        let mut selectors: Vec<SelectorReach> = Vec::new();
        for (matchers, reach) in selects {
            // Groups whose labels rule a selector out are not asked.
            let Some(matchers) = resolve(matchers, &group.labels) else { continue };
            if !selectors.iter().any(|(own, known)| known == reach && *own == matchers) {
                selectors.push((matchers, *reach));
            }
        }
        Self(selectors)
    }

    /// The selectors, and the windows that these steps look at.
    pub(super) fn windows(&self, steps: Steps) -> impl Iterator<Item = (&[Matcher], (i64, i64))> {
        self.0.iter().map(move |(matchers, reach)| (matchers.as_slice(), reach.window(&steps)))
    }
}

/// What an expression reads, by what it reads at the first and last step; the
/// selectors as written.
pub(super) fn selects(
    expr: &Expr,
    steps: Steps,
    question: &Question,
) -> Option<Vec<SelectorReach>> {
    let at = |time_ms: i64| -> Option<Vec<Select>> {
        let query =
            Query::from_expr(expr.clone(), time_ms, time_ms, steps.step_ms, &question.options);
        Some(query.ok()?.selects().to_vec())
    };
    let (first, last) = (at(steps.start_ms)?, at(steps.end_ms)?);
    let times = (steps.start_ms, steps.end_ms);
    let grid_ms = widest_subquery_step(expr);
    let reaches = first.into_iter().zip(last);
    Some(
        reaches
            .map(|(first, last)| {
                let reach = Reach::of(&first, &last, times, grid_ms);
                (first.matchers, reach)
            })
            .collect(),
    )
}

/// How far the moments of subqueries may lie from where they would be without
/// a grid of their own, all of them together.
fn widest_subquery_step(expr: &Expr) -> i64 {
    let mut sum: i64 = 0;
    promql::ast::walk(expr, |node, _| {
        if let Expr::Subquery(subquery) = node {
            sum = sum.saturating_add(subquery.step_ms);
        }
        promql::ast::Descend::Into
    });
    sum
}
