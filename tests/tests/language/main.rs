//! The engine alone against a real Prometheus 3.5 that holds the same data:
//! random queries of the whole language, instant and range.
//!
//! Values, label sets, errors and annotations with their positions must be
//! the same, except where `known` says which later change of Prometheus makes
//! the difference. `LANGUAGE_SEED` and `LANGUAGE_QUERIES` try others.

mod answer;
mod compare;
mod engine;
mod known;

use std::collections::BTreeMap;
use std::thread;

use e2e::compare::seconds;
use e2e::data::language::{END_MS, START_MS, series};
use e2e::data::{Labels, Series, Value};
use e2e::http::{Connection, Request};
use e2e::prometheus::{self, Prometheus};
use e2e::queries::hostile;
use e2e::queries::language::{Language, When};
use e2e::remote_read;
use promql::query::Options;

use answer::Answer;
use engine::Engine;

/// Queries that are asked unless the environment says otherwise.
const QUERIES: usize = 5000;
/// The seed of the queries unless the environment says otherwise.
const SEED: u64 = 1;
/// With names removed late, fewer: most of the engine is the same.
const QUERIES_DELAYED: usize = 1000;
/// Threads that ask; a server needs the other core.
const THREADS: usize = 2;
/// How often a query is asked again that the server may answer in several
/// ways: in the middle of a range query, and after some functions, its series
/// have no order. Where it contradicts itself, no answer is the right one.
const AGAIN: usize = 24;
/// The share of such queries, as one of so many.
const UNDECIDED: usize = 100;
/// How many differences are shown.
const SHOWN: usize = 300;

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn request(query: &str, when: When) -> Request {
    match when {
        When::Instant(time) => {
            Request::get("/api/v1/query", &[("query", query), ("time", &seconds(time))])
        }
        When::Range(start, end, step) => {
            let (start, end, step) = (seconds(start), seconds(end), seconds(step));
            let params = [("query", query), ("start", &start), ("end", &end), ("step", &step)];
            Request::get("/api/v1/query_range", &params)
        }
    }
}

fn ask(connection: &mut Connection, request: &Request) -> Answer {
    let response = connection.send(request).expect("a server on loopback answers");
    Answer::from_json(&response.json())
}

/// What became of the queries of one thread.
#[derive(Default)]
struct Tally {
    /// Same at once.
    same: usize,
    /// The server has several answers.
    undecided: usize,
    /// By the name of the later change that makes the difference.
    known: BTreeMap<&'static str, usize>,
    /// Answers that hold data.
    filled: usize,
    differences: Vec<String>,
}

impl Tally {
    fn judge(&mut self, engine: &Engine, server: &mut Connection, query: &str, when: When) {
        let request = request(query, when);
        let actual = engine.answer(query, when);
        let expected = ask(server, &request);
        self.filled += usize::from(expected.is_filled());
        let Some(difference) = compare::difference(query, &expected, &actual) else {
            self.same += 1;
            return;
        };
        if let Some(name) =
            known::change(query, when, engine.removes_names_late(), &expected, &actual)
        {
            *self.known.entry(name).or_default() += 1;
            return;
        }
        let again = (0..AGAIN).any(|_| {
            let answer = ask(server, &request);
            let is = |other: &Answer| compare::difference(query, &answer, other).is_none();
            is(&actual) || !is(&expected)
        });
        if again {
            self.undecided += 1;
            return;
        }
        self.differences.push(format!("{query}\n    {when:?}\n    {difference}"));
    }

    fn add(&mut self, other: Self) {
        self.same += other.same;
        self.undecided += other.undecided;
        self.filled += other.filled;
        self.differences.extend(other.differences);
        for (name, count) in other.known {
            *self.known.entry(name).or_default() += count;
        }
    }
}

/// What the server holds: as written, with the counter reset hints that its
/// storage has found. (Remote read itself loses the sign of zero, and the
/// custom bounds of a series that changes its schema.)
fn data(server: &Prometheus) -> Vec<Series> {
    let read = remote_read::everything(server.client, START_MS, END_MS);
    let mut read: BTreeMap<Labels, Series> =
        read.into_iter().map(|series| (series.labels.clone(), series)).collect();
    let mut all = series();
    for series in &mut all {
        let read = read.remove(&series.labels).expect("what was written is read");
        assert_eq!(read.samples.len(), series.samples.len(), "of {:?}", series.labels);
        for ((_, own), (_, read)) in series.samples.iter_mut().zip(&read.samples) {
            if let (Value::Histogram(own), Value::Histogram(read)) = (own, read) {
                own.hint = read.hint;
            }
        }
    }
    assert!(read.is_empty(), "nothing is read that was not written");
    all
}

fn judge_all(server: &Prometheus, options: Options, queries: &[(String, When)]) -> Tally {
    let engine = Engine::new(options, &data(server));
    let parts: Vec<Tally> = thread::scope(|scope| {
        let work = |part: usize| {
            let engine = &engine;
            scope.spawn(move || {
                let mut connection = server.client.connect().expect("the server listens");
                let mut tally = Tally::default();
                for (query, when) in queries.iter().skip(part).step_by(THREADS) {
                    tally.judge(engine, &mut connection, query, *when);
                }
                tally
            })
        };
        let threads: Vec<_> = (0..THREADS).map(work).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let mut all = Tally::default();
    parts.into_iter().for_each(|part| all.add(part));
    all
}

/// So many random queries.
fn random(count: usize) -> Vec<(String, When)> {
    let mut language = Language::new(from_environment("LANGUAGE_SEED", SEED));
    let count = from_environment("LANGUAGE_QUERIES", count as u64);
    (0..count).map(|_| (language.query(), language.when())).collect()
}

/// Every query has the server's answer; at least one in `filled` has data.
fn check(server: &Prometheus, options: Options, queries: &[(String, When)], filled: usize) {
    let tally = judge_all(server, options, queries);
    eprintln!(
        "{} same, {} one of several answers, {} with data, {} different; later changes: {:?}",
        tally.same,
        tally.undecided,
        tally.filled,
        tally.differences.len(),
        tally.known
    );
    assert!(tally.undecided * UNDECIDED <= queries.len(), "{} are undecided", tally.undecided);
    assert!(tally.filled * filled >= queries.len(), "{} have data", tally.filled);
    let shown = tally.differences.len().min(SHOWN);
    assert!(
        tally.differences.is_empty(),
        "{} of {} answers differ:\n\n{}\n",
        tally.differences.len(),
        queries.len(),
        tally.differences[..shown].join("\n\n")
    );
}

fn builder() -> prometheus::Builder {
    Prometheus::builder().feature("promql-experimental-functions").feature("promql-duration-expr")
}

fn options() -> Options {
    Options { language: promql::parser::Options::all(), ..Options::default() }
}

#[test]
fn five_thousand_queries_have_the_answers_of_a_real_server() {
    if !prometheus::available() {
        return;
    }
    let server = builder().start();
    server.write_once(&series());
    check(&server, options(), &random(QUERIES), 2);
}

#[test]
fn names_removed_late_have_the_answers_of_a_real_server() {
    if !prometheus::available() {
        return;
    }
    let server = builder().feature("promql-delayed-name-removal").start();
    server.write_once(&series());
    let options = Options { delayed_name_removal: true, ..options() };
    check(&server, options, &random(QUERIES_DELAYED), 2);
}

#[test]
fn hostile_queries_end_as_they_do_on_a_real_server() {
    if !prometheus::available() {
        return;
    }
    let server = builder().start();
    server.write_once(&series());
    let time = START_MS + 30 * 60_000;
    let whens = [When::Instant(time), When::Range(time, time + 300_000, 60_000)];
    let queries = hostile::all().into_iter();
    let queries: Vec<_> =
        queries.flat_map(|query| whens.map(|when| (query.clone(), when))).collect();
    check(&server, options(), &queries, 8);
}
