//! Native histograms of all kinds: counters and gauges, whole and broken
//! counts, exponential and custom buckets, changing resolution and zero
//! bucket, negative buckets, NaN observations, floats in between.

use super::{Alive, INSTANCES, MINUTE_MS, START_MS, count, floats, gauge, sampled, seed_of};
use crate::data::{Histogram, ResetHint, Series, Value, hash};

/// Adds all native histogram series.
pub(super) fn add(all: &mut Vec<Series>) {
    for (job, instance) in INSTANCES {
        let labels = [("job", job), ("instance", instance)];
        let mut put = |name: &str, make: &dyn Fn(u64, i64) -> Histogram| {
            let seed = seed_of(name, &labels);
            all.push(histograms(name, &labels, &[], |time| make(seed, time)));
        };
        put("size_bytes", &exponential);
        put("queue_seconds", &|seed, time| halved(exponential(seed, time)));
        put("depth", &gauge_histogram);
        put("rpc_seconds", &|seed, time| custom(seed, time, &[0.1, 0.5, 1.0, 5.0]));
        let other: &[f64] = if job == "api" { &[0.1, 0.5, 1.0, 5.0] } else { &[0.5, 2.0, 5.0] };
        put("layout_seconds", &|seed, time| custom(seed, time, other));
    }
    let flap: Alive = &[0..10, 14..30, 31..60];
    all.push(histograms("flapping_seconds", &[("job", "flap")], flap, |t| exponential(17, t)));
    all.push(histograms("nan_seconds", &[("job", "odd")], &[], with_nan));
    all.push(histograms("shape", &[("shape", "empty")], &[], |_| Histogram::default()));
    all.push(histograms("shape", &[("shape", "negative")], &[], negative));
    all.push(histograms("shape", &[("shape", "zero")], &[], zero));
    kinds(all);
}

/// Series that go from floats to histograms and back, or between schemas.
fn kinds(all: &mut Vec<Series>) {
    let native = |time| Value::Histogram(Box::new(without_empty(exponential(23, time))));
    let labels = [("job", "mixed"), ("instance", "a")];
    all.push(sampled("changed_kind", &labels, &[], &Value::stale(), |time| {
        if (16 * MINUTE_MS..32 * MINUTE_MS).contains(&(time - START_MS)) {
            native(time)
        } else {
            Value::Float(count(24, time))
        }
    }));
    let labels = [("job", "mixed"), ("instance", "b")];
    all.push(sampled("changed_kind", &labels, &[], &Value::stale(), |time| {
        let histogram = if (time - START_MS) / MINUTE_MS < 21 {
            custom(25, time, &[1.0, 2.0])
        } else {
            exponential(25, time)
        };
        Value::Histogram(Box::new(without_empty(histogram)))
    }));
    all.push(floats("changed_kind", &[("job", "mixed"), ("instance", "c")], &[], |time| {
        gauge(26, time)
    }));
}

fn histograms(
    name: &str,
    labels: &[(&str, &str)],
    alive: Alive,
    make: impl Fn(i64) -> Histogram,
) -> Series {
    let value = |time| Value::Histogram(Box::new(without_empty(make(time))));
    sampled(name, labels, alive, &Value::stale_histogram(), value)
}

/// Empty buckets are not written.
fn without_empty(mut histogram: Histogram) -> Histogram {
    histogram.positive.retain(|(_, count)| *count != 0.0);
    histogram.negative.retain(|(_, count)| *count != 0.0);
    histogram
}

/// What counts are above, also after a reset, because servers differ in how
/// far they extrapolate a histogram that began at zero.
const BASE: f64 = 50_000.0;

/// A bucket's count.
fn bucket(seed: u64, time_ms: i64) -> f64 {
    let period = [i64::MAX, 11, 19, 7][(seed % 4) as usize];
    let first = (time_ms - START_MS) / MINUTE_MS < period;
    (if first { 2.0 * BASE } else { BASE }) + count(seed, time_ms)
}

fn exponential(seed: u64, time_ms: i64) -> Histogram {
    let minute = (time_ms - START_MS) / MINUTE_MS;
    let schema = if minute < 27 { 2 } else { 1 };
    // All buckets of a series reset together: equal remainder of 4.
    let own = |index: i32| {
        let seed = seed + 4 * u64::from(index.unsigned_abs());
        (index, if index.rem_euclid(5) == 3 { 0.0 } else { bucket(seed, time_ms) })
    };
    let mut histogram = Histogram {
        schema,
        zero_threshold: if minute < 40 { 1e-3 } else { 0.25 },
        zero_count: bucket(seed, time_ms),
        positive: (-2..7).map(own).collect(),
        negative: (0..3).map(own).collect(),
        ..Histogram::default()
    };
    if minute >= 40 {
        histogram.positive.retain(|(index, _)| *index > -2);
    }
    histogram.count = histogram.in_buckets();
    histogram.sum = histogram.count * 0.75;
    histogram
}

fn gauge_histogram(seed: u64, time_ms: i64) -> Histogram {
    let slot = (time_ms / (2 * 15_000)).cast_unsigned();
    let count = |index: i32| {
        (index, BASE + (hash(&[seed, slot, u64::from(index.cast_unsigned())]) % 40) as f64)
    };
    let mut histogram = Histogram {
        hint: ResetHint::Gauge,
        schema: 0,
        zero_threshold: 0.5,
        zero_count: BASE + (hash(&[seed, slot]) % 9) as f64,
        positive: (1..6).map(count).collect(),
        ..Histogram::default()
    };
    histogram.count = histogram.in_buckets();
    histogram.sum = histogram.count * 2.5;
    histogram
}

fn custom(seed: u64, time_ms: i64, bounds: &[f64]) -> Histogram {
    let buckets = (0..=bounds.len()).map(|index| {
        (i32::try_from(index).expect("few"), bucket(seed + 4 * index as u64, time_ms))
    });
    let mut histogram = Histogram {
        schema: -53,
        positive: buckets.collect(),
        custom_values: bounds.to_vec(),
        ..Histogram::default()
    };
    histogram.count = histogram.in_buckets();
    histogram.sum = histogram.count * 0.5;
    histogram
}

/// A float histogram with a quarter of each count.
fn halved(mut histogram: Histogram) -> Histogram {
    histogram.float = true;
    histogram.zero_count /= 4.0;
    histogram.count /= 4.0;
    histogram.sum /= 4.0;
    let buckets = histogram.positive.iter_mut().chain(&mut histogram.negative);
    buckets.for_each(|(_, count)| *count /= 4.0);
    histogram
}

/// Some observations were NaN: they are in no bucket.
fn with_nan(time_ms: i64) -> Histogram {
    let mut histogram = exponential(31, time_ms);
    histogram.count += 1000.0;
    histogram.sum = f64::NAN;
    histogram
}

fn negative(time_ms: i64) -> Histogram {
    let mut histogram = Histogram {
        schema: 1,
        negative: (-1..3).map(|index| (index, bucket(4, time_ms))).collect(),
        ..Histogram::default()
    };
    histogram.count = histogram.in_buckets();
    histogram.sum = -2.0 * histogram.count;
    histogram
}

fn zero(time_ms: i64) -> Histogram {
    let zero_count = bucket(8, time_ms);
    Histogram { zero_threshold: 0.01, zero_count, count: zero_count, ..Histogram::default() }
}
