//! The public face of evaluation: options, limits, errors, order of results.

use promql::ast::ValueType;
use promql::budget::Budget;
use promql::query::{Error, Options, Query};
use promql::value::{Outcome, Value};
use promql::{Labels, SeriesBatch};

const MINUTE_MS: i64 = 60_000;

/// Counters `name{job}` that grow by 1 a minute for ten minutes.
fn counters(name: &str, jobs: &[&str]) -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for job in jobs {
        (0..=10).for_each(|minute| batch.push_float(minute * MINUTE_MS, minute as f64));
        batch.finish_series(Labels::from_pairs([("__name__", name), ("job", job)]));
    }
    batch
}

fn evaluate(
    text: &str,
    options: &Options,
    data: Vec<SeriesBatch>,
    budget: &Budget,
) -> Result<Outcome, Error> {
    Query::new(text, 10 * MINUTE_MS, 10 * MINUTE_MS, 0, options)?.evaluate(data, budget)
}

fn vector(outcome: &Outcome) -> &SeriesBatch {
    match &outcome.value {
        Value::Vector(batch) => batch,
        other => panic!("a vector is expected, got {other:?}"),
    }
}

#[test]
fn names_are_dropped_at_once_without_the_flag() {
    let data = vec![counters("x", &["a"])];
    let outcome = evaluate("-x", &Options::default(), data, &Budget::unlimited()).unwrap();
    assert_eq!(vector(&outcome).labels(), [Labels::from_pairs([("job", "a")])]);
}

#[test]
fn series_that_differ_by_name_only_clash_once_it_is_dropped() {
    let data = || {
        let mut both = counters("x", &["a"]);
        let other = counters("y", &["a"]);
        both.push_series(other.labels()[0].clone(), other.series(0));
        vec![both]
    };
    let text = r#"sum by (__name__) (rate({__name__=~"x|y"}[5m]))"#;
    let error = evaluate(text, &Options::default(), data(), &Budget::unlimited()).unwrap_err();
    assert_eq!(error.to_string(), "vector cannot contain metrics with the same labelset");
    let delayed = Options { delayed_name_removal: true, ..Options::default() };
    let error = evaluate(text, &delayed, data(), &Budget::unlimited()).unwrap_err();
    assert_eq!(error.to_string(), "vector cannot contain metrics with the same labelset");
    let kept = r#"count(sum by (__name__) (rate({__name__=~"x|y"}[5m])))"#;
    let outcome = evaluate(kept, &delayed, data(), &Budget::unlimited()).unwrap();
    assert_eq!(vector(&outcome).series(0).float_values, [2.0]);
}

#[test]
fn the_type_label_tells_counters_if_it_is_enabled() {
    let options = Options { type_and_unit: true, ..Options::default() };
    let data = vec![counters("x_total", &["a"])];
    let outcome = evaluate("rate(x_total[5m])", &options, data, &Budget::unlimited()).unwrap();
    let (warnings, infos) = outcome.annotations.texts("rate(x_total[5m])", 10);
    assert!(warnings.is_empty());
    assert_eq!(
        infos,
        ["PromQL info: metric might not be a counter, __type__ label is not set to \
             \"counter\" or \"histogram\", got \"\": \"x_total\" (1:6)"]
    );
}

#[test]
fn too_many_samples_give_prometheus_error() {
    let data = vec![counters("x", &["a", "b", "c"])];
    let error = evaluate("x", &Options::default(), data, &Budget::new(2, u64::MAX)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "query processing would load too many samples into memory in query execution"
    );
}

#[test]
fn a_cancelled_query_stops() {
    let budget = Budget::unlimited();
    budget.cancel();
    let data = vec![counters("x", &["a"])];
    let error = evaluate("x", &Options::default(), data, &budget).unwrap_err();
    assert!(matches!(error, Error::Exceeded(_)), "{error}");
}

#[test]
fn what_is_held_is_given_back_while_evaluating() {
    let budget = Budget::unlimited();
    let data = vec![counters("x", &["a", "b", "c"])];
    let text = "sum(round(x + 1, scalar(vector(2)))) + vector(1)";
    evaluate(text, &Options::default(), data, &budget).unwrap();
    assert_eq!(budget.samples(), 1);
}

#[test]
fn a_range_query_must_be_a_vector_or_a_scalar() {
    let error = Query::new("x[5m]", 0, MINUTE_MS, MINUTE_MS, &Options::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector"
    );
}

#[test]
fn a_range_vector_keeps_the_times_of_its_samples() {
    let data = vec![counters("x", &["a"])];
    let outcome = evaluate("x[2m]", &Options::default(), data, &Budget::unlimited()).unwrap();
    let Value::Matrix(batch) = outcome.value else { panic!("a matrix is expected") };
    assert_eq!(batch.series(0).float_times, [9 * MINUTE_MS, 10 * MINUTE_MS]);
}

#[test]
fn a_long_chain_of_operators_needs_no_deep_stack() {
    let text = vec!["1"; 20_000].join(" + ");
    let outcome = evaluate(&text, &Options::default(), vec![], &Budget::unlimited()).unwrap();
    let expected = Value::Scalar { time_ms: 10 * MINUTE_MS, value: 20_000.0 };
    assert_eq!(outcome.value, expected);
}

#[test]
fn an_impossible_time_range_is_refused() {
    assert!(Query::new("1", 10, 0, 1, &Options::default()).is_err());
    assert!(Query::new("1", 0, 10, 0, &Options::default()).is_err());
    assert!(Query::new("1", 0, 10, -1, &Options::default()).is_err());
}

#[test]
fn the_value_type_of_a_range_query_is_a_matrix() {
    let query = |step| Query::new("1", 0, 0, step, &Options::default()).unwrap();
    assert_eq!(query(0).value_type(), ValueType::Scalar);
    assert_eq!(query(1).value_type(), ValueType::Matrix);
}

#[test]
fn given_values_stand_for_an_expression_at_their_own_moments_only() {
    let text = "max(sum by (job) (x)) + 1";
    let expr = promql::parser::parse(text, &promql::parser::Options::default()).unwrap();
    let start = text.find("sum").unwrap();
    let span = promql::ast::Span { start, end: text.rfind(") + 1").unwrap() };
    let range = (0, 2 * MINUTE_MS, MINUTE_MS);
    let query = Query::with_given(expr, range, &Options::default(), &[span]).unwrap();
    assert!(query.selects().is_empty());
    let mut given = SeriesBatch::new();
    // Between two steps: no lookback reaches it.
    given.extend_floats(&[0, MINUTE_MS + 1, 2 * MINUTE_MS], &[1.0, 7.0, 3.0]);
    given.finish_series(Labels::from_pairs([("job", "a")]));
    let outcome = query.evaluate_with(vec![], &[given], &Budget::unlimited()).unwrap();
    let Value::Matrix(batch) = outcome.value else { panic!("a matrix is expected") };
    assert_eq!(batch.series(0).float_times, [0, 2 * MINUTE_MS]);
    assert_eq!(batch.series(0).float_values, [2.0, 4.0]);
}
