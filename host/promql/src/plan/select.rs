//! Which samples each selector reads.

use super::{Call, Grid, Lookups, Node, Range, Reference, Select, Source};
use crate::ast::Extended;
use crate::matcher::Matcher;

/// What does not change within a query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    pub(crate) lookback_ms: i64,
    /// The step of subqueries that name none.
    pub(crate) subquery_step_ms: i64,
}

/// Numbers the selectors below `node`, and says what each reads.
pub(crate) fn assign(node: &mut Node, grid: Grid, defaults: Defaults) -> Vec<Select> {
    let mut selects = Selects { defaults, list: Vec::new() };
    selects.visit(node, grid);
    selects.list
}

/// The evaluation times of a subquery's inside, seen from those of its
/// outside: multiples of the step within the windows (prometheus/promql/
/// engine.go, `subqueryTimeRange`).
pub(crate) fn subquery_grid(range: &Range, step_ms: i64, outside: Grid, default: i64) -> Grid {
    let step_ms = if step_ms == 0 { default } else { step_ms }.max(1);
    let last = outside.time(outside.steps().saturating_sub(1));
    let end_ms = range.reference.from(last);
    let open = range.reference.from(outside.start_ms).saturating_sub(range.range_ms);
    let mut start_ms = (open / step_ms).saturating_mul(step_ms);
    if start_ms <= open {
        start_ms = start_ms.saturating_add(step_ms);
    }
    Grid { start_ms, end_ms, step_ms }
}

/// Calls `found` with each select of which only count and sum of histograms
/// are looked at.
pub(crate) fn statistics_only(node: &Node, found: &mut impl FnMut(usize)) {
    match node {
        Node::Number(_) | Node::String(_) | Node::Given(_) => {}
        Node::Negate(inner) | Node::Invariant(inner) => statistics_only(inner, found),
        Node::Instant(selector) if selector.statistics_only => found(selector.select),
        Node::Instant(_) => {}
        Node::Range(range) => match &range.source {
            Source::Samples { select, statistics_only: true, .. } => found(*select),
            Source::Samples { .. } => {}
            Source::Subquery { node, .. } => statistics_only(node, found),
        },
        Node::Call(call) => call.args.iter().for_each(|arg| statistics_only(arg, found)),
        Node::Aggregate(aggregate) => {
            statistics_only(&aggregate.input, found);
            if let Some(param) = &aggregate.param {
                statistics_only(param, found);
            }
        }
        Node::Chain(chain) => {
            statistics_only(&chain.first, found);
            chain.links.iter().for_each(|link| statistics_only(&link.right, found));
        }
    }
}

struct Selects {
    defaults: Defaults,
    list: Vec<Select>,
}

impl Selects {
    fn push(&mut self, select: Select) -> usize {
        self.list.push(select);
        self.list.len() - 1
    }

    fn visit(&mut self, node: &mut Node, grid: Grid) {
        match node {
            Node::Number(_) | Node::String(_) | Node::Given(_) => {}
            Node::Negate(inner) => self.visit(inner, grid),
            Node::Invariant(inner) => self.visit(inner, Grid::once(grid.start_ms)),
            Node::Instant(selector) => {
                let lookback = self.defaults.lookback_ms;
                let after = if selector.smoothed { lookback } else { 0 };
                let (start, end) = reach(selector.reference, grid);
                let plain = !selector.smoothed && !selector.needs_times;
                let lookups = Lookups {
                    start_ms: start,
                    end_ms: end,
                    step_ms: grid.step_ms,
                    lookback_ms: lookback,
                };
                selector.select = self.push(Select {
                    matchers: selector.matchers.clone(),
                    start_ms: start.saturating_sub(lookback - 1),
                    end_ms: end.saturating_add(after),
                    lookups: plain.then_some(lookups),
                });
            }
            Node::Range(range) => self.visit_range(range, grid),
            Node::Call(call) => {
                call.args.iter_mut().for_each(|arg| self.visit(arg, grid));
                self.visit_info(call, grid);
            }
            Node::Aggregate(aggregate) => {
                self.visit(&mut aggregate.input, grid);
                if let Some(param) = &mut aggregate.param {
                    self.visit(param, grid);
                }
            }
            Node::Chain(chain) => {
                let varying = chain.links.iter().position(|link| link.left_invariant);
                let once = Grid::once(grid.start_ms);
                let left = if varying.is_some() { once } else { grid };
                self.visit(&mut chain.first, left);
                for (place, link) in chain.links.iter_mut().enumerate() {
                    let computed_once = varying.is_some_and(|varying| place < varying);
                    self.visit(&mut link.right, if computed_once { once } else { grid });
                }
            }
        }
    }

    fn visit_range(&mut self, range: &mut Range, grid: Grid) {
        if let Source::Subquery { step_ms, .. } = &range.source {
            let inside = subquery_grid(range, *step_ms, grid, self.defaults.subquery_step_ms);
            if let Source::Subquery { node, .. } = &mut range.source {
                self.visit(node, inside);
            }
            return;
        }
        let (start, end) = reach(range.reference, grid);
        let (width, lookback) = (range.range_ms, self.defaults.lookback_ms);
        if let Source::Samples { select, matchers, extended, .. } = &mut range.source {
            let (before, after) = match extended {
                None => (width, 0),
                Some(Extended::Anchored) => (width + lookback, 0),
                Some(Extended::Smoothed) => (width + lookback, lookback),
            };
            *select = self.push(Select {
                matchers: matchers.clone(),
                start_ms: start.saturating_sub(before - 1),
                end_ms: end.saturating_add(after),
                lookups: None,
            });
        }
    }

    fn visit_info(&mut self, call: &mut Call, grid: Grid) {
        let Some(info) = &mut call.info else { return };
        let (start, end) = reach(info.reference, grid);
        let matchers: Vec<Matcher> = info.names.iter().chain(&info.data).cloned().collect();
        info.select = self.push(Select {
            matchers,
            start_ms: start.saturating_sub(self.defaults.lookback_ms - 1),
            end_ms: end,
            lookups: None,
        });
    }
}

/// First and last moment looked at.
fn reach(reference: Reference, grid: Grid) -> (i64, i64) {
    let last = grid.time(grid.steps().saturating_sub(1));
    (reference.from(grid.start_ms), reference.from(last))
}
