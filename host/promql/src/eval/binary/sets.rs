//! `and`, `or`, `unless`.

use std::collections::HashMap;

use super::matching::signature;
use crate::Labels;
use crate::ast::BinaryOp;
use crate::eval::block::{ABSENT, Block, Series, is_present};
use crate::plan::Link;

/// Applies a set operator.
pub(super) fn apply(link: &Link, left: Block, right: Block) -> Block {
    let grid = left.grid;
    let present = |block: &Block| {
        let mut present: HashMap<Labels, Vec<bool>> = HashMap::new();
        for series in &block.series {
            let steps = present
                .entry(signature(&link.matching, &series.labels))
                .or_insert_with(|| vec![false; grid.steps()]);
            mark(series, steps);
        }
        present
    };
    match link.op {
        BinaryOp::And | BinaryOp::Unless => {
            let other = present(&right);
            let wanted = link.op == BinaryOp::And;
            Block::of(grid, keep(link, left.series, &other, wanted))
        }
        _ => {
            let other = present(&left);
            let mut series = left.series;
            series.extend(keep(link, right.series, &other, false));
            Block::of(grid, series)
        }
    }
}

fn mark(series: &Series, steps: &mut [bool]) {
    for (own, value) in steps.iter_mut().zip(&series.floats) {
        *own |= is_present(*value);
    }
    for (step, _) in &series.histograms {
        steps[*step] = true;
    }
}

/// The samples at the steps at which the other side has, or has not, any of
/// the same signature.
fn keep(
    link: &Link,
    mut all: Vec<Series>,
    other: &HashMap<Labels, Vec<bool>>,
    wanted: bool,
) -> Vec<Series> {
    for series in &mut all {
        match other.get(&signature(&link.matching, &series.labels)) {
            Some(steps) => {
                for (value, has) in series.floats.iter_mut().zip(steps) {
                    if *has != wanted {
                        *value = ABSENT;
                    }
                }
                series.histograms.retain(|(step, _)| steps[*step] == wanted);
            }
            None if wanted => {
                series.floats.fill(ABSENT);
                series.histograms.clear();
            }
            None => {}
        }
    }
    all
}
