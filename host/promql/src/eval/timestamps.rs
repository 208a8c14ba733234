//! `timestamp()` and `start_timestamp()`.

use super::Evaluator;
use super::block::{Block, Series, is_present};
use super::selector::Cursor;
use crate::functions::FunctionId;
use crate::plan::{Call, Grid, Instant, Node, Reference};
use crate::query::Error;

impl Evaluator<'_> {
    pub(super) fn timestamps(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        let starts = call.function.id == FunctionId::StartTimestamp;
        if starts && !self.settings.start_timestamps {
            match &call.args[0] {
                Node::Instant(selector) => self.sample_times(selector, grid, starts)?,
                _ => self.vector_arg(call, grid)?,
            };
            return Ok(Block::empty(grid));
        }
        if let Node::Instant(selector) = &call.args[0] {
            return self.sample_times(selector, grid, starts);
        }
        let mut block = self.vector_arg(call, grid)?;
        if starts {
            // Only samples as they were written have a start.
            return Ok(Block::empty(grid));
        }
        for series in &mut block.series {
            for (step, value) in series.floats.iter_mut().enumerate() {
                if is_present(*value) {
                    *value = grid.time(step) as f64 / 1000.0;
                }
            }
            for (step, _) in std::mem::take(&mut series.histograms) {
                series.floats[step] = grid.time(step) as f64 / 1000.0;
            }
            self.drop_name(series);
        }
        self.unify(block)
    }

    /// The samples' own times, or start timestamps. Beside an `@`, Prometheus
    /// fetches by the offset and then looks without it; so it is here.
    fn sample_times(
        &mut self,
        selector: &Instant,
        grid: Grid,
        starts: bool,
    ) -> Result<Block, Error> {
        let data = self.data;
        let mut all = Vec::new();
        let pinned = selector.reference.at_ms.is_some();
        let offset_ms = if pinned { 0 } else { selector.reference.offset_ms };
        let reference = Reference { offset_ms, ..selector.reference };
        for samples in data[selector.select].iter() {
            let mut series = Series::new(samples.labels.clone(), grid.steps());
            let mut cursor = Cursor::new(&samples, self.settings.lookback_ms);
            for (step, time) in grid.times().enumerate() {
                if let Some(found) = cursor.at(reference.from(time)) {
                    let time = if starts { found.start } else { found.time };
                    series.floats[step] = time as f64 / 1000.0;
                }
            }
            self.drop_name(&mut series);
            all.push(series);
        }
        let block = Block::of(grid, all);
        // A histogram counts as one here, for only its time is looked at.
        self.tally.block(&block);
        self.unify(block)
    }
}
