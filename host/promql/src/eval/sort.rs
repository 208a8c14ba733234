//! `sort` and its relatives: only an instant query has an order.

use std::cmp::Ordering;

use super::block::{Block, Series};
use super::{Evaluator, go_sort};
use crate::annotations::Note;
use crate::functions::FunctionId;
use crate::labels::natural_cmp;
use crate::plan::{Call, Grid, Node};
use crate::query::Error;

impl Evaluator<'_> {
    pub(super) fn sort(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        let id = call.function.id;
        let mut block = self.vector_arg(call, grid)?;
        let by_value = matches!(id, FunctionId::Sort | FunctionId::SortDesc);
        if by_value {
            block.series.iter_mut().for_each(|series| series.histograms.clear());
            block = Block::of(grid, block.series);
        }
        if !grid.is_instant() {
            self.note(Note::SortInRangeQuery, call.position);
            return Ok(block);
        }
        let labels: Vec<String> = call.args.iter().filter_map(string_arg).collect();
        let value = |series: &Series| series.floats[0];
        match id {
            // NaN goes last in both directions.
            FunctionId::Sort => {
                go_sort::sort(&mut block.series, |a, b| value(b).is_nan() || value(b) > value(a));
            }
            FunctionId::SortDesc => {
                go_sort::sort(&mut block.series, |a, b| value(b).is_nan() || value(b) < value(a));
            }
            FunctionId::SortByLabel => {
                block.series.sort_by(|a, b| by_labels(&labels, a, b));
            }
            _ => block.series.sort_by(|a, b| by_labels(&labels, b, a)),
        }
        Ok(block)
    }
}

/// The text of a string argument.
pub(super) fn string_arg(node: &Node) -> Option<String> {
    match node {
        Node::String(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

fn by_labels(names: &[String], a: &Series, b: &Series) -> Ordering {
    for name in names {
        let order = natural_cmp(a.labels.value(name), b.labels.value(name));
        if order.is_ne() {
            return order;
        }
    }
    a.labels.cmp(&b.labels)
}
