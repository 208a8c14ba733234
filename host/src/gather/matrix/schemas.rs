//! What the histograms of one series tell about one another.
//!
//! In: histograms restored one by one from what each of them shows. Out: the
//! same buckets, but where one sample shows what another hides, both have it:
//! all custom bounds of the series, the schema of a histogram without buckets,
//! the threshold of an empty zero bucket. Without that, a rate would see the
//! bounds change from sample to sample.

use promql::budget::Exceeded;
use promql::histogram::bounds::{MAX_SCHEMA, custom_bound, forward, spans_of};
use promql::histogram::{CUSTOM_BUCKETS_SCHEMA, Histogram};

/// Makes the histograms of a series agree; `charge` is told how many bytes
/// they grow by.
pub(super) fn reconcile(
    histograms: &mut [Histogram],
    charge: impl FnOnce(usize) -> Result<(), Exceeded>,
) -> Result<(), Exceeded> {
    let bounds = common_bounds(histograms);
    if let Some(bounds) = &bounds {
        charge(size_of_val(&**bounds) * histograms.len())?;
        histograms.iter_mut().filter(|h| is_custom(h)).for_each(|h| take_bounds(h, bounds));
    }
    let known_schema = |h: &Histogram| (!has_no_buckets(h)).then_some(h.schema);
    fill(histograms, known_schema, |h, schema| take_schema(h, *schema, bounds.as_deref()));
    fill(histograms, |h| (h.zero_count > 0.0).then_some(h.zero_threshold), take_threshold);
    Ok(())
}

/// The schema of a histogram whose buckets do not tell it: the one that leaves
/// the other's schema when two histograms are combined.
pub(super) const UNKNOWN_SCHEMA: i32 = MAX_SCHEMA;

fn is_custom(histogram: &Histogram) -> bool {
    histogram.schema == CUSTOM_BUCKETS_SCHEMA
}

fn has_no_buckets(histogram: &Histogram) -> bool {
    histogram.positive_buckets.is_empty() && histogram.negative_buckets.is_empty()
}

/// Gives each histogram what the nearest one before it knows or, if there is
/// none, the nearest one after it.
fn fill<T>(
    histograms: &mut [Histogram],
    known: impl Fn(&Histogram) -> Option<T>,
    take: impl Fn(&mut Histogram, &T),
) {
    let Some(mut last) = histograms.iter().find_map(&known) else { return };
    for histogram in histograms {
        match known(histogram) {
            Some(own) => last = own,
            None => take(histogram, &last),
        }
    }
}

/// All bounds of the custom buckets, if the buckets of all histograms lie
/// between neighbours of them; nothing if the bounds changed in between, or
/// are the same already.
fn common_bounds(histograms: &[Histogram]) -> Option<Vec<f64>> {
    let custom = || histograms.iter().filter(|histogram| is_custom(histogram));
    let mut bounds: Vec<f64> = custom().flat_map(|h| h.custom_values.iter().copied()).collect();
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    let is_apart = |histogram: &Histogram| {
        let mut buckets = forward(&histogram.positive_spans, &histogram.positive_buckets);
        buckets.all(|(index, _)| {
            let bound = |index| position(&bounds, custom_bound(index, &histogram.custom_values));
            bound(index) == bound(index - 1) + 1
        })
    };
    (custom().next().is_some() && custom().all(is_apart)).then_some(bounds)
}

/// The index of the bucket that ends at a bound.
fn position(bounds: &[f64], bound: f64) -> i64 {
    if bound == f64::NEG_INFINITY { -1 } else { bounds.partition_point(|own| *own < bound) as i64 }
}

fn take_bounds(histogram: &mut Histogram, bounds: &[f64]) {
    let own = &histogram.custom_values;
    let buckets = forward(&histogram.positive_spans, &histogram.positive_buckets)
        .map(|(index, count)| (position(bounds, custom_bound(index, own)), count));
    if let Some((spans, counts)) = spans_of(buckets) {
        histogram.positive_spans = spans;
        histogram.positive_buckets = counts;
        histogram.custom_values = bounds.to_vec();
    }
}

/// Takes a schema, for a histogram without buckets.
fn take_schema(histogram: &mut Histogram, schema: i32, bounds: Option<&[f64]>) {
    if schema != CUSTOM_BUCKETS_SCHEMA {
        histogram.schema = schema;
    } else if let Some(bounds) = bounds.filter(|_| histogram.zero_count == 0.0) {
        histogram.schema = schema;
        histogram.custom_values = bounds.to_vec();
    }
}

/// Takes a threshold that leaves the bounds of all buckets as they are.
fn take_threshold(histogram: &mut Histogram, threshold: &f64) {
    if is_custom(histogram) {
        return;
    }
    let own = std::mem::replace(&mut histogram.zero_threshold, *threshold);
    let differs = {
        let before = Histogram { zero_threshold: own, ..histogram.clone() };
        !before.buckets().eq(histogram.buckets())
    };
    if differs {
        histogram.zero_threshold = own;
    }
}
