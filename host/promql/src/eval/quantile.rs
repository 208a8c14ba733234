//! Quantiles: of numbers and of native histograms; classic ones below
//! (prometheus/promql/quantile.go).

mod classic;

use std::cmp::Ordering;

use super::go_sort;
use crate::annotations::{Annotations, Note};
use crate::histogram::{Bucket, Histogram};
use crate::math;

pub(super) use classic::{Classic, Forced, classic_fraction, of_classic};

/// The quantile of values, which are sorted: NaN first. Between two values
/// it is weighted.
pub(super) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    if values.iter().any(|value| *value == 0.0 && value.is_sign_negative()) {
        // Only of zeros it can be seen in which order equal values end up.
        go_sort::sort(values, |a, b| nan_first(*a, *b).is_lt());
    } else {
        values.sort_unstable_by(|a, b| nan_first(*a, *b));
    }
    let last = (values.len() - 1) as f64;
    let rank = q * last;
    let lower = rank.floor().max(0.0);
    let upper = last.min(lower + 1.0);
    let weight = rank - rank.floor();
    values[lower as usize] * (1.0 - weight) + values[upper as usize] * weight
}

fn nan_first(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// The median of the distances to the median; NaN if any value is.
pub(super) fn median_deviation(values: &[f64]) -> f64 {
    if values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    let mut values = values.to_vec();
    let median = quantile(0.5, &mut values);
    values.iter_mut().for_each(|value| *value = (*value - median).abs());
    quantile(0.5, &mut values)
}

/// The ranks of two values, found while buckets are visited in order.
struct Ranks {
    values: [f64; 2],
    ranks: [Option<f64>; 2],
}

impl Ranks {
    fn new(lower: f64, upper: f64) -> Self {
        Self { values: [lower, upper], ranks: [None; 2] }
    }

    /// Looks at a bucket with `rank` observations below it; `inside` gives
    /// the rank of a value within. Returns true once both are found.
    fn visit(&mut self, start: f64, end: f64, rank: f64, inside: impl Fn(f64) -> f64) -> bool {
        for (value, own) in self.values.iter().zip(&mut self.ranks) {
            if own.is_none() && start >= *value {
                *own = Some(rank);
            }
        }
        for (value, own) in self.values.iter().zip(&mut self.ranks) {
            if own.is_none() && start < *value && end > *value {
                *own = Some(inside(*value));
            }
        }
        self.ranks.iter().all(Option::is_some)
    }

    fn difference(&self, count: f64) -> f64 {
        let [lower, upper] = self.ranks.map(|rank| match rank {
            Some(rank) if rank > count => count,
            None => count,
            Some(rank) => rank,
        });
        upper - lower
    }
}

/// The zero bucket of a histogram that only has buckets on one side ends at
/// zero.
fn one_sided(histogram: &Histogram, bucket: &mut Bucket) {
    let (positive, negative) = (&histogram.positive_buckets, &histogram.negative_buckets);
    if negative.is_empty() && !positive.is_empty() {
        bucket.lower = 0.0;
    } else if positive.is_empty() && !negative.is_empty() {
        bucket.upper = 0.0;
    }
}

/// Where notes about a histogram go.
pub(super) struct About<'a> {
    pub(super) notes: &'a mut Annotations,
    pub(super) metric: &'a str,
    pub(super) position: usize,
}

impl About<'_> {
    fn note(&mut self, note: fn(String) -> Note) {
        self.notes.add(note(self.metric.to_owned()), self.position);
    }
}

/// The quantile of a native histogram: linear in custom buckets and the zero
/// bucket, exponential elsewhere.
pub(super) fn of_histogram(q: f64, histogram: &Histogram, about: &mut About<'_>) -> f64 {
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    if histogram.count == 0.0 || q.is_nan() {
        return f64::NAN;
    }
    // Observations of NaN are in no bucket, but count: ranks are then from
    // below.
    let has_nan = histogram.sum.is_nan();
    let forward = has_nan || q < 0.5;
    let mut buckets: Vec<Bucket> = histogram.buckets().collect();
    let mut rank = if forward { q * histogram.count } else { (1.0 - q) * histogram.count };
    if !forward {
        buckets.reverse();
    }
    let mut rest = buckets.iter();
    let mut bucket = Bucket { count: 0.0, lower: 0.0, upper: 0.0, ..histogram.zero_bucket() };
    let mut count = 0.0;
    for next in rest.by_ref() {
        bucket = *next;
        count += bucket.count;
        if bucket.count != 0.0 && count >= rank {
            break;
        }
    }
    let custom = histogram.uses_custom_buckets();
    if !custom && bucket.lower < 0.0 && bucket.upper > 0.0 {
        one_sided(histogram, &mut bucket);
    } else if custom {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return bucket.upper;
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return bucket.lower;
        }
    }
    if count > histogram.count {
        count = histogram.count;
    }
    if count < rank {
        if has_nan {
            about.note(Note::QuantileOfNan);
            return f64::NAN;
        }
        return bucket.upper;
    }
    if forward {
        rank -= count - bucket.count;
    } else {
        rank = count - rank;
    }
    if has_nan {
        for next in rest {
            count += next.count;
            // Prometheus goes on with the last bucket here, so do we.
            bucket = *next;
        }
        if count < histogram.count {
            about.note(Note::QuantileSkewed);
        }
    }
    let fraction = rank / bucket.count;
    if custom || (bucket.lower <= 0.0 && bucket.upper >= 0.0) {
        return bucket.lower + (bucket.upper - bucket.lower) * fraction;
    }
    let lower = math::log2(bucket.lower.abs());
    let upper = math::log2(bucket.upper.abs());
    if bucket.lower > 0.0 {
        math::exp2(lower + (upper - lower) * fraction)
    } else {
        -math::exp2(upper + (lower - upper) * (1.0 - fraction))
    }
}

/// Which part of a native histogram's observations lies between two values.
pub(super) fn histogram_fraction(
    lower: f64,
    upper: f64,
    histogram: &Histogram,
    about: &mut About<'_>,
) -> f64 {
    if histogram.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let custom = histogram.uses_custom_buckets();
    let mut ranks = Ranks::new(lower, upper);
    let (mut rank, mut count) = (0.0, 0.0);
    let mut rest = histogram.buckets();
    for bucket in rest.by_ref() {
        let mut bucket = bucket;
        count += bucket.count;
        let zero = bucket.lower <= 0.0 && bucket.upper >= 0.0;
        if zero {
            one_sided(histogram, &mut bucket);
        }
        let linear = custom || zero;
        let inside = |value: f64| {
            if linear && bucket.lower == f64::NEG_INFINITY {
                return bucket.count;
            }
            rank + bucket.count * bucket.fraction_below(value, linear)
        };
        if ranks.visit(bucket.lower, bucket.upper, rank, inside) {
            break;
        }
        rank += bucket.count;
    }
    if histogram.sum.is_nan() {
        rest.for_each(|bucket| count += bucket.count);
        if count < histogram.count {
            about.note(Note::FractionWithoutNan);
        }
    } else {
        count = histogram.count;
    }
    ranks.difference(count) / histogram.count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_between_values_are_weighted() {
        assert_eq!(quantile(0.5, &mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(quantile(0.25, &mut [0.0, 2.0]), 0.5);
        assert!(quantile(0.0, &mut [1.0, f64::NAN]).is_nan());
        assert_eq!(quantile(2.0, &mut [1.0]), f64::INFINITY);
    }
}
