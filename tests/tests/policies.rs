//! The example policies in front of real Prometheus servers with holes, and
//! the scaffolds that are made of them.

use std::path::Path;
use std::process::{Command, Output};

use e2e::compare::seconds;
use e2e::data::Series;
use e2e::fleet::PAST_MS;
use e2e::policies::{self, Table};
use e2e::prometheus::{self, Prometheus};
use e2e::proxy::{self, Group, Proxy};
use serde_json::{Value, json};
use tempfile::TempDir;

/// As many servers as a table has replicas at most.
const REPLICAS: usize = 3;

/// The servers, filled with what the tables of these examples say.
fn servers(names: &[&str]) -> Vec<Prometheus> {
    let servers: Vec<Prometheus> = (0..REPLICAS).map(|_| Prometheus::start()).collect();
    for (replica, server) in servers.iter().enumerate() {
        let mut series = Vec::new();
        for name in names {
            for (number, table) in policies::tables(name).iter().enumerate() {
                let samples = table.replicas.get(replica).cloned().unwrap_or_default();
                let samples = samples.into_iter().map(|(time, value)| (PAST_MS + time, value));
                let labels = [("__name__", metric(name, number))];
                let labels: Vec<(&str, &str)> =
                    labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
                series.push(Series::floats(&labels, samples));
            }
        }
        server.write(&series);
    }
    servers
}

fn metric(name: &str, table: usize) -> String {
    format!("{}_{table}", name.replace('-', "_"))
}

/// A group whose policy is a component at a path, patiently: what is measured
/// here is what it answers.
fn group(servers: &[Prometheus], component: &Path, table: &Table) -> Group {
    let targets: Vec<String> = servers.iter().map(Prometheus::target).collect();
    let mut policy = json!({ "path": component, "limits": { "deadline": "5s" } });
    if !table.settings.is_empty() {
        policy["settings"] = serde_json::from_str(&table.settings).expect("JSON in a README");
    }
    Group::new(&targets).set("policy", policy)
}

/// Checks every table of an example.
fn check(servers: &[Prometheus], name: &str, component: &Path) {
    for (number, table) in policies::tables(name).iter().enumerate() {
        let proxy = Proxy::builder().group(group(servers, component, table)).start();
        let query = format!("{}[10m]", metric(name, number));
        let time = seconds(PAST_MS + 300_000);
        let answer =
            proxy.client.post("/api/v1/query", &[("query", &query), ("time", &time)]).json();
        let warnings = answer.get("warnings").cloned().unwrap_or_default();
        assert!(warnings.is_null(), "{name}: {warnings}\n{}", proxy.log());
        assert_eq!(samples(&answer), table.answer, "{name}, table {number}: {answer}");
    }
}

fn samples(answer: &Value) -> Vec<(i64, f64)> {
    let values = answer["data"]["result"][0]["values"].as_array();
    let sample = |pair: &Value| {
        let time = pair[0].as_f64().expect("a time");
        let value = pair[1].as_str().and_then(|text| text.parse().ok()).expect("a number");
        ((time * 1000.0).round() as i64 - PAST_MS, value)
    };
    values.map(|values| values.iter().map(sample).collect()).unwrap_or_default()
}

#[test]
fn the_examples_in_rust_answer_what_their_readmes_state() {
    if !prometheus::available() {
        return;
    }
    let servers = servers(&policies::RUST);
    for name in policies::RUST {
        let Some(component) = policies::component(name) else { return };
        check(&servers, name, &component);
    }
}

#[test]
fn the_examples_in_other_languages_answer_what_their_readmes_state() {
    if !prometheus::available() {
        return;
    }
    let servers = servers(&policies::OTHERS);
    for name in policies::OTHERS {
        if let Some(component) = policies::component(name) {
            check(&servers, name, &component);
        }
    }
}

#[test]
fn the_examples_keep_every_law() {
    for name in policies::RUST.iter().chain(&policies::OTHERS) {
        let Some(component) = policies::component(name) else { continue };
        let kept = policy(&["test", &component.display().to_string(), "--json"]);
        assert!(kept.status.success(), "{name}: {kept:?}");
    }
}

/// Runs `promweave policy` with these arguments.
fn policy(arguments: &[&str]) -> Output {
    proxy::command().arg("policy").args(arguments).output().expect("the program can be started")
}

/// Writes a scaffold; returns the command that builds it.
fn scaffold(language: &str, folder: &Path) -> String {
    let dir = format!("--dir={}", folder.display());
    let made = policy(&["new", "my-own", "--lang", language, &dir, "--json"]);
    assert!(made.status.success(), "{made:?}");
    let told: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    told["build"].as_str().expect("a command").to_owned()
}

/// Runs a shell command in the folder, with the language's tools at hand.
fn shell(script: &str, language: &str, folder: &Path) {
    // Beside the sources: Go knows no modules in the folder for temporary files.
    let temporary = TempDir::new().expect("a folder");
    let done = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .env("PATH", policies::tools(language))
        .env("CARGO_TARGET_DIR", policies::cache("cargo"))
        .env("ZIG_GLOBAL_CACHE_DIR", policies::cache("zig-cache"))
        .env("ZIG_LOCAL_CACHE_DIR", policies::cache("zig-cache"))
        .env("GOCACHE", policies::cache("go-cache"))
        .env("GOTOOLCHAIN", "local")
        .env("TMPDIR", temporary.path())
        .output()
        .expect("there is a shell");
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Makes a policy of a language, builds and tests it as its README says.
fn new_policy_builds(language: &str, test: &str) {
    if policies::component(&format!("fill-{language}")).is_none() {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let dir = folder.path().join("my-own");
    let build = scaffold(language, &dir);
    let readme = std::fs::read_to_string(dir.join("README.md")).expect("a README");
    assert!(readme.contains(&build) && readme.contains(test), "{readme}");
    shell(test, language, &dir);
    shell(&build, language, &dir);
    let component = dir.join("my-own.wasm");
    let shown = policy(&["inspect", &component.display().to_string(), "--json"]);
    assert!(shown.status.success(), "{shown:?}");
    let shown: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!(shown["name"], "my-own", "{shown}");
}

#[test]
fn a_new_policy_in_c_builds() {
    new_policy_builds("c", "make test");
}

#[test]
fn a_new_policy_in_javascript_builds() {
    new_policy_builds("js", "npm test");
}

#[test]
fn a_new_policy_in_python_builds() {
    new_policy_builds("python", "python3 -m unittest");
}

#[test]
fn a_new_policy_in_go_builds() {
    new_policy_builds("go", "make test");
}

#[test]
fn a_new_policy_in_rust_builds() {
    let folder = TempDir::new().expect("a folder");
    let dir = folder.path().join("my-own");
    assert_eq!(scaffold("rust", &dir), "promweave policy build");
    shell("cargo test --quiet", "rust", &dir);
    let built = proxy::command()
        .args(["policy", "build", "--json"])
        .arg(&dir)
        .env("CARGO_TARGET_DIR", policies::cache("cargo"))
        .output()
        .expect("the program can be started");
    assert!(built.status.success(), "{built:?}");
    let shown: Value = serde_json::from_slice(&built.stdout).expect("JSON");
    assert_eq!(shown["name"], "my-own", "{shown}");
}
