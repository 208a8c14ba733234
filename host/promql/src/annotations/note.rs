//! What can be noted, and how it reads.

use super::Level;
use crate::number;
use crate::quote::quote;

/// What was done with two histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Addition,
    Subtraction,
    Aggregation,
}

impl Operation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Aggregation => "aggregation",
        }
    }
}

/// Buckets of a classic histogram that were forced to be monotonic.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Monotonicity {
    pub(crate) metric: String,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) min_bucket: f64,
    pub(crate) max_bucket: f64,
    pub(crate) max_diff: f64,
    pub(crate) samples: i64,
}

/// One thing to tell the user. Texts that a metric's name belongs to leave it
/// out where it is empty.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Note {
    InvalidRatio { got: f64, capped: f64 },
    InvalidQuantile(f64),
    BadBucketLabel { metric: String, value: String },
    MixedFloatsHistograms(String),
    MixedFloatsHistogramsAggregation,
    MixedClassicNative(String),
    HistogramNotCounter(String),
    HistogramNotGauge(String),
    MixedSchemas(String),
    IncompatibleBuckets(&'static str),
    SortInRangeQuery,
    PossibleNonCounter(String),
    PossibleNonCounterLabel { metric: String, kind: String },
    ForcedMonotonicity(Monotonicity),
    IncompatibleTypes { left: &'static str, op: &'static str, right: &'static str },
    HistogramIgnoredInAggregation(&'static str),
    HistogramIgnoredInRange(String),
    QuantileOfNan(String),
    QuantileSkewed(String),
    FractionWithoutNan(String),
    ResetCollision(Operation),
    BoundsReconciled(Operation),
    StartTimeOverlap { metric: String, count: u64 },
}

impl Note {
    pub(super) fn level(&self) -> Level {
        match self {
            Self::InvalidRatio { .. }
            | Self::InvalidQuantile(_)
            | Self::BadBucketLabel { .. }
            | Self::MixedFloatsHistograms(_)
            | Self::MixedFloatsHistogramsAggregation
            | Self::MixedClassicNative(_)
            | Self::HistogramNotCounter(_)
            | Self::HistogramNotGauge(_)
            | Self::MixedSchemas(_)
            | Self::IncompatibleBuckets(_)
            | Self::SortInRangeQuery
            | Self::ResetCollision(_)
            | Self::StartTimeOverlap { .. } => Level::Warning,
            Self::PossibleNonCounter(_)
            | Self::PossibleNonCounterLabel { .. }
            | Self::ForcedMonotonicity(_)
            | Self::IncompatibleTypes { .. }
            | Self::HistogramIgnoredInAggregation(_)
            | Self::HistogramIgnoredInRange(_)
            | Self::QuantileOfNan(_)
            | Self::QuantileSkewed(_)
            | Self::FractionWithoutNan(_)
            | Self::BoundsReconciled(_) => Level::Info,
        }
    }

    /// The text without position and details: what makes two notes one.
    pub(super) fn text(&self) -> String {
        let level = match self.level() {
            Level::Warning => "PromQL warning",
            Level::Info => "PromQL info",
        };
        format!("{level}: {}", self.message())
    }

    fn message(&self) -> String {
        match self {
            Self::InvalidRatio { got, capped } => format!(
                "ratio value should be between -1 and 1, got {}, capping to {}",
                general(*got),
                general(*capped)
            ),
            Self::InvalidQuantile(got) => {
                format!("quantile value should be between 0 and 1, got {}", general(*got))
            }
            Self::BadBucketLabel { metric, value } => named(
                format!("bucket label \"le\" is missing or has a malformed value of {}", q(value)),
                metric,
            ),
            Self::MixedFloatsHistograms(metric) => {
                format!("encountered a mix of histograms and floats for metric name {}", q(metric))
            }
            Self::MixedFloatsHistogramsAggregation => {
                "encountered a mix of histograms and floats for aggregation".to_owned()
            }
            Self::MixedClassicNative(metric) => {
                named("vector contains a mix of classic and native histograms".to_owned(), metric)
            }
            Self::HistogramNotCounter(metric) => {
                format!("this native histogram metric is not a counter: {}", q(metric))
            }
            Self::HistogramNotGauge(metric) => {
                format!("this native histogram metric is not a gauge: {}", q(metric))
            }
            Self::MixedSchemas(metric) => format!(
                "vector contains a mix of histograms with exponential and custom buckets schemas \
                 for metric name {}",
                q(metric)
            ),
            Self::IncompatibleBuckets(op) => {
                format!("incompatible bucket layout encountered for binary operator {op}")
            }
            Self::SortInRangeQuery => "sort is ineffective for range queries since results are \
                                       always ordered by labels"
                .to_owned(),
            Self::PossibleNonCounter(metric) => format!(
                "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \
                 {}",
                q(metric)
            ),
            Self::PossibleNonCounterLabel { metric, kind } => format!(
                "metric might not be a counter, __type__ label is not set to \"counter\" or \
                 \"histogram\", got {}: {}",
                q(kind),
                q(metric)
            ),
            Self::ForcedMonotonicity(fixed) => named(
                "input to histogram_quantile needed to be fixed for monotonicity (see \
                 https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
                    .to_owned(),
                &fixed.metric,
            ),
            Self::IncompatibleTypes { left, op, right } => format!(
                "incompatible sample types encountered for binary operator \"{op}\": {left} {op} \
                 {right}"
            ),
            Self::HistogramIgnoredInAggregation(op) => {
                format!("ignored histogram in {op} aggregation")
            }
            Self::HistogramIgnoredInRange(metric) => format!(
                "ignored histograms in a range containing both floats and histograms for metric \
                 name {}",
                q(metric)
            ),
            Self::QuantileOfNan(metric) => named(
                "input to histogram_quantile has NaN observations, result is NaN".to_owned(),
                metric,
            ),
            Self::QuantileSkewed(metric) => named(
                "input to histogram_quantile has NaN observations, result is skewed higher"
                    .to_owned(),
                metric,
            ),
            Self::FractionWithoutNan(metric) => named(
                "input to histogram_fraction has NaN observations, which are excluded from all \
                 fractions"
                    .to_owned(),
                metric,
            ),
            Self::ResetCollision(operation) => {
                format!("conflicting counter resets during histogram {}", operation.as_str())
            }
            Self::BoundsReconciled(operation) => {
                format!("mismatched custom buckets were reconciled during {}", operation.as_str())
            }
            Self::StartTimeOverlap { metric, .. } => format!(
                "sample has start time that overlaps with previous sample timestamp for metric {}",
                q(metric)
            ),
        }
    }

    /// What follows the text where it is shown.
    pub(super) fn details(&self) -> String {
        match self {
            Self::ForcedMonotonicity(fixed) => format!(
                ", from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
                general(fixed.min_bucket),
                general(fixed.max_bucket),
                two_digits(fixed.max_diff),
                fixed.samples,
                rfc3339(fixed.first_ms),
                rfc3339(fixed.last_ms),
            ),
            Self::StartTimeOverlap { count, .. } if *count > 1 => {
                format!(" ({count} occurrences)")
            }
            _ => String::new(),
        }
    }

    /// Takes in another note of the same text; false if the other simply
    /// replaces this one.
    pub(super) fn absorb(&mut self, other: &Self) -> bool {
        match (self, other) {
            (Self::ForcedMonotonicity(own), Self::ForcedMonotonicity(other)) => {
                own.first_ms = own.first_ms.min(other.first_ms);
                own.last_ms = own.last_ms.max(other.last_ms);
                own.min_bucket = own.min_bucket.min(other.min_bucket);
                own.max_bucket = own.max_bucket.max(other.max_bucket);
                own.max_diff = own.max_diff.max(other.max_diff);
                own.samples = own.samples.wrapping_add(other.samples);
                true
            }
            (Self::StartTimeOverlap { count, .. }, Self::StartTimeOverlap { count: more, .. }) => {
                *count += more;
                true
            }
            _ => false,
        }
    }
}

fn q(text: &str) -> String {
    quote(text.as_bytes())
}

fn named(text: String, metric: &str) -> String {
    if metric.is_empty() { text } else { format!("{text} for metric name {}", q(metric)) }
}

/// A float as Go's `%g`.
pub(crate) fn general(value: f64) -> String {
    let mut out = Vec::new();
    number::write_general(&mut out, value);
    String::from_utf8_lossy(&out).into_owned()
}

/// A float as Go's `%.2g`.
fn two_digits(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return general(value);
    }
    let scientific = format!("{value:.1e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..2).contains(&exponent) {
        return general(scientific.parse().unwrap_or(value));
    }
    let digits = digits.strip_suffix(".0").unwrap_or(digits);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// A time as `2006-01-02T15:04:05Z`.
fn rfc3339(ms: i64) -> String {
    let time = crate::calendar::Civil::at(ms.div_euclid(1000));
    let (year, month, day) = (time.year, time.month, time.day);
    let (hour, minute, second) = (time.hour, time.minute, time.second);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_significant_digits_are_written_as_go_does() {
        let cases = [(10.0, "10"), (123.0, "1.2e+02"), (0.5, "0.5"), (0.00001, "1e-05")];
        for (value, text) in cases {
            assert_eq!(two_digits(value), text);
        }
    }
}
