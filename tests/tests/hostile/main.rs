//! Policies that do their worst, uploaded to the real proxy: every query is
//! answered, the fault is named, and the neighbours notice nothing.

mod at_work;
mod guest;
mod uploads;
mod wasi;

use std::thread;
use std::time::{Duration, Instant};

use e2e::compare::seconds;
use e2e::data::Series;
use e2e::http::{Client, Response};
use e2e::operator::Operator;
use e2e::prometheus::{self, Prometheus};
use e2e::proxy::{Group, Proxy};
use guest::BASE_MS;
use serde_json::{Value, json};

const INTERVAL_MS: i64 = 15_000;
const SAMPLES: i64 = 40;
/// Time for one call of a hostile policy in these tests.
const DEADLINE_MS: u64 = 50;

/// Two servers, the second of which has what the first one misses.
fn servers() -> Vec<Prometheus> {
    let with_hole = |hole: std::ops::Range<i64>| {
        let server = Prometheus::start();
        let series = |name: &str| {
            let samples = (0..SAMPLES)
                .filter(|at| !hole.contains(at))
                .map(|at| (BASE_MS + at * INTERVAL_MS, at as f64));
            Series::floats(&[("__name__", name), ("job", "a")], samples)
        };
        server.write(&[series("one"), series("two")]);
        server
    };
    vec![with_hole(10..20), with_hole(30..35)]
}

/// A proxy with a group for the hostile and one beside it, on the same
/// servers.
struct Scene {
    operator: Operator,
    proxy: Proxy,
    _servers: Vec<Prometheus>,
}

impl Scene {
    fn new() -> Option<Self> {
        if !prometheus::available() {
            return None;
        }
        let servers = servers();
        let targets: Vec<String> = servers.iter().map(Prometheus::target).collect();
        let group = |name: &str| {
            Group::new(&targets).set("name", name).label("group", name).set("pushdown", "never")
        };
        let proxy = Proxy::builder().group(group("hostile")).group(group("neighbour")).start();
        Some(Self { operator: Operator(proxy.admin), proxy, _servers: servers })
    }

    /// Uploads a component and binds it to the hostile group.
    fn bind(&self, name: &str, wasm: &[u8]) -> String {
        let digest = self.operator.upload_good(name, wasm);
        let deadline = format!("{DEADLINE_MS}ms");
        self.operator.bind_good(
            "hostile",
            &json!({ "name": name, "limits": { "deadline": deadline }, "park_after": 0 }),
        );
        digest
    }

    /// The answer of a group over the whole time of the data.
    fn ask(&self, group: &str) -> Response {
        ask(self.proxy.client, group)
    }

    /// Faults that are told of a policy.
    fn faults(&self, name: &str) -> u64 {
        let policy = self.operator.get(&format!("policies/{name}"));
        policy["versions"][0]["usage"]["faults"].as_u64().expect("faults are counted")
    }
}

fn ask(client: Client, group: &str) -> Response {
    let end = BASE_MS + (SAMPLES - 1) * INTERVAL_MS;
    let (start, end) = (seconds(BASE_MS), seconds(end));
    let query = format!(r#"{{group="{group}",__name__=~"one|two"}}"#);
    let times = [("query", query.as_str()), ("start", &start), ("end", &end), ("step", "15")];
    client.post("/api/v1/query_range", &times)
}

/// The series of an answer without the label that tells the groups apart.
fn result(response: &Response) -> Value {
    let mut answer = response.json();
    assert_eq!(response.status, 200, "{answer}");
    let result = answer["data"]["result"].as_array_mut().expect("a matrix");
    for series in result.iter_mut() {
        series["metric"].as_object_mut().expect("labels").remove("group");
    }
    json!(result)
}

fn warnings(response: &Response) -> Vec<String> {
    let answer = response.json();
    let warnings = answer["warnings"].as_array().into_iter().flatten();
    warnings.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Binds a guest that fails where it sees the tests' data, and checks what
/// must be true of every such guest: the answer is the built-in rule's, a
/// warning and the log name policy, version and fault, and queries of the
/// other group are answered without a word, meanwhile and after.
fn contained(scene: &Scene, name: &str, wasm: &[u8], fault: &str) {
    let expected = scene.ask("neighbour");
    let digest = scene.bind(name, wasm);
    let beside = Beside::start(scene.proxy.client, result(&expected));
    let start = Instant::now();
    let response = scene.ask("hostile");
    let took = start.elapsed();
    assert_eq!(result(&response), result(&expected), "{name}");
    let warnings = warnings(&response);
    let named = |text: &str| text.contains("hostile") && text.contains(&digest[..12]);
    let told = warnings.iter().any(|text| named(text) && text.contains(fault));
    assert!(told, "{name}: {warnings:?} do not name {fault:?} of {digest}");
    assert!(scene.faults(name) > 0, "{name}: the fault is counted");
    let log = scene.proxy.log();
    let logged = log.lines().any(|line| line.contains(&digest[..12]) && line.contains(fault));
    assert!(logged, "{name}: the log does not name {fault:?}");
    let (asked, slowest) = beside.stop();
    eprintln!("{name}: answered after {took:?}; beside it {asked} queries, slowest {slowest:?}");
}

/// Queries of the neighbour while something goes on.
struct Beside {
    stop: std::sync::mpsc::Sender<()>,
    task: thread::JoinHandle<(usize, Duration)>,
}

impl Beside {
    fn start(client: Client, expected: Value) -> Self {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let task = thread::spawn(move || {
            let (mut asked, mut slowest) = (0, Duration::ZERO);
            loop {
                let start = Instant::now();
                let response = ask(client, "neighbour");
                slowest = slowest.max(start.elapsed());
                asked += 1;
                assert_eq!(result(&response), expected, "the neighbour's answer");
                assert!(warnings(&response).is_empty(), "{:?}", warnings(&response));
                if stopped.try_recv() != Err(std::sync::mpsc::TryRecvError::Empty) {
                    return (asked, slowest);
                }
            }
        });
        Self { stop, task }
    }

    /// How many queries there were, and how long the slowest took.
    fn stop(self) -> (usize, Duration) {
        drop(self.stop);
        self.task.join().expect("every neighbour's query was answered as before")
    }
}
