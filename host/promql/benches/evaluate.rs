//! How long queries of a dashboard take once their samples are there.
//!
//! Ten thousand series, a sample every 30 seconds, 241 steps of a minute.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use promql::budget::Budget;
use promql::query::{Options, Query, Select};
use promql::{Labels, SeriesBatch};

const MINUTE_MS: i64 = 60_000;
const SCRAPE_MS: i64 = 30_000;
const STEPS: i64 = 241;

/// Series `name{job, instance, le}` over a select's range: counters that are
/// reset now and then.
fn batch(select: &Select, series: usize) -> SeriesBatch {
    let name = select.matchers.iter().find(|matcher| matcher.is_name());
    let name = name.map_or("x".into(), |matcher| matcher.value().to_str_lossy().into_owned());
    let first = select.start_ms.div_euclid(SCRAPE_MS) + 1;
    let mut all: Vec<(Labels, usize)> = (0..series)
        .map(|index| {
            let labels = Labels::from_pairs([
                ("__name__", name.clone()),
                ("job", format!("job-{}", index % 10)),
                ("instance", format!("host-{}:9100", index / 10)),
                ("le", ["0.1", "0.5", "1", "5", "+Inf"][index / 10 % 5].to_owned()),
            ]);
            (labels, index)
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    let mut batch = SeriesBatch::new();
    for (labels, index) in all {
        for tick in first..=select.end_ms / SCRAPE_MS {
            let value = (tick * 7 + index as i64 * 3) % 5000;
            batch.push_float(tick * SCRAPE_MS, value as f64);
        }
        batch.finish_series(labels);
    }
    batch
}

fn bench(criterion: &mut Criterion, name: &str, text: &str, series: usize) {
    let start = 10_000 * MINUTE_MS;
    let end = start + (STEPS - 1) * MINUTE_MS;
    let query = Query::new(text, start, end, MINUTE_MS, &Options::default())
        .expect("a query of the benchmark parses");
    let data: Vec<SeriesBatch> =
        query.selects().iter().map(|select| batch(select, series)).collect();
    criterion.bench_function(name, |bencher| {
        bencher.iter_batched(
            || data.clone(),
            |data| black_box(query.evaluate(data, &Budget::unlimited()).expect("it evaluates")),
            BatchSize::PerIteration,
        );
    });
}

fn queries(criterion: &mut Criterion) {
    bench(criterion, "selector", "x", 10_000);
    bench(criterion, "sum_rate", "sum by (job) (rate(x[5m]))", 10_000);
    bench(
        criterion,
        "histogram_quantile",
        "histogram_quantile(0.9, sum by (le, job) (rate(x[5m])))",
        10_000,
    );
    bench(criterion, "ratio", "a / on (instance, job, le) group_left () b", 5_000);
    bench(criterion, "max_over_hour", "max_over_time(x[1h])", 2_000);
    bench(criterion, "subquery", "max_over_time(rate(x[5m])[30m:1m])", 2_000);
    bench(criterion, "topk", "topk(10, x)", 10_000);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = queries
}
criterion_main!(benches);
