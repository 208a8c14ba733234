//! How fast answers become columns, in samples a second.
//!
//! Three sizes: a dashboard's panel, a large query, and a hostile one, whose
//! every series is unlike the last. Values are counters (short whole numbers)
//! and rates (17 digits). `cargo bench --bench decode` runs all; a filter such
//! as `-- xor` runs some.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use promql::Histogram;
use promql::Span;
use promql::budget::Budget;
use promweave::gather::chunks;
use promweave::gather::columns::{Columns, Window};
use promweave::gather::matrix;
use promweave::gather::remote_read::{Limits, StreamDecoder};

#[allow(dead_code)] // shared with the unit tests, which use all of it
#[path = "../src/gather/chunks/tests/encode.rs"]
mod encode;

const START: i64 = 1_760_000_000_781;
const STEP: i64 = 15_000;

/// A kind of values: the one of series `series` at step `step`.
type Values = fn(usize, usize) -> f64;

fn counters(series: usize, step: usize) -> f64 {
    (series * 1000 + step * (series % 50 + 1)) as f64
}

fn rates(series: usize, step: usize) -> f64 {
    ((series * 7 + step * 3) as f64 / 17.0).sin().mul_add(50.0, 100.0) / 3.0
}

fn samples(series: usize, steps: usize, values: Values) -> Vec<(i64, f64)> {
    (0..steps).map(|step| (START + STEP * step as i64, values(series, step))).collect()
}

/// Every series on a grid of its own, with odd distances.
fn unlike(series: usize, steps: usize) -> Vec<(i64, f64)> {
    let time = |step: usize| START + series as i64 * 7 + step as i64 * 15_001 + (step % 3) as i64;
    (0..steps).map(|step| (time(step), rates(series, step))).collect()
}

fn matrix_body(series: impl Iterator<Item = Vec<(i64, f64)>>) -> String {
    let mut body = r#"{"status":"success","data":{"resultType":"matrix","result":["#.to_owned();
    for (number, samples) in series.enumerate() {
        let comma = if number == 0 { "" } else { "," };
        let labels = format!(
            r#""__name__":"http_requests_total","instance":"host-{number}:9100","job":"node""#
        );
        write!(body, r#"{comma}{{"metric":{{{labels}}},"values":["#).expect("a string");
        for (index, (time, value)) in samples.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(body, r#"{comma}[{}.{:03},"{value}"]"#, time / 1000, time % 1000)
                .expect("a string");
        }
        body.push_str("]}");
    }
    body + "]}}"
}

fn json(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("json");
    for (name, series, steps, body) in [
        ("dashboard/10x240", 10, 240, matrix_body((0..10).map(|s| samples(s, 240, rates)))),
        ("counters/1000x360", 1000, 360, matrix_body((0..1000).map(|s| samples(s, 360, counters)))),
        ("rates/1000x360", 1000, 360, matrix_body((0..1000).map(|s| samples(s, 360, rates)))),
        ("hostile/1000x360", 1000, 360, matrix_body((0..1000).map(|s| unlike(s, 360)))),
        (
            "general/1000x360",
            1000,
            360,
            matrix_body((0..1000).map(|s| samples(s, 360, rates)))
                .replace(r#"{"status""#, r#"{ "status""#),
        ),
        ("instant/10000x1", 10_000, 1, matrix_body((0..10_000).map(|s| samples(s, 1, counters)))),
    ] {
        group.throughput(Throughput::Elements((series * steps) as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| matrix::decode(black_box(body.as_bytes()), &Budget::unlimited()));
        });
    }
    group.finish();
}

/// Chunks of 120 samples, as Prometheus cuts them.
fn chunk_bodies(encoding: i32, samples: &[(i64, f64)]) -> Vec<Vec<u8>> {
    let encode = |samples: &[(i64, f64)]| match encoding {
        chunks::XOR2 => encode::xor2(samples, &[]),
        _ => encode::xor(samples),
    };
    samples.chunks(120).map(encode).collect()
}

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encoding::encode_varint(content.len() as u64, &mut bytes);
    [&bytes, content].concat()
}

/// One frame per series, as Prometheus sends them.
fn frame(number: usize, encoding: i32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let label = |name: &str, value: &str| {
        field(1, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat())
    };
    let mut series = [
        label("__name__", "http_requests_total"),
        label("instance", &format!("host-{number}:9100")),
        label("job", "node"),
    ]
    .concat();
    for data in chunks {
        series.extend(field(2, &[&[3 << 3, encoding as u8], &*field(4, data)].concat()));
    }
    let message = field(1, &series);
    let mut frame = Vec::new();
    prost::encoding::encode_varint(message.len() as u64, &mut frame);
    frame.extend(crc32c::crc32c(&message).to_be_bytes());
    frame.extend(message);
    frame
}

fn stream(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stream");
    for (name, encoding, values) in [
        ("xor/counters/1000x360", chunks::XOR, counters as Values),
        ("xor/rates/1000x360", chunks::XOR, rates),
        ("xor2/counters/1000x360", chunks::XOR2, counters),
        ("xor2/rates/1000x360", chunks::XOR2, rates),
    ] {
        let frames: Vec<u8> = (0..1000)
            .flat_map(|s| frame(s, encoding, &chunk_bodies(encoding, &samples(s, 360, values))))
            .collect();
        group.throughput(Throughput::Elements(360_000));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let budget = Budget::unlimited();
                let mut decoder = StreamDecoder::new(&[Window::ALL], Limits::default(), budget);
                for piece in black_box(&frames).chunks(16 << 10) {
                    decoder.push(piece).expect("a stream");
                }
                decoder.finish().expect("complete")
            });
        });
    }
    group.finish();
}

fn histograms(criterion: &mut Criterion) {
    let histogram = |step: usize| {
        let counts: Vec<f64> = (0..40).map(|bucket| (step * (bucket % 7 + 1)) as f64).collect();
        Histogram {
            schema: 3,
            zero_threshold: 2.0_f64.powi(-128),
            count: counts.iter().sum(),
            sum: step as f64 * 1.5,
            positive_spans: vec![Span { offset: -10, length: 40 }],
            positive_buckets: counts,
            ..Histogram::default()
        }
    };
    let samples: Vec<_> =
        (0..120).map(|step| (START + STEP * step as i64, histogram(step))).collect();
    let data = encode::histograms(encode::Kind::Integers, &samples, 0, None);
    let mut group = criterion.benchmark_group("histograms");
    group.throughput(Throughput::Elements(120));
    group.bench_function("integers/120x40", |bencher| {
        let mut columns = Columns::new();
        bencher.iter(|| {
            columns.clear();
            chunks::decode(
                chunks::HISTOGRAM,
                black_box(&data),
                Window::ALL,
                &Budget::unlimited(),
                &mut columns,
            )
        });
    });
    group.finish();
}

criterion_group!(benches, json, stream, histograms);
criterion_main!(benches);
