//! Evaluation of a plan over columns.
//!
//! In: nodes, the samples of each selector, a budget. Out: per output series
//! one value per evaluation time. Every operator works series by series over
//! all steps at once; which series there are is known before the first step.
//! Nothing is fetched here, and no clock is read
//! (prometheus/promql/engine.go, `evaluator`).

mod aggregate;
mod best;
mod binary;
mod block;
mod changes;
mod data;
mod dates;
mod each;
mod functions;
mod given;
mod go_sort;
mod heap;
mod histograms;
mod info;
mod label_functions;
mod mean;
mod over_time;
mod quantile;
mod range;
mod rate;
mod rate_extended;
mod result;
mod selector;
mod sort;
mod tally;
#[cfg(test)]
mod tests;
mod timestamps;

use std::sync::Arc;

use crate::SeriesBatch;
use crate::annotations::{Annotations, Note};
use crate::budget::Budget;
use crate::plan::{Call, Grid, Node};
use crate::query::Error;

pub(crate) use block::{Block, Series};
pub(crate) use data::Data;
pub(crate) use tally::Tally;

/// What an evaluation may look at at any depth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) lookback_ms: i64,
    pub(crate) subquery_step_ms: i64,
    pub(crate) delayed_name_removal: bool,
    pub(crate) type_and_unit: bool,
    pub(crate) start_timestamps: bool,
}

/// Steps or samples between two looks at the budget, at most: less than a
/// millisecond.
const BATCH: usize = 1 << 16;

/// What a result under construction is charged, series by series, so that a
/// query stops before it has built what it may not hold. Given back when
/// construction ends: the whole result is charged then.
struct Held<'b> {
    budget: &'b Budget,
    keeps: bool,
    samples: usize,
    bytes: usize,
}

impl<'b> Held<'b> {
    fn new(budget: &'b Budget) -> Self {
        Self { budget, keeps: true, samples: 0, bytes: 0 }
    }

    /// For series that are not kept: they count as samples, as if they were,
    /// because Prometheus keeps them; the bytes are not there.
    fn passing(budget: &'b Budget) -> Self {
        Self { keeps: false, ..Self::new(budget) }
    }

    fn add(&mut self, series: &Series) -> Result<(), Error> {
        let samples = series.weight();
        let bytes = if self.keeps { series.bytes() } else { 0 };
        self.samples += samples;
        self.bytes += bytes;
        self.budget.charge_bytes(bytes)?;
        Ok(self.budget.charge_samples(samples)?)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.budget.release_samples(self.samples);
        self.budget.release_bytes(self.bytes);
    }
}

/// The text of Prometheus for two results under one name.
pub(crate) const SAME_LABELS: &str = "vector cannot contain metrics with the same labelset";

/// Evaluates nodes; collects notes on the way.
pub(crate) struct Evaluator<'a> {
    pub(crate) settings: Settings,
    pub(crate) data: &'a [Data],
    pub(crate) given: &'a [SeriesBatch],
    pub(crate) budget: &'a Budget,
    pub(crate) annotations: Annotations,
    pub(crate) tally: Tally,
}

impl Evaluator<'_> {
    /// The value of a scalar or instant-vector node at every time of `grid`.
    pub(crate) fn eval(&mut self, node: &Node, grid: Grid) -> Result<Block, Error> {
        self.budget.check_steps(grid.steps())?;
        self.has_room(node, grid)?;
        if grid.steps() == 0 {
            return Ok(Block::empty(grid));
        }
        let block = match node {
            Node::Number(value) => Block::scalar(grid, vec![*value; grid.steps()]),
            Node::String(_) => Block::empty(grid),
            Node::Given(index) => self.given(*index, grid),
            Node::Instant(selector) => self.instant(selector, grid)?,
            Node::Range(_) => {
                return Err(Error::Execution("unexpected range vector in expression".to_owned()));
            }
            Node::Invariant(inner) => {
                let once = Grid::once(grid.start_ms);
                let outside = self.tally.enter(once);
                let block = self.eval(inner, once)?;
                let inside = self.tally.leave(outside);
                self.tally.every_step(inside);
                self.release(&block);
                block.repeated(grid)
            }
            Node::Negate(inner) => {
                let block = self.eval(inner, grid)?;
                self.negate(block)?
            }
            Node::Call(call) => self.call(call, grid)?,
            Node::Aggregate(aggregate) => self.aggregate(aggregate, grid)?,
            Node::Chain(chain) => self.chain(chain, grid)?,
        };
        self.charge(&block)?;
        Ok(block)
    }

    /// Asks for room before a column is as long as the grid: subqueries may
    /// have as many steps as there are milliseconds.
    fn has_room(&self, node: &Node, grid: Grid) -> Result<(), Error> {
        let has_value_at_every_step = match node {
            Node::Number(_) => true,
            Node::Call(call) => call.args.is_empty(),
            _ => false,
        };
        let samples = if has_value_at_every_step { grid.steps() } else { 0 };
        let bytes = grid.steps().saturating_mul(size_of::<f64>() + self.tally.bytes_per_step());
        Ok(self.budget.has_room(samples, bytes)?)
    }

    /// The values of a scalar node.
    fn scalar(&mut self, node: &Node, grid: Grid) -> Result<Vec<f64>, Error> {
        let block = self.eval(node, grid)?;
        self.release(&block);
        Ok(block.into_scalar())
    }

    /// Counts a result against the budget. What an operator consumed is
    /// released by [`Self::release`].
    fn charge(&self, block: &Block) -> Result<(), Error> {
        self.budget.charge_bytes(block.bytes())?;
        Ok(self.budget.charge_samples(block.weight())?)
    }

    fn release(&self, block: &Block) {
        self.budget.release_bytes(block.bytes());
        self.budget.release_samples(block.weight());
    }

    fn note(&mut self, note: Note, position: usize) {
        self.annotations.add(note, position);
    }

    fn negate(&mut self, mut block: Block) -> Result<Block, Error> {
        self.release(&block);
        for series in &mut block.series {
            self.drop_name(series);
            series.floats.iter_mut().filter(|f| block::is_present(**f)).for_each(|f| *f = -*f);
            for (_, histogram) in &mut series.histograms {
                Arc::make_mut(histogram).multiply(-1.0);
            }
        }
        if self.settings.delayed_name_removal {
            return Ok(block);
        }
        block.merge_same_labels()
    }

    /// Marks a series as one whose name does not fit its values any more.
    fn drop_name(&self, series: &mut Series) {
        series.drop_name = true;
        if !self.settings.delayed_name_removal {
            series.labels = block::without_metadata(&series.labels);
        }
    }

    /// Makes one series of those that an operator gave the same labels.
    fn unify(&self, block: Block) -> Result<Block, Error> {
        if block.grid.is_instant() && self.settings.delayed_name_removal {
            return Ok(block);
        }
        block.merge_same_labels()
    }

    fn call(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        if let Some(place) = call.args.iter().position(|arg| matches!(arg, Node::Range(_))) {
            return self.range_call(call, place, grid);
        }
        self.vector_call(call, grid)
    }
}
