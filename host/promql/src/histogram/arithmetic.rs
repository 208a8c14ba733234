//! Sums, differences and multiples of histograms
//! (prometheus/model/histogram/float_histogram.go).

use super::bounds::exponential_bound;
use super::custom::{Mapped, shared_bounds};
use super::side::{self, Addend, Sign, Walk};
use super::{CounterResetHint, Histogram, Span};
use crate::kahan;

/// One histogram has exponential buckets, the other custom ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot apply this operation on histograms with a mix of exponential and custom bucket schemas"
)]
pub struct IncompatibleSchemas;

/// What was noticed while two histograms were combined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Combined {
    /// One is known to follow a counter reset, the other known not to.
    pub reset_collision: bool,
    /// The custom bounds differed; the result has those that both have.
    pub bounds_reconciled: bool,
}

/// What rounding has lost of a histogram's fields while others were added.
#[derive(Clone, Debug, Default)]
pub struct Compensation {
    zero_count: f64,
    count: f64,
    sum: f64,
    positive: Vec<f64>,
    negative: Vec<f64>,
}

impl Compensation {
    /// No loss yet, for a histogram about to be added to.
    #[must_use]
    pub fn of(histogram: &Histogram) -> Self {
        Self {
            positive: vec![0.0; histogram.positive_buckets.len()],
            negative: vec![0.0; histogram.negative_buckets.len()],
            ..Self::default()
        }
    }

    pub(super) fn zero_count(&self) -> f64 {
        self.zero_count
    }

    pub(super) fn set_zero_count(&mut self, lost: f64) {
        self.zero_count = lost;
    }

    pub(super) fn positive(&self, place: usize) -> Option<f64> {
        self.positive.get(place).copied()
    }

    pub(super) fn negative(&self, place: usize) -> Option<f64> {
        self.negative.get(place).copied()
    }

    pub(super) fn buckets(&mut self) -> (&mut Vec<f64>, &mut Vec<f64>) {
        (&mut self.positive, &mut self.negative)
    }

    fn each(&mut self, change: impl Fn(&mut f64)) {
        for field in [&mut self.zero_count, &mut self.count, &mut self.sum] {
            change(field);
        }
        self.positive.iter_mut().chain(&mut self.negative).for_each(change);
    }

    /// Multiplies every loss.
    pub fn multiply(&mut self, factor: f64) {
        self.each(|field| *field *= factor);
    }

    /// Divides every loss.
    pub fn divide(&mut self, divisor: f64) {
        self.each(|field| *field /= divisor);
    }
}

impl Histogram {
    /// Multiplies every count and the sum; a negative factor makes a gauge.
    pub fn multiply(&mut self, factor: f64) {
        for field in [&mut self.zero_count, &mut self.count, &mut self.sum] {
            *field *= factor;
        }
        let buckets = self.positive_buckets.iter_mut().chain(&mut self.negative_buckets);
        buckets.for_each(|bucket| *bucket *= factor);
        if factor < 0.0 {
            self.counter_reset_hint = CounterResetHint::Gauge;
        }
    }

    /// Divides every count and the sum; dividing by zero removes the buckets,
    /// a negative divisor makes a gauge.
    pub fn divide(&mut self, divisor: f64) {
        for field in [&mut self.zero_count, &mut self.count, &mut self.sum] {
            *field /= divisor;
        }
        if divisor == 0.0 {
            self.positive_buckets.clear();
            self.negative_buckets.clear();
            self.positive_spans.clear();
            self.negative_spans.clear();
            return;
        }
        let buckets = self.positive_buckets.iter_mut().chain(&mut self.negative_buckets);
        buckets.for_each(|bucket| *bucket /= divisor);
        if divisor < 0.0 {
            self.counter_reset_hint = CounterResetHint::Gauge;
        }
    }

    /// Adds `other`.
    ///
    /// # Errors
    /// When one has custom buckets and the other has not; nothing is changed.
    pub fn add(&mut self, other: &Self) -> Result<Combined, IncompatibleSchemas> {
        self.combine(other, Sign::Plus, None)
    }

    /// Subtracts `other`.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn subtract(&mut self, other: &Self) -> Result<Combined, IncompatibleSchemas> {
        self.combine(other, Sign::Minus, None)
    }

    /// Adds `other` and keeps what rounding loses.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn add_compensated(
        &mut self,
        other: &Self,
        compensation: &mut Option<Compensation>,
    ) -> Result<Combined, IncompatibleSchemas> {
        if self.uses_custom_buckets() != other.uses_custom_buckets() {
            return Err(IncompatibleSchemas);
        }
        let own = compensation.get_or_insert_with(|| Compensation::of(self));
        self.combine(other, Sign::Plus, Some(own))
    }

    /// Adds what rounding has lost.
    pub fn compensate(&mut self, compensation: &Compensation) {
        self.zero_count += compensation.zero_count;
        self.count += compensation.count;
        self.sum += compensation.sum;
        let add = |buckets: &mut [f64], lost: &[f64]| {
            buckets.iter_mut().zip(lost).for_each(|(bucket, lost)| *bucket += lost);
        };
        add(&mut self.positive_buckets, &compensation.positive);
        add(&mut self.negative_buckets, &compensation.negative);
    }

    /// True if a field is infinite.
    #[must_use]
    pub fn has_overflow(&self) -> bool {
        [self.zero_count, self.count, self.sum]
            .iter()
            .chain(&self.positive_buckets)
            .chain(&self.negative_buckets)
            .chain(&self.custom_values)
            .any(|value| value.is_infinite())
    }

    /// A copy at the resolution `schema`, which is not above its own.
    /// The hint is kept only where nothing changes.
    #[must_use]
    pub fn at_schema(&self, schema: i32) -> Self {
        let mut copy = self.clone();
        if schema < self.schema && self.is_exponential() {
            copy.reduce(schema, None);
            copy.counter_reset_hint = CounterResetHint::Unknown;
        }
        copy
    }

    fn reduce(&mut self, schema: i32, compensation: Option<&mut Compensation>) {
        let (positive, negative) = match compensation {
            Some(c) => (Some(&mut c.positive), Some(&mut c.negative)),
            None => (None, None),
        };
        let from = self.schema;
        side::reduce(&mut self.positive_spans, &mut self.positive_buckets, positive, from, schema);
        side::reduce(&mut self.negative_spans, &mut self.negative_buckets, negative, from, schema);
        self.schema = schema;
    }

    fn combine(
        &mut self,
        other: &Self,
        sign: Sign,
        mut compensation: Option<&mut Compensation>,
    ) -> Result<Combined, IncompatibleSchemas> {
        if self.uses_custom_buckets() != other.uses_custom_buckets() {
            return Err(IncompatibleSchemas);
        }
        let reset_collision = self.combine_hints(other.counter_reset_hint);
        if self.is_exponential() {
            let (count, lost) = self.reconcile_zero(other, compensation.as_deref_mut());
            match compensation.as_deref_mut() {
                Some(own) => {
                    kahan::add(count, &mut self.zero_count, &mut own.zero_count);
                    kahan::add(lost, &mut self.zero_count, &mut own.zero_count);
                }
                None => self.zero_count += sign.of(count),
            }
        }
        match compensation.as_deref_mut() {
            Some(own) => {
                kahan::add(other.count, &mut self.count, &mut own.count);
                kahan::add(other.sum, &mut self.sum, &mut own.sum);
            }
            None => {
                self.count += sign.of(other.count);
                self.sum += sign.of(other.sum);
            }
        }
        let bounds_reconciled =
            self.uses_custom_buckets() && self.custom_values != other.custom_values;
        if bounds_reconciled {
            self.combine_over_shared_bounds(other, sign, compensation);
        } else {
            self.combine_buckets(other, sign, compensation);
        }
        Ok(Combined { reset_collision, bounds_reconciled })
    }

    fn combine_over_shared_bounds(
        &mut self,
        other: &Self,
        sign: Sign,
        compensation: Option<&mut Compensation>,
    ) {
        let mut mapped = Mapped::new(shared_bounds(&self.custom_values, &other.custom_values));
        mapped.add(self, Sign::Plus, compensation.as_ref().map(|own| own.positive.as_slice()));
        mapped.add(other, sign, None);
        let (spans, buckets, lost, bounds) = mapped.finish();
        self.positive_spans = spans;
        self.positive_buckets = buckets;
        self.custom_values = bounds;
        if let Some(own) = compensation {
            own.positive = lost;
        }
    }

    fn combine_buckets(
        &mut self,
        other: &Self,
        sign: Sign,
        mut compensation: Option<&mut Compensation>,
    ) {
        if self.is_exponential() && other.schema < self.schema {
            self.reduce(other.schema, compensation.as_deref_mut());
        }
        let threshold = self.is_exponential().then_some(self.zero_threshold);
        let layout = Layout { from: other.schema, to: self.schema, threshold };
        let compensated = compensation.is_some();
        let (positive, negative) = match compensation {
            Some(own) => (Some(&mut own.positive), Some(&mut own.negative)),
            None => (None, None),
        };
        let (spans, addends) =
            layout.addends(&other.positive_spans, &other.positive_buckets, compensated);
        side::combine(
            &mut self.positive_spans,
            &mut self.positive_buckets,
            positive,
            sign,
            (&spans, &addends),
        );
        if self.is_exponential() {
            let (spans, addends) =
                layout.addends(&other.negative_spans, &other.negative_buckets, compensated);
            side::combine(
                &mut self.negative_spans,
                &mut self.negative_buckets,
                negative,
                sign,
                (&spans, &addends),
            );
        }
    }

    /// Returns true on a collision of a known reset with a known non-reset.
    fn combine_hints(&mut self, other: CounterResetHint) -> bool {
        use CounterResetHint::{Gauge, Unknown};
        match (self.counter_reset_hint, other) {
            (own, other) if own == other => {}
            (Gauge, _) => {}
            (_, Gauge) => self.counter_reset_hint = Gauge,
            (Unknown, _) | (_, Unknown) => self.counter_reset_hint = Unknown,
            _ => {
                self.counter_reset_hint = Unknown;
                return true;
            }
        }
        false
    }
}

/// How another histogram's buckets become addends of one's own.
struct Layout {
    from: i32,
    to: i32,
    /// Buckets that end at or below it are part of the zero bucket already.
    threshold: Option<f64>,
}

impl Layout {
    fn addends(
        &self,
        spans: &[Span],
        buckets: &[f64],
        compensated: bool,
    ) -> (Vec<Span>, Vec<Addend>) {
        let (mut spans, mut buckets) = (spans.to_vec(), buckets.to_vec());
        let mut lost = Vec::new();
        if self.from > self.to {
            lost = vec![0.0; buckets.len()];
            let own = compensated.then_some(&mut lost);
            side::reduce(&mut spans, &mut buckets, own, self.from, self.to);
        }
        let covered = match self.threshold {
            Some(threshold) if threshold > 0.0 => Walk::new(&spans, &buckets)
                .take_while(|(index, _)| exponential_bound(i64::from(*index), self.to) <= threshold)
                .count(),
            _ => 0,
        };
        if covered > 0 {
            let mut builder = side::SpanBuilder::default();
            let walk = Walk::new(&spans, &buckets).skip(covered);
            walk.for_each(|(index, _)| builder.push(index));
            spans = builder.finish();
        }
        let lost = lost.into_iter().chain(std::iter::repeat(0.0));
        let addends = buckets.into_iter().zip(lost).skip(covered);
        let addends = addends.map(|(count, compensation)| Addend { count, compensation });
        (spans, addends.collect())
    }
}
