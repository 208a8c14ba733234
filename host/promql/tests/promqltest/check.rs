//! Compares outcomes with expectations.

use promql::series::is_stale;
use promql::value::{Outcome, Value};
use promql::{Histogram, Labels, SeriesBatch, SeriesRef};
use regex_automata::meta::Regex;

use crate::script::{Eval, Text};
use crate::sequence;

type Result<T> = std::result::Result<T, String>;

/// True if a text is the expected one.
pub(crate) fn matches(expected: &Text, text: &str) -> bool {
    match expected {
        Text::Any => true,
        Text::Message(message) => message == text,
        Text::Regex(pattern) => Regex::new(pattern).is_ok_and(|regex| regex.is_match(text)),
    }
}

/// True if a warning or an info is the expected one. Scripts of servers before
/// 3.15 leave out the place at its end, and details before that.
fn annotation_matches(expected: &Text, text: &str) -> bool {
    let plain = text.rsplit_once(" (").map_or(text, |(before, _)| before);
    let short = plain.split_once(", from buckets ").map_or(plain, |(before, _)| before);
    [text, plain, short].iter().any(|text| matches(expected, text))
}

/// Compares warnings and infos.
pub(crate) fn annotations(eval: &Eval, query: &str, outcome: &Outcome) -> Result<()> {
    let (warnings, infos) = outcome.annotations.texts(query, 0);
    texts("warn", &eval.warn, &warnings)?;
    texts("info", &eval.info, &infos)?;
    if eval.no_warn && !warnings.is_empty() {
        return Err(format!("no warnings are expected, got {warnings:?}"));
    }
    if eval.no_info && !infos.is_empty() {
        return Err(format!("no infos are expected, got {infos:?}"));
    }
    Ok(())
}

fn texts(kind: &str, expected: &[Text], actual: &[String]) -> Result<()> {
    if expected.is_empty() {
        return Ok(());
    }
    for text in expected {
        if !actual.iter().any(|actual| annotation_matches(text, actual)) {
            return Err(format!("{kind} {text:?} is expected, got {actual:?}"));
        }
    }
    for actual in actual {
        if !expected.iter().any(|text| annotation_matches(text, actual)) {
            return Err(format!("{kind} is not expected: {actual}"));
        }
    }
    Ok(())
}

/// Fails unless series are in label order.
pub(crate) fn sorted(matrix: &SeriesBatch) -> Result<()> {
    if matrix.labels().is_sorted() { Ok(()) } else { Err("the matrix is not sorted".to_owned()) }
}

/// Compares a value.
pub(crate) fn value(eval: &Eval, value: &Value) -> Result<()> {
    match value {
        Value::Scalar { value, .. } => match eval.scalar {
            Some(expected) if almost_equal(expected, *value) => Ok(()),
            expected => Err(format!("scalar {expected:?} is expected, got {value}")),
        },
        Value::String { text, .. } => match &eval.string {
            Some(expected) if expected == text => Ok(()),
            expected => Err(format!("string {expected:?} is expected, got {text:?}")),
        },
        Value::Vector(batch) => vector(eval, batch),
        Value::Matrix(batch) => matrix(eval, batch),
    }
}

fn expected<'e>(eval: &'e Eval, labels: &Labels) -> Result<(usize, &'e [sequence::Value])> {
    eval.series
        .iter()
        .find(|(_, own, _)| own == labels)
        .map(|(position, _, values)| (*position, values.as_slice()))
        .ok_or_else(|| format!("unexpected series {labels}"))
}

fn all_found(eval: &Eval, batch: &SeriesBatch) -> Result<()> {
    for (_, labels, _) in &eval.series {
        if !batch.labels().contains(labels) {
            return Err(format!("series {labels} is missing"));
        }
    }
    Ok(())
}

fn vector(eval: &Eval, batch: &SeriesBatch) -> Result<()> {
    if eval.scalar.is_some() {
        return Err("a scalar is expected, got a vector".to_owned());
    }
    for (place, series) in batch.iter().enumerate() {
        let (position, values) =
            expected(eval, series.labels).map_err(|error| format!("{error}: {}", show(&series)))?;
        if eval.ordered && position != place + 1 {
            return Err(format!("{} is at {}, not at {position}", series.labels, place + 1));
        }
        let actual = (series.float_values.first(), series.histogram_values.first());
        let first = values.first().ok_or("an expected value is missing")?;
        same_sample(first, actual).map_err(|error| format!("{}: {error}", series.labels))?;
    }
    all_found(eval, batch)
}

fn same_sample(
    expected: &sequence::Value,
    actual: (Option<&f64>, Option<&Histogram>),
) -> Result<()> {
    match (expected, actual) {
        (sequence::Value::Float(expected), (Some(actual), None)) => {
            if almost_equal(*expected, *actual) {
                return Ok(());
            }
            Err(format!("{expected} is expected, got {actual}"))
        }
        (sequence::Value::Histogram(expected, hint), (None, Some(actual))) => {
            same_histogram(expected, actual, *hint)
        }
        _ => Err(format!("{expected:?} is expected, got {actual:?}")),
    }
}

fn matrix(eval: &Eval, batch: &SeriesBatch) -> Result<()> {
    if eval.ordered || eval.scalar.is_some() {
        return Err("a vector or a scalar is expected, got a matrix".to_owned());
    }
    sorted(batch)?;
    for series in batch.iter() {
        let (_, values) =
            expected(eval, series.labels).map_err(|error| format!("{error}: {}", show(&series)))?;
        let (mut floats, mut histograms) = (Vec::new(), Vec::new());
        for (place, value) in values.iter().enumerate() {
            let time = eval.start_ms + place as i64 * eval.step_ms;
            if time > eval.end_ms {
                return Err(format!("{}: too many values are expected", series.labels));
            }
            match value {
                sequence::Value::Omitted => {}
                sequence::Value::Float(value) => floats.push((time, *value)),
                sequence::Value::Histogram(histogram, hint) => {
                    histograms.push((time, histogram, *hint));
                }
            }
        }
        let times: Vec<i64> = floats.iter().map(|float| float.0).collect();
        let histogram_times: Vec<i64> = histograms.iter().map(|h| h.0).collect();
        if times != series.float_times || histogram_times != series.histogram_times {
            return Err(format!(
                "{}: floats at {times:?} and histograms at {histogram_times:?} are expected, got {}",
                series.labels,
                show(&series)
            ));
        }
        for ((time, expected), actual) in floats.iter().zip(series.float_values) {
            if !almost_equal(*expected, *actual) {
                return Err(format!(
                    "{}: {expected} is expected at {time}, got {}",
                    series.labels,
                    show(&series)
                ));
            }
        }
        for ((time, expected, hint), actual) in histograms.iter().zip(series.histogram_values) {
            same_histogram(expected, actual, *hint)
                .map_err(|error| format!("{} at {time}: {error}", series.labels))?;
        }
    }
    all_found(eval, batch)
}

fn show(series: &SeriesRef<'_>) -> String {
    let floats: Vec<String> = series
        .float_times
        .iter()
        .zip(series.float_values)
        .map(|(time, value)| format!("{value}@{time}"))
        .collect();
    let histograms: Vec<String> = series
        .histogram_times
        .iter()
        .zip(series.histogram_values)
        .map(|(time, value)| format!("{value}@{time}"))
        .collect();
    format!("[{} {}]", floats.join(" "), histograms.join(" "))
}

fn same_histogram(expected: &Histogram, actual: &Histogram, hint: bool) -> Result<()> {
    let (mut one, mut two) = (expected.clone(), actual.clone());
    one.compact();
    two.compact();
    let all = |a: &[f64], b: &[f64]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| almost_equal(*a, *b))
    };
    let same = one.schema == two.schema
        && almost_equal(one.count, two.count)
        && almost_equal(one.sum, two.sum)
        && (!one.uses_custom_buckets() || one.custom_values == two.custom_values)
        && one.zero_threshold == two.zero_threshold
        && almost_equal(one.zero_count, two.zero_count)
        && one.negative_spans == two.negative_spans
        && all(&one.negative_buckets, &two.negative_buckets)
        && one.positive_spans == two.positive_spans
        && all(&one.positive_buckets, &two.positive_buckets)
        && (!hint || one.counter_reset_hint == two.counter_reset_hint);
    if same {
        return Ok(());
    }
    Err(format!("histogram {one:?} is expected, got {two:?}"))
}

/// Equal but for rounding (prometheus/util/almost).
fn almost_equal(a: f64, b: f64) -> bool {
    const EPSILON: f64 = 0.000_001;
    if is_stale(a) || is_stale(b) {
        return is_stale(a) && is_stale(b);
    }
    if (a.is_nan() && b.is_nan()) || a == b {
        return true;
    }
    let (sum, diff) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return diff < EPSILON * f64::MIN_POSITIVE;
    }
    diff / sum.min(f64::MAX) < EPSILON
}
