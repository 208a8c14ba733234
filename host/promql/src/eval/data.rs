//! The samples of one selector, as evaluation reads them.

use std::borrow::Cow;
use std::sync::Arc;

use crate::series::{has_stale, is_stale};
use crate::{CounterResetHint, Histogram, Labels, SeriesBatch};

/// The samples of one selector.
#[derive(Debug)]
pub(crate) struct Data {
    batch: SeriesBatch,
    histograms: Vec<Arc<Histogram>>,
}

/// One series' samples, floats and histograms in columns of their own.
#[derive(Clone, Debug)]
pub(crate) struct Samples<'a> {
    pub(crate) labels: Labels,
    pub(crate) drop_name: bool,
    pub(crate) float_times: Cow<'a, [i64]>,
    pub(crate) floats: Cow<'a, [f64]>,
    /// Empty, or one start timestamp per float.
    pub(crate) float_starts: Cow<'a, [i64]>,
    pub(crate) histogram_times: Cow<'a, [i64]>,
    pub(crate) histograms: Cow<'a, [Arc<Histogram>]>,
    /// Empty, or one start timestamp per histogram.
    pub(crate) histogram_starts: Cow<'a, [i64]>,
}

impl Data {
    /// Takes over a batch.
    pub(crate) fn new(mut batch: SeriesBatch) -> Self {
        let histograms = batch.take_histograms().into_iter().map(Arc::new).collect();
        Self { batch, histograms }
    }

    /// Number of series.
    pub(crate) fn len(&self) -> usize {
        self.batch.len()
    }

    /// Number of samples.
    pub(crate) fn samples(&self) -> usize {
        self.batch.samples()
    }

    /// True if any sample is a histogram.
    pub(crate) fn has_histograms(&self) -> bool {
        !self.histograms.is_empty()
    }

    /// All series.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Samples<'_>> {
        (0..self.len()).map(|index| self.series(index))
    }

    /// Series `index`, stale markers included.
    pub(crate) fn series(&self, index: usize) -> Samples<'_> {
        let histograms = self.batch.histogram_range(index);
        let (float_times, floats, histogram_times) = self.batch.columns(index);
        Samples {
            labels: self.batch.labels()[index].clone(),
            drop_name: false,
            float_times: Cow::Borrowed(float_times),
            floats: Cow::Borrowed(floats),
            float_starts: Cow::Borrowed(self.batch.float_starts(index)),
            histogram_times: Cow::Borrowed(histogram_times),
            histograms: Cow::Borrowed(&self.histograms[histograms]),
            histogram_starts: Cow::Borrowed(self.batch.histogram_starts(index)),
        }
    }

    /// Replaces histograms by their count and sum. As buckets are then gone,
    /// resets are found here (prometheus/promql/histogram_stats_iterator.go).
    pub(crate) fn keep_statistics(&mut self) {
        for index in 0..self.len() {
            let mut previous: Option<Arc<Histogram>> = None;
            for histogram in &mut self.histograms[self.batch.histogram_range(index)] {
                let mut statistics = histogram.statistics();
                if is_stale(histogram.sum) {
                    *histogram = Arc::new(statistics);
                    continue;
                }
                let unknown = statistics.counter_reset_hint == CounterResetHint::Unknown;
                if let Some(previous) = previous.as_ref().filter(|_| unknown) {
                    statistics.counter_reset_hint = if histogram.detect_reset(previous) {
                        CounterResetHint::Reset
                    } else {
                        CounterResetHint::NotReset
                    };
                }
                previous = Some(std::mem::replace(histogram, Arc::new(statistics)));
            }
        }
    }
}

impl Samples<'_> {
    /// The samples without stale markers.
    pub(crate) fn without_stale(mut self) -> Self {
        if has_stale(&self.floats) {
            let keep: Vec<bool> = self.floats.iter().map(|value| !is_stale(*value)).collect();
            retain(&mut self.float_times, &keep);
            retain(&mut self.floats, &keep);
            retain(&mut self.float_starts, &keep);
        }
        if self.histograms.iter().any(|histogram| is_stale(histogram.sum)) {
            let keep: Vec<bool> = self.histograms.iter().map(|h| !is_stale(h.sum)).collect();
            retain(&mut self.histogram_times, &keep);
            retain(&mut self.histograms, &keep);
            retain(&mut self.histogram_starts, &keep);
        }
        self
    }
}

fn retain<T: Clone>(column: &mut Cow<'_, [T]>, keep: &[bool]) {
    let mut flags = keep.iter();
    column.to_mut().retain(|_| flags.next().copied().unwrap_or(true));
}
