//! Prometheus's acceptance scripts, their data spread over groups and replicas
//! with holes, against one server that has it all.
//!
//! The scripts are those of the newest Prometheus; what the server at hand
//! refuses is left out, and how much may be left out is bounded. Stages take
//! turns in how their data is spread; each is asked in every mode.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::thread;

use e2e::data::holes::Holes;
use e2e::data::{Labels, Series, label_set, text_seed};
use e2e::differ::everything;
use e2e::modes::Mode;
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

/// How a stage's data is spread over two groups of two replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spread {
    /// Groups without labels, replicas with holes.
    Unlabelled,
    /// A label for each group, replicas with holes.
    Labelled,
    /// A label for each group, replicas that miss nothing.
    Whole,
}

impl Spread {
    const ALL: [Self; 3] = [Self::Unlabelled, Self::Labelled, Self::Whole];

    /// One for each stage in turn, unless everything is asked.
    fn of(stage: usize) -> Vec<Self> {
        if everything() {
            return Self::ALL.to_vec();
        }
        vec![Self::ALL[stage % Self::ALL.len()]]
    }

    /// What the proxy attaches to the series of a group.
    fn labels(self, group: usize) -> Labels {
        match self {
            Self::Unlabelled => Labels::new(),
            Self::Labelled | Self::Whole => label_set(&[("shard", ["one", "two"][group])]),
        }
    }

    /// What the group's replicas hold.
    fn replicas(self, series: &[Series]) -> [Vec<Series>; 2] {
        let holes = Holes { seed: 1, interval_ms: 15_000 };
        match self {
            Self::Whole => [series.to_vec(), series.to_vec()],
            _ => [holes.punch(0, series), holes.punch(1, series)],
        }
    }
}

/// True where servers after 3.5 answer differently because of the spread: a
/// label for each group leaves each with some of the buckets of a classic
/// histogram, and any of them may be the first.
fn is_split(query: &str, spread: Spread) -> bool {
    let fraction = query.starts_with("histogram_fraction(") && query.contains("_bucket");
    fraction && spread != Spread::Unlabelled
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

/// The server that has everything, with the groups' labels, and what it has
/// accepted: a newer script may hold data that an older server refuses.
fn whole(spread: Spread, series: &[Series]) -> (Prometheus, [Vec<Series>; 2]) {
    let server = Prometheus::start();
    let mut groups = [Vec::new(), Vec::new()];
    for series in series {
        let group = (text_seed(&format!("{:?}", series.labels)) % 2) as usize;
        if server.accepts(&series.clone().with_labels(&spread.labels(group))) {
            groups[group].push(series.clone());
        }
    }
    (server, groups)
}

/// The replicas of both groups.
fn replicas(spread: Spread, groups: &[Vec<Series>; 2]) -> [[Prometheus; 2]; 2] {
    thread::scope(|scope| {
        let started = groups
            .each_ref()
            .map(|series| spread.replicas(series).map(|held| scope.spawn(move || filled(&held))));
        started.map(|group| group.map(|server| server.join().expect("a server starts")))
    })
}

/// A proxy for each mode in which answers must be right.
fn proxies(spread: Spread, groups: &[[Prometheus; 2]; 2]) -> Vec<(Mode, Proxy)> {
    let proxy = |mode: Mode| {
        let mut builder = Proxy::builder();
        for (index, servers) in groups.iter().enumerate() {
            // Scripts have samples every millisecond: no spacing means the
            // same scrape.
            let targets = servers.each_ref().map(Prometheus::target);
            let mut group = Group::new(&targets).set("anti_affinity", "0s");
            for (name, value) in &spread.labels(index) {
                group = group.label(name, value);
            }
            builder = builder.group(mode.configure(group));
        }
        (mode, builder.start())
    };
    Mode::right(spread == Spread::Whole).into_iter().map(proxy).collect()
}

fn run(stage: &Stage, spread: Spread, outcome: &mut Outcome) {
    let (whole, groups) = whole(spread, &stage.series);
    let replicas = replicas(spread, &groups);
    let proxies = proxies(spread, &replicas);
    for question in &stage.questions {
        let query = &question.params[0].1;
        let different = DIFFERENT_SINCE_3_5.iter().any(|beginning| is_about(query, beginning));
        if different || is_split(query, spread) {
            continue;
        }
        let expected = question.ask(whole.client);
        if expected.status != 200 {
            outcome.refused += 1;
            continue;
        }
        outcome.compared += 1;
        let question = question.clone().close().data_only();
        for (mode, proxy) in &proxies {
            let difference = question.unlike(&expected, proxy.client);
            outcome.differences.extend(
                difference.map(|text| format!("line {}: {spread:?}, {mode:?}: {text}", stage.line)),
            );
        }
    }
}

/// Runs scripts, of which the server at hand must answer this share.
fn check_share(names: &[&str], share: f64) {
    let Some(folder) = folder().filter(|_| prometheus::available()) else { return };
    let mut differences = Vec::new();
    for name in names {
        let text = fs::read_to_string(folder.join(name)).expect("the script is there");
        let mut outcome = Outcome::default();
        for (number, stage) in stages(&text, 0).iter().enumerate() {
            for spread in Spread::of(number) {
                run(stage, spread, &mut outcome);
            }
        }
        let Outcome { compared, refused, differences: found } = outcome;
        eprintln!("{name}: {compared} compared, {refused} refused, {} different", found.len());
        let answered = compared as f64 / (compared + refused) as f64;
        assert!(answered >= share, "{name}: only {compared} of {} answered", compared + refused);
        differences.extend(found.into_iter().map(|text| format!("{name} {text}")));
    }
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
}

fn check(names: &[&str]) {
    check_share(names, ANSWERED);
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
fn classic_histograms_survive_the_spread() {
    check(&["histograms.test"]);
}

#[test]
fn native_histograms_survive_the_spread() {
    check(&["native_histograms.test"]);
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

#[test]
fn what_servers_answer_of_newer_scripts_survives_the_spread() {
    let names = [
        "duration_expression.test",
        "extended_vectors.test",
        "fill-modifier.test",
        "info.test",
        "limit.test",
        "name_label_dropping.test",
        "start_timestamps.test",
        "type_and_unit.test",
    ];
    check_share(&names, 0.0);
}
