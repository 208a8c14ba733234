//! Cases from Prometheus's own tests, read from the folder that the
//! environment variable `PROMWEAVE_SHARED` names; skipped aloud without it.

use std::fs;
use std::path::{Path, PathBuf};

use promql::parser::{Options, parse};
use promql::quote::unquote;
use serde_json::Value;

use super::assert_survives_printing;

fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("PROMWEAVE_SHARED");
    if folder.is_none() {
        eprintln!("SKIPPED: PROMWEAVE_SHARED is not set, Prometheus's cases are not run");
    }
    folder.map(PathBuf::from)
}

fn cases(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("the corpus is readable");
    serde_json::from_str(&text).expect("the corpus is JSON")
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().expect("the corpus has this text")
}

/// Every difference at once, since one says little about a corpus.
fn assert_none(differences: &[String]) {
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn prometheus_parser_cases_are_accepted_or_refused_with_the_same_text() {
    let Some(shared) = shared() else { return };
    let cases = cases(&shared.join("promql-corpus/parse.json"));
    assert!(cases.len() > 300, "{} cases", cases.len());
    let differences: Vec<String> = cases.iter().filter_map(parse_difference).collect();
    assert_none(&differences);
}

fn parse_difference(case: &Value) -> Option<String> {
    let query = text(case, "query");
    // As the Go source writes the string.
    let wanted = case["error"][0].as_str();
    let wanted = wanted.map(|literal| unquote(literal).expect("the text is a Go string"));
    assert_eq!(case["valid"], wanted.is_none());
    let got = parse(query, &Options::all()).err();
    let got = got.map(|error| error.message.into());
    (got != wanted).then(|| format!("{query:?}: {got:?} instead of {wanted:?}"))
}

#[test]
fn prometheus_printer_cases_print_the_same() {
    let Some(shared) = shared() else { return };
    let cases = cases(&shared.join("promql-corpus/print.json"));
    assert!(cases.len() > 80, "{} cases", cases.len());
    let mut differences = Vec::new();
    for case in &cases {
        let (query, wanted) = (text(case, "query"), text(case, "printed"));
        match parse(query, &Options::all()) {
            Ok(expr) if expr.to_string() == wanted => assert_survives_printing(&expr),
            got => differences.push(format!("{query:?}: {got:?} instead of {wanted:?}")),
        }
    }
    assert_none(&differences);
}

#[test]
fn every_query_of_the_acceptance_tests_survives_printing() {
    let Some(shared) = shared() else { return };
    let mut count = 0;
    for entry in fs::read_dir(shared.join("promqltest")).expect("the folder is readable") {
        let path = entry.expect("the folder is readable").path();
        let script = fs::read_to_string(&path).expect("the script is readable");
        for query in script.lines().filter_map(eval_query) {
            let expr = parse(query, &Options::all());
            let expr = expr.unwrap_or_else(|error| panic!("{query:?}: {error}"));
            assert_survives_printing(&expr);
            count += 1;
        }
    }
    assert!(count > 2000, "{count} queries");
}

/// The query of a line such as `eval range from 0 to 5m step 1m rate(a[5m])`.
fn eval_query(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("eval")?;
    let (_, rest) = rest.split_once(' ')?;
    let words = match rest.split(' ').next()? {
        "instant" => 3,
        "range" => 7,
        _ => return None,
    };
    Some(rest.splitn(words + 1, ' ').nth(words)?.trim())
}
