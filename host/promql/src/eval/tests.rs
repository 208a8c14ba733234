//! How evaluation shares its work, and how often it looks at its budget.

use std::panic::{self, AssertUnwindSafe};

use super::each::Work;
use super::{BATCH, Evaluator, Held, Settings};
use crate::annotations::Annotations;
use crate::budget::{Budget, Exceeded};
use crate::query::{Error, Options, Query, Select};
use crate::workers::Workers;
use crate::{Histogram, Labels, SeriesBatch, parser};

const SECOND_MS: i64 = 1000;

fn query(text: &str, steps: i64, step_ms: i64) -> Query {
    let end = 1_000_000 * SECOND_MS;
    let language = parser::Options { experimental_functions: true, ..parser::Options::default() };
    let options = Options { language, ..Options::default() };
    Query::new(text, end - (steps - 1) * step_ms, end, step_ms, &options).unwrap()
}

/// For each selector `series` counters with a sample every ten seconds, and
/// resets.
fn data(query: &Query, series: usize) -> Vec<SeriesBatch> {
    query.selects().iter().map(|select| counters(select, series)).collect()
}

fn counters(select: &Select, series: usize) -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for number in 0..series {
        for tick in select.start_ms.div_euclid(10_000) + 1..=select.end_ms.div_euclid(10_000) {
            batch.push_float(tick * 10_000, ((tick * 7 + number as i64) % 501) as f64 / 3.0);
        }
        if select.matchers[0].value().to_str_lossy() == "mixed" && number % 50 == 7 {
            batch.push_histogram(select.end_ms - 1, Histogram::default());
        }
        let labels = [("__name__", "x"), ("bucket", "1"), ("number", &format!("{number:05}"))];
        batch.finish_series(Labels::from_pairs(labels));
    }
    batch
}

/// Everything that a user sees.
fn seen(query: &Query, data: Vec<SeriesBatch>, budget: &Budget) -> String {
    match query.evaluate(data, budget) {
        Ok(outcome) => format!("{:?} {:?}", outcome.value, outcome.annotations.texts("", 0)),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_comes_out_does_not_depend_on_threads() {
    for text in [
        "x",
        "sum by (bucket) (rate(x[1m]))",
        "topk(3, x)",
        "quantile(0.3, x)",
        "x / ignoring (bucket) x",
        "max_over_time(rate(x[1m])[5m:1m])",
        "rate(mixed[1m])",
        "sum(mixed)",
        "double_exponential_smoothing(x[1m], 2, 0.5)",
        "quantile_over_time(2, x[1m])",
    ] {
        let query = query(text, 120, 10 * SECOND_MS);
        let data = || data(&query, 3000);
        let alone = seen(&query, data(), &Budget::unlimited());
        for threads in [1, 3] {
            let budget = Budget::unlimited().with_workers(&Workers::new(threads));
            assert!(alone == seen(&query, data(), &budget), "{text} with {threads} threads");
        }
    }
}

#[test]
fn the_limit_on_samples_does_not_depend_on_threads() {
    let query = query("sum(rate(x[1m])) + count(x)", 120, 10 * SECOND_MS);
    let mut outcomes = Vec::new();
    for limit in [10, 100_000, 359_999, 360_000, 360_120, 400_000] {
        let budget = || Budget::new(limit, u64::MAX);
        let alone = seen(&query, data(&query, 3000), &budget());
        let workers = Workers::new(3);
        let shared = seen(&query, data(&query, 3000), &budget().with_workers(&workers));
        assert_eq!(alone, shared, "limit {limit}");
        outcomes.push(alone == Exceeded::Samples.to_string());
    }
    assert_eq!(outcomes, [true, true, true, true, false, false]);
}

#[test]
fn a_panic_of_a_thread_is_one_of_the_query() {
    let budget = Budget::unlimited().with_workers(&Workers::new(3));
    let options = Options::default();
    let settings = Settings {
        lookback_ms: options.lookback_ms,
        subquery_step_ms: options.subquery_step_ms,
        delayed_name_removal: false,
        type_and_unit: false,
        start_timestamps: false,
    };
    let annotations = Annotations::default();
    let tally = super::Tally::off();
    let mut evaluator =
        Evaluator { settings, data: &[], given: &[], budget: &budget, annotations, tally };
    let work = Work { series: 2000, samples: usize::MAX, steps: 1 };
    let mut held = Held::new(&budget);
    let each = || {
        let one = |_: &mut Evaluator<'_>, place: usize| match place {
            1999 => panic!("of series {place}"),
            _ => Ok(None),
        };
        evaluator.each(work, one, &mut held, &mut |_| Ok(()))
    };
    let panic = panic::catch_unwind(AssertUnwindSafe(each)).expect_err("it panics");
    assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some("of series 1999"));
    assert_eq!(budget.workers().take(9).threads, 3, "threads are given back");
}

/// Queries of which some part takes long, with the number of series, of
/// steps, the step in milliseconds, and how many samples or steps are looked
/// at, at least.
const LONG: [(&str, usize, i64, i64, usize); 9] = [
    ("max_over_time(x[1h])", 1, 20_000, 10_000, 20_000 * 360),
    ("quantile_over_time(0.5, x[1h])", 3, 500, 10_000, 3 * 500 * 360),
    ("rate(x[1h])", 300, 10, 10_000, 300 * 65_536),
    ("x", 1, 1_000_000, 1, 1_000_000),
    ("sum_over_time(x[20m:1ms])", 1, 1, 1, 1_200_000),
    ("sort(x)", 400, 1, 1, 400 * 65_536),
    ("x + ignoring (bucket) group_left x", 400, 10, 10_000, 3 * 400 * 65_536),
    ("topk(3, x)", 20, 300, 10_000, 320 * 65_536),
    (
        "histogram_quantile(0.5, label_replace(x, \"le\", \"+Inf\", \"\", \"\"))",
        20,
        10,
        1,
        40 * 65_536,
    ),
];

#[test]
fn long_operators_look_at_the_budget_again_and_again() {
    for (text, series, steps, step_ms, looked_at) in LONG {
        let (query, budget) = (query(text, steps, step_ms), Budget::unlimited());
        query.evaluate(data(&query, series), &budget).unwrap();
        let expected = (looked_at / BATCH) as u64;
        assert!(budget.checks() >= expected, "{text}: {} of {expected}", budget.checks());
    }
}

#[test]
fn a_cancelled_query_ends_at_the_next_look() {
    for (text, series, steps, step_ms, _) in LONG {
        let query = query(text, steps, step_ms);
        let all = Budget::unlimited();
        query.evaluate(data(&query, series), &all).unwrap();
        for threads in [0, 3] {
            for checks in [0, 1, all.checks() / 2, all.checks() - 1] {
                let budget = Budget::cancelled_after(checks).with_workers(&Workers::new(threads));
                let result = query.evaluate(data(&query, series), &budget);
                let cancelled = matches!(result, Err(Error::Exceeded(Exceeded::Cancelled)));
                assert!(cancelled, "{text} after {checks}, {threads} threads: {result:?}");
                let more = budget.checks() - checks;
                assert!(more <= 1 + threads as u64, "{text} after {checks}: {more} more");
            }
        }
    }
}
