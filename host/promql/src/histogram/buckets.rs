//! Buckets as arithmetic needs them: on one side, with their own bounds even
//! where these lie within the zero bucket.

use super::bounds::{Bucket, custom_bound, exponential_bound, forward};
use super::{CUSTOM_BUCKETS_SCHEMA, Histogram};
use crate::math;

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
        let custom = self.uses_custom_buckets();
        let bound = move |index| {
            if custom {
                custom_bound(index, &self.custom_values)
            } else {
                exponential_bound(index, self.schema)
            }
        };
        forward(&self.positive_spans, &self.positive_buckets).map(move |(index, count)| Bucket {
            lower: bound(index - 1),
            upper: bound(index),
            lower_inclusive: custom && index == 0,
            upper_inclusive: true,
            count,
        })
    }

    /// Negative buckets from zero outwards, empty ones included.
    pub(crate) fn negative(&self) -> impl Iterator<Item = Bucket> + use<'_> {
        let bound = |index| -exponential_bound(index, self.schema);
        forward(&self.negative_spans, &self.negative_buckets).map(move |(index, count)| Bucket {
            lower: bound(index),
            upper: bound(index - 1),
            lower_inclusive: true,
            upper_inclusive: false,
            count,
        })
    }

    /// True for schemas whose bounds grow exponentially.
    pub(super) fn is_exponential(&self) -> bool {
        self.schema != CUSTOM_BUCKETS_SCHEMA
    }
}

/// The index, at the lower resolution `to`, of the bucket that holds bucket
/// `index` of schema `from`.
pub(super) fn coarser(index: i32, from: i32, to: i32) -> i32 {
    let shift = u32::try_from(from - to).unwrap_or(0).min(31);
    (index.wrapping_sub(1) >> shift) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coarser_buckets_hold_the_finer_ones() {
        assert_eq!([-1, 0, 1, 2, 3].map(|index| coarser(index, 1, 0)), [0, 0, 1, 1, 2]);
    }
}
