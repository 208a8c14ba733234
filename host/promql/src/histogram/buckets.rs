//! Buckets with their bounds, in order.

use super::bounds::bound;
use super::side::Walk;
use super::{CUSTOM_BUCKETS_SCHEMA, Histogram};
use crate::math;

/// One bucket and its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
    /// Observations.
    pub count: f64,
}

impl Bucket {
    /// Which part of the bucket lies at or below `value`, which is strictly
    /// inside its finite bounds: on a linear scale, or a logarithmic one.
    pub(crate) fn fraction_below(&self, value: f64, linear: bool) -> f64 {
        if linear {
            return (value - self.lower) / (self.upper - self.lower);
        }
        let [lower, upper, value_log] =
            [self.lower, self.upper, value].map(|bound| math::log2(bound.abs()));
        if value > 0.0 {
            (value_log - lower) / (upper - lower)
        } else {
            1.0 - (value_log - upper) / (lower - upper)
        }
    }
}

impl Histogram {
    /// Positive buckets in ascending order, empty ones included.
    pub(crate) fn positive(&self) -> impl Iterator<Item = Bucket> + use<'_> {
        let at = |index| bound(index, self.schema, &self.custom_values);
        Walk::new(&self.positive_spans, &self.positive_buckets).map(move |(index, count)| Bucket {
            lower: at(index - 1),
            upper: at(index),
            count,
        })
    }

    /// Negative buckets from zero outwards, empty ones included.
    pub(crate) fn negative(&self) -> impl Iterator<Item = Bucket> + use<'_> {
        let at = |index| -bound(index, self.schema, &[]);
        Walk::new(&self.negative_spans, &self.negative_buckets).map(move |(index, count)| Bucket {
            lower: at(index),
            upper: at(index - 1),
            count,
        })
    }

    /// The zero bucket.
    pub(crate) fn zero_bucket(&self) -> Bucket {
        let threshold = self.zero_threshold;
        Bucket { lower: -threshold, upper: threshold, count: self.zero_count }
    }

    /// All buckets in ascending order; a bucket that overlaps the zero bucket
    /// ends at its threshold.
    pub(crate) fn all_buckets(&self) -> Vec<Bucket> {
        let threshold = self.zero_threshold;
        let mut all: Vec<Bucket> = self.negative().collect();
        all.reverse();
        for bucket in &mut all {
            if bucket.upper < 0.0 && bucket.upper > -threshold {
                bucket.upper = -threshold;
            }
        }
        if self.zero_count > 0.0 {
            all.push(self.zero_bucket());
        }
        all.extend(self.positive().map(|mut bucket| {
            if bucket.lower > 0.0 && bucket.lower < threshold {
                bucket.lower = threshold;
            }
            bucket
        }));
        all
    }

    /// True for schemas whose bounds grow exponentially.
    pub(super) fn is_exponential(&self) -> bool {
        self.schema != CUSTOM_BUCKETS_SCHEMA
    }
}
