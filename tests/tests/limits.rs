//! What a query may cost and how long it may take.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use e2e::faulty::{Fault, FaultyServer};
use e2e::http::Response;
use e2e::proxy::{Group, Proxy};
use e2e::serve::Server;

/// How long a test waits for something that must come to pass.
const PATIENCE: Duration = Duration::from_secs(30);
/// Work of minutes on few samples: a window of forty days at every step.
const HEAVY: &str = "quantile_over_time(0.5, vector(1)[40d:1m])";

fn instant<'a>(query: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("query", query), ("time", "1699999200")], more].concat()
}

fn range<'a>(query: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let times = [("start", "1699988200"), ("end", "1699999200"), ("step", "1")];
    [&[("query", query)], &times[..], more].concat()
}

fn assert_error(response: &Response, expected: (u16, &str, &str)) {
    let answer = response.json();
    let (status, kind, text) = expected;
    assert_eq!((response.status, answer["errorType"].as_str()), (status, Some(kind)), "{answer}");
    let error = answer["error"].as_str().unwrap_or_default();
    assert!(error.starts_with(text), "{answer}");
}

#[test]
fn more_samples_than_allowed_are_an_execution_error() {
    let proxy = Proxy::builder().flag("--query.max-samples=5000").start();
    let expected = (
        422,
        "execution",
        "query processing would load too many samples into memory in query execution",
    );
    let client = proxy.client;
    for query in ["1", "vector(1)", "time() + vector(1)"] {
        assert_error(&client.get("/api/v1/query_range", &range(query, &[])), expected);
    }
    let subquery = instant("max_over_time(vector(1)[2h:1s])", &[]);
    assert_error(&client.get("/api/v1/query", &subquery), expected);
    let fits = client.get("/api/v1/query", &instant("max_over_time(vector(1)[1h:1s])", &[]));
    assert_eq!(fits.status, 200, "{}", fits.text());
}

#[test]
fn a_subquery_of_endless_steps_costs_only_its_own_query() {
    let proxy = Proxy::builder().start();
    for query in ["vector(1)[100y:1ms]", "count_over_time(hour()[290y:1ms])", "up[100y:1ms]"] {
        let response = proxy.client.get("/api/v1/query", &instant(query, &[("stats", "all")]));
        assert_error(&response, (422, "execution", "query processing would"));
    }
}

#[test]
fn a_timeout_is_an_error_of_its_own_wherever_it_is_found() {
    let hanging = FaultyServer::start(Fault::Hang);
    let proxy = Proxy::builder().group(Group::new(&[hanging.target()])).start();
    let client = proxy.client;
    for timeout in ["0", "-1", "1e-9"] {
        let response = client.get("/api/v1/query", &instant("1", &[("timeout", timeout)]));
        assert_error(&response, (503, "timeout", "query timed out in query execution"));
    }
    let evaluation = (503, "timeout", "query timed out in expression evaluation");
    let limit = [("timeout", "300ms")];
    assert_error(&client.get("/api/v1/query", &instant("up", &limit)), evaluation);
    assert_error(&client.get("/api/v1/query_range", &range("up", &limit)), evaluation);
    assert_error(&client.get("/api/v1/query_range", &range(HEAVY, &limit)), evaluation);
    // The process can only end once nothing is evaluated any more.
    let (status, log) = proxy.stop();
    assert!(status.success(), "{log}");
}

#[test]
fn the_configured_timeout_holds_for_clients_that_would_wait_longer() {
    let proxy = Proxy::builder().flag("--query.timeout=300ms").start();
    let response = proxy.client.get("/api/v1/query_range", &range(HEAVY, &[("timeout", "10m")]));
    assert_error(&response, (503, "timeout", "query timed out in expression evaluation"));
}

/// Waits until the proxy says that so many queries run.
fn wait_for_running(proxy: &Proxy, count: u32) {
    let until = Instant::now() + PATIENCE;
    let line = format!("promweave_queries_running {count}");
    while !proxy.client.get("/metrics", &[]).text().lines().any(|own| own == line) {
        assert!(Instant::now() < until, "{line} did not come");
        thread::yield_now();
    }
}

/// Sends a query and gives the connection back without waiting.
fn begin(proxy: &Proxy, target: &str) -> TcpStream {
    let mut stream = TcpStream::connect(proxy.client.address).expect("a listening proxy");
    let head = format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("a request is sent");
    stream
}

#[test]
fn a_client_that_leaves_ends_its_evaluation() {
    let proxy = Proxy::builder().start();
    let target = "/api/v1/query_range?query=quantile_over_time(0.5,vector(1)[40d:1m])\
                  &start=1699988200&end=1699999200&step=1";
    let stream = begin(&proxy, target);
    wait_for_running(&proxy, 1);
    drop(stream);
    wait_for_running(&proxy, 0);
    let (status, log) = proxy.stop();
    assert!(status.success(), "{log}");
}

#[test]
fn a_client_that_leaves_ends_the_requests_to_replicas() {
    let (asked, was_asked) = mpsc::channel();
    let (left, has_left) = mpsc::channel();
    let server = Server::start(move |_, mut stream, _| {
        // The test may have seen enough.
        let _ = asked.send(());
        while stream.read(&mut [0; 64])? > 0 {}
        let _ = left.send(());
        Ok(())
    });
    let group = Group::new(&[server.address.to_string()]).set("timeout", "10m");
    let proxy = Proxy::builder().group(group).start();
    let stream = begin(&proxy, "/api/v1/query?query=up&time=1699999200");
    was_asked.recv_timeout(PATIENCE).expect("the replica is asked");
    drop(stream);
    has_left.recv_timeout(PATIENCE).expect("the connection to the replica is closed");
    wait_for_running(&proxy, 0);
}

/// `open` so many times, `inner`, `close` as often.
fn nested(open: &str, inner: &str, close: &str, levels: usize) -> String {
    format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
}

#[test]
fn deep_and_long_queries_are_answered_or_refused_and_hurt_nobody() {
    let proxy = Proxy::builder().start();
    let mut queries = Vec::new();
    for levels in [120, 240, 490, 10_000] {
        queries.extend([
            nested("(", "vector(1)", ")", levels),
            nested("-", "vector(1)", "", levels),
            nested("abs(", "vector(1)", ")", levels),
            nested("sum(", "vector(1)", ")", levels),
            nested("topk(1, ", "vector(1)", ")", levels),
            nested("quantile by (a) (0.5, ", "vector(1)", ")", levels),
            nested("count_values(\"a\", ", "vector(1)", ")", levels),
            nested("max_over_time(", "vector(1)", "[1m:1m])", levels),
            nested("scalar(vector(", "1", "))", levels),
            nested("(1 + ", "vector(1)", ")", levels),
            nested("(vector(1) unless ", "vector(1)", ")", levels),
            nested("vector(1) ^ ", "vector(1)", "", levels),
            nested("label_replace(", "vector(1)", ", \"a\", \"b\", \"c\", \"d\")", levels),
            nested("histogram_quantile(0.5, ", "vector(1)", ")", levels),
        ]);
    }
    queries.extend([
        vec!["vector(1)"; 20_000].join(" + "),
        vec!["vector(1)"; 5_000].join(" or "),
        vec!["1"; 50_000].join(" - "),
        "1".repeat(500_000),
        format!("1e{}", "9".repeat(1000)),
        format!("\"{}\"", "x".repeat(1_000_000)),
        format!("{{a=\"{}\"}}", "x".repeat(1_000_000)),
        format!("{{{}}}", "a!=\"b\",".repeat(100_000)),
        format!("{{a=~\"{}\"}}", "(a*)*".repeat(1000)),
        format!("label_replace(vector(1), \"a\", \"$1\", \"b\", \"{}b\")", "(a*)*".repeat(150)),
        "[".repeat(100_000),
        "{".repeat(100_000),
        "\"".repeat(100_001),
    ]);
    let allowed = |status| matches!(status, 200 | 400 | 422);
    for query in &queries {
        let start: String = query.chars().take(30).collect();
        let ask = |path: &str, params: &[(&str, &str)]| proxy.client.post(path, params).status;
        let status = ask("/api/v1/query", &instant(query, &[]));
        assert!(allowed(status), "{start}… ({} bytes): {status}", query.len());
        for path in ["/api/v1/format_query", "/api/v1/parse_query"] {
            let status = ask(path, &[("query", query)]);
            assert!(allowed(status), "{path} {start}… ({} bytes): {status}", query.len());
        }
    }
    let answer = proxy.client.get("/api/v1/query", &instant("1 + 1", &[])).json();
    assert_eq!(answer["data"]["result"][1], "2", "{answer}");
}
