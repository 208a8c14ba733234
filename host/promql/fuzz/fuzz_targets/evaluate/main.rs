//! Random queries over random small data: what holds whatever they are.
//!
//! Invariants: no panic; a range query has at each step what an instant query
//! has there; a budget is not exceeded by what is answered.

#![no_main]

mod data;
mod query;

use std::collections::BTreeMap;

use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use promql::budget::Budget;
use promql::query::{Error, Options, Query};
use promql::value::Value;
use promql::{Histogram, SeriesBatch, parser};

/// Far more than the data needs, far less than the machine has.
const MAX_SAMPLES: u64 = 200_000;
const MAX_BYTES: u64 = 256 << 20;

fuzz_target!(|bytes: &[u8]| {
    // Input that ends early is no finding.
    let _ = check(&mut Unstructured::new(bytes));
});

fn check(input: &mut Unstructured<'_>) -> libfuzzer_sys::arbitrary::Result<()> {
    let options = Options {
        delayed_name_removal: input.arbitrary()?,
        type_and_unit: input.arbitrary()?,
        start_timestamps: input.arbitrary()?,
        language: parser::Options::all(),
        ..Options::default()
    };
    let time = i64::from(input.int_in_range(0..=1800)?) * 1000;
    let step = i64::from(input.int_in_range(1..=400)?) * 1000;
    let max_samples = u64::from(input.int_in_range(0..=400u16)?);
    let data = data::batch(input)?;
    let text = query::vector(input, 4)?;
    let (start, end) = (time - 2 * step, time + 2 * step);
    let instant = run(&text, (time, time, 0), &options, &data, MAX_SAMPLES);
    let range = run(&text, (start, end, step), &options, &data, MAX_SAMPLES);
    let _ = run(&text, (start, end, step), &options, &data, max_samples);
    if let (Ok(instant), Ok(range)) = (&instant, &range) {
        let (one, many) = (at_time(instant, time), at_time(range, time));
        assert_eq!(one, many, "{text:?} at {time} by {step}, {options:?}, {data:?}");
    }
    Ok(())
}

fn run(
    text: &str,
    (start, end, step): (i64, i64, i64),
    options: &Options,
    data: &SeriesBatch,
    max_samples: u64,
) -> Result<Value, Error> {
    let query = Query::new(text, start, end, step, options)?;
    let data = query.selects().iter().map(|select| data::select(data, select)).collect();
    let budget = Budget::new(max_samples, MAX_BYTES);
    let outcome = query.evaluate(data, &budget)?;
    assert!(budget.samples() <= max_samples, "{text:?} holds {}", budget.samples());
    let _ = outcome.annotations.texts(text, 10);
    Ok(outcome.value)
}

/// Labels and values of one moment, as texts: they tell all numbers apart.
fn at_time(value: &Value, time: i64) -> BTreeMap<String, String> {
    match value {
        Value::Scalar { value, .. } => BTreeMap::from([("{}".to_owned(), shown(*value))]),
        Value::String { text, .. } => BTreeMap::from([(String::new(), text.clone())]),
        Value::Vector(batch) | Value::Matrix(batch) => batch
            .iter()
            .filter_map(|series| {
                let value = if let Ok(place) = series.float_times.binary_search(&time) {
                    shown(series.float_values[place])
                } else {
                    let place = series.histogram_times.binary_search(&time).ok()?;
                    shown_histogram(&series.histogram_values[place])
                };
                Some((series.labels.to_string(), value))
            })
            .collect(),
    }
}

/// Twelve digits: the order of additions may show behind.
fn shown(value: f64) -> String {
    if value.is_nan() { "NaN".to_owned() } else { format!("{:.9e}", value + 0.0) }
}

fn shown_histogram(histogram: &Histogram) -> String {
    let buckets: Vec<String> = histogram
        .buckets()
        .filter(|bucket| bucket.count != 0.0)
        .map(|bucket| format!("{}:{}", bucket.upper, shown(bucket.count)))
        .collect();
    format!("{} {} {buckets:?}", shown(histogram.count), shown(histogram.sum))
}
