//! How many samples an evaluation looks at, as Prometheus counts them
//! (prometheus/promql/engine.go, `samplesStats`).
//!
//! In come the samples that selectors found at each evaluation time, out go
//! counts. A sample is counted in every window it is in; a histogram counts
//! as the floats that it weighs. Off unless asked for, and then of no cost
//! per sample.

use super::block::{Block, Series, is_present};
use super::data::Samples;
use super::range::{self, Context};
use crate::SeriesBatch;
use crate::plan::{Grid, Range};
use crate::value::SampleCounts;

/// Counts at the evaluation times of one grid, if they are asked for.
#[derive(Debug)]
pub(crate) struct Tally(Option<Counts>);

#[derive(Debug)]
struct Counts {
    grid: Grid,
    /// Per step: samples looked at.
    total: Vec<u64>,
    /// Per step: those that no earlier step has looked at.
    read: Vec<u64>,
}

impl Counts {
    fn new(grid: Grid) -> Self {
        Self { grid, total: vec![0; grid.steps()], read: vec![0; grid.steps()] }
    }
}

impl Tally {
    /// Counts nothing.
    pub(crate) const fn off() -> Self {
        Self(None)
    }

    /// Counts at the steps of a grid.
    pub(crate) fn of(grid: Grid) -> Self {
        Self(Some(Counts::new(grid)))
    }

    /// True if it counts.
    pub(super) const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The counts, if there are any.
    pub(crate) fn into_counts(self) -> Option<SampleCounts> {
        self.0.map(|Counts { total, read, .. }| SampleCounts { total, read })
    }

    /// What counting holds for each step of a grid.
    pub(super) const fn bytes_per_step(&self) -> usize {
        if self.0.is_some() { 2 * size_of::<u64>() } else { 0 }
    }

    /// What an instant-vector selector gave.
    pub(super) fn block(&mut self, block: &Block) {
        let Some(counts) = &mut self.0 else { return };
        for series in &block.series {
            counts.series(series);
        }
    }

    /// One series that an instant-vector selector gave.
    pub(super) fn series(&mut self, series: &Series) {
        let Some(counts) = &mut self.0 else { return };
        counts.series(series);
    }

    /// One sample at each step that has something.
    pub(super) fn found<T>(&mut self, steps: &[Option<T>]) {
        let Some(counts) = &mut self.0 else { return };
        for (step, found) in steps.iter().enumerate() {
            counts.add(step, u64::from(found.is_some()));
        }
    }

    /// The windows of a range selector over one series.
    pub(super) fn selector_windows(&mut self, context: &Context, samples: &Samples<'_>) {
        let Some(counts) = &mut self.0 else { return };
        counts.windows(context, samples, true);
    }

    /// The windows over one series of a subquery: what was read for it is
    /// counted inside.
    pub(super) fn subquery_windows(&mut self, context: &Context, samples: &Samples<'_>) {
        let Some(counts) = &mut self.0 else { return };
        counts.windows(context, samples, false);
    }

    /// A range vector that is the whole query's result.
    pub(super) fn range_vector(&mut self, batch: &SeriesBatch) {
        let Some(counts) = &mut self.0 else { return };
        let weigh = |histograms: &[crate::Histogram]| -> usize {
            histograms.iter().map(crate::Histogram::weight).sum()
        };
        let weights = batch.iter().map(|s| s.float_values.len() + weigh(s.histogram_values));
        counts.add(0, weights.sum::<usize>() as u64);
    }

    /// Begins to count for an evaluation at the steps of another grid;
    /// returns the counts so far.
    pub(super) fn enter(&mut self, inside: Grid) -> Self {
        let inner = Self(self.0.as_ref().map(|_| Counts::new(inside)));
        std::mem::replace(self, inner)
    }

    /// Goes back to the counts of before; returns those of the inside.
    pub(super) fn leave(&mut self, outside: Self) -> Self {
        std::mem::replace(self, outside)
    }

    /// What every step has looked at, and was read once.
    pub(super) fn every_step(&mut self, inside: Self) {
        let (Some(counts), Some(inner)) = (&mut self.0, inside.0) else { return };
        let looked = inner.total.iter().sum::<u64>();
        counts.total.iter_mut().for_each(|count| *count += looked);
        if let Some(first) = counts.read.first_mut() {
            *first += inner.read.iter().sum::<u64>();
        }
    }

    /// What was read for a subquery, at the step that needs it first
    /// (prometheus/util/stats/query_stats.go, `MergeSamplesReadFromSubquery`).
    /// Its samples are looked at in windows, which are counted as such.
    pub(super) fn subquery(&mut self, inside: Self, range: &Range) {
        let (Some(counts), Some(inner)) = (&mut self.0, inside.0) else { return };
        for (step, read) in inner.read.iter().enumerate().filter(|(_, read)| **read > 0) {
            if let Some(place) = counts.needed_at(inner.grid.time(step), range) {
                counts.read[place] += read;
            }
        }
    }
}

impl Counts {
    fn add(&mut self, step: usize, count: u64) {
        self.total[step] += count;
        self.read[step] += count;
    }

    fn series(&mut self, series: &Series) {
        for (step, value) in series.floats.iter().enumerate() {
            self.add(step, u64::from(is_present(*value)));
        }
        for (step, histogram) in &series.histograms {
            self.add(*step, histogram.weight() as u64);
        }
    }

    fn windows(&mut self, context: &Context, samples: &Samples<'_>, reads: bool) {
        let weights = Weights::of(samples);
        for (step, time) in self.grid.times().enumerate() {
            let (after, until) = context.borders(time);
            let looked = weights.between(samples, after, until);
            self.total[step] += looked;
            let pinned = context.reference.at_ms.is_some();
            if !reads || (pinned && step > 0) {
                continue;
            }
            // The window of the step before ended here.
            let seen = if step == 0 { after } else { until.saturating_sub(self.grid.step_ms) };
            self.read[step] += weights.between(samples, after.max(seen), until);
        }
    }

    /// The step whose window is the first to hold the moment `time_ms` of a
    /// subquery; nothing if it falls between two windows.
    fn needed_at(&self, time_ms: i64, range: &Range) -> Option<usize> {
        let last = self.grid.steps().checked_sub(1)?;
        if last == 0 {
            return Some(0);
        }
        let shifted = time_ms.saturating_add(range.reference.offset_ms);
        let behind = shifted.saturating_sub(self.grid.start_ms).max(0);
        let step = behind.unsigned_abs().div_ceil(self.grid.step_ms.unsigned_abs());
        let step = usize::try_from(step).map_or(last, |step| step.min(last));
        let opens = self.grid.time(step).saturating_sub(range.range_ms);
        (shifted > opens).then_some(step)
    }
}

/// What histograms weigh, summed up from the first.
struct Weights(Vec<u64>);

impl Weights {
    fn of(samples: &Samples<'_>) -> Self {
        let sum = samples.histograms.iter().scan(0, |sum, histogram| {
            *sum += histogram.weight() as u64;
            Some(*sum)
        });
        Self(std::iter::once(0).chain(sum).collect())
    }

    /// The weight of the samples after `after` and not after `until`.
    fn between(&self, samples: &Samples<'_>, after: i64, until: i64) -> u64 {
        let window = range::window(samples, after, until);
        window.floats.len() as u64 + self.0[window.histograms.end] - self.0[window.histograms.start]
    }
}
