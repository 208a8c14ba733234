//! Series in memory, as they are written into servers.
//!
//! `generate` and `local` make them; `holes` and `outages` take samples away per
//! replica.

pub mod generate;
pub mod holes;
pub mod language;
pub mod local;
pub mod outages;

use std::collections::BTreeMap;

/// A label set.
pub type Labels = BTreeMap<String, String>;

/// Bits of the NaN that says "this series ended here".
const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// A series with its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// All labels, `__name__` among them.
    pub labels: Labels,
    /// Times in milliseconds, ascending, and values.
    pub samples: Vec<(i64, Value)>,
    /// In ascending time.
    pub exemplars: Vec<Exemplar>,
}

/// What a sample holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number, possibly the stale marker.
    Float(f64),
    /// A native histogram, possibly a stale one (by its sum).
    Histogram(Box<Histogram>),
}

impl Value {
    /// The stale marker of a float series.
    #[must_use]
    pub const fn stale() -> Self {
        Self::Float(f64::from_bits(STALE_NAN_BITS))
    }

    /// The stale marker of a histogram series.
    #[must_use]
    pub fn stale_histogram() -> Self {
        let sum = f64::from_bits(STALE_NAN_BITS);
        Self::Histogram(Box::new(Histogram { sum, ..Histogram::default() }))
    }
}

/// A native histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Written as a float histogram; otherwise all counts are whole numbers.
    pub float: bool,
    /// What is known of resets.
    pub hint: ResetHint,
    /// Resolution, or -53 for custom buckets.
    pub schema: i32,
    /// Half the width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations.
    pub count: f64,
    /// Sum of observations.
    pub sum: f64,
    /// Index and count of buckets above zero, ascending.
    pub positive: Vec<(i32, f64)>,
    /// Index and count of buckets below zero, ascending.
    pub negative: Vec<(i32, f64)>,
    /// Upper bounds, with custom buckets.
    pub custom_values: Vec<f64>,
}

/// What is known of a reset between a histogram and the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResetHint {
    /// Nothing.
    #[default]
    Unknown,
    /// There was one.
    Reset,
    /// There was none.
    NotReset,
    /// It is a gauge.
    Gauge,
}

impl Histogram {
    /// The sum of the counts of all buckets.
    #[must_use]
    pub fn in_buckets(&self) -> f64 {
        let buckets = self.positive.iter().chain(&self.negative);
        self.zero_count + buckets.map(|(_, count)| count).sum::<f64>()
    }
}

/// An exemplar of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Its own labels.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
    /// Its time in milliseconds.
    pub time_ms: i64,
}

impl Series {
    /// A series of floats.
    #[must_use]
    pub fn floats(labels: &[(&str, &str)], samples: impl IntoIterator<Item = (i64, f64)>) -> Self {
        let samples = samples.into_iter().map(|(time, value)| (time, Value::Float(value)));
        Self { labels: label_set(labels), samples: samples.collect(), exemplars: Vec::new() }
    }

    /// The same series under `labels` as well; they win over its own.
    #[must_use]
    pub fn with_labels(mut self, labels: &Labels) -> Self {
        self.labels.extend(labels.iter().map(|(name, value)| (name.clone(), value.clone())));
        self
    }

    /// The part in `[from_ms, to_ms)`.
    #[must_use]
    pub fn slice(&self, from_ms: i64, to_ms: i64) -> Self {
        let within = |time: i64| (from_ms..to_ms).contains(&time);
        let samples = self.samples.iter().filter(|(time, _)| within(*time));
        let exemplars = self.exemplars.iter().filter(|exemplar| within(exemplar.time_ms));
        Self {
            labels: self.labels.clone(),
            samples: samples.cloned().collect(),
            exemplars: exemplars.cloned().collect(),
        }
    }
}

/// A label set from pairs.
#[must_use]
pub fn label_set(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A well-mixed number from a few others: the only randomness of the tests.
/// (SplitMix64's finaliser, applied after each part.)
#[must_use]
pub fn hash(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9e37_79b9_7f4a_7c15, |state, part| {
        let mut mixed = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// A number from a text, for [`hash`].
#[must_use]
pub fn text_seed(text: &str) -> u64 {
    hash(&text.bytes().map(u64::from).collect::<Vec<_>>())
}
