//! `record:` and `policy replay`: what live queries merged, merged again.

use std::fs;
use std::path::Path;
use std::process::Output;

use e2e::compare::seconds;
use e2e::data::Series;
use e2e::fleet::{INTERVAL_MS, PAST_MS};
use e2e::prometheus::{self, Prometheus};
use e2e::proxy::{Group, Proxy, command};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Scrapes in the data.
const SCRAPES: i64 = 240;
/// The first and the last scrape that the first replica misses.
const HOLE: (i64, i64) = (100, 139);
/// How many these are.
const MISSED: i64 = HOLE.1 - HOLE.0 + 1;

const fn at(scrape: i64) -> i64 {
    PAST_MS + scrape * INTERVAL_MS
}

/// Two replicas of the same two series, the first one with a hole.
fn pair() -> [Prometheus; 2] {
    [true, false].map(|holed| {
        let server = Prometheus::start();
        let series = |job: &str| {
            let held = move |own: &i64| !holed || !(HOLE.0..=HOLE.1).contains(own);
            let samples = (0..=SCRAPES).filter(held).map(|own| (at(own), own as f64));
            Series::floats(&[("__name__", "steady"), ("job", job)], samples)
        };
        server.write(&[series("api"), series("db")]);
        server
    })
}

/// Asks once for everything, behind a proxy that records it, and ends it.
fn record(servers: &[Prometheus], dir: &Path) {
    let targets: Vec<String> = servers.iter().map(Prometheus::target).collect();
    let group = Group::new(&targets)
        .set("name", "pair")
        .set("pushdown", "never")
        .set("record", json!({"dir": dir, "max_bytes": "1MiB"}));
    let proxy = Proxy::builder().group(group).start();
    let window = format!("count_over_time(steady[{}s])", (SCRAPES + 1) * INTERVAL_MS / 1000);
    let time = seconds(at(SCRAPES));
    let answer = proxy.client.get("/api/v1/query", &[("query", &window), ("time", &time)]).json();
    let counted = |series: usize| answer["data"]["result"][series]["value"][1].clone();
    let whole = json!((SCRAPES + 1).to_string());
    assert_eq!([counted(0), counted(1)], [whole.clone(), whole], "{answer}");
    let (status, log) = proxy.stop();
    assert!(status.success(), "{log}");
}

fn replay(dir: &Path, args: &[&str]) -> Output {
    let mut command = command();
    command.args(["policy", "replay"]).arg(dir).args(args);
    command.output().expect("the program runs")
}

fn replayed(dir: &Path, args: &[&str]) -> Value {
    let output = replay(dir, args);
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn recorded_queries_are_replayed_with_any_policy() {
    if !prometheus::available() {
        return;
    }
    let servers = pair();
    let folder = TempDir::new().expect("a temporary folder can be made");
    let dir = folder.path().join("recordings");
    record(&servers, &dir);

    let same = replayed(&dir, &["builtin", "--json"]);
    let comparison = &same["comparison"];
    assert_eq!(same["entries"], json!(1), "{same}");
    assert_eq!(comparison["series"], json!(2), "{same}");
    assert_eq!(comparison["samples"], json!(2 * (SCRAPES + 1)), "{same}");
    assert_eq!(comparison["series_differing"], json!(0), "{same}");
    assert_eq!(comparison["examples"], json!([]), "{same}");

    let other = replayed(&dir, &["builtin", "--settings", r#"{"rule":"first"}"#, "--json"]);
    let comparison = &other["comparison"];
    assert_eq!(comparison["series_differing"], json!(2), "{other}");
    assert_eq!(comparison["samples_only_active"], json!(2 * MISSED), "{other}");
    assert_eq!(comparison["samples_only_candidate"], json!(0), "{other}");
    assert_eq!(comparison["samples_other_value"], json!(0), "{other}");
    let example = json!({
        "kind": "only_active",
        "server_group": "pair",
        "series": "{__name__=\"steady\", job=\"api\"}",
        "time": comparison["examples"][0]["time"],
        "time_ms": at(HOLE.0),
        "active": {
            "value": HOLE.0.to_string(),
            "replica": format!("http://{}", servers[1].target()),
        },
        "candidate": null,
    });
    assert_eq!(comparison["examples"][0], example, "{other}");

    let text = replay(&dir, &["builtin", "--settings", r#"{"rule":"first"}"#]);
    let text = String::from_utf8_lossy(&text.stdout);
    let expected = format!(
        "differences  in 1 merge, 2 series, {0} samples: {0} only of the active policy, 0 only of \
         the candidate, 0 with another value",
        2 * MISSED
    );
    assert!(text.lines().any(|line| line == expected), "{text}");

    damaged(&dir);
}

/// Cuts the recording: what is before the cut counts, and the cut is named.
fn damaged(dir: &Path) {
    let file = fs::read_dir(dir).expect("a folder").next().expect("a file").expect("an entry");
    let whole = fs::read(file.path()).expect("readable");
    let twice = [&whole[..], &whole[9..whole.len() - 1]].concat();
    fs::write(file.path(), twice).expect("writable");
    let output = replay(dir, &["builtin", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    let expected = format!(
        "promweave: {}: damaged at byte {}: the file ends within a frame\n",
        file.path().display(),
        whole.len()
    );
    assert_eq!(errors, expected);
    let shown: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(shown["entries"], json!(1), "{shown}");
}

#[test]
fn what_cannot_be_replayed_is_said_so() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let fails = |path: &Path, args: &[&str], text: &str| {
        let output = replay(path, args);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(text), "{errors}");
    };
    fails(folder.path(), &["builtin"], "holds no file that ends with .pwrec");
    let file = folder.path().join("other.pwrec");
    fs::write(&file, "something else").expect("writable");
    fails(&file, &["builtin"], "other.pwrec: is no recording of merge inputs");
    fails(&folder.path().join("missing"), &["builtin"], "missing: No such file");
    fails(&file, &["builtin", "--settings", "[]"], "must be a JSON object");
}
