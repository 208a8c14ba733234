//! What decoding and evaluating here takes for a query.
//!
//! What was fetched lies in a folder, so that a process that has done nothing
//! else can be measured.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use e2e::http::Request;
use e2e::prometheus::Prometheus;
use promql::SeriesBatch;
use promql::budget::Budget;
use promql::query::{Options, Query, Select};
use promql::value::Outcome;
use serde_json::{Value, json};

use crate::cases::Case;
use crate::clock;
use crate::gather::columns::Window;
use crate::gather::remote_read::{
    self, Format, Limits, ResponseType, StreamDecoder, encode_request,
};

/// The argument that makes this program measure what is in a folder.
pub(crate) const CHILD: &str = "--measure";
/// Bytes that arrive at once.
const READ: usize = 64 << 10;
/// Runs of one measurement, at least, and the time to spend on it.
const RUNS: usize = 5;
const SECONDS: f64 = 3.0;

/// This side of a comparison, per run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ours {
    pub(crate) decode_ms: f64,
    pub(crate) evaluate_ms: f64,
    /// Time on the clock, decoding and evaluating.
    pub(crate) wall_ms: f64,
    /// How far memory rose above the fetched bytes.
    pub(crate) growth_mib: f64,
}

/// What was fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loaded {
    pub(crate) bytes: usize,
    pub(crate) samples: usize,
}

/// Asks for the samples of each selector as the proxy does, and puts the
/// answers into the folder, together with the query.
pub(crate) fn fetch(server: &Prometheus, case: &Case, folder: &Path) -> Loaded {
    let text = json!([case.query, case.start_ms, case.end_ms, case.step_ms]);
    fs::write(folder.join("query.json"), text.to_string()).expect("a writable folder");
    let (mut bytes, mut samples) = (0, 0);
    for (place, select) in query(folder).selects().iter().enumerate() {
        let body = remote_read(server, select);
        samples += decode(&body, select).samples();
        bytes += body.len();
        fs::write(folder.join(place.to_string()), body).expect("a writable folder");
    }
    Loaded { bytes, samples }
}

fn remote_read(server: &Prometheus, select: &Select) -> Vec<u8> {
    let matchers = select.matchers.iter();
    let matchers = matchers.map(|one| (one.op(), one.name(), one.value().to_str_lossy())).collect();
    let asked = remote_read::Query { window: window(select), matchers, hints: None };
    let request = Request {
        method: "POST",
        target: "/api/v1/read".to_owned(),
        headers: Vec::new(),
        body: encode_request(&[asked], &[ResponseType::StreamedXorChunks]),
    }
    .header("content-type", remote_read::CONTENT_TYPE)
    .header("content-encoding", remote_read::CONTENT_ENCODING)
    .header("accept-encoding", remote_read::CONTENT_ENCODING)
    .header("x-prometheus-remote-read-version", remote_read::VERSION);
    let response = server.client.send(&request).expect("a server on loopback answers");
    assert_eq!(response.status, 200, "remote read: {}", response.text());
    let kind = response.header("content-type").and_then(Format::of_content_type);
    assert_eq!(kind, Some(Format::Streamed), "remote read: {:?}", response.headers);
    response.body
}

const fn window(select: &Select) -> Window {
    Window { start_ms: select.start_ms, end_ms: select.end_ms }
}

/// Frames, checksums, messages and chunks become columns.
fn decode(body: &[u8], select: &Select) -> SeriesBatch {
    let windows = [window(select)];
    let mut decoder = StreamDecoder::new(&windows, Limits::default(), Budget::unlimited());
    for piece in body.chunks(READ) {
        decoder.push(piece).expect("a server's stream");
    }
    let batch = decoder.finish().expect("a complete stream").remove(0);
    assert!(batch.labels().is_sorted(), "a server sends series in order");
    batch
}

fn query(folder: &Path) -> Query {
    let text = fs::read(folder.join("query.json")).expect("the folder holds a query");
    let (text, start, end, step): (String, i64, i64, i64) =
        serde_json::from_slice(&text).expect("it was written by `fetch`");
    Query::new(&text, start, end, step, &Options::default()).expect("the queries parse")
}

fn bodies(folder: &Path, query: &Query) -> Vec<Vec<u8>> {
    let read = |place: usize| fs::read(folder.join(place.to_string()));
    (0..query.selects().len()).map(|place| read(place).expect("an answer to each")).collect()
}

/// The result of the query.
pub(crate) fn evaluate_once(folder: &Path) -> Outcome {
    let query = query(folder);
    let bodies = bodies(folder, &query);
    let data = bodies.iter().zip(query.selects()).map(|(body, select)| decode(body, select));
    query.evaluate(data.collect(), &Budget::unlimited()).expect("the query can be evaluated")
}

/// Measures what is in a folder, in a process of its own.
pub(crate) fn measure_in_child(folder: &Path) -> Ours {
    let program = std::env::current_exe().expect("a program knows its executable");
    let output = Command::new(program).arg(CHILD).arg(folder).output().expect("it can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let numbers: Value = serde_json::from_slice(&output.stdout).expect("numbers");
    let number = |name: &str| numbers[name].as_f64().expect("a number");
    Ours {
        decode_ms: number("decode_ms"),
        evaluate_ms: number("evaluate_ms"),
        wall_ms: number("wall_ms"),
        growth_mib: number("growth_mib"),
    }
}

/// The child's part: prints numbers.
pub(crate) fn measure_here(folder: &Path) {
    let query = query(folder);
    let bodies = bodies(folder, &query);
    let held = clock::memory_mib("self", "VmRSS");
    run(&query, &bodies);
    let growth_mib = clock::memory_mib("self", "VmHWM") - held;
    let started = Instant::now();
    let mut runs = 0;
    let (mut decode_ms, mut evaluate_ms) = (0.0, 0.0);
    while runs < RUNS || started.elapsed().as_secs_f64() < SECONDS {
        let (decoding, evaluating) = run(&query, &bodies);
        decode_ms += decoding;
        evaluate_ms += evaluating;
        runs += 1;
    }
    let wall_ms = started.elapsed().as_secs_f64() * 1e3;
    let mean = |sum: f64| sum / runs as f64;
    println!(
        "{}",
        json!({
            "decode_ms": mean(decode_ms),
            "evaluate_ms": mean(evaluate_ms),
            "wall_ms": mean(wall_ms),
            "growth_mib": growth_mib,
        })
    );
}

/// CPU milliseconds of decoding and of evaluating; letting go of the result
/// counts as evaluating.
fn run(query: &Query, bodies: &[Vec<u8>]) -> (f64, f64) {
    let start = clock::own_cpu_ms();
    let data = bodies.iter().zip(query.selects()).map(|(body, select)| decode(body, select));
    let data: Vec<SeriesBatch> = data.collect();
    let decoded = clock::own_cpu_ms();
    let outcome = query.evaluate(data, &Budget::unlimited()).expect("it was evaluated before");
    drop(std::hint::black_box(outcome));
    (decoded - start, clock::own_cpu_ms() - decoded)
}
