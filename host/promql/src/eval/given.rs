//! Values that were computed elsewhere, on the query's own steps.

use std::sync::Arc;

use super::Evaluator;
use super::block::{Block, Series};
use crate::plan::Grid;

impl Evaluator<'_> {
    /// The given values `index`. A sample counts at the step it stands at, and
    /// at no other: lookback and staleness are already applied.
    pub(super) fn given(&self, index: usize, grid: Grid) -> Block {
        let batch = &self.given[index];
        let mut all = Vec::with_capacity(batch.len());
        for given in batch.iter() {
            let mut series = Series::new(given.labels.clone(), grid.steps());
            for (time, value) in given.float_times.iter().zip(given.float_values) {
                if let Some(step) = grid.step_at(*time) {
                    series.floats[step] = *value;
                }
            }
            for (time, value) in given.histogram_times.iter().zip(given.histogram_values) {
                if let Some(step) = grid.step_at(*time) {
                    series.histograms.push((step, Arc::new(value.clone())));
                }
            }
            all.push(series);
        }
        Block::of(grid, all)
    }
}
