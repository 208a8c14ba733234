//! The invariants of ARCHITECTURE.md that a look at the sources can check.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file without its comments and its tests.
struct Source {
    /// Relative to the repository's root, with slashes.
    path: String,
    code: String,
}

fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("host/ has a parent");
    let mut files = Vec::new();
    collect(&root.join(folder), &mut files);
    files.sort();
    assert!(!files.is_empty(), "{folder} holds no source file");
    let read = |file: PathBuf| {
        let path = file.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
        Source { path, code: code_of(&fs::read_to_string(&file).expect("a readable source")) }
    };
    files.into_iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let is_test = path.ends_with("tests") || path.ends_with("tests.rs");
        if is_test {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Fails for every file of `folder` that has one of `words`, unless its path
/// starts with one of `allowed`.
fn only_in(folder: &str, words: &[&str], allowed: &[&str]) {
    let mut found = Vec::new();
    for source in sources(folder) {
        if allowed.iter().any(|prefix| source.path.starts_with(prefix)) {
            continue;
        }
        for (number, line) in source.code.lines().enumerate() {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                found.push(format!(
                    "{} ({word}, code line {}): {}",
                    source.path,
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    assert!(found.is_empty(), "allowed only in {allowed:?}:\n{}", found.join("\n"));
}

#[test]
fn promql_does_no_io_does_not_await_and_reads_no_clock() {
    let words = [
        "hyper::",
        "tokio",
        "wasmtime",
        "promweave",
        "std::fs",
        "std::net",
        "std::io",
        "async fn",
        ".await",
        "Instant::now",
        "SystemTime",
    ];
    only_in("host/promql/src", &words, &[]);
    let manifest = include_str!("../promql/Cargo.toml");
    let dependencies = manifest.split("[dev-dependencies]").next().expect("a first part");
    for word in ["hyper", "tokio", "wasmtime", "promweave", "serde"] {
        assert!(!dependencies.contains(word), "promql depends on {word}");
    }
}

#[test]
fn the_contract_and_the_wasm_runtime_stay_in_policy() {
    only_in("host/src", &["wasmtime", "bindings::", "bindgen!"], &["host/src/policy"]);
}

#[test]
fn components_are_compiled_where_they_are_loaded() {
    let words = ["from_binary", "Component::deserialize", "deserialize_file", "Component::new"];
    only_in("host/src", &words, &["host/src/policy"]);
}

#[test]
fn status_codes_of_errors_are_chosen_in_one_file() {
    let words = [
        "StatusCode::BAD_REQUEST",
        "StatusCode::UNPROCESSABLE_ENTITY",
        "StatusCode::SERVICE_UNAVAILABLE",
        "StatusCode::INTERNAL_SERVER_ERROR",
        "StatusCode::UNAUTHORIZED",
        "StatusCode::FORBIDDEN",
        "StatusCode::CONFLICT",
        "StatusCode::PRECONDITION_FAILED",
        "StatusCode::PAYLOAD_TOO_LARGE",
        "StatusCode::UNSUPPORTED_MEDIA_TYPE",
        "StatusCode::INSUFFICIENT_STORAGE",
        "StatusCode::TOO_MANY_REQUESTS",
    ];
    only_in("host/src", &words, &["host/src/api/error.rs"]);
}

#[test]
fn serde_derives_stop_at_the_edges() {
    let edges = [
        "host/src/config",
        "host/src/gather/",
        "host/src/admin",
        "host/src/api/",
        "host/src/policy/",
        "host/src/registry/",
    ];
    only_in("host/src", &["Serialize", "Deserialize"], &edges);
    only_in("host/promql/src", &["serde"], &[]);
}

#[test]
fn unsafe_code_stays_where_it_is_explained() {
    let folders = ["host/src", "host/promql/src"];
    for folder in folders {
        only_in(folder, &["unsafe {", "unsafe fn", "unsafe impl"], &["host/src/policy/"]);
    }
}
