//! Are both answers the same?

use std::collections::BTreeMap;

use e2e::http::Response;
use promql::SeriesRef;
use promql::value::{Outcome, Value};

use crate::cases::Case;

/// Series by labels: times in milliseconds, and values as bits.
type Matrix = BTreeMap<Vec<(String, String)>, Vec<(i64, u64)>>;

/// # Panics
/// When they differ in a single bit, or are empty.
pub(crate) fn assert_equal(case: &Case, ours: &Outcome, theirs: &Response) {
    let (ours, theirs) = (own(ours), served(theirs));
    assert!(!theirs.is_empty(), "{}: an empty answer", case.name);
    if case.ties {
        assert_eq!(values(&ours), values(&theirs), "{}", case.name);
        return;
    }
    assert!(ours.keys().eq(theirs.keys()), "{}: other series", case.name);
    for (labels, samples) in &ours {
        let differing = samples.iter().zip(&theirs[labels]).find(|(own, other)| own != other);
        assert_eq!(differing, None, "{}: {labels:?}", case.name);
        assert_eq!(samples.len(), theirs[labels].len(), "{}: {labels:?}", case.name);
    }
}

/// The values of each time, whosesoever they are.
fn values(matrix: &Matrix) -> Vec<(i64, u64)> {
    let mut values: Vec<(i64, u64)> = matrix.values().flatten().copied().collect();
    values.sort_unstable();
    values
}

fn own(outcome: &Outcome) -> Matrix {
    let Value::Matrix(batch) = &outcome.value else {
        panic!("a range query gives a matrix");
    };
    let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let samples = |series: SeriesRef<'_>| {
        let values = series.float_values.iter().map(|value| bits(*value));
        series.float_times.iter().copied().zip(values).collect()
    };
    batch.iter().map(|one| (one.labels.iter().map(text).collect(), samples(one))).collect()
}

fn served(response: &Response) -> Matrix {
    let json = response.json();
    let result = json["data"]["result"].as_array().expect("a list of series");
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let sample = |sample: &serde_json::Value| {
        let seconds = sample[0].as_f64().expect("a time");
        let value: f64 = text(&sample[1]).parse().expect("a value");
        ((seconds * 1000.0).round() as i64, bits(value))
    };
    let series = |one: &serde_json::Value| {
        let labels = one["metric"].as_object().expect("labels");
        let labels = labels.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        let values = one["values"].as_array().expect("samples");
        (labels, values.iter().map(sample).collect())
    };
    result.iter().map(series).collect()
}

/// One NaN is like another in text.
fn bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}
