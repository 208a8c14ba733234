//! The exam: expressions without data, and what they must come to.
//!
//! All of them are asked in one query. What they must come to is not written
//! down: our own engine evaluates the same text.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use promql::budget::Budget;
use promql::query::{Options, Query};
use promql::value::Value;
use promql::{Labels, SeriesBatch};

use crate::gather::push::Steps;

/// Three series, as an expression.
const THREE: &str = r#"(label_replace(vector(1), "a", "x", "", "") or label_replace(vector(2), "a", "y", "", "") or label_replace(vector(4.5), "a", "z", "", ""))"#;
/// A classic histogram, as an expression.
const BUCKETS: &str = r#"(label_replace(vector(10), "le", "0.1", "", "") or label_replace(vector(15), "le", "0.5", "", "") or label_replace(vector(40), "le", "2", "", "") or label_replace(vector(41), "le", "+Inf", "", ""))"#;

/// What is asked; `$v` stands for three series, `$h` for a histogram.
const QUESTIONS: &[&str] = &[
    // Windows are open on the left; moments of subqueries are multiples of
    // their step, wherever the query stands.
    "count_over_time(vector(1)[5m:1m])",
    "count_over_time(vector(1)[5m:1m] offset 30s)",
    "sum_over_time(vector(time())[10m:3m])",
    "min_over_time(vector(time())[7m:2m] offset 1m)",
    "max_over_time(vector(time())[7m:2m] offset -3m)",
    "sum_over_time(vector(time())[10m:90s] @ 1700000017.123)",
    "avg_over_time((max_over_time(vector(time())[4m:50s]))[9m:2m])",
    // Extrapolation, resets, the limit at zero.
    "rate(vector(time())[5m:1m])",
    "rate(vector(time())[5m:1m] offset 30s)",
    "increase((vector(time()) % 500)[20m:1m])",
    "increase((vector(time()) - 1699999690)[10m:1m] @ 1700000000)",
    "delta((vector(time()) % 700)[20m:1m])",
    "irate((vector(time()) % 500)[20m:1m])",
    "idelta((vector(time()) % 500)[20m:1m])",
    "resets((vector(time()) % 500)[40m:1m])",
    "changes(floor(vector(time()) / 300)[40m:1m])",
    "deriv((vector(time()) % 700)[20m:1m])",
    "predict_linear((vector(time()) % 700)[20m:1m], 3600)",
    "quantile_over_time(0.3, (vector(time()) % 700)[20m:1m])",
    "stddev_over_time((vector(time()) % 700)[20m:1m])",
    "stdvar_over_time((vector(time()) % 700)[20m:1m])",
    "last_over_time((vector(time()) % 700)[20m:1m])",
    "present_over_time(vector(7)[5m:1m])",
    "absent_over_time((vector(1) > 2)[5m:1m])",
    "rate(vector(1)[1m:1m])",
    // Aggregations.
    "sum($v)",
    "sum by (a) ($v)",
    "sum without (a) ($v)",
    "avg($v)",
    "min($v)",
    "max by (b) ($v)",
    "count($v)",
    "group($v)",
    "stddev($v)",
    "stdvar($v)",
    "quantile(0.3, $v)",
    "quantile(1.5, $v)",
    "topk(2, $v)",
    "bottomk(1, $v)",
    r#"count_values("v", $v / 3)"#,
    r#"count_values("v", $v * 1e21)"#,
    r#"count_values("v", $v / 1e8)"#,
    r#"sum(label_replace(vector(1e100), "a", "1", "", "") or label_replace(vector(1), "a", "2", "", "") or label_replace(vector(-1e100), "a", "3", "", ""))"#,
    "avg($v * 1e308)",
    // Histograms.
    "histogram_quantile(0.2, $h)",
    "histogram_quantile(0.9, $h)",
    "histogram_quantile(0.999, $h)",
    "histogram_quantile(-1, $h)",
    "histogram_quantile(0.5, $h > 10)",
    // Labels.
    r#"label_replace($v, "b", "<$1>", "a", "(x|z)")"#,
    r#"label_join($v, "b", "-", "a", "none", "a")"#,
    // Operators.
    "$v > 1.5",
    "$v > bool 1.5",
    "1.5 < $v",
    "$v == bool $v",
    "$v and ($v > 1)",
    "$v unless ($v > 1)",
    "($v > 2) or ($v * 10)",
    "$v % 1.5",
    "-$v % 1.5",
    "$v ^ 0.5",
    "-$v ^ 2",
    "$v atan2 2",
    "$v / 0",
    "($v - $v) / 0",
    "$v * on (a) ($v + 1)",
    r#"$v * on (b) group_left (c) label_replace(vector(3), "c", "w", "", "")"#,
    r#"sum($v) / ignoring (a) group_right () $v"#,
    "$v != NaN",
    // Functions of values.
    "round($v / 3, 0.1)",
    "round(-$v / 2)",
    "ceil($v / 3)",
    "floor(-$v / 3)",
    "clamp($v, 2, 3)",
    "clamp($v, 3, 2)",
    "clamp_min($v, 2)",
    "sgn(2 - $v)",
    "exp($v)",
    "ln($v)",
    "log2($v)",
    "log10($v)",
    "sqrt($v - 2)",
    "sin($v)",
    "deg($v)",
    "absent($v)",
    "absent($v > 10)",
    "vector(scalar($v))",
    "vector(scalar(vector(3)))",
    "timestamp(vector(1))",
    "vector(time())",
    "vector(pi())",
    // Times.
    "minute($v * 12345678)",
    "hour($v * 12345678)",
    "day_of_month($v * 123456789)",
    "day_of_week($v * 123456789)",
    "day_of_year($v * 123456789)",
    "days_in_month($v * 123456789)",
    "month($v * 123456789)",
    "year($v * 123456789)",
];

/// The label that says which question an answer belongs to.
const NUMBER: &str = "question";

/// Our values and a server's may differ by rounding.
const ROUNDING: f64 = 1e-12;

/// What shows the times at which a range query is evaluated.
pub(super) const TIMES: &str = "vector(time())";
/// Times that are no multiples of their step.
pub(super) const OFF_GRID: OffGrid = OffGrid;

/// Three times, seven seconds beside the multiples of their step.
pub(super) struct OffGrid;

impl OffGrid {
    /// From a full minute on.
    pub(super) const fn after(&self, minute_ms: i64) -> Steps {
        let start_ms = minute_ms - 600_000 + 7_000;
        Steps { start_ms, end_ms: start_ms + 120_000, step_ms: 60_000 }
    }
}

/// The last full minute.
pub(super) fn time_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs() / 60 * 60_000).unwrap_or(0)
}

/// All questions as one query.
pub(super) fn text() -> String {
    let numbered = QUESTIONS.iter().enumerate().map(|(number, question)| {
        let question = question.replace("$v", THREE).replace("$h", BUCKETS);
        format!("label_replace({question}, \"{NUMBER}\", \"{number}\", \"\", \"\")")
    });
    numbered.collect::<Vec<_>>().join(" or ")
}

/// True if these are the answers of our own engine, which are expected.
pub(super) fn is_passed(answers: &SeriesBatch, expected: &SeriesBatch) -> bool {
    if let Some(number) = first_difference(answers, expected) {
        tracing::debug!(question = QUESTIONS.get(number).copied(), "evaluated in another way");
        return false;
    }
    true
}

/// What our own engine answers.
pub(super) fn expected(time_ms: i64) -> SeriesBatch {
    let query = Query::new(&text(), time_ms, time_ms, 0, &Options::default())
        .expect("the questions are queries");
    let outcome = query.evaluate(Vec::new(), &Budget::unlimited());
    match outcome.expect("the questions have answers").value {
        Value::Vector(series) | Value::Matrix(series) => series,
        Value::Scalar { .. } | Value::String { .. } => SeriesBatch::new(),
    }
}

/// The number of the first question with another answer.
fn first_difference(answers: &SeriesBatch, expected: &SeriesBatch) -> Option<usize> {
    let (answers, expected) = (values(answers), values(expected));
    let labels = answers.keys().chain(expected.keys());
    let different = labels.filter(|labels| match (answers.get(**labels), expected.get(**labels)) {
        (Some(answer), Some(own)) => !is_same(*answer, *own),
        _ => true,
    });
    let number = |labels: &&Labels| {
        labels.get(NUMBER).and_then(|number| number.parse().ok()).unwrap_or(usize::MAX)
    };
    different.map(number).min()
}

fn values(batch: &SeriesBatch) -> HashMap<&Labels, f64> {
    let value = |values: &[f64]| values.first().copied().unwrap_or(f64::NAN);
    batch.iter().map(|series| (series.labels, value(series.float_values))).collect()
}

fn is_same(one: f64, other: f64) -> bool {
    one == other
        || (one.is_nan() && other.is_nan())
        || (one.is_finite()
            && other.is_finite()
            && (one - other).abs() <= ROUNDING * one.abs().max(other.abs()))
}

/// True if [`TIMES`] were evaluated at these times.
pub(super) fn is_at(times: &SeriesBatch, steps: &Steps) -> bool {
    let [series] = &times.iter().collect::<Vec<_>>()[..] else { return false };
    series.float_times.len() as u64 == steps.count()
        && series
            .float_times
            .iter()
            .zip(series.float_values)
            .all(|(time, value)| steps.has(*time) && (value * 1000.0).round() == *time as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_has_an_answer_or_is_meant_to_have_none() {
        let expected = expected(1_760_000_040_000);
        let answered: std::collections::BTreeSet<usize> =
            expected.labels().iter().filter_map(|own| own.get(NUMBER)?.parse().ok()).collect();
        let silent: Vec<&str> = (0..QUESTIONS.len())
            .filter(|number| !answered.contains(number))
            .map(|number| QUESTIONS[number])
            .collect();
        let meant = ["rate(vector(1)[1m:1m])", "clamp($v, 3, 2)", "absent($v)"];
        assert_eq!(silent, meant);
    }

    #[test]
    fn our_own_answers_pass_and_others_do_not() {
        let time_ms = 1_760_000_040_000;
        let own = expected(time_ms);
        assert!(is_passed(&own, &own));
        for index in 0..own.len() {
            let mut other = SeriesBatch::new();
            for (place, series) in own.iter().enumerate() {
                let value = series.float_values[0];
                let changed = if value.is_nan() { 0.0 } else { value + 1e-9 * (1.0 + value.abs()) };
                let changed = if value.is_infinite() { 0.0 } else { changed };
                other.push_float(time_ms, if place == index { changed } else { value });
                other.finish_series(series.labels.clone());
            }
            let number = own.labels()[index].get(NUMBER).expect("numbered");
            assert_eq!(first_difference(&other, &own), number.parse().ok(), "{number}");
        }
        assert!(!is_passed(&SeriesBatch::new(), &own));
    }
}
