//! How much memory the series of a frame take, counted alike by who writes
//! and by who reads: what was written can be read.

use promql::{Histogram, SeriesBatch};

/// A timestamp, a value, a span, a count of a bucket.
pub(in crate::policy::recording) const PER_NUMBER: usize = 8;
/// A series apart from its labels and samples.
pub(in crate::policy::recording) const PER_SERIES: usize = 160;
/// A histogram apart from its buckets.
pub(in crate::policy::recording) const PER_HISTOGRAM: usize = size_of::<Histogram>();

/// Bytes that may still be used.
pub(super) struct Left(pub(super) usize);

impl Left {
    pub(super) fn spend(&mut self, bytes: usize) -> Option<()> {
        self.0 = self.0.checked_sub(bytes)?;
        Some(())
    }
}

/// Bytes of a label.
pub(super) const fn of_label(name: &str, value: &str) -> usize {
    name.len() + value.len() + 2 * PER_NUMBER
}

/// Bytes of a histogram.
pub(super) const fn of_histogram(histogram: &Histogram) -> usize {
    let buckets = histogram.positive_buckets.len() + histogram.negative_buckets.len();
    let spans = histogram.positive_spans.len() + histogram.negative_spans.len();
    let numbers = 2 * buckets + spans + histogram.custom_values.len();
    PER_HISTOGRAM + numbers * PER_NUMBER
}

/// Bytes of the series of a replica, if no timestamps are shared.
pub(in crate::policy::recording) fn of_batch(batch: &SeriesBatch) -> usize {
    let series = batch.iter().map(|series| {
        let labels = series.labels.iter().map(|(name, value)| of_label(name, value));
        let histograms = series.histogram_values.iter().map(of_histogram);
        let numbers = 3 * (series.float_times.len() + series.histogram_times.len());
        PER_SERIES + labels.sum::<usize>() + histograms.sum::<usize>() + numbers * PER_NUMBER
    });
    size_of::<SeriesBatch>() + series.sum::<usize>()
}
