//! Runs scripts in Prometheus's promqltest notation.
//!
//! In: our own scripts beside this, and Prometheus's acceptance scripts in
//! `$PROMWEAVE_SHARED/promqltest`. Every `eval` is run as written; an instant
//! one also with all selectors pinned by `@` at other times, and as a range
//! query, as Prometheus's own runner does. What the notation means is in
//! prometheus/promql/promqltest/README.md.

mod check;
mod load;
mod run;
mod script;
mod sequence;

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Evals of one script: how many there are, and the texts of those that fail.
struct Report {
    name: String,
    evals: usize,
    failures: Vec<run::Failure>,
}

fn run_file(path: &Path) -> Report {
    let text = std::fs::read_to_string(path).expect("a script is readable");
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (evals, failures) = run::run(&script::parse(&text));
    Report { name, evals, failures }
}

fn scripts(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder of scripts is readable");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder entry is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
        .collect();
    paths.sort();
    paths
}

fn assert_all_pass(folder: &Path, at_least: usize) {
    let only = std::env::var("PROMQLTEST_ONLY").ok();
    let reports: Vec<Report> = scripts(folder)
        .iter()
        .filter(|path| only.as_ref().is_none_or(|only| path.to_string_lossy().contains(only)))
        .map(|path| run_file(path))
        .collect();
    assert!(only.is_some() || reports.len() >= at_least, "scripts are missing");
    let mut text = String::new();
    for Report { name, evals, failures } in &reports {
        let passed = evals.saturating_sub(failures.len());
        writeln!(text, "{name}: {passed} of {evals} evals pass")
            .expect("writing to a string works");
    }
    let mut failed = 0;
    for (report, failure) in
        reports.iter().flat_map(|report| report.failures.iter().map(move |f| (report, f)))
    {
        failed += 1;
        writeln!(text, "{}:{}: {}", report.name, failure.line, failure.text)
            .expect("writing to a string works");
    }
    assert_eq!(failed, 0, "evals fail\n{text}");
}

#[test]
fn a_wrong_expectation_is_found() {
    let wrong = [
        "load 1m\n  a 1 2\n\neval instant at 1m a\n  a 3\n",
        "load 1m\n  a 1 2\n\neval instant at 1m a\n  b 2\n",
        "load 1m\n  a 1 2\n\neval instant at 1m a\n",
        "load 1m\n  a 1 2\n\neval range from 0 to 1m step 1m a\n  a 1\n",
        "load 1m\n  a 1 2\n\neval instant at 1m a\n  expect warn\n  a 2\n",
        "load 1m\n  a 1 2\n\neval instant at 1m a\n  expect fail\n",
        "load 1m\n  a 1 2\n\neval instant at 1m rate(a[2m])\n  expect no_info\n  {} 0.01\n",
        "load 1m\n  a {{sum:1 count:1}}\n\neval instant at 0 a\n  a {{sum:2 count:1}}\n",
    ];
    for text in wrong {
        let (evals, failures) = run::run(&script::parse(text));
        assert_eq!((evals, failures.len()), (1, 1), "{text}: {failures:?}");
        assert_eq!(failures[0].line, 4, "{text}");
    }
}

#[test]
fn what_cannot_be_read_fails_alone_and_by_its_line() {
    let text = "load 1m\n  a 1\n\nfrobnicate\n  a 1\n\neval instant at 0 a\n  a 1 x\n\n\
                eval instant at 0 a\n  a 1\n";
    let (count, failures) = run::run(&script::parse(text));
    let lines: Vec<usize> = failures.iter().map(|failure| failure.line).collect();
    assert_eq!((count, lines), (3, vec![4, 8]), "{failures:?}");
}

#[test]
fn our_scripts_pass() {
    assert_all_pass(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts"), 1);
}

#[test]
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
fn prometheus_acceptance_scripts_pass() {
    const SCRIPTS: usize = 21;
    let Ok(shared) = std::env::var("PROMWEAVE_SHARED") else {
        eprintln!("SKIPPED: PROMWEAVE_SHARED is not set, Prometheus's scripts were not run");
        return;
    };
    assert_all_pass(&Path::new(&shared).join("promqltest"), SCRIPTS);
}
