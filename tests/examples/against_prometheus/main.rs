//! How much CPU time a query takes here and in a real Prometheus, on the same
//! data, in the same run.
//!
//! A Prometheus is filled by remote write. Each query is then asked of it over
//! HTTP, and the CPU time of its process is read from `/proc`. What a proxy
//! would fetch for the query is fetched by remote read; decoding those bytes
//! and evaluating is what is measured here, in a process of its own for each
//! query, so that its peak memory can be told. Answers must be equal.
//!
//! Not a bench target: Cargo would compile the decoder's unit tests into it.
//! `--smoke` only looks whether all of it works, on little data; an argument
//! without dashes selects queries by name; `BENCH_JSON=FILE` writes the numbers
//! there as well.

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

mod answer;
mod cases;
mod clock;
mod dataset;
mod ours;
mod table;
mod theirs;

use std::env;

use e2e::prometheus::{self, Prometheus};
use tempfile::TempDir;

use cases::{Case, Size};
use table::Row;

/// The decoder of remote read, from its own sources: the library it is part
/// of brings the wasm runtime, which takes a quarter of an hour to compile.
#[path = "../../../host/src/gather"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "only the decoder is used")]
mod gather {
    pub mod chunks;
    pub mod columns;
    pub mod remote_read;
    mod weight;
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, flag, folder] = arguments.as_slice()
        && flag == ours::CHILD
    {
        ours::measure_here(folder.as_ref());
        return;
    }
    if !prometheus::available() {
        return;
    }
    let size =
        if arguments.iter().any(|flag| flag == "--smoke") { Size::SMOKE } else { Size::FULL };
    let filter = arguments.iter().skip(1).find(|argument| !argument.starts_with('-'));
    let rows = run(size, filter.map(String::as_str));
    table::print(&rows);
    if let Some(file) = env::var_os("BENCH_JSON") {
        std::fs::write(file, table::json(&rows)).expect("BENCH_JSON names a file to write");
    }
}

fn run(size: Size, filter: Option<&str>) -> Vec<Row> {
    // Nothing is compacted while it is measured: all data stays in the head.
    let server = Prometheus::builder()
        .argument("--storage.tsdb.min-block-duration=2d")
        .argument("--storage.tsdb.max-block-duration=2d")
        .start();
    dataset::fill(&server, size);
    let wanted = |case: &Case| filter.is_none_or(|filter| case.name.contains(filter));
    cases::all(size).into_iter().filter(wanted).map(|case| compare(&server, &case, size)).collect()
}

fn compare(server: &Prometheus, case: &Case, size: Size) -> Row {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let loaded = ours::fetch(server, case, folder.path());
    let expected = theirs::ask(server, case);
    answer::assert_equal(case, &ours::evaluate_once(folder.path()), &expected);
    let theirs = theirs::measure(server, case, size);
    let ours = ours::measure_in_child(folder.path());
    Row { name: case.name, query: case.query.clone(), loaded, theirs, ours }
}
