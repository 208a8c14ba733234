//! Parameters of queries, and the texts of their faults: as Prometheus's own.

use e2e::http::Client;
use e2e::prometheus::{self, Prometheus};
use e2e::proxy::{Group, Proxy};
use e2e::queries::faulty::FAULTY;
use serde_json::Value;

/// Values that parameters of every kind are given.
const VALUES: [&str; 52] = [
    "",
    "0",
    "-0",
    "-1",
    "1",
    "+1",
    "1e3",
    "1e400",
    "-1e400",
    "1e-400",
    "0x10",
    "0x1p4",
    "1_000",
    "0b1",
    " 1",
    "1 ",
    "1.5",
    ".5",
    "5.",
    "1e",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1m",
    "1m30s",
    "1d2h",
    "0s",
    "-1m",
    "1ms",
    "1ns",
    "290y",
    "293y",
    "1e19",
    "abc",
    "\"",
    "é",
    "1m 30s",
    "1M",
    "1.5h",
    "30s1m",
    "1w",
    "2023-11-14T22:30:00Z",
    "2023-11-14T22:30:00",
    "2023-11-14T22:30:00.1234567890123Z",
    "2023-02-29T00:00:00Z",
    "2023-11-14t22:30:00z",
    "10000-01-01T00:00:00Z",
    "1700000000.0005",
    "0.0015",
    "\n",
    "1\n",
    "٣",
];

fn instant<'a>(query: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("query", query), ("time", "1699999200")], more].concat()
}

fn range<'a>(query: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let times = [("start", "1699988200"), ("end", "1699999200"), ("step", "1")];
    [&[("query", query)], &times[..], more].concat()
}

/// The parameters with one of them replaced, or added.
fn with<'a>(
    mut params: Vec<(&'a str, &'a str)>,
    name: &'a str,
    value: &'a str,
) -> Vec<(&'a str, &'a str)> {
    params.retain(|(own, _)| *own != name);
    params.push((name, value));
    params
}

/// A timeout that has passed is one of three errors of Prometheus's, by
/// chance.
fn has_passed(name: &str, value: &str) -> bool {
    const PASSED: [&str; 8] =
        ["0", "-0", "-1", "1e-400", "0s", "-9223372036854775808", "1ns", "1ms"];
    name == "timeout" && PASSED.contains(&value)
}

#[test]
fn parameters_and_their_faults_are_prometheus_own() {
    if !prometheus::available() {
        return;
    }
    let server = Prometheus::start();
    let proxy = Proxy::builder().group(Group::new(&[server.target()])).start();
    let mut differences = Vec::new();
    let mut compare = |path: &str, params: &[(&str, &str)]| {
        let ask = |client: Client| client.get(path, params);
        let (expected, actual) = (ask(server.client), ask(proxy.client));
        if (expected.status, expected.json()) != (actual.status, actual.json()) {
            let (expected, actual) = (expected.text(), actual.text());
            differences.push(format!("{path} {params:?}\n    {expected}\n    {actual}"));
        }
    };
    for value in VALUES {
        for name in ["time", "timeout", "lookback_delta", "limit"] {
            // Without a time it is now, which differs between two questions.
            if !has_passed(name, value) && (name, value) != ("time", "") {
                compare("/api/v1/query", &with(instant("vector(1)", &[]), name, value));
            }
        }
        for name in ["start", "end", "step", "timeout", "lookback_delta", "limit"] {
            if !has_passed(name, value) {
                compare("/api/v1/query_range", &with(range("vector(1)", &[]), name, value));
            }
        }
    }
    // Of several faults the same is told.
    let names = ["limit", "start", "end", "step", "timeout", "lookback_delta", "query"];
    for (place, first) in names.iter().enumerate() {
        for second in &names[place..] {
            let params = with(with(range("1", &[]), first, "("), second, "(");
            compare("/api/v1/query_range", &params);
            compare("/api/v1/query", &with(with(instant("1", &[]), first, "("), second, "("));
        }
    }
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn faults_of_queries_have_prometheus_kinds_and_texts() {
    if !prometheus::available() {
        return;
    }
    let server = Prometheus::start();
    let proxy = Proxy::builder().group(Group::new(&[server.target()])).start();
    let mut differences = Vec::new();
    for &query in FAULTY {
        for (path, params) in [
            ("/api/v1/query", instant(query, &[])),
            ("/api/v1/query_range", range(query, &[])),
            ("/api/v1/format_query", vec![("query", query)]),
        ] {
            let (expected, actual) =
                (server.client.get(path, &params), proxy.client.post(path, &params));
            if (expected.status, expected.json()) != (actual.status, actual.json()) {
                let (expected, actual) = (expected.text(), actual.text());
                differences.push(format!("{path} {query}\n    {expected}\n    {actual}"));
            }
        }
    }
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn a_limit_cuts_vectors_and_matrices_and_says_so() {
    let proxy = Proxy::builder().start();
    let three = "label_replace(vector(1), \"a\", \"x\", \"\", \"\") or \
                 label_replace(vector(2), \"a\", \"y\", \"\", \"\") or vector(3)";
    let warning = "results truncated due to limit";
    for (limit, kept) in [("0", 3), ("1", 1), ("2", 2), ("3", 3), ("4", 3)] {
        let vector = proxy.client.get("/api/v1/query", &instant(three, &[("limit", limit)])).json();
        let matrix =
            proxy.client.get("/api/v1/query_range", &range(three, &[("limit", limit)])).json();
        for answer in [vector, matrix] {
            let result = answer["data"]["result"].as_array().map(Vec::len);
            assert_eq!(result, Some(kept), "{limit}");
            let warnings = answer["warnings"].as_array().into_iter().flatten();
            let told = warnings.filter(|text| text.as_str() == Some(warning)).count();
            assert_eq!(told, usize::from(kept < 3), "{limit}");
        }
    }
    for unlimited in ["1", "\"text\""] {
        let answer = proxy.client.get("/api/v1/query", &instant(unlimited, &[("limit", "1")]));
        assert_eq!(answer.json()["warnings"], Value::Null);
    }
}
