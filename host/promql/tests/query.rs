//! The public face of evaluation: options, limits, errors, order of results.

use promql::ast::ValueType;
use promql::budget::Budget;
use promql::query::{Error, Options, Query};
use promql::value::{Outcome, Value};
use promql::{Histogram, Labels, SeriesBatch, Span};

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

#[test]
fn a_subquery_of_a_step_per_millisecond_is_refused_before_its_columns_are_allocated() {
    let limits = || Budget::new(50_000_000, 2_000_000_000);
    let samples = "query processing would load too many samples into memory in query execution";
    let bytes = "query processing would hold more than 2000000000 bytes in memory";
    let cases = [
        ("sum_over_time(hour()[100y:1ms])", samples),
        ("count_over_time(vector(1)[100y:1ms])", bytes),
        ("max_over_time(x[100y:1ms])", bytes),
    ];
    for (text, expected) in cases {
        let data = if text.contains("(x") { vec![counters("x", &["a"])] } else { vec![] };
        let error = evaluate(text, &Options::default(), data, &limits()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }
}

/// Samples looked at, and samples read, by step.
fn counted(text: &str, end_ms: i64, step_ms: i64, data: Vec<SeriesBatch>) -> (Vec<u64>, Vec<u64>) {
    let options = Options { count_samples: true, ..Options::default() };
    let start_ms = if step_ms == 0 { end_ms } else { 0 };
    let query = Query::new(text, start_ms, end_ms, step_ms, &options).expect(text);
    let outcome = query.evaluate(data, &Budget::unlimited()).expect(text);
    let counts = outcome.samples.expect("counts were asked for");
    (counts.total, counts.read)
}

#[test]
fn samples_are_counted_by_step_as_prometheus_counts_them() {
    let two = || vec![counters("x", &["a", "b"])];
    let steps = |text: &str, data| counted(text, 2 * MINUTE_MS, MINUTE_MS, data);
    let both = |counts: &[u64]| (counts.to_vec(), counts.to_vec());
    assert_eq!(steps("x", two()), both(&[2, 2, 2]));
    assert_eq!(steps("1", vec![]), both(&[0, 0, 0]));
    assert_eq!(steps("x offset 1m", two()), both(&[0, 2, 2]));
    assert_eq!(steps("x + on (job) x", [two(), two()].concat()), both(&[4, 4, 4]));
    assert_eq!(steps("topk(0, x)", two()), both(&[2, 2, 2]));
    assert_eq!(steps("timestamp(x)", two()), both(&[2, 2, 2]));
    // Windows of two minutes: of each series one, two and two samples, of
    // which each step reads one.
    assert_eq!(steps("sum_over_time(x[2m])", two()), (vec![2, 4, 4], vec![2, 2, 2]));
    // The same at every step: looked at by each, read once.
    assert_eq!(steps("x @ 60", two()), (vec![2, 2, 2], vec![2, 0, 0]));
    assert_eq!(steps("rate(x[5m] @ 120)", two()), (vec![6, 6, 6], vec![6, 0, 0]));
    assert_eq!(steps("x @ 60 + 1 + time()", two()), (vec![2, 2, 2], vec![2, 0, 0]));
    // A subquery's windows are looked at, its inside is read.
    let subquery = "sum_over_time(sum_over_time(x[2m])[2m:1m])";
    assert_eq!(steps(subquery, two()), (vec![2, 4, 4], vec![2, 2, 2]));
}

#[test]
fn what_falls_between_windows_is_not_counted() {
    let steps =
        |text: &str| counted(text, 10 * MINUTE_MS, 5 * MINUTE_MS, vec![counters("x", &["a"])]);
    assert_eq!(steps("sum_over_time(x[2m])"), (vec![1, 2, 2], vec![1, 2, 2]));
    assert_eq!(steps("sum_over_time(x[2m:1m])"), (vec![1, 2, 2], vec![1, 2, 2]));
    assert_eq!(steps("sum_over_time(x[2m:1m] offset 1m)"), (vec![0, 2, 2], vec![0, 2, 2]));
    // Where windows overlap, what they share is read for the first.
    assert_eq!(steps("sum_over_time(x[7m:1m])"), (vec![1, 6, 7], vec![1, 5, 5]));
}

#[test]
fn samples_of_instant_queries_are_counted_once() {
    let one = || vec![counters("x", &["a"])];
    let instant = |text: &str| counted(text, 10 * MINUTE_MS, 0, one());
    let both = |count: u64| (vec![count], vec![count]);
    assert_eq!(instant("x"), both(1));
    assert_eq!(instant("x[3m]"), both(3));
    assert_eq!(instant("x[3m:30s]"), both(6));
    // Of a subquery whose inside has windows, every window counts.
    assert_eq!(instant("sum_over_time(x[2m])[3m:1m]"), (vec![6], vec![4]));
    assert_eq!(instant("sum_over_time(sum_over_time(x[2m])[3m:1m])"), (vec![3], vec![4]));
}

#[test]
fn a_histogram_counts_as_the_floats_that_it_weighs() {
    let histograms = || {
        let mut batch = SeriesBatch::new();
        for minute in 1..=10 {
            let histogram = Histogram {
                positive_spans: vec![Span { offset: 0, length: 5 }],
                positive_buckets: vec![1.0; 5],
                count: 5.0,
                sum: 5.0,
                ..Histogram::default()
            };
            batch.push_histogram(minute * MINUTE_MS, histogram);
        }
        batch.finish_series(Labels::from_pairs([("__name__", "x")]));
        vec![batch]
    };
    let total = |text: &str| counted(text, 10 * MINUTE_MS, 0, histograms()).0[0];
    // 168 bytes, a span and five buckets of 8, a timestamp of 8, in units of 16.
    assert_eq!(total("x"), 14);
    assert_eq!(total("rate(x[3m])"), 42);
    // Without its buckets.
    assert_eq!(total("histogram_count(x)"), 11);
    // Of which only the time is looked at.
    assert_eq!(total("timestamp(x)"), 1);
}
