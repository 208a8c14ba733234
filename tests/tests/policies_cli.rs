//! `promweave policy`, the commands that ask no proxy: answers and exit codes.

use std::fs;
use std::process::Output;

use e2e::proxy::command;
use serde_json::Value;
use tempfile::TempDir;

fn policy(arguments: &[&str]) -> Output {
    command().arg("policy").args(arguments).output().expect("the program can be started")
}

#[track_caller]
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn a_good_policy_is_tested_inspected_and_measured_with_code_0() {
    let tested = policy(&["test", "builtin", "--quick", "--json"]);
    assert_eq!(tested.status.code(), Some(0), "{tested:?}");
    let shown = json(&tested);
    assert_eq!(shown["good"], true);
    assert!(shown["held"].as_array().is_some_and(|laws| laws.len() > 10), "{shown}");
    assert!(tested.stderr.is_empty(), "no bar without a terminal: {tested:?}");

    let inspected = policy(&["inspect", "builtin", "--json"]);
    assert_eq!(inspected.status.code(), Some(0), "{inspected:?}");
    assert_eq!(json(&inspected)["name"], "fill");

    let settings = r#"{"rule":"max"}"#;
    let measured = policy(&["bench", "builtin", "--settings", settings, "--json"]);
    assert_eq!(measured.status.code(), Some(0), "{measured:?}");
    let shown = json(&measured);
    let shapes = shown["shapes"].as_array().expect("a list");
    assert_eq!(shapes.len(), 3);
    for shape in shapes {
        let figures = shape["nanoseconds_per_sample"].as_object().expect("figures");
        assert!(figures.values().all(|figure| figure.as_f64() > Some(0.0)), "{shown}");
    }
}

#[test]
fn a_refused_policy_ends_with_code_1_and_the_reason() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("no.wasm");
    fs::write(&file, "no WebAssembly").expect("a temporary file");
    let file = file.to_str().expect("a plain path");
    for (command, key) in [("test", "refused"), ("inspect", "reason")] {
        let output = policy(&[command, file, "--json"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(json(&output)[key], "this is no WebAssembly");
        let output = policy(&[command, file]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(shown.contains(": this is no WebAssembly\n"), "{shown}");
    }
    let output = policy(&["bench", file]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.ends_with("no.wasm: this is no WebAssembly\n"), "{said}");
    // By its settings.
    let output = policy(&["test", "builtin", "--settings", r#"{"rule":"none"}"#]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn what_cannot_be_carried_out_ends_with_code_2() {
    for arguments in [
        &["test", "no/such/file.wasm"][..],
        &["inspect", "no/such/file.wasm", "--json"],
        &["bench", "builtin", "--settings", "[]"],
        &["test", "builtin", "--settings", "{"],
        &["test", "builtin", "--settings-file", "no/such/file.json"],
        &["test", "builtin", "--settings", "{}", "--settings-file", "a.json"],
        &["test"],
        &["no-such-command"],
    ] {
        let output = policy(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}
