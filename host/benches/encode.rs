//! Encoding of answers, in samples a second: a dashboard's panel, a large
//! range query, and answers that fit the encoder badly.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use promql::{Histogram, Labels, SeriesBatch, Span};
use promweave::api::encode::{Data, Document, Encoder, QueryData};
use promweave::query::Value;

const STEP_MS: i64 = 15_000;
const START_MS: i64 = 1_700_000_000_000;

fn labels(series: usize) -> Labels {
    Labels::from_pairs([
        ("__name__", "http_requests_total".to_owned()),
        ("instance", format!("10.0.{}.{}:9090", series / 250, series % 250)),
        ("job", "api".to_owned()),
        ("path", format!("/v1/things/{series}")),
    ])
}

/// Series of so many steps, with `value(series, step)`.
fn matrix(series: usize, steps: usize, value: impl Fn(usize, usize) -> f64) -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for index in 0..series {
        for step in 0..steps {
            batch.push_float(START_MS + step as i64 * STEP_MS, value(index, step));
        }
        batch.finish_series(labels(index));
    }
    batch
}

fn counter(series: usize, step: usize) -> f64 {
    (1_000 * series + 7 * step) as f64
}

/// Seventeen digits, as results of `rate` have.
fn rate(series: usize, step: usize) -> f64 {
    (series as f64 + 1.0) / (step as f64 + 3.7)
}

/// No two series share a timestamp: nothing can be kept for the next one.
fn scattered() -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for series in 0..1000_usize {
        for step in 0..360_i64 {
            let jitter = (series as i64 * 37 + step * 11) % 1000;
            batch.push_float(START_MS + step * STEP_MS + jitter, rate(series, step as usize));
        }
        batch.finish_series(labels(series));
    }
    batch
}

fn histograms() -> SeriesBatch {
    let histogram = Histogram {
        schema: 3,
        count: 1000.0,
        sum: 123.456,
        positive_spans: vec![Span { offset: 0, length: 40 }],
        positive_buckets: vec![25.0; 40],
        ..Histogram::default()
    };
    let mut batch = SeriesBatch::new();
    for series in 0..20 {
        (0..100)
            .for_each(|step| batch.push_histogram(START_MS + step * STEP_MS, histogram.clone()));
        batch.finish_series(labels(series));
    }
    batch
}

/// Encodes all of it in chunks, as the server does.
fn encode(value: Value) -> usize {
    let mut encoder = Encoder::new(Document::of(Data::Query(Box::new(QueryData {
        value,
        limit: 0,
        stats: None,
        explain: None,
    }))));
    let mut chunk = Vec::new();
    let mut bytes = 0;
    loop {
        chunk.clear();
        let more = encoder.fill(&mut chunk);
        bytes += black_box(&chunk).len();
        if !more {
            return bytes;
        }
    }
}

fn benches(criterion: &mut Criterion) {
    let cases = [
        ("dashboard counters 20x240", Value::Matrix(matrix(20, 240, counter))),
        ("large counters 1000x360", Value::Matrix(matrix(1000, 360, counter))),
        ("large rates 1000x360", Value::Matrix(matrix(1000, 360, rate))),
        ("hostile scattered 1000x360", Value::Matrix(scattered())),
        ("hostile histograms 20x100x40", Value::Matrix(histograms())),
        ("hostile vector 100000x1", Value::Vector(matrix(100_000, 1, rate))),
    ];
    let mut group = criterion.benchmark_group("encode");
    group.sample_size(20);
    for (name, value) in cases {
        let samples = match &value {
            Value::Matrix(batch) | Value::Vector(batch) => batch.samples(),
            Value::Scalar { .. } | Value::String { .. } => 1,
        };
        group.throughput(Throughput::Elements(samples as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| value.clone(), encode, BatchSize::LargeInput);
        });
    }
    group.finish();
}

criterion_group!(encoding, benches);
criterion_main!(encoding);
