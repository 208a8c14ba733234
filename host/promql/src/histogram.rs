//! Native histograms, as float histograms: what every query works on.

pub mod bounds;

pub use bounds::Bucket;

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
