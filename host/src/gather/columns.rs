//! The samples of one series while they arrive.
//!
//! In: float and histogram samples in any order, in pieces that may overlap
//! (chunks of head and blocks, the same series twice in an answer). Out: a
//! series of a [`SeriesBatch`], with strictly ascending times. Budgets are
//! charged by the decoders, not here.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;
use promql::{CounterResetHint, Histogram, Labels, SeriesBatch, SeriesRef};

/// Which samples are wanted: both ends inclusive, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First timestamp wanted.
    pub start_ms: i64,
    /// Last timestamp wanted.
    pub end_ms: i64,
}

impl Window {
    /// All of time.
    pub const ALL: Self = Self { start_ms: i64::MIN, end_ms: i64::MAX };

    /// True if a sample of this time is wanted.
    #[must_use]
    pub const fn contains(&self, time_ms: i64) -> bool {
        self.start_ms <= time_ms && time_ms <= self.end_ms
    }
}

/// Columns of one series. Reused from series to series: [`Self::finish_into`]
/// empties them and keeps their memory.
#[derive(Debug, Default)]
pub struct Columns {
    float_times: Vec<i64>,
    float_values: Vec<f64>,
    histogram_times: Vec<i64>,
    histogram_values: Vec<Histogram>,
    /// Where in the histogram columns each piece begins, ascending.
    pieces: Vec<usize>,
}

impl Columns {
    /// Columns without samples.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of samples, floats and histograms.
    #[must_use]
    pub fn len(&self) -> usize {
        self.float_times.len() + self.histogram_times.len()
    }

    /// Number of float samples.
    #[must_use]
    pub fn floats(&self) -> usize {
        self.float_times.len()
    }

    /// True without samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a float sample.
    #[inline]
    pub fn push_float(&mut self, time: i64, value: f64) {
        self.float_times.push(time);
        self.float_values.push(value);
    }

    /// Adds float samples.
    #[inline]
    pub fn extend_floats(&mut self, times: &[i64], values: &[f64]) {
        self.float_times.extend_from_slice(times);
        self.float_values.extend_from_slice(values);
    }

    /// Adds a histogram sample.
    pub fn push_histogram(&mut self, time: i64, value: Histogram) {
        self.histogram_times.push(time);
        self.histogram_values.push(value);
    }

    /// The histograms that were added, in that order.
    pub fn histograms_mut(&mut self) -> &mut [Histogram] {
        &mut self.histogram_values
    }

    /// Adds all samples of a series, as a piece of its own.
    pub fn extend(&mut self, series: SeriesRef<'_>) {
        self.begin_piece();
        self.float_times.extend_from_slice(series.float_times);
        self.float_values.extend_from_slice(series.float_values);
        self.histogram_times.extend_from_slice(series.histogram_times);
        self.histogram_values.extend_from_slice(series.histogram_values);
    }

    /// Says that what follows comes from elsewhere: where pieces turn out to
    /// interleave, counter-reset hints do not hold across their borders.
    pub fn begin_piece(&mut self) {
        self.pieces.push(self.histogram_times.len());
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.float_times.clear();
        self.float_values.clear();
        self.histogram_times.clear();
        self.histogram_values.clear();
        self.pieces.clear();
    }

    /// Appends the samples to `batch` as one series, in strictly ascending
    /// time. Of samples with equal times the first that was added stays, and a
    /// float before a histogram (as remote read of Prometheus does). Without
    /// samples there is no series. The columns are empty afterwards.
    pub fn finish_into(&mut self, labels: Labels, batch: &mut SeriesBatch) {
        if self.is_empty() {
            self.clear();
            return;
        }
        self.order_floats();
        self.order_histograms();
        self.drop_histograms_beside_floats();
        batch.extend_floats(&self.float_times, &self.float_values);
        for (time, value) in self.histogram_times.drain(..).zip(self.histogram_values.drain(..)) {
            batch.push_histogram(time, value);
        }
        batch.finish_series(labels);
        self.clear();
    }

    fn order_floats(&mut self) {
        if ascending(&self.float_times) {
            return;
        }
        let order = order_by_time(&self.float_times);
        self.float_times = order.iter().map(|index| self.float_times[*index]).collect();
        self.float_values = order.iter().map(|index| self.float_values[*index]).collect();
    }

    fn order_histograms(&mut self) {
        if ascending(&self.histogram_times) {
            return;
        }
        let order = order_by_time(&self.histogram_times);
        self.forget_hints_at_seams(&order);
        self.histogram_times = order.iter().map(|index| self.histogram_times[*index]).collect();
        let values = &mut self.histogram_values;
        self.histogram_values =
            order.iter().map(|index| std::mem::take(&mut values[*index])).collect();
    }

    /// A hint speaks of the histogram before it in its own piece. Where the
    /// order puts another one there, nothing is known (as in Prometheus's
    /// `chainSampleIterator`).
    fn forget_hints_at_seams(&mut self, order: &[usize]) {
        let piece_of = |index: usize| self.pieces.partition_point(|start| *start <= index);
        for pair in order.windows(2) {
            let (before, own) = (pair[0], pair[1]);
            let continues = own == before + 1 && piece_of(before) == piece_of(own);
            let hint = &mut self.histogram_values[own].counter_reset_hint;
            if !continues && *hint != CounterResetHint::Gauge {
                *hint = CounterResetHint::Unknown;
            }
        }
    }

    fn drop_histograms_beside_floats(&mut self) {
        if self.float_times.is_empty() || self.histogram_times.is_empty() {
            return;
        }
        let beside = |time: &i64| self.float_times.binary_search(time).is_ok();
        let mut keep = self.histogram_times.iter().map(|time| !beside(time));
        self.histogram_values.retain(|_| keep.next().unwrap_or(true));
        let floats = &self.float_times;
        self.histogram_times.retain(|time| floats.binary_search(time).is_err());
    }
}

/// The batch with every label set once: the samples of repeated label sets are
/// merged into the first of them.
#[must_use]
pub fn merge_repeated(batch: SeriesBatch) -> SeriesBatch {
    if are_distinct(batch.labels()) {
        return batch;
    }
    let mut first_of = HashMap::<&Labels, usize, RandomState>::default();
    let mut parts: Vec<Vec<usize>> = Vec::new();
    for (index, labels) in batch.labels().iter().enumerate() {
        let group = *first_of.entry(labels).or_insert(parts.len());
        if group == parts.len() {
            parts.push(Vec::new());
        }
        parts[group].push(index);
    }
    let mut merged = SeriesBatch::new();
    let mut columns = Columns::new();
    for part in parts {
        part.iter().for_each(|index| columns.extend(batch.series(*index)));
        columns.finish_into(batch.labels()[part[0]].clone(), &mut merged);
    }
    merged
}

fn are_distinct(labels: &[Labels]) -> bool {
    let mut seen = HashSet::<&Labels, RandomState>::with_capacity_and_hasher(
        labels.len(),
        RandomState::default(),
    );
    labels.iter().all(|labels| seen.insert(labels))
}

fn ascending(times: &[i64]) -> bool {
    times.is_sorted_by(|before, after| before < after)
}

/// Indexes in the order of time, each time once, the first of equal ones.
fn order_by_time(times: &[i64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    // Stable, and fast on what is a few ascending runs.
    order.sort_by_key(|index| times[*index]);
    order.dedup_by_key(|index| times[*index]);
    order
}

#[cfg(test)]
mod tests;
