//! The executable: command line, configuration errors, signals, reload.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use e2e::faulty::{Fault, FaultyServer};
use e2e::http::Request;
use e2e::proxy::{Group, Proxy, command};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A configuration of one group with one replica that nobody asks.
const GOOD: &str = "\
promxy:
  server_groups:
    - static_configs:
        - targets: ['127.0.0.1:9']
      labels: {site: east}
";

fn run(arguments: &[&str], folder: &Path) -> Output {
    command().args(arguments).current_dir(folder).output().expect("the program can be started")
}

/// Runs it on a configuration file of this text.
fn run_on(text: &str, arguments: &[&str]) -> Output {
    let folder = TempDir::new().expect("a temporary folder");
    fs::write(folder.path().join("config.yaml"), text).expect("a temporary file");
    run(&[&["--config=config.yaml", "--bind-addr=127.0.0.1:0"], arguments].concat(), folder.path())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_version_is_printed_and_nothing_is_started() {
    let folder = TempDir::new().expect("a temporary folder");
    let output = run(&["--version"], folder.path());
    assert!(output.status.success(), "{output:?}");
    let shown = text(&output.stdout);
    assert!(shown.starts_with("promweave") && shown.contains(env!("CARGO_PKG_VERSION")), "{shown}");
}

#[test]
fn a_good_configuration_passes_the_check() {
    let output = run_on(GOOD, &["--check-config"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let empty = run_on("promxy:\n  server_groups: []\n", &["--check-config"]);
    assert_eq!(empty.status.code(), Some(0), "{empty:?}");
}

#[test]
fn a_bad_configuration_ends_the_program_with_status_1_and_one_line() {
    let group = |line: &str| {
        format!(
            "promxy:\n  server_groups:\n    - static_configs:\n        - targets: ['127.0.0.1:9']\n      {line}\n"
        )
    };
    let cases = [
        // Text of the file, and what the line must name.
        ("promxy: [".to_owned(), "config.yaml"),
        ("promxy:\n  server_group: []\n".to_owned(), "server_group"),
        (group("anti_afinity: 10s"), "anti_afinity"),
        (group("anti_affinity: soon"), "anti_affinity"),
        (group("remote_read: [1]"), "remote_read"),
        (group("labels: {site: [1]}"), "labels"),
        (group("scheme: gopher"), "scheme"),
        (group("http_client: {tls_config: {ca_file: none.pem}}"), "none.pem"),
        (group("relabel_configs: [{action: explode}]"), "relabel_configs"),
    ];
    for (config, named) in cases {
        for arguments in [&["--check-config"][..], &[]] {
            let output = run_on(&config, arguments);
            assert_eq!(output.status.code(), Some(1), "{config}\n{output:?}");
            let said = text(&output.stderr);
            let lines: Vec<&str> = said.lines().collect();
            assert_eq!(lines.len(), 1, "{config}\n{said}");
            assert!(said.contains(named) && said.contains("config.yaml"), "{config}\n{said}");
        }
    }
}

#[test]
fn a_missing_file_and_a_taken_address_are_errors_of_one_line() {
    let folder = TempDir::new().expect("a temporary folder");
    let output = run(&["--config=none.yaml", "--bind-addr=127.0.0.1:0"], folder.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains("none.yaml"), "{output:?}");
    assert_eq!(text(&output.stderr).lines().count(), 1, "{output:?}");

    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    fs::write(folder.path().join("config.yaml"), GOOD).expect("a temporary file");
    let output = run(&["--config=config.yaml", &format!("--bind-addr={address}")], folder.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains(&address), "{output:?}");
}

#[test]
fn an_unknown_flag_is_refused() {
    let folder = TempDir::new().expect("a temporary folder");
    let output = run(&["--no-such-flag"], folder.path());
    assert!(matches!(output.status.code(), Some(1 | 2)), "{output:?}");
    assert!(text(&output.stderr).contains("--no-such-flag"), "{output:?}");
}

#[test]
fn sigterm_ends_an_idle_proxy_with_status_0() {
    let proxy = Proxy::builder().group(Group::new(&["127.0.0.1:9".to_owned()])).start();
    // An idle connection must not hold it up.
    let mut connection = proxy.client.connect().expect("a listening proxy");
    let health = connection.send(&Request::get("/-/healthy", &[])).expect("an answer");
    assert_eq!(health.status, 200);
    let start = Instant::now();
    let (status, log) = proxy.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn sigterm_lets_running_queries_finish() {
    let hanging = FaultyServer::start(Fault::Hang);
    let group = Group::new(&[hanging.target()]).set("timeout", "2s");
    let proxy = Proxy::builder().group(group).start();
    let response = thread::scope(|scope| {
        let request = Request::get("/api/v1/query", &[("query", "up")]);
        let client = proxy.client;
        let running = scope.spawn(move || client.send(&request));
        // The query runs once its replica has been asked.
        let until = Instant::now() + Duration::from_secs(10);
        while hanging.requests() == 0 {
            assert!(Instant::now() < until, "the replica is asked");
            thread::yield_now();
        }
        proxy.terminate();
        running.join().expect("a client thread").expect("an answer, though an error")
    });
    assert_eq!(response.json()["status"], "error");
    let (status, log) = proxy.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn health_metrics_and_unknown_paths_are_answered() {
    let proxy = Proxy::builder().group(Group::new(&["127.0.0.1:9".to_owned()])).start();
    let get = |path: &str| proxy.client.get(path, &[]);
    assert_eq!(get("/-/healthy").status, 200);
    assert_eq!(get("/-/ready").status, 200);
    let metrics = get("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(metrics.text().lines().any(|line| line.starts_with("# TYPE ")), "{}", metrics.text());
    assert_eq!(get("/api/v1/no_such_thing").status, 404);
    let info = get("/api/v1/status/buildinfo");
    assert_eq!(info.status, 200);
    assert!(info.json()["data"]["version"].is_string(), "{}", info.text());
    let kind = get("/api/v1/query?query=1");
    assert_eq!(kind.header("content-type"), Some("application/json"));
    let refused =
        proxy.client.send(&Request { method: "PUT", ..Request::get("/api/v1/query", &[]) });
    assert_eq!(refused.expect("an answer").status, 405);
}

#[test]
fn without_the_lifecycle_flag_reload_is_forbidden() {
    let proxy = Proxy::builder().group(Group::new(&["127.0.0.1:9".to_owned()])).start();
    assert_eq!(proxy.client.post("/-/reload", &[]).status, 403);
}

#[test]
fn without_server_groups_there_is_no_data_and_no_error() {
    let proxy = Proxy::builder().start();
    let get = |path: &str, params: &[(&str, &str)]| proxy.client.get(path, params).json();
    let empty = json!({ "resultType": "vector", "result": [] });
    assert_eq!(get("/api/v1/query", &[("query", "up")])["data"], empty);
    assert_eq!(get("/api/v1/labels", &[])["data"], Value::Array(Vec::new()));
    assert_eq!(
        get("/api/v1/query", &[("query", "1 + 1"), ("time", "5")])["data"]["result"],
        json!([5, "2"])
    );
}

/// A query of data that it makes itself, and what is told of it without and
/// with its feature: an error, an info, or a value.
struct Experimental {
    feature: &'static str,
    query: &'static str,
    without: (u16, &'static str),
    with: &'static str,
}

const EXPERIMENTAL: [Experimental; 6] = [
    Experimental {
        feature: "promql-experimental-functions",
        query: "limitk(1, vector(7))",
        without: (
            400,
            "invalid parameter \\\"query\\\": 1:1: parse error: limitk() is experimental and must \
             be enabled with --enable-feature=promql-experimental-functions",
        ),
        with: "\"7\"",
    },
    Experimental {
        feature: "promql-experimental-functions",
        query: "sort_by_label(vector(7), \"a\")",
        without: (
            400,
            "invalid parameter \\\"query\\\": 1:1: parse error: function \\\"sort_by_label\\\" is \
             not enabled",
        ),
        with: "\"7\"",
    },
    Experimental {
        feature: "promql-extended-range-selectors",
        query: "count(increase(up[5m] smoothed)) or vector(7)",
        without: (400, "parse error: smoothed modifier is experimental and not enabled"),
        with: "\"7\"",
    },
    Experimental {
        feature: "promql-binop-fill-modifiers",
        query: "vector(3) + fill(4) (vector(1) > 2)",
        without: (400, "parse error: binop fill modifiers are experimental and not enabled"),
        with: "\"7\"",
    },
    Experimental {
        feature: "promql-delayed-name-removal",
        query: "count(sum by (__name__) (-(label_replace(vector(1), \"__name__\", \"m\", \"\", \"\") \
                or on (__name__) label_replace(vector(1), \"__name__\", \"n\", \"\", \"\"))))",
        without: (422, "vector cannot contain metrics with the same labelset"),
        with: "\"2\"",
    },
    Experimental {
        feature: "type-and-unit-labels",
        query: "rate(label_replace(vector(1), \"__name__\", \"m_total\", \"\", \"\")[5m:1m])",
        without: (200, "\"0\""),
        with: "metric might not be a counter, __type__ label is not set",
    },
];

#[test]
fn experimental_parts_are_behind_prometheus_feature_flags() {
    let plain = Proxy::builder().start();
    let ask = |proxy: &Proxy, query: &str| {
        proxy.client.get("/api/v1/query", &[("query", query), ("time", "1699999200")])
    };
    for Experimental { feature, query, without: (status, told), with } in EXPERIMENTAL {
        let refused = ask(&plain, query);
        assert_eq!(refused.status, status, "{query}: {}", refused.text());
        assert!(refused.text().contains(told), "{query}: {}", refused.text());
        assert!(!refused.text().contains(with), "{query}: {}", refused.text());
        let enabled = Proxy::builder().flag(&format!("--enable-feature={feature}")).start();
        let answer = ask(&enabled, query);
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        assert!(answer.text().contains(with), "{query}: {}", answer.text());
    }
    // These were experimental once.
    assert_eq!(ask(&plain, "up[1m + step()]").status, 200);
}

#[test]
fn features_are_listed_and_those_without_effect_are_told_from_unknown_ones() {
    let proxy = Proxy::builder()
        .flag("--enable-feature=promql-per-step-stats,exemplar-storage")
        .flag("--enable-feature=promql-duration-expr,no-such-feature")
        .start();
    let flags = proxy.client.get("/api/v1/status/flags", &[]).json();
    let expected = "promql-per-step-stats,exemplar-storage,promql-duration-expr,no-such-feature";
    assert_eq!(flags["data"]["enable-feature"], expected);
    let log = proxy.log();
    let line = |name: &str| log.lines().find(|line| line.contains(name)).unwrap_or_default();
    for (name, told) in [
        ("promql-per-step-stats", "enabled"),
        ("exemplar-storage", "has no effect"),
        ("promql-duration-expr", "permanently enabled"),
        ("no-such-feature", "Unknown option for --enable-feature"),
    ] {
        assert!(line(name).contains(told), "{name}: {log}");
    }
}
