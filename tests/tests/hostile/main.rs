//! Policies that do their worst, uploaded to the real proxy: every query is
//! answered, the fault is named, and the neighbours notice nothing.

mod at_work;
mod uploads;
mod wasi;

use std::thread;
use std::time::Instant;

use e2e::guest::Guest;
use e2e::http::Response;
use e2e::operator::{marked, until};
use e2e::scene::{Beside, Scene, result, warnings};
use serde_json::Value;

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
    let names_it = |line: &str| line.contains(&digest[..12]) && line.contains(fault);
    until(&format!("a line of the log about {name}"), || scene.proxy.log().lines().any(names_it));
    let (asked, slowest) = beside.stop();
    eprintln!("{name}: answered after {took:?}; beside it {asked} queries, slowest {slowest:?}");
}
