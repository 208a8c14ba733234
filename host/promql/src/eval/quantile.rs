//! Quantiles: of numbers, of classic buckets, of native histograms
//! (prometheus/promql/quantile.go).

use std::cmp::Ordering;

use crate::annotations::{Annotations, Note};
use crate::histogram::{Bucket, Histogram};
use crate::math;

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
    values.sort_unstable_by(|a, b| nan_first(*a, *b));
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

/// A bucket of a classic histogram: observations at or below a bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Classic {
    pub(super) upper: f64,
    pub(super) count: f64,
}

/// Where buckets had to be made monotonic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forced {
    pub(super) min_bucket: f64,
    pub(super) max_bucket: f64,
    pub(super) max_diff: f64,
}

/// Relative differences of counts below this come from rounding.
const SMALL_DELTA: f64 = 1e-12;

/// Sorts buckets and merges those of one bound; false if the highest bucket
/// does not reach to infinity.
fn prepare(buckets: &mut Vec<Classic>) -> bool {
    buckets.sort_by(|a, b| a.upper.partial_cmp(&b.upper).unwrap_or(Ordering::Equal));
    if buckets.last().is_none_or(|last| last.upper != f64::INFINITY) {
        return false;
    }
    buckets.dedup_by(|next, kept| {
        let same = next.upper == kept.upper;
        if same {
            kept.count += next.count;
        }
        same
    });
    true
}

/// The quantile of a classic histogram, linear within a bucket.
pub(super) fn of_classic(q: f64, buckets: &mut Vec<Classic>) -> (f64, Option<Forced>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    if !prepare(buckets) {
        return (f64::NAN, None);
    }
    let forced = make_monotonic(buckets);
    let observations = buckets[buckets.len() - 1].count;
    if buckets.len() < 2 || observations == 0.0 {
        return (f64::NAN, forced);
    }
    let mut rank = q * observations;
    let last = buckets.len() - 1;
    // The negation matters: a NaN rank is above every count.
    let place = search(last, |place| buckets[place].count >= rank);
    if place == last {
        return (buckets[last - 1].upper, forced);
    }
    if place == 0 && buckets[0].upper <= 0.0 {
        return (buckets[0].upper, forced);
    }
    let Classic { upper, mut count } = buckets[place];
    let mut lower = 0.0;
    if place > 0 {
        lower = buckets[place - 1].upper;
        count -= buckets[place - 1].count;
        rank -= buckets[place - 1].count;
    }
    (lower + (upper - lower) * (rank / count), forced)
}

/// The first of `0..n` that fulfils a condition, or `n`; as Go's
/// `sort.Search`, which matters where the condition is not monotonic.
fn search(n: usize, condition: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = usize::midpoint(low, high);
        if condition(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Takes out decreases of counts, tiny differences silently.
fn make_monotonic(buckets: &mut [Classic]) -> Option<Forced> {
    let mut forced: Option<Forced> = None;
    let mut previous = buckets[0].count;
    for bucket in &mut buckets[1..] {
        let current = bucket.count;
        if current == previous {
            continue;
        }
        if almost_equal(previous, current, SMALL_DELTA) {
            bucket.count = previous;
        } else if current < previous {
            bucket.count = previous;
            let (upper, diff) = (bucket.upper, previous - current);
            let all = forced.get_or_insert(Forced {
                min_bucket: upper,
                max_bucket: upper,
                max_diff: diff,
            });
            all.min_bucket = all.min_bucket.min(upper);
            all.max_bucket = all.max_bucket.max(upper);
            all.max_diff = all.max_diff.max(diff);
        } else {
            previous = current;
        }
    }
    forced
}

/// True if `a` and `b` differ by less than `epsilon` times their sum
/// (prometheus/util/almost).
pub(crate) fn almost_equal(a: f64, b: f64, epsilon: f64) -> bool {
    use crate::series::is_stale;
    if is_stale(a) || is_stale(b) {
        return is_stale(a) && is_stale(b);
    }
    if (a.is_nan() && b.is_nan()) || a == b {
        return true;
    }
    let (sum, diff) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return diff < epsilon * f64::MIN_POSITIVE;
    }
    diff / sum.min(f64::MAX) < epsilon
}

/// Which part of a classic histogram's observations lies between two values.
pub(super) fn classic_fraction(lower: f64, upper: f64, buckets: &mut Vec<Classic>) -> f64 {
    if !prepare(buckets) {
        return f64::NAN;
    }
    let count = buckets[buckets.len() - 1].count;
    if count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let mut ranks = Ranks::new(lower, upper);
    let mut start = if buckets[0].upper <= 0.0 { f64::NEG_INFINITY } else { 0.0 };
    let mut rank = 0.0;
    for bucket in buckets.iter() {
        let inside = |value: f64| {
            if start == f64::NEG_INFINITY {
                return bucket.count;
            }
            rank + (bucket.count - rank) * (value - start) / (bucket.upper - start)
        };
        if ranks.visit(start, bucket.upper, rank, inside) {
            break;
        }
        rank = bucket.count;
        start = bucket.upper;
    }
    ranks.difference(count) / count
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
        count += rest.map(|bucket| bucket.count).sum::<f64>();
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

    #[test]
    fn a_classic_quantile_is_linear_within_its_bucket() {
        let bucket = |upper, count| Classic { upper, count };
        let mut buckets = vec![bucket(f64::INFINITY, 4.0), bucket(1.0, 2.0), bucket(2.0, 4.0)];
        let (median, forced) = of_classic(0.75, &mut buckets);
        assert_eq!(median, 1.5);
        assert!(forced.is_none());
        buckets[1].count = 1.0;
        assert!(of_classic(0.75, &mut buckets).1.is_some());
    }
}
