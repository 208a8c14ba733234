//! Counter resets, and zero buckets of different widths.

use super::arithmetic::Compensation;
use super::bounds::exponential_bound;
use super::side::{self, Walk};
use super::{CounterResetHint, Histogram, custom};
use crate::kahan;

impl Histogram {
    /// True if the counter was reset between `previous` and this: a count
    /// fell, a populated bucket vanished, or the layout changed as only a
    /// reset may change it. A hint that knows decides alone.
    #[must_use]
    pub fn detect_reset(&self, previous: &Self) -> bool {
        match self.counter_reset_hint {
            CounterResetHint::Reset => return true,
            CounterResetHint::NotReset => return false,
            CounterResetHint::Unknown | CounterResetHint::Gauge => {}
        }
        if self.count < previous.count {
            return true;
        }
        if self.uses_custom_buckets() {
            if !previous.uses_custom_buckets() {
                return true;
            }
            if self.custom_values != previous.custom_values {
                return custom::any_decrease(self, previous);
            }
        }
        if self.schema > previous.schema || self.zero_threshold < previous.zero_threshold {
            return true;
        }
        let zero = previous.zero_for(self.zero_threshold, None);
        if zero.threshold != self.zero_threshold || self.zero_count < zero.count {
            return true;
        }
        self.any_decrease(self.positive_walk(self.schema), previous.positive_walk(self.schema))
            || self
                .any_decrease(self.negative_walk(self.schema), previous.negative_walk(self.schema))
    }

    fn positive_walk(&self, schema: i32) -> Walk<'_> {
        Walk::merged(&self.positive_spans, &self.positive_buckets, self.schema, schema)
    }

    fn negative_walk(&self, schema: i32) -> Walk<'_> {
        Walk::merged(&self.negative_spans, &self.negative_buckets, self.schema, schema)
    }

    fn any_decrease(&self, current: Walk<'_>, previous: Walk<'_>) -> bool {
        let (threshold, schema) = (self.zero_threshold, self.schema);
        let skip = move |(index, _): &(i32, f64)| {
            threshold != 0.0
                && schema != super::CUSTOM_BUCKETS_SCHEMA
                && exponential_bound(i64::from(*index), schema) <= threshold
        };
        let mut current = current.skip_while(skip).peekable();
        for (index, before) in previous.skip_while(skip) {
            while current.next_if(|(own, _)| *own < index).is_some() {}
            let decreased = match current.peek() {
                Some((own, count)) if *own == index => *count < before,
                _ => before != 0.0,
            };
            if decreased {
                return true;
            }
        }
        false
    }

    /// What the zero bucket would be at `threshold`, which is at least its
    /// own; widened further if it would end inside a populated bucket.
    fn zero_for(&self, threshold: f64, compensation: Option<&Compensation>) -> Zero {
        let lost = compensation.map_or(0.0, Compensation::zero_count);
        if threshold <= self.zero_threshold {
            return Zero { count: self.zero_count, threshold: self.zero_threshold, lost };
        }
        let mut zero = Zero { count: self.zero_count, threshold, lost };
        loop {
            zero.count = self.zero_count;
            for (place, bucket) in self.positive().enumerate() {
                if bucket.lower >= zero.threshold {
                    break;
                }
                zero.absorb(bucket.count, compensation.and_then(|c| c.positive(place)));
                if bucket.upper > zero.threshold {
                    if bucket.count != 0.0 {
                        zero.threshold = bucket.upper;
                    }
                    break;
                }
            }
            let widened = self.absorb_negative(&mut zero, compensation);
            if !widened {
                return zero;
            }
        }
    }

    /// Returns true if the zero bucket had to be widened, so that positive
    /// buckets must be looked at again.
    fn absorb_negative(&self, zero: &mut Zero, compensation: Option<&Compensation>) -> bool {
        for (place, bucket) in self.negative().enumerate() {
            if bucket.upper <= -zero.threshold {
                break;
            }
            zero.absorb(bucket.count, compensation.and_then(|c| c.negative(place)));
            if bucket.lower < -zero.threshold {
                if bucket.count != 0.0 {
                    zero.threshold = -bucket.lower;
                    return true;
                }
                break;
            }
        }
        false
    }

    /// Widens the own zero bucket until it fits `other`'s too; returns the
    /// zero count of `other` at that width, and its rounding loss.
    pub(super) fn reconcile_zero(
        &mut self,
        other: &Self,
        mut compensation: Option<&mut Compensation>,
    ) -> (f64, f64) {
        use std::cmp::Ordering::{Greater, Less};
        let mut theirs =
            Zero { count: other.zero_count, threshold: other.zero_threshold, lost: 0.0 };
        // NaN thresholds never meet; such histograms are broken anyway.
        while let Some(Less | Greater) = theirs.threshold.partial_cmp(&self.zero_threshold) {
            if self.zero_threshold > theirs.threshold {
                theirs = other.zero_for(self.zero_threshold, None);
            }
            if theirs.threshold > self.zero_threshold {
                let zero = self.zero_for(theirs.threshold, compensation.as_deref());
                self.zero_count = zero.count;
                self.zero_threshold = zero.threshold;
                if let Some(own) = compensation.as_deref_mut() {
                    own.set_zero_count(zero.lost);
                }
                self.empty_buckets_in_zero(compensation.as_deref_mut());
            }
        }
        (theirs.count, theirs.lost)
    }

    fn empty_buckets_in_zero(&mut self, compensation: Option<&mut Compensation>) {
        let threshold = self.zero_threshold;
        let positive = self.positive().take_while(|bucket| bucket.lower < threshold).count();
        let negative = self.negative().take_while(|bucket| bucket.upper > -threshold).count();
        self.positive_buckets[..positive].fill(0.0);
        self.negative_buckets[..negative].fill(0.0);
        let (mut own_positive, mut own_negative) = (None, None);
        if let Some(own) = compensation {
            let (a, b) = own.buckets();
            let (up, down) = (positive.min(a.len()), negative.min(b.len()));
            a[..up].fill(0.0);
            b[..down].fill(0.0);
            (own_positive, own_negative) = (Some(a), Some(b));
        }
        side::compact(&mut self.positive_spans, &mut self.positive_buckets, own_positive);
        side::compact(&mut self.negative_spans, &mut self.negative_buckets, own_negative);
    }
}

/// A zero bucket of some width.
struct Zero {
    count: f64,
    threshold: f64,
    lost: f64,
}

impl Zero {
    fn absorb(&mut self, count: f64, lost: Option<f64>) {
        kahan::add(count, &mut self.count, &mut self.lost);
        if let Some(lost) = lost {
            kahan::add(lost, &mut self.count, &mut self.lost);
        }
    }
}
