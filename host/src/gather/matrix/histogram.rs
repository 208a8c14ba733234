//! Histograms as the JSON answers show them: populated buckets with bounds.
//!
//! In: count, sum and buckets. Out: a histogram that shows the same buckets
//! again, bit for bit. Which schema, spans and zero threshold the server has
//! is worked out from the bounds.

use promql::histogram::bounds::{
    MAX_SCHEMA, MIN_RESERVED_SCHEMA, exponential_bound, exponential_index, spans_of,
};
use promql::histogram::{Bucket, CUSTOM_BUCKETS_SCHEMA, Histogram};
use serde::{Deserialize, Deserializer, de};

use super::schemas::UNKNOWN_SCHEMA;
use super::value;
use crate::gather::reply::Text;

/// A histogram as servers write it.
#[derive(Deserialize)]
pub(super) struct WireHistogram {
    count: Number,
    sum: Number,
    #[serde(default)]
    buckets: Option<Vec<WireBucket>>,
}

/// `[boundary rule, lower, upper, count]`
#[derive(Deserialize)]
struct WireBucket(u8, Number, Number, Number);

/// A number in a string.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Deserialize::deserialize(deserializer)?;
        let value = value::parse(text.as_bytes());
        value.map(Self).ok_or_else(|| value::not_a_number(&text))
    }
}

impl WireHistogram {
    pub(super) fn into_histogram<E: de::Error>(self) -> Result<Histogram, E> {
        let buckets = self.buckets.unwrap_or_default();
        let buckets: Vec<Bucket> = buckets.iter().map(WireBucket::bucket).collect();
        let histogram = restore(&buckets);
        let unknown = || E::custom("histogram buckets of no known schema");
        histogram
            .map(|h| Histogram { count: self.count.0, sum: self.sum.0, ..h })
            .ok_or_else(unknown)
    }
}

impl WireBucket {
    const fn bucket(&self) -> Bucket {
        let Self(rule, lower, upper, count) = self;
        Bucket {
            lower: lower.0,
            upper: upper.0,
            lower_inclusive: matches!(rule, 1 | 3),
            upper_inclusive: matches!(rule, 0 | 3),
            count: count.0,
        }
    }
}

/// A histogram, without count and sum, that has these populated buckets.
fn restore(buckets: &[Bucket]) -> Option<Histogram> {
    if buckets.is_empty() {
        return Some(Histogram { schema: UNKNOWN_SCHEMA, ..Histogram::default() });
    }
    Sides::split(buckets).and_then(|sides| sides.restore()).or_else(|| custom(buckets))
}

/// The buckets of a histogram with an exponential schema.
struct Sides {
    /// Upper bound and count.
    zero: Option<(f64, f64)>,
    positive: Vec<Bucket>,
    /// Mirrored at zero, so in the order of their indexes.
    negative: Vec<Bucket>,
}

impl Sides {
    fn split(buckets: &[Bucket]) -> Option<Self> {
        let mut sides = Self { zero: None, positive: Vec::new(), negative: Vec::new() };
        for bucket in buckets {
            match bucket.boundary_rule() {
                0 if bucket.lower >= 0.0 => sides.positive.push(*bucket),
                1 if bucket.upper <= 0.0 && sides.is_at_start() => {
                    sides.negative.push(mirror(bucket));
                }
                3 if sides.is_at_start() && is_zero_bucket(bucket) => {
                    sides.zero = Some((bucket.upper, bucket.count));
                }
                _ => return None,
            }
        }
        sides.negative.reverse();
        Some(sides)
    }

    /// True as long as only negative buckets were seen.
    fn is_at_start(&self) -> bool {
        self.zero.is_none() && self.positive.is_empty()
    }

    fn restore(&self) -> Option<Histogram> {
        let schemas = || (MIN_RESERVED_SCHEMA..=MAX_SCHEMA).rev();
        let mut thresholds = self.thresholds();
        thresholds.find_map(|threshold| schemas().find_map(|schema| self.fit(schema, threshold)))
    }

    /// Zero thresholds that may explain the bounds. An empty zero bucket is
    /// not shown, but may still cut the buckets next to it.
    fn thresholds(&self) -> impl Iterator<Item = f64> {
        let known = self.zero.map(|(upper, _)| upper);
        let cut = [self.positive.first(), self.negative.first()];
        let guesses = std::iter::once(0.0).chain(cut.into_iter().flatten().map(|b| b.lower));
        known.into_iter().chain(guesses.filter(move |_| known.is_none()))
    }

    fn fit(&self, schema: i32, zero_threshold: f64) -> Option<Histogram> {
        let side = |buckets: &[Bucket]| {
            let index =
                |bucket: &Bucket| Some((index_of(bucket, schema, zero_threshold)?, bucket.count));
            spans_of(buckets.iter().map(index).collect::<Option<Vec<_>>>()?)
        };
        let (positive_spans, positive_buckets) = side(&self.positive)?;
        let (negative_spans, negative_buckets) = side(&self.negative)?;
        Some(Histogram {
            schema,
            zero_threshold,
            zero_count: self.zero.map_or(0.0, |(_, count)| count),
            positive_spans,
            positive_buckets,
            negative_spans,
            negative_buckets,
            ..Histogram::default()
        })
    }
}

/// The index of a positive bucket, if the schema has one with just these bounds.
fn index_of(bucket: &Bucket, schema: i32, zero_threshold: f64) -> Option<i64> {
    let index = exponential_index(bucket.upper, schema)?;
    let own = exponential_bound(index - 1, schema);
    let lower = if own > 0.0 && own < zero_threshold { zero_threshold } else { own };
    (lower.to_bits() == bucket.lower.to_bits()).then_some(index)
}

fn mirror(bucket: &Bucket) -> Bucket {
    Bucket { lower: -bucket.upper, upper: -bucket.lower, ..*bucket }
}

fn is_zero_bucket(bucket: &Bucket) -> bool {
    let symmetric = (-bucket.upper).to_bits() == bucket.lower.to_bits();
    symmetric && bucket.upper >= 0.0 && bucket.upper.is_finite() && bucket.count > 0.0
}

/// A histogram with custom buckets: every bound that is shown is one of its
/// bounds; those between two empty buckets are lost.
fn custom(buckets: &[Bucket]) -> Option<Histogram> {
    let mut custom_values: Vec<f64> = Vec::new();
    let mut indexed = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        if !ascends(bucket.lower, bucket.upper) {
            return None;
        }
        add_bound(&mut custom_values, bucket.lower, f64::NEG_INFINITY)?;
        let index = custom_values.len();
        if bucket.boundary_rule() != if index == 0 { 3 } else { 0 } {
            return None;
        }
        indexed.push((index as i64, bucket.count));
        let is_last = indexed.len() == buckets.len();
        let open = if is_last { f64::INFINITY } else { f64::NAN };
        add_bound(&mut custom_values, bucket.upper, open)?;
    }
    let (positive_spans, positive_buckets) = spans_of(indexed)?;
    let schema = CUSTOM_BUCKETS_SCHEMA;
    Some(Histogram {
        schema,
        positive_spans,
        positive_buckets,
        custom_values,
        ..Histogram::default()
    })
}

/// Adds a bound unless it is the last one already; `open` is the infinity that
/// is not written down, and stands for no bound.
fn add_bound(bounds: &mut Vec<f64>, bound: f64, open: f64) -> Option<()> {
    match bounds.last() {
        _ if bound == open && (bounds.is_empty() || open > 0.0) => {}
        Some(last) if last.to_bits() == bound.to_bits() => {}
        Some(last) if !ascends(*last, bound) => return None,
        _ if !bound.is_finite() => return None,
        _ => bounds.push(bound),
    }
    Some(())
}

/// False for NaN, too.
fn ascends(before: f64, after: f64) -> bool {
    before < after
}
