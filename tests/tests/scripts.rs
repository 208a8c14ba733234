//! Prometheus's acceptance scripts, their data spread over groups and replicas
//! with holes, against one server that has it all.
//!
//! The scripts are those of the newest Prometheus; what the server at hand
//! refuses is left out, and how much may be left out is bounded.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::thread;

use e2e::data::holes::Holes;
use e2e::data::{Series, text_seed};
use e2e::prometheus::{self, Prometheus};
use e2e::proxy::{Group, Proxy};
use e2e::script::{Stage, stages};

/// Beginnings of queries that servers after 3.5 answer differently; the
/// scripts themselves expect the new answers, which the proxy gives.
const DIFFERENT_SINCE_3_5: [&str; 18] = [
    // A parameter that is no number is an error also without series.
    "topk(NaN",
    // Many-to-one matching is refused before the comparison filters.
    "many_side >",
    // Custom buckets with different bounds are reconciled.
    r#"irate(http_requests_histogram{path="/g"}"#,
    r#"idelta(http_requests_histogram{path="/g"}"#,
    "sum(metric)",
    "avg(metric)",
    r#"metric{series="2"} + ignoring (series)"#,
    r#"metric{series="2"} - ignoring (series)"#,
    "sum by (group) (metric)",
    // Fractions of classic histograms whose first bucket holds the bound.
    "histogram_fraction(0, 1.5, positive_buckets_lower_falls_in_the_first_bucket_bucket)",
    "histogram_fraction(-4, -2, negative_buckets_lower_falls_in_the_first_bucket_bucket)",
    "histogram_fraction(0, 1, single_bucket_bucket)",
    "histogram_fraction(0.5, 2, upper_exactly_on_bucket_boundary_bucket)",
    "histogram_fraction(0.1, 0.75, fractional_bucket_bounds_bucket)",
    "histogram_fraction(-10, -5, range_entirely_below_all_buckets_bucket)",
    // Sums of histograms are compensated.
    "sum(histogram_sum)",
    "avg(histogram_sum)",
    // Rates of histograms are not extrapolated below zero.
    "increase(metric[90m])",
];

/// Share of a script's questions that the server at hand must answer.
const ANSWERED: f64 = 0.5;

/// The folder of the scripts, if it is there; says so if not.
fn folder() -> Option<PathBuf> {
    let folder =
        env::var_os("PROMWEAVE_SHARED").map(|shared| PathBuf::from(shared).join("promqltest"));
    let found = folder.filter(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("\n=== SKIPPED: PROMWEAVE_SHARED names no folder with promqltest ===\n");
    }
    found
}

/// Also with a function around it.
fn is_about(query: &str, beginning: &str) -> bool {
    query.strip_prefix("histogram_count(").unwrap_or(query).starts_with(beginning)
}

/// How a script went.
#[derive(Default)]
struct Outcome {
    compared: usize,
    refused: usize,
    differences: Vec<String>,
}

fn filled(series: &[Series]) -> Prometheus {
    let server = Prometheus::start();
    server.write(series);
    server
}

/// The whole server and what it has accepted: a newer script may hold data
/// that an older server refuses.
fn whole(stage: &Stage) -> (Prometheus, Vec<Series>) {
    let server = Prometheus::start();
    let accepted = stage.series.iter().filter(|series| server.accepts(series)).cloned().collect();
    (server, accepted)
}

fn run(stage: &Stage, outcome: &mut Outcome) {
    let (whole, series) = whole(stage);
    let holes = Holes { seed: 1, interval_ms: 15_000 };
    let (first, second): (Vec<Series>, Vec<Series>) = series
        .iter()
        .cloned()
        .partition(|series| text_seed(&format!("{:?}", series.labels)).is_multiple_of(2));
    let data = [holes.punch(0, &first), holes.punch(1, &first), second];
    let servers = thread::scope(|scope| {
        let started = data.each_ref().map(|series| scope.spawn(|| filled(series)));
        started.map(|server| server.join().expect("a server starts"))
    });
    let [one, two, other] = servers;
    // Scripts have samples every millisecond: no spacing means the same scrape.
    let group = |servers: &[&Prometheus]| {
        let targets: Vec<String> = servers.iter().map(|server| server.target()).collect();
        Group::new(&targets).set("anti_affinity", "0s")
    };
    let proxy = Proxy::builder().group(group(&[&one, &two])).group(group(&[&other])).start();
    for question in &stage.questions {
        let query = &question.params[0].1;
        if DIFFERENT_SINCE_3_5.iter().any(|beginning| is_about(query, beginning)) {
            continue;
        }
        if question.ask(whole.client).status != 200 {
            outcome.refused += 1;
            continue;
        }
        outcome.compared += 1;
        let question = question.clone().close().data_only();
        let difference = question.difference(whole.client, proxy.client);
        outcome.differences.extend(difference.map(|text| format!("line {}: {text}", stage.line)));
    }
}

/// Runs scripts.
fn check(names: &[&str]) {
    let Some(folder) = folder().filter(|_| prometheus::available()) else { return };
    let mut differences = Vec::new();
    for name in names {
        let text = fs::read_to_string(folder.join(name)).expect("the script is there");
        let mut outcome = Outcome::default();
        stages(&text, 0).iter().for_each(|stage| run(stage, &mut outcome));
        let Outcome { compared, refused, differences: found } = outcome;
        eprintln!("{name}: {compared} compared, {refused} refused, {} different", found.len());
        let answered = compared as f64 / (compared + refused) as f64;
        assert!(answered >= ANSWERED, "{name}: only {compared} of {} answered", compared + refused);
        differences.extend(found.into_iter().map(|text| format!("{name} {text}")));
    }
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn aggregations_and_operators_survive_the_spread() {
    check(&["aggregators.test", "operators.test"]);
}

#[test]
fn functions_survive_the_spread() {
    check(&["functions.test", "trig_functions.test"]);
}

#[test]
fn histograms_survive_the_spread() {
    check(&["histograms.test", "native_histograms.test"]);
}

#[test]
fn selectors_and_times_survive_the_spread() {
    let names = [
        "at_modifier.test",
        "collision.test",
        "literals.test",
        "range_queries.test",
        "selectors.test",
        "staleness.test",
        "subquery.test",
    ];
    check(&names);
}
