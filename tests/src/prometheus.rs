//! Real Prometheus servers on loopback, with their data in a folder that goes
//! when they go.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::data::Series;
use crate::http::{Client, Request, Response};
use crate::process::Process;
use crate::remote_write;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(60);
/// How often a starting server is asked whether it is ready.
const POLL: Duration = Duration::from_millis(20);
/// Length of the pieces in which data is written: below half a chunk range,
/// so that no series falls out of the window behind another one.
const WRITE_MS: i64 = 50 * 60_000;

/// A running server.
#[derive(Debug)]
pub struct Prometheus {
    /// Its HTTP API.
    pub client: Client,
    // Fields are dropped in this order: the process ends before its folder.
    process: Process,
    _folder: TempDir,
}

/// What a server is started with.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    external_labels: BTreeMap<String, String>,
    scrape: Vec<SocketAddr>,
    arguments: Vec<&'static str>,
    features: Vec<&'static str>,
}

/// True if tests that need a Prometheus can run; else says so on stderr.
///
/// # Panics
/// Where `CI` is `true`: there a missing server is a failure.
#[must_use]
pub fn available() -> bool {
    let found = binary().is_some();
    if !found {
        let problem = "no Prometheus 3 found (PROMETHEUS_BIN, PATH, tests/prometheus.sh)";
        assert!(env::var("CI").as_deref() != Ok("true"), "{problem}");
        let test = thread::current().name().unwrap_or("test").to_owned();
        eprintln!("\n=== SKIPPED {test}: {problem} ===\n");
    }
    found
}

/// The server to run: `PROMETHEUS_BIN`, else what `tests/prometheus.sh` has
/// put into the target folder, else the one on `PATH`.
fn binary() -> Option<PathBuf> {
    if let Some(path) = env::var_os("PROMETHEUS_BIN").filter(|path| !path.is_empty()) {
        return Some(PathBuf::from(path));
    }
    let fetched = target_folder().join("prometheus/prometheus");
    let on_path = env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join("prometheus"))
        .find(|path| path.is_file());
    fetched.is_file().then_some(fetched).or(on_path.filter(|path| is_version_3(path)))
}

fn is_version_3(path: &Path) -> bool {
    let Ok(output) = Command::new(path).arg("--version").output() else {
        return false;
    };
    String::from_utf8_lossy(&output.stdout).starts_with("prometheus, version 3.")
}

/// Cargo's target folder: test executables are in `<target>/<profile>/deps`.
pub(crate) fn target_folder() -> PathBuf {
    let program = env::current_exe().expect("a test knows its executable");
    program.ancestors().nth(3).expect("cargo runs tests from its target folder").to_owned()
}

impl Builder {
    /// Labels that it attaches to what leaves it by remote read.
    #[must_use]
    pub fn external_label(mut self, name: &str, value: &str) -> Self {
        self.external_labels.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Scrapes this address once a second.
    #[must_use]
    pub fn scrape(mut self, target: SocketAddr) -> Self {
        self.scrape.push(target);
        self
    }

    /// A further argument of its command line.
    #[must_use]
    pub fn argument(mut self, argument: &'static str) -> Self {
        self.arguments.push(argument);
        self
    }

    /// Switches a feature on that is off by default.
    #[must_use]
    pub fn feature(mut self, flag: &'static str) -> Self {
        self.features.push(flag);
        self
    }

    /// Starts the server and waits until it is ready.
    ///
    /// # Panics
    /// When there is none to run ([`available`] says so) or it does not start.
    #[must_use]
    pub fn start(&self) -> Prometheus {
        let binary = binary().expect("callers ask `available` first");
        let folder = TempDir::new().expect("a temporary folder can be made");
        let config = folder.path().join("prometheus.yml");
        fs::write(&config, self.config()).expect("a temporary file can be written");
        let mut command = Command::new(binary);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .args([
                "--web.listen-address=127.0.0.1:0",
                "--web.enable-remote-write-receiver",
                "--enable-feature=native-histograms,exemplar-storage,promql-per-step-stats",
                "--log.format=logfmt",
            ])
            .args(&self.arguments)
            .args(self.features.iter().map(|flag| format!("--enable-feature={flag}")));
        let mut process = Process::spawn(&mut command);
        let client = Client::new(process.wait_for(START, listening));
        wait_until_ready(client, &mut process);
        Prometheus { client, process, _folder: folder }
    }

    /// The configuration file; JSON is YAML.
    fn config(&self) -> String {
        let targets: Vec<String> = self.scrape.iter().map(ToString::to_string).collect();
        json!({
            "global": { "external_labels": self.external_labels },
            "storage": {
                "tsdb": { "out_of_order_time_window": "10y" },
                "exemplars": { "max_exemplars": 10_000 },
            },
            "scrape_configs": [{
                "job_name": "exporter",
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "static_configs": [{ "targets": targets }],
            }],
        })
        .to_string()
    }
}

impl Prometheus {
    /// A server without external labels and scraped targets.
    #[must_use]
    pub fn start() -> Self {
        Builder::default().start()
    }

    /// A server to be configured.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Its address as `host:port`.
    #[must_use]
    pub fn target(&self) -> String {
        self.client.address.to_string()
    }

    /// Its process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Writes series by remote write, in pieces of ascending time.
    ///
    /// # Panics
    /// When the server refuses them.
    pub fn write(&self, series: &[Series]) {
        Self::write_to(&[self], series);
    }

    /// Writes the same series to several servers, at once.
    ///
    /// # Panics
    /// When a server refuses them.
    pub fn write_to(servers: &[&Self], series: &[Series]) {
        let times =
            || series.iter().flat_map(|series| series.samples.iter().map(|(time, _)| *time));
        let (Some(first), Some(last)) = (times().min(), times().max()) else {
            return;
        };
        let mut from = first;
        while from <= last {
            let piece = series.iter().map(|series| series.slice(from, from + WRITE_MS));
            let piece: Vec<Series> = piece.filter(|series| !series.samples.is_empty()).collect();
            if !piece.is_empty() {
                let body = remote_write::body(&piece);
                thread::scope(|scope| {
                    for server in servers {
                        scope.spawn(|| server.write_body(&body));
                    }
                });
            }
            from += WRITE_MS;
        }
    }

    /// Waits until a scrape has told the metadata of `metric`.
    ///
    /// # Panics
    /// When none does.
    pub fn wait_for_metadata(&self, metric: &str) {
        let until = Instant::now() + START;
        let params = [("metric", metric)];
        while !self.client.get("/api/v1/metadata", &params).json()["data"][metric].is_array() {
            assert!(Instant::now() < until, "no scrape told the metadata of {metric}");
            thread::sleep(POLL);
        }
    }

    /// Writes one series in a single request; false if the server refuses it.
    #[must_use]
    pub fn accepts(&self, series: &Series) -> bool {
        self.send(&remote_write::body(std::slice::from_ref(series))).status == 204
    }

    /// Writes series in a single request, which keeps their order.
    ///
    /// # Panics
    /// When the server refuses them.
    pub fn write_once(&self, series: &[Series]) {
        self.write_body(&remote_write::body(series));
    }

    fn write_body(&self, body: &[u8]) {
        let response = self.send(body);
        assert_eq!(response.status, 204, "remote write: {}", response.text());
    }

    fn send(&self, body: &[u8]) -> Response {
        let request = Request {
            method: "POST",
            target: "/api/v1/write".to_owned(),
            headers: Vec::new(),
            body: body.to_vec(),
        }
        .header("content-type", "application/x-protobuf")
        .header("content-encoding", "snappy")
        .header("x-prometheus-remote-write-version", "0.1.0");
        self.client.send(&request).expect("a server on loopback answers")
    }
}

/// The address in the log line of the web server.
fn listening(line: &str) -> Option<SocketAddr> {
    if !line.contains("Listening on") {
        return None;
    }
    line.split("address=").nth(1)?.split_whitespace().next()?.parse().ok()
}

fn wait_until_ready(client: Client, process: &mut Process) {
    let until = Instant::now() + START;
    let ready = Request::get("/-/ready", &[]);
    while client.send(&ready).map_or(0, |response| response.status) != 200 {
        assert_eq!(process.ended(), None, "it ended; its output:\n{}", process.output());
        assert!(Instant::now() < until, "it is not ready; its output:\n{}", process.output());
        thread::sleep(POLL);
    }
}
