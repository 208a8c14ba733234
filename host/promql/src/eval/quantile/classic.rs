//! Classic histograms: cumulative counts by upper bound.

use std::cmp::Ordering;

use super::Ranks;

/// A bucket of a classic histogram: observations at or below a bound.
#[derive(Clone, Copy, Debug)]
pub(in crate::eval) struct Classic {
    pub(in crate::eval) upper: f64,
    pub(in crate::eval) count: f64,
}

/// Where buckets had to be made monotonic.
#[derive(Clone, Copy, Debug)]
pub(in crate::eval) struct Forced {
    pub(in crate::eval) min_bucket: f64,
    pub(in crate::eval) max_bucket: f64,
    pub(in crate::eval) max_diff: f64,
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
pub(in crate::eval) fn of_classic(q: f64, buckets: &mut Vec<Classic>) -> (f64, Option<Forced>) {
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
fn almost_equal(a: f64, b: f64, epsilon: f64) -> bool {
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
pub(in crate::eval) fn classic_fraction(lower: f64, upper: f64, buckets: &mut Vec<Classic>) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(upper: f64, count: f64) -> Classic {
        Classic { upper, count }
    }

    #[test]
    fn a_quantile_is_linear_within_its_bucket() {
        let mut buckets = vec![bucket(f64::INFINITY, 4.0), bucket(1.0, 2.0), bucket(2.0, 4.0)];
        let (median, forced) = of_classic(0.75, &mut buckets);
        assert_eq!(median, 1.5);
        assert!(forced.is_none());
    }

    #[test]
    fn falling_counts_are_lifted_and_told_of() {
        let mut buckets = vec![bucket(1.0, 2.0), bucket(2.0, 1.0), bucket(f64::INFINITY, 4.0)];
        let (_, forced) = of_classic(0.75, &mut buckets);
        let forced = forced.expect("a count falls");
        assert_eq!((forced.min_bucket, forced.max_bucket, forced.max_diff), (2.0, 2.0, 1.0));
    }

    #[test]
    fn without_a_bucket_to_infinity_there_is_no_quantile() {
        assert!(of_classic(0.5, &mut vec![bucket(1.0, 2.0)]).0.is_nan());
        assert!(classic_fraction(0.0, 1.0, &mut vec![bucket(1.0, 2.0)]).is_nan());
    }

    #[test]
    fn tiny_differences_are_not_told_of() {
        let mut buckets =
            vec![bucket(1.0, 1.0), bucket(2.0, 1.0 - 1e-15), bucket(f64::INFINITY, 1.0)];
        assert!(of_classic(0.5, &mut buckets).1.is_none());
    }
}
