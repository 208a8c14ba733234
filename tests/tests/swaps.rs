//! A policy is swapped under load: no query fails, none mixes two versions,
//! and nothing is left behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use e2e::compare::seconds;
use e2e::data::Series;
use e2e::fleet::{INTERVAL_MS, PAST_MS};
use e2e::http::Client;
use e2e::operator::{Operator, good, marked};
use e2e::prometheus::{self, Prometheus};
use e2e::proxy::{Group, Proxy};
use serde_json::{Value, json};

const SWAPS: usize = 1_000;
const CLIENTS: usize = 3;
const SERIES: usize = 40;
const SAMPLES: i32 = 120;
/// What the second replica's values are higher by: the answer tells whose
/// they are.
const HIGHER: f64 = 1000.0;
/// Growth of memory over the last half of the swaps that is none: what the
/// allocator keeps varies by some megabytes.
const NOISE_BYTES: u64 = 12 << 20;

fn replica(higher: f64) -> Prometheus {
    let server = Prometheus::start();
    let series = |index: usize| {
        let samples =
            (0..SAMPLES).map(|at| (PAST_MS + i64::from(at) * INTERVAL_MS, f64::from(at) + higher));
        Series::floats(&[("__name__", "seen"), ("instance", &format!("{index:03}"))], samples)
    };
    server.write(&(0..SERIES).map(series).collect::<Vec<_>>());
    server
}

/// Queries of one client until it is told to stop.
struct Load {
    clients: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
}

impl Load {
    fn start(client: Client) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let clients = (0..CLIENTS)
            .map(|_| {
                let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
                thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        ask(client);
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        Self { clients, stop, answered }
    }

    fn stop(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("every query was answered by one version");
        }
        self.answered.load(Ordering::Relaxed)
    }
}

/// A query with two selectors: all of its answer must be of one replica.
fn ask(client: Client) {
    let end = PAST_MS + i64::from(SAMPLES - 1) * INTERVAL_MS;
    let (start, end) = (seconds(PAST_MS), seconds(end));
    let query = r#"seen{instance=~"00."} or seen + 0"#;
    let times = [("query", query), ("start", &start), ("end", &end), ("step", "15")];
    let response = client.post("/api/v1/query_range", &times);
    let answer = response.json();
    assert_eq!(response.status, 200, "{answer}");
    assert_eq!(answer.get("warnings"), None, "{answer}");
    let result = answer["data"]["result"].as_array().expect("a matrix");
    let values = result.iter().flat_map(|series| {
        let samples = series["values"].as_array().expect("samples");
        samples.iter().map(|sample| sample[1].as_str().and_then(|text| text.parse::<f64>().ok()))
    });
    let from_second: Vec<bool> = values.map(|value| value.expect("a number") >= HIGHER).collect();
    assert!(!from_second.is_empty(), "{answer}");
    let mixed = from_second.iter().any(|own| *own != from_second[0]);
    assert!(!mixed, "one answer from two versions");
}

fn fleet() -> Option<(Vec<Prometheus>, Proxy)> {
    if !prometheus::available() {
        return None;
    }
    let servers = vec![replica(0.0), replica(HIGHER)];
    let targets: Vec<String> = servers.iter().map(Prometheus::target).collect();
    let group = Group::new(&targets).set("name", "pair").set("pushdown", "never");
    let proxy = Proxy::builder().group(group).start();
    Some((servers, proxy))
}

/// Two components that answer differently, both uploaded.
fn two_versions(operator: Operator) -> [Value; 2] {
    let builtin = operator.builtin();
    ["first", "max"].map(|rule| {
        let digest = operator.upload_good(rule, &marked(&builtin, rule));
        json!({ "name": rule, "digest": digest, "settings": { "rule": rule } })
    })
}

#[test]
fn a_thousand_swaps_under_load_fail_no_query_mix_no_answer_and_keep_no_memory() {
    let Some((_servers, proxy)) = fleet() else { return };
    let operator = Operator(proxy.admin);
    let wishes = two_versions(operator);
    for wish in &wishes {
        operator.bind_good("pair", wish);
    }
    let load = Load::start(proxy.client);
    let mut halfway = 0;
    for swap in 0..SWAPS {
        if swap == SWAPS / 2 {
            halfway = proxy.resident_bytes();
        }
        // By binding, and by going back, in turn.
        if swap % 4 < 2 {
            operator.bind_good("pair", &wishes[swap % 2]);
        } else {
            let _ = good(&operator.act("pair", "rollback"));
        }
    }
    let at_the_end = proxy.resident_bytes();
    let answered = load.stop();
    eprintln!(
        "{SWAPS} swaps, {answered} queries; {} KiB after half of them, {} KiB at the end",
        halfway >> 10,
        at_the_end >> 10
    );
    assert!(answered > CLIENTS, "there was load");
    assert!(at_the_end < halfway + NOISE_BYTES, "memory grew from {halfway} to {at_the_end}");
}
