//! The proxy itself is killed while operators store and bind, again and again:
//! what it acknowledged is there when it is started again.

use std::fs;
use std::hint::spin_loop;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use e2e::http::{Client, Request};
use e2e::operator::{Operator, marked};
use e2e::process::Process;
use e2e::proxy::command;
use serde_json::{Value, json};
use tempfile::TempDir;

const KILLS: u64 = 20;
/// How long a start may take.
const START: Duration = Duration::from_secs(60);
/// A group that nobody asks.
const CONFIG: &str =
    "promxy: {server_groups: [{name: site, static_configs: [{targets: ['127.0.0.1:9']}]}]}\n";

/// A proxy on a folder, and its admin side.
fn start(folder: &Path) -> (Process, Operator) {
    let mut command = command();
    command.current_dir(folder).args([
        "--config=config.yaml",
        "--bind-addr=127.0.0.1:0",
        "--admin.bind-addr=127.0.0.1:0",
    ]);
    let mut process = Process::spawn(&mut command);
    let address: SocketAddr = process.wait_for(START, |line| {
        let rest = line.split_once("admin listening")?.1.split_once("address=")?.1;
        rest.split_whitespace().next()?.parse().ok()
    });
    (process, Operator(Client::new(address)))
}

/// What was asked for, and what was acknowledged of it: digests.
#[derive(Clone, Debug, Default)]
struct Known {
    newest: Option<String>,
    bound: Option<String>,
    asked: Vec<String>,
}

/// Stores and binds until nobody answers any more.
fn work(
    operator: Operator,
    versions: &[(String, Vec<u8>)],
    known: &Mutex<Known>,
    done: &mpsc::Sender<()>,
) {
    for (digest, wasm) in versions.iter().cycle() {
        known.lock().expect("no panic").asked.push(digest.clone());
        let send = |target: &str, body: Vec<u8>| {
            let (target, headers) = (target.to_owned(), Vec::new());
            operator.0.send(&Request { method: "PUT", target, headers, body })
        };
        let Ok(stored) = send("/api/v1/policies/median", wasm.clone()) else { return };
        assert!((200..300).contains(&stored.status), "{}", stored.text());
        known.lock().expect("no panic").newest = Some(digest.clone());
        let wish = json!({ "name": "median", "digest": digest }).to_string();
        let Ok(bound) = send("/api/v1/server_groups/site/policy", wish.into_bytes()) else {
            return;
        };
        assert!((200..300).contains(&bound.status), "{}", bound.text());
        known.lock().expect("no panic").bound = Some(digest.clone());
        // The test may have seen enough.
        let _ = done.send(());
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Compares what there is with what was acknowledged last, or was asked for
/// and perhaps done.
fn check(operator: Operator, known: &Known) -> Known {
    let group = operator.get("server_groups/site");
    let is_api = group["active"]["source"] == "api";
    let bound = text(&group["active"]["digest"]).filter(|_| is_api);
    let policies = operator.get("policies");
    let stored = &policies["policies"][1];
    let newest = text(&stored["versions"][0]["digest"]);
    let on_the_way = known.asked.last().cloned();
    assert!([&known.newest, &on_the_way].contains(&&newest), "{newest:?} of {known:?}");
    assert!([&known.bound, &on_the_way].contains(&&bound), "{bound:?} of {known:?}");
    assert_eq!(policies["damaged"], json!([]));
    if bound.is_some() {
        assert_eq!(group["active"]["state"], "running", "{group}");
    }
    for version in stored["versions"].as_array().into_iter().flatten() {
        assert!(version["problem"].is_null(), "{version}");
        let digest = version["digest"].as_str().expect("a digest");
        let bytes = operator.0.get(&format!("/api/v1/policies/median/{digest}"), &[]);
        assert_eq!((bytes.status, bytes.body.is_empty()), (200, false), "{digest}");
    }
    Known { newest, bound, asked: Vec::new() }
}

#[test]
fn a_proxy_that_is_killed_has_what_it_acknowledged() {
    let folder = TempDir::new().expect("a temporary folder");
    fs::write(folder.path().join("config.yaml"), CONFIG).expect("a temporary file");
    let (process, operator) = start(folder.path());
    let builtin = operator.builtin();
    let mut versions = Vec::new();
    for mark in ["a", "b", "c"] {
        let wasm = marked(&builtin, mark);
        versions.push((operator.upload_good("median", &wasm), wasm));
    }
    let mut known = Known { newest: versions.last().map(|own| own.0.clone()), ..Known::default() };
    drop(process);
    for round in 0..KILLS {
        let (mut process, operator) = start(folder.path());
        known = check(operator, &known);
        let shared = Mutex::new(known.clone());
        thread::scope(|scope| {
            let (done, is_done) = mpsc::channel();
            let worker = scope.spawn(|| {
                let done = done;
                work(operator, &versions, &shared, &done);
            });
            for _ in 0..=round % 3 {
                is_done.recv_timeout(START).expect("it works");
            }
            // Anywhere in the next change.
            let until = Instant::now() + Duration::from_micros(round * 7_919 % 30_000);
            while Instant::now() < until {
                spin_loop();
            }
            process.kill();
            worker.join().expect("all it answered was good");
        });
        known = shared.into_inner().expect("no panic");
    }
    let (_process, operator) = start(folder.path());
    check(operator, &known);
}
