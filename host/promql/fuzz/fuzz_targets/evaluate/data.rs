//! Small data: a few series of floats and histograms, with gaps, stale
//! markers and special numbers.

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use promql::query::Select;
use promql::series::STALE_NAN_BITS;
use promql::{CounterResetHint, Histogram, Labels, SeriesBatch, Span};

const SPECIAL: [f64; 8] =
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MAX, 5e-324, 1e-9, 0.1];

/// Up to eight series in label order.
pub(super) fn batch(input: &mut Unstructured<'_>) -> Result<SeriesBatch> {
    let mut all: Vec<Labels> = Vec::new();
    for _ in 0..input.int_in_range(0..=8)? {
        let name = *input.choose(&["a", "b", "a_bucket", "target_info"])?;
        let mut labels = vec![("__name__", name), ("job", *input.choose(&["x", "y"])?)];
        labels.push(("instance", *input.choose(&["1", "2", ""])?));
        if name == "a_bucket" {
            labels.push(("le", *input.choose(&["0.5", "1", "+Inf", "z"])?));
        }
        all.push(Labels::from_pairs(labels.into_iter().filter(|(_, value)| !value.is_empty())));
    }
    all.sort();
    all.dedup();
    let mut batch = SeriesBatch::new();
    for labels in all {
        samples(&mut batch, input)?;
        batch.finish_series(labels);
    }
    Ok(batch)
}

fn samples(batch: &mut SeriesBatch, input: &mut Unstructured<'_>) -> Result<()> {
    let (mut time, mut value) = (0i64, 0.0f64);
    let histograms = input.ratio(1, 3)?;
    for _ in 0..input.int_in_range(0..=30)? {
        time += 1000 * i64::from(input.int_in_range(1..=120)?);
        let start = time - i64::from(input.int_in_range(0..=90_000)?);
        if histograms && input.ratio(7, 8)? {
            batch.push_histogram(time, histogram(input)?);
            batch.start_last_histogram(start);
            continue;
        }
        value = match input.int_in_range(0..=9)? {
            0 => *input.choose(&SPECIAL)?,
            1 => f64::from_bits(STALE_NAN_BITS),
            2 => f64::from(input.arbitrary::<i16>()?),
            _ if value.is_finite() => value + f64::from(input.int_in_range(0..=20)?),
            _ => 0.0,
        };
        batch.push_float(time, value);
        batch.start_last_float(start);
    }
    Ok(())
}

fn histogram(input: &mut Unstructured<'_>) -> Result<Histogram> {
    use CounterResetHint::{Gauge, NotReset, Reset, Unknown};
    let custom = input.ratio(1, 3)?;
    let mut histogram = Histogram {
        counter_reset_hint: *input.choose(&[Unknown, Unknown, Gauge, Reset, NotReset])?,
        schema: if custom { -53 } else { input.int_in_range(-4..=8)? },
        ..Histogram::default()
    };
    (histogram.positive_spans, histogram.positive_buckets) = side(input, custom)?;
    if custom {
        let bounds: [&[f64]; 3] = [&[0.5, 1.0, 2.0, 5.0, 9.0, 10.0], &[1.0], &[]];
        let bounds = input.choose(&bounds)?;
        // As many buckets as there are bounds, and one more.
        histogram.custom_values = bounds.to_vec();
        histogram.positive_buckets.truncate(bounds.len() + 1);
        let length = u32::try_from(histogram.positive_buckets.len()).unwrap_or(0);
        let all = [Span { offset: 0, length }];
        histogram.positive_spans = if length == 0 { Vec::new() } else { all.to_vec() };
    } else {
        (histogram.negative_spans, histogram.negative_buckets) = side(input, false)?;
        histogram.zero_threshold = *input.choose(&[0.0, 1e-3, 0.5, 3.0])?;
        histogram.zero_count = f64::from(input.int_in_range(0..=9)?);
    }
    let buckets = histogram.positive_buckets.iter().chain(&histogram.negative_buckets);
    histogram.count = histogram.zero_count + buckets.sum::<f64>();
    histogram.sum = match input.int_in_range(0..=9)? {
        0 => f64::NAN,
        1 => f64::from_bits(STALE_NAN_BITS),
        _ => f64::from(input.arbitrary::<i16>()?) / 4.0,
    };
    Ok(histogram)
}

fn side(input: &mut Unstructured<'_>, custom: bool) -> Result<(Vec<Span>, Vec<f64>)> {
    let (mut spans, mut counts) = (Vec::new(), Vec::new());
    for place in 0..input.int_in_range(0..=2)? {
        let lowest = if place == 0 && !custom { -20 } else { 0 };
        let length = input.int_in_range(1..=3)?;
        spans.push(Span { offset: input.int_in_range(lowest..=10)?, length });
        for _ in 0..length {
            counts.push(f64::from(input.int_in_range(0..=50)?));
        }
    }
    Ok((spans, counts))
}

/// What a selector reads.
pub(super) fn select(data: &SeriesBatch, select: &Select) -> SeriesBatch {
    let mut out = SeriesBatch::new();
    for (index, series) in data.iter().enumerate() {
        if !select.matchers.iter().all(|matcher| matcher.matches_labels(series.labels)) {
            continue;
        }
        let inside = |time: &i64| (select.start_ms..=select.end_ms).contains(time);
        let floats = series.float_times.iter().zip(series.float_values);
        for ((time, value), start) in floats.zip(data.float_starts(index)) {
            if inside(time) {
                out.push_float(*time, *value);
                out.start_last_float(*start);
            }
        }
        let histograms = series.histogram_times.iter().zip(series.histogram_values);
        for ((time, value), start) in histograms.zip(data.histogram_starts(index)) {
            if inside(time) {
                out.push_histogram(*time, value.clone());
                out.start_last_histogram(*start);
            }
        }
        if out.pending() > 0 {
            out.finish_series(series.labels.clone());
        }
    }
    out
}
