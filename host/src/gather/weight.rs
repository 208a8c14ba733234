//! What decoded data counts for and holds.

use promql::Histogram;

/// Bytes of a float sample: time and value.
pub(super) const FLOAT_BYTES: usize = 16;
/// Bytes of a series beside its labels' text and its samples.
pub(super) const SERIES_BYTES: usize = 64;

/// Bytes of a histogram with so many spans, buckets and custom bounds
/// (`FloatHistogram.Size` in prometheus/model/histogram/float_histogram.go).
pub(super) const fn histogram_bytes(spans: usize, buckets: usize, bounds: usize) -> usize {
    168 + 8 * (spans + buckets + bounds)
}

/// Bytes of a histogram.
pub(super) fn bytes_of(histogram: &Histogram) -> usize {
    histogram_bytes(
        histogram.positive_spans.len() + histogram.negative_spans.len(),
        histogram.positive_buckets.len() + histogram.negative_buckets.len(),
        histogram.custom_values.len(),
    )
}

/// How many samples a histogram of so many bytes counts for against
/// `query.max-samples` (`HPoint.size` in prometheus/promql/value.go).
pub(super) const fn histogram_samples(bytes: usize) -> usize {
    (bytes + 8) / 16
}
