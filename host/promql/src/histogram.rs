//! Native histograms, as float histograms: what every query works on.
//!
//! In: histograms as decoded, with any spans a server may send. Out: sums,
//! differences, multiples and comparisons with Prometheus's reconciliation of
//! resolutions, zero buckets and custom bounds. What a query does with them
//! (quantiles, annotations) is not decided here.

mod arithmetic;
pub mod bounds;
mod buckets;
mod custom;
mod reset;
mod side;
#[cfg(test)]
mod tests;
mod text;
mod trim;

pub use arithmetic::{Combined, Compensation, IncompatibleSchemas};
pub use bounds::Bucket;
pub(crate) use trim::Keep;

/// Schema of a histogram with custom bucket bounds (`custom_values`).
pub const CUSTOM_BUCKETS_SCHEMA: i32 = -53;

/// A run of consecutive buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Empty buckets between the previous span (or bucket index 0) and this.
    pub offset: i32,
    /// Number of consecutive buckets.
    pub length: u32,
}

/// What is known of a counter reset between a histogram and the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CounterResetHint {
    /// Must be found out by comparing the two.
    #[default]
    Unknown,
    /// There was a reset.
    Reset,
    /// There was none.
    NotReset,
    /// The histogram is a gauge: resets have no meaning.
    Gauge,
}

/// A float histogram (prometheus/model/histogram/float_histogram.go).
///
/// Bucket counts are absolute, not deltas. With an exponential schema
/// (-4..=8) bucket `i` on the positive side covers
/// `(2^((i-1)·2^-schema), 2^(i·2^-schema)]`; with [`CUSTOM_BUCKETS_SCHEMA`] the
/// upper bounds are `custom_values`, the last bucket reaches to infinity, and
/// zero and negative buckets are unused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Resets against the previous sample of the series.
    pub counter_reset_hint: CounterResetHint,
    /// Resolution, or [`CUSTOM_BUCKETS_SCHEMA`].
    pub schema: i32,
    /// Half the width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations.
    pub count: f64,
    /// Sum of the observed values; the stale marker's bits mark staleness.
    pub sum: f64,
    /// Which positive buckets are in `positive_buckets`.
    pub positive_spans: Vec<Span>,
    /// Which negative buckets are in `negative_buckets`.
    pub negative_spans: Vec<Span>,
    /// Observations per positive bucket.
    pub positive_buckets: Vec<f64>,
    /// Observations per negative bucket, from zero outwards.
    pub negative_buckets: Vec<f64>,
    /// Upper bounds of custom buckets, ascending, without `+Inf`.
    pub custom_values: Vec<f64>,
}

impl Histogram {
    /// True if the bounds are `custom_values`.
    #[must_use]
    pub fn uses_custom_buckets(&self) -> bool {
        self.schema == CUSTOM_BUCKETS_SCHEMA
    }

    /// How many float samples this weighs in a query's sample limit.
    #[must_use]
    pub fn weight(&self) -> usize {
        const STRUCT_BYTES: usize = 168;
        const SAMPLE_BYTES: usize = 16;
        let elements = self.positive_spans.len()
            + self.negative_spans.len()
            + self.positive_buckets.len()
            + self.negative_buckets.len()
            + self.custom_values.len();
        (STRUCT_BYTES + 8 * elements + 8) / SAMPLE_BYTES
    }

    /// The histogram with only count, sum, schema and hint: what functions
    /// that look at nothing else are given.
    #[must_use]
    pub fn statistics(&self) -> Self {
        Self {
            counter_reset_hint: self.counter_reset_hint,
            schema: self.schema,
            count: self.count,
            sum: self.sum,
            ..Self::default()
        }
    }

    /// Removes empty buckets and the spans that held them.
    pub fn compact(&mut self) {
        side::compact(&mut self.positive_spans, &mut self.positive_buckets, None);
        side::compact(&mut self.negative_spans, &mut self.negative_buckets, None);
    }

    /// True if the data is the same: counts and sums by their bits, the same
    /// buckets, present or not.
    #[must_use]
    pub fn same_data(&self, other: &Self) -> bool {
        let bits = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let all =
            |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| bits(*a, *b));
        self.schema == other.schema
            && bits(self.count, other.count)
            && bits(self.sum, other.sum)
            && (!self.uses_custom_buckets() || self.custom_values == other.custom_values)
            && self.zero_threshold == other.zero_threshold
            && bits(self.zero_count, other.zero_count)
            && side::same_layout(&self.negative_spans, &other.negative_spans)
            && all(&self.negative_buckets, &other.negative_buckets)
            && side::same_layout(&self.positive_spans, &other.positive_spans)
            && all(&self.positive_buckets, &other.positive_buckets)
    }
}
