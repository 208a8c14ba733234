//! Queries that are made to hurt: each ends in an error or in the right
//! answer, within a budget, on the stack of a worker thread.

use std::thread;

use promql::budget::{Budget, Exceeded};
use promql::query::{Error, Options, Query};
use promql::value::{Outcome, Value};
use promql::{Labels, SeriesBatch};

const DAY_MS: i64 = 24 * 3600 * 1000;
/// Prometheus's default of `query.max-samples`.
const MAX_SAMPLES: u64 = 50_000_000;
const MAX_BYTES: u64 = 256 << 20;
/// What worker threads commonly have.
const STACK_BYTES: usize = 2 << 20;

/// The outcome of an instant query at `time_ms` over `name{text="…"}`.
fn instant(query: &str, time_ms: i64, text: &str) -> Result<Outcome, Error> {
    range(query, (time_ms, time_ms, 0), text)
}

fn range(query: &str, (start, end, step): (i64, i64, i64), text: &str) -> Result<Outcome, Error> {
    let (query, text) = (query.to_owned(), text.to_owned());
    let work = move || {
        let options = Options { language: promql::parser::Options::all(), ..Options::default() };
        let query = Query::new(&query, start, end, step, &options)?;
        let data = query.selects().iter().map(|_| series(start, &text)).collect();
        query.evaluate(data, &Budget::new(MAX_SAMPLES, MAX_BYTES))
    };
    let worker = thread::Builder::new().stack_size(STACK_BYTES).spawn(work);
    worker.expect("a thread starts").join().expect("no panic")
}

/// Two series with one sample each at `time_ms`.
fn series(time_ms: i64, text: &str) -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for (value, job) in [(1.0, "x"), (2.0, "y")] {
        batch.push_float(time_ms, value);
        batch.finish_series(Labels::from_pairs([("__name__", "a"), ("job", job), ("text", text)]));
    }
    batch
}

fn values(outcome: &Outcome) -> Vec<f64> {
    match &outcome.value {
        Value::Scalar { value, .. } => vec![*value],
        Value::Vector(batch) => batch.iter().map(|series| series.float_values[0]).collect(),
        other => panic!("neither a scalar nor a vector: {other:?}"),
    }
}

#[track_caller]
fn fails(query: &str, wanted: &str) {
    let error = instant(query, 0, "").expect_err(wanted).to_string();
    assert!(error.ends_with(wanted), "{error}");
}

#[test]
fn ten_thousand_parentheses_are_too_deep() {
    for (open, close) in [("(", ")"), ("abs(", ")"), ("-(", ")"), ("sum(", ")")] {
        let query = format!("{}a{}", open.repeat(10_000), close.repeat(10_000));
        let error = instant(&query, 0, "").expect_err("too deep");
        assert!(matches!(error, Error::Parse(_)), "{error}");
    }
    let unclosed = "(".repeat(10_000);
    assert!(matches!(instant(&unclosed, 0, ""), Err(Error::Parse(_))));
}

#[test]
fn enormous_numbers_are_read_or_refused() {
    let digits = "9".repeat(100_000);
    assert_eq!(values(&instant(&format!("0.{digits}"), 0, "").expect("a number")), [1.0]);
    assert_eq!(values(&instant("1e-999999", 0, "").expect("a number")), [0.0]);
    for text in [&digits, "1e999999", &format!("0x{digits}"), &format!("a[{digits}y]")] {
        let error = instant(text, 0, "").expect_err("out of range");
        assert!(matches!(error, Error::Parse(_)), "{error}");
    }
}

#[test]
fn a_megabyte_of_text_is_a_text() {
    let text = "x".repeat(1 << 20);
    let outcome = instant(&format!("{text:?}"), 0, "").expect("a string");
    assert_eq!(outcome.value, Value::String { time_ms: 0, text });
}

#[test]
fn hostile_expressions_match_in_linear_time() {
    let text = "a".repeat(50_000);
    for pattern in ["(a+)+b", "(a|aa)*c", "(a*)*(a*)*d", "(.*)(.*)(.*)(.*)e", "(a?){500}a{500}f"] {
        let query = format!(r#"label_replace(a, "new", "$1", "text", "{pattern}")"#);
        assert_eq!(values(&instant(&query, 0, &text).expect("no match")), [1.0, 2.0]);
    }
    let query = r#"label_replace(a, "job", "$1", "text", "((a)+)+")"#;
    let error = instant(query, 0, &text).expect_err("both get the same labels");
    assert_eq!(error.to_string(), "vector cannot contain metrics with the same labelset");
}

#[test]
fn expressions_that_multiply_are_refused_as_go_does() {
    let wanted = "error parsing regexp: invalid repeat count: `{1000}`";
    fails(r#"a{text=~"((a{1000}){1000}){1000}"}"#, wanted);
    fails(r#"a{text=~"a{1001}"}"#, "error parsing regexp: invalid repeat count: `{1001}`");
    let deep = format!(r#"a{{text=~"{}a{}"}}"#, "(".repeat(5000), ")".repeat(5000));
    assert!(matches!(instant(&deep, 0, ""), Err(Error::Parse(_))));
}

#[test]
fn thousands_of_grouping_labels_group() {
    let labels: Vec<String> = (0..20_000).map(|index| format!("l{index}")).collect();
    let labels = labels.join(", ");
    let sum = instant(&format!("sum by ({labels}) (a)"), 0, "").expect("a sum");
    assert_eq!(values(&sum), [3.0]);
    let sum = instant(&format!("sum without ({labels}) (a)"), 0, "").expect("sums");
    assert_eq!(values(&sum), [1.0, 2.0]);
    let both = instant(&format!("a + on (job, {labels}) a"), 0, "").expect("sums");
    assert_eq!(values(&both), [2.0, 4.0]);
    let names = vec!["by"; 10_000].join(", ");
    assert_eq!(values(&instant(&format!("count by ({names}) (a)"), 0, "").expect("one")), [2.0]);
}

#[test]
fn counts_that_are_none_have_prometheus_errors() {
    fails("topk(NaN, a)", "Parameter value is NaN");
    fails("limitk(NaN, a)", "Parameter value is NaN");
    fails("bottomk(Inf, a)", "Scalar value +Inf overflows int64");
    fails("topk(1e300, a)", "Scalar value 1e+300 overflows int64");
    fails("limit_ratio(NaN, a)", "Ratio value is NaN");
    for none in ["topk(-Inf, a)", "limitk(-1e300, a)", "topk(0.9, a)"] {
        assert!(values(&instant(none, 0, "").expect("nothing")).is_empty());
    }
    assert_eq!(values(&instant("topk(9e18, a)", 0, "").expect("all")), [2.0, 1.0]);
    for q in ["NaN", "Inf", "-Inf"] {
        assert_eq!(values(&instant(&format!("quantile({q}, a)"), 0, "").expect("one")).len(), 1);
    }
}

#[test]
fn steps_of_a_millisecond_over_years_are_too_many() {
    let years = 3 * 365 * DAY_MS;
    for query in ["a", "1", "vector(time())", "rate(a[5m])", "sum(a)", "absent(b)", "a + a"] {
        let error = range(query, (0, years, 1), "").expect_err("too many");
        assert!(
            matches!(error, Error::Exceeded(Exceeded::Samples | Exceeded::Bytes(_))),
            "{query}: {error}"
        );
    }
    for query in ["sum_over_time(a[3y:1ms])", "count_over_time((1 + vector(1))[100y:1ms])"] {
        let error = instant(query, 400 * 365 * DAY_MS, "").expect_err("too many");
        assert!(
            matches!(error, Error::Exceeded(Exceeded::Samples | Exceeded::Bytes(_))),
            "{query}: {error}"
        );
    }
}

#[test]
fn times_at_the_ends_of_all_times_do_not_overflow() {
    for query in ["a", "rate(a[290y])", "a offset -290y", "a @ 9e15", "a[1y:1y] offset 290y"] {
        for time in [i64::MIN, -1, i64::MAX] {
            // What comes out is not the point.
            let _ = instant(query, time, "");
        }
    }
}

#[test]
fn without_a_budget_impossible_columns_are_refused_all_the_same() {
    let years = 100 * 365 * DAY_MS;
    let query = Query::new("vector(1)", 0, years, 1, &Options::default()).expect("a query");
    let error = query.evaluate(vec![], &Budget::unlimited()).expect_err("too many");
    assert!(matches!(error, Error::Exceeded(Exceeded::Samples)), "{error}");
}
