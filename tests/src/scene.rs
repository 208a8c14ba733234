//! A proxy with a group for a hostile policy and one beside it, on the same
//! two servers with holes.

use std::ops::Range;
use std::sync::mpsc::{self, Sender, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::compare::seconds;
use crate::data::Series;
use crate::guest::BASE_MS;
use crate::http::{Client, Response};
use crate::operator::Operator;
use crate::prometheus::{self, Prometheus};
use crate::proxy::{Group, Proxy};

const INTERVAL_MS: i64 = 15_000;
const SAMPLES: i64 = 40;
/// Time for one call of a hostile policy in these tests.
pub const DEADLINE_MS: u64 = 50;

/// Two servers, the second of which has what the first one misses.
fn servers() -> Vec<Prometheus> {
    let with_hole = |hole: Range<i64>| {
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
#[derive(Debug)]
pub struct Scene {
    /// Its admin side.
    pub operator: Operator,
    /// The proxy.
    pub proxy: Proxy,
    _servers: Vec<Prometheus>,
}

impl Scene {
    /// Starts it; none where no Prometheus can be had, which is said.
    #[must_use]
    pub fn new() -> Option<Self> {
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

    /// Uploads a component and binds it to the hostile group; returns its
    /// digest.
    pub fn bind(&self, name: &str, wasm: &[u8]) -> String {
        let digest = self.operator.upload_good(name, wasm);
        let deadline = format!("{DEADLINE_MS}ms");
        self.operator.bind_good(
            "hostile",
            &json!({ "name": name, "limits": { "deadline": deadline }, "park_after": 0 }),
        );
        digest
    }

    /// The answer of a group over the whole time of the data.
    #[must_use]
    pub fn ask(&self, group: &str) -> Response {
        ask(self.proxy.client, group)
    }

    /// Faults that are told of a policy.
    ///
    /// # Panics
    /// When nothing is told of it.
    #[must_use]
    pub fn faults(&self, name: &str) -> u64 {
        let policy = self.operator.get(&format!("policies/{name}"));
        policy["versions"][0]["usage"]["faults"].as_u64().expect("faults are counted")
    }
}

/// The answer of a group over the whole time of the data.
#[must_use]
pub fn ask(client: Client, group: &str) -> Response {
    let end = BASE_MS + (SAMPLES - 1) * INTERVAL_MS;
    let (start, end) = (seconds(BASE_MS), seconds(end));
    let query = format!(r#"{{group="{group}",__name__=~"one|two"}}"#);
    let times = [("query", query.as_str()), ("start", &start), ("end", &end), ("step", "15")];
    client.post("/api/v1/query_range", &times)
}

/// The series of an answer without the label that tells the groups apart.
///
/// # Panics
/// When it is an error.
#[must_use]
pub fn result(response: &Response) -> Value {
    let mut answer = response.json();
    assert_eq!(response.status, 200, "{answer}");
    let result = answer["data"]["result"].as_array_mut().expect("a matrix");
    for series in result.iter_mut() {
        series["metric"].as_object_mut().expect("labels").remove("group");
    }
    json!(result)
}

/// The warnings of an answer.
#[must_use]
pub fn warnings(response: &Response) -> Vec<String> {
    let answer = response.json();
    let warnings = answer["warnings"].as_array().into_iter().flatten();
    warnings.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Queries of the neighbour while something goes on.
#[derive(Debug)]
pub struct Beside {
    stop: Sender<()>,
    task: JoinHandle<(usize, Duration)>,
}

impl Beside {
    /// Begins to ask; every answer must be `expected`.
    #[must_use]
    pub fn start(client: Client, expected: Value) -> Self {
        let (stop, stopped) = mpsc::channel::<()>();
        let task = thread::spawn(move || {
            let (mut asked, mut slowest) = (0, Duration::ZERO);
            loop {
                let start = Instant::now();
                let response = ask(client, "neighbour");
                slowest = slowest.max(start.elapsed());
                asked += 1;
                assert_eq!(result(&response), expected, "the neighbour's answer");
                assert!(warnings(&response).is_empty(), "{:?}", warnings(&response));
                if stopped.try_recv() != Err(TryRecvError::Empty) {
                    return (asked, slowest);
                }
            }
        });
        Self { stop, task }
    }

    /// How many queries there were, and how long the slowest took.
    ///
    /// # Panics
    /// When an answer was another.
    #[must_use]
    pub fn stop(self) -> (usize, Duration) {
        drop(self.stop);
        self.task.join().expect("every neighbour's query was answered as before")
    }
}
