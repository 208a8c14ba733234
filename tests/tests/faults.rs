//! Replicas that fail in every way, beside a healthy one and alone.

use std::time::{Duration, Instant};

use e2e::compare::seconds;
use e2e::data::Series;
use e2e::faulty::{DISORDER, Fault, FaultyServer, GENERAL, READ};
use e2e::fleet::{INTERVAL_MS, PAST_MS};
use e2e::http::{Client, Request, Response};
use e2e::prometheus::{self, Prometheus};
use e2e::proxy::{Builder, Group, Proxy};
use serde_json::Value;

/// Within this time a query over a faulty replica must be answered; groups
/// have a timeout of a second.
const PATIENCE: Duration = Duration::from_secs(15);
/// Status and type of the error when a required group gave no answer.
const NO_ANSWER: [(u16, &str); 2] = [(503, "unavailable"), (503, "timeout")];
/// The same where the group's answer was more than a query may hold.
const TOO_MUCH: (u16, &str) = (422, "execution");

/// A server with a steady series over a quarter of an hour.
fn healthy() -> Prometheus {
    let server = Prometheus::start();
    let series = |name: &str, job: &str| {
        let samples =
            (0..61i32).map(|index| (PAST_MS + i64::from(index) * INTERVAL_MS, f64::from(index)));
        Series::floats(&[("__name__", name), ("job", job)], samples)
    };
    server.write(&[series("steady", "api"), series("steady", "db"), series("other", "api")]);
    server
}

fn group(targets: &[String]) -> Group {
    Group::new(targets).set("timeout", "1s")
}

/// Requests of every kind, all answered from the steady series.
fn requests() -> Vec<Request> {
    let (start, end) = (seconds(PAST_MS), seconds(PAST_MS + 900_000));
    let range = |query| {
        let times =
            [("query", query), ("start", start.as_str()), ("end", end.as_str()), ("step", "15")];
        Request::post_form("/api/v1/query_range", &times)
    };
    let selector = [("match[]", "steady"), ("start", start.as_str()), ("end", end.as_str())];
    vec![
        Request::get("/api/v1/query", &[("query", "steady"), ("time", &end)]),
        Request::get("/api/v1/query", &[("query", "steady[10m]"), ("time", &end)]),
        range("steady"),
        range("sum by (job) (rate(steady[5m]))"),
        Request::get("/api/v1/series", &selector),
        Request::get("/api/v1/labels", &selector),
        Request::get("/api/v1/label/job/values", &selector),
    ]
}

fn send(client: Client, request: &Request) -> Response {
    let start = Instant::now();
    let response =
        client.send(request).unwrap_or_else(|error| panic!("{}: {error}", request.target));
    let took = start.elapsed();
    assert!(took < PATIENCE, "{} {} took {took:?}", request.method, request.target);
    response
}

fn warnings(answer: &Value) -> Vec<&str> {
    answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn sorted(data: &Value) -> Value {
    let mut data = data.clone();
    let list = if data.is_array() { &mut data } else { &mut data["result"] };
    if let Some(list) = list.as_array_mut() {
        list.sort_by_key(ToString::to_string);
    }
    data
}

/// Everything that is wrong with the answers of a proxy in front of a faulty
/// and a healthy replica.
fn beside(
    requests: &[Request],
    healthy: &Prometheus,
    faulty: &FaultyServer,
    proxy: Client,
) -> Vec<String> {
    let mut problems = Vec::new();
    for request in requests {
        let expected = send(healthy.client, request).json();
        let response = send(proxy, request);
        let answer = response.json();
        let what = format!("{} {}", request.target, String::from_utf8_lossy(&request.body));
        if response.status != 200 || sorted(&answer["data"]) != sorted(&expected["data"]) {
            problems.push(format!("{what}: incomplete: {} {answer}", response.status));
        }
        if !warnings(&answer).iter().any(|warning| warning.contains(&faulty.target())) {
            problems.push(format!("{what}: no warning names the replica: {:?}", warnings(&answer)));
        }
    }
    problems
}

/// Everything that is wrong with the answers of a proxy in front of a faulty
/// replica alone.
fn alone(requests: &[Request], expected: &[(u16, &str)], proxy: Client) -> Vec<String> {
    let mut problems = Vec::new();
    for request in requests {
        let response = send(proxy, request);
        let answer = response.json();
        let kind = answer["errorType"].as_str().unwrap_or_default();
        let expected = expected.contains(&(response.status, kind));
        let explained = answer["error"].as_str().is_some_and(|text| !text.is_empty());
        if !expected || !explained || answer["status"] != "error" || answer.get("data").is_some() {
            let text: String = answer.to_string().chars().take(300).collect();
            problems.push(format!("{}: {} {text}", request.target, response.status));
        }
    }
    problems
}

/// What a fault is tested with.
struct Trial {
    settings: fn(Group) -> Group,
    flags: &'static [&'static str],
    requests: Vec<Request>,
}

impl Default for Trial {
    fn default() -> Self {
        Self { settings: |group| group, flags: &[], requests: requests() }
    }
}

impl Trial {
    fn proxy(&self, targets: &[String]) -> Proxy {
        let builder = Proxy::builder().group((self.settings)(group(targets)));
        self.flags.iter().fold(builder, |builder, flag| builder.flag(flag)).start()
    }

    /// Everything that goes wrong with these faults.
    fn run(&self, faults: &[Fault]) {
        let healthy = healthy();
        let mut problems = Vec::new();
        for &fault in faults {
            // Either place in the group: neither is special.
            for faulty_first in [true, false] {
                let faulty = FaultyServer::start(fault);
                let mut targets = vec![faulty.target(), healthy.target()];
                if !faulty_first {
                    targets.reverse();
                }
                let found = beside(&self.requests, &healthy, &faulty, self.proxy(&targets).client);
                problems.extend(found.into_iter().map(|text| format!("{fault:?} beside: {text}")));
            }
            let faulty = FaultyServer::start(fault);
            let expected = if fault == Fault::Endless { &[TOO_MUCH][..] } else { &NO_ANSWER };
            let found = alone(&self.requests, expected, self.proxy(&[faulty.target()]).client);
            problems.extend(found.into_iter().map(|text| format!("{fault:?} alone: {text}")));
        }
        assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    }
}

/// Faults that make the proxy wait are tested beside the others.
const SLOW: [Fault; 3] = [Fault::Hang, Fault::Drip, Fault::Endless];

#[test]
fn a_broken_replica_beside_a_healthy_one_is_a_warning_and_alone_an_error() {
    if !prometheus::available() {
        return;
    }
    let quick: Vec<Fault> = GENERAL.into_iter().filter(|fault| !SLOW.contains(fault)).collect();
    Trial::default().run(&quick);
}

#[test]
fn a_slow_or_endless_replica_is_given_up_within_its_timeout() {
    if !prometheus::available() {
        return;
    }
    let flags = &["--query.timeout=4s", "--query.max-bytes=20000000"];
    // One of each kind: every request waits for its limit.
    let requests = requests().into_iter().skip(3).step_by(2).collect();
    Trial { flags, requests, ..Trial::default() }.run(&SLOW);
}

#[test]
fn without_remote_read_broken_json_is_treated_the_same() {
    if !prometheus::available() {
        return;
    }
    let lies = [
        Fault::ErrorEnvelope,
        Fault::ErrorWithSuccessStatus,
        Fault::CutLength,
        Fault::Garbage,
        Fault::WrongResultType,
        Fault::DeepNesting,
    ];
    let settings = |group: Group| group.set("remote_read", false);
    Trial { settings, ..Trial::default() }.run(&lies);
}

#[test]
fn repeated_and_unsorted_samples_are_put_in_order() {
    if !prometheus::available() {
        return;
    }
    let healthy = healthy();
    let queries = &requests()[..4];
    for fault in DISORDER {
        let faulty = FaultyServer::start(fault);
        let proxy = Proxy::builder().group(group(&[faulty.target(), healthy.target()])).start();
        for request in queries {
            let expected = send(healthy.client, request).json();
            let answer = send(proxy.client, request).json();
            assert_eq!(sorted(&answer["data"]), sorted(&expected["data"]), "{fault:?}: {answer}");
        }
        let proxy = Proxy::builder().group(group(&[faulty.target()])).start();
        let end = seconds(PAST_MS + 900_000);
        let all = Request::get("/api/v1/query", &[("query", "steady[1h]"), ("time", &end)]);
        let answer = send(proxy.client, &all).json();
        let samples = answer["data"]["result"][0]["values"].as_array().into_iter().flatten();
        let times: Vec<f64> = samples.filter_map(|sample| sample[0].as_f64()).collect();
        assert!(times.len() >= 2 && times.is_sorted_by(|a, b| a < b), "{fault:?} alone: {answer}");
    }
}

#[test]
fn broken_remote_read_beside_a_healthy_replica_loses_nothing() {
    if !prometheus::available() {
        return;
    }
    let healthy = healthy();
    for fault in READ {
        let faulty = FaultyServer::in_front_of(fault, healthy.client);
        let targets = [faulty.target(), healthy.target()];
        let proxy = Proxy::builder().group(group(&targets).set("remote_read", true)).start();
        for request in requests() {
            let expected = send(healthy.client, &request).json();
            let answer = send(proxy.client, &request).json();
            assert_eq!(sorted(&answer["data"]), sorted(&expected["data"]), "{fault:?}: {answer}");
        }
        assert!(faulty.requests() > 0, "{fault:?}: the replica was asked");
    }
}

#[test]
fn a_replica_without_remote_read_is_asked_for_json() {
    if !prometheus::available() {
        return;
    }
    let healthy = healthy();
    let faulty = FaultyServer::in_front_of(Fault::ReadMissing, healthy.client);
    let proxy = Proxy::builder().group(group(&[faulty.target()])).start();
    for request in requests() {
        let expected = send(healthy.client, &request).json();
        let answer = send(proxy.client, &request).json();
        assert_eq!(sorted(&answer["data"]), sorted(&expected["data"]), "{answer}");
    }
}

/// Two groups; the second one refuses connections.
fn with_a_group_down(
    healthy: &Prometheus,
    down: &FaultyServer,
    change: impl Fn(Group) -> Group,
) -> Builder {
    let up = group(&[healthy.target()]).label("site", "up");
    Proxy::builder().group(up).group(change(group(&[down.target()]).label("site", "down")))
}

#[test]
fn a_required_group_that_is_down_is_an_error_and_an_optional_one_a_warning() {
    if !prometheus::available() {
        return;
    }
    let (healthy, down) = (healthy(), FaultyServer::start(Fault::Refuse));
    let proxy = with_a_group_down(&healthy, &down, |group| group).start();
    assert_eq!(alone(&requests(), &NO_ANSWER, proxy.client), Vec::<String>::new());
    // Only the other group can hold this.
    let end = seconds(PAST_MS + 900_000);
    let query = |client: Client, query: &str| {
        client.get("/api/v1/query", &[("query", query), ("time", &end)]).json()
    };
    let answer = query(proxy.client, r#"steady{site="up"}"#);
    assert_eq!(answer["data"]["result"].as_array().map(Vec::len), Some(2), "{answer}");

    let proxy =
        with_a_group_down(&healthy, &down, |group| group.set("downgrade_error", true)).start();
    let answer = query(proxy.client, "steady");
    assert_eq!(answer["data"]["result"].as_array().map(Vec::len), Some(2), "{answer}");
    assert!(warnings(&answer).iter().any(|text| text.contains(&down.target())), "{answer}");

    let proxy = with_a_group_down(&healthy, &down, |group| group.set("ignore_error", true)).start();
    let answer = query(proxy.client, "steady");
    assert_eq!(answer["status"], "success", "{answer}");
    assert_eq!(answer["data"]["result"].as_array().map(Vec::len), Some(2), "{answer}");
}

#[test]
fn a_replica_that_hangs_costs_a_query_no_more_than_its_timeout() {
    if !prometheus::available() {
        return;
    }
    let healthy = healthy();
    let hanging = FaultyServer::start(Fault::Hang);
    let proxy = Proxy::builder().group(group(&[hanging.target(), healthy.target()])).start();
    let end = seconds(PAST_MS + 900_000);
    let request = Request::get("/api/v1/query", &[("query", "count(steady)"), ("time", &end)]);
    for _ in 0..5 {
        let start = Instant::now();
        let answer = send(proxy.client, &request).json();
        assert_eq!(answer["data"]["result"][0]["value"][1], "2", "{answer}");
        assert!(!warnings(&answer).is_empty(), "{answer}");
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    }
}

#[test]
fn a_selector_that_matches_everything_is_answered() {
    if !prometheus::available() {
        return;
    }
    let healthy = healthy();
    let proxy = Proxy::builder().group(group(&[healthy.target()])).start();
    let end = seconds(PAST_MS + 900_000);
    let count = |query: &str| {
        let answer = proxy.client.get("/api/v1/query", &[("query", query), ("time", &end)]).json();
        answer["data"]["result"].as_array().map(Vec::len)
    };
    assert_eq!(count(r#"{__name__=~".+"}"#), Some(3));
    assert_eq!(count(r#"{__name__!=""}"#), Some(3));
    let refused = proxy.client.get("/api/v1/query", &[("query", "{}")]);
    assert_eq!((refused.status, &refused.json()["errorType"]), (400, &Value::from("bad_data")));
}

#[test]
fn a_query_of_ten_megabytes_is_refused_quickly_and_hurts_nobody() {
    if !prometheus::available() {
        return;
    }
    let healthy = healthy();
    let proxy = Proxy::builder().group(group(&[healthy.target()])).start();
    let end = seconds(PAST_MS + 900_000);
    let small = Request::get("/api/v1/query", &[("query", "count(steady)"), ("time", &end)]);
    let long = format!("steady{{job=\"{}\"}}", "a".repeat(10_000_000));
    for huge in [
        Request::get("/api/v1/query", &[("query", &long)]),
        Request::post_form("/api/v1/query", &[("query", &long)]),
        Request::post_form("/api/v1/query_range", &[("query", &long)]),
        Request::post_form("/api/v1/query", &[("query", &"(".repeat(10_000_000))]),
    ] {
        let mut connection = proxy.client.connect().expect("a listening proxy");
        let start = Instant::now();
        let response = connection.send(&huge).expect("an answer");
        assert!((400..500).contains(&response.status), "{} {}", response.status, response.text());
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        // A server may close after such a request if it says so.
        let closed = response.header("connection") == Some("close");
        let mut connection =
            if closed { proxy.client.connect().expect("a listening proxy") } else { connection };
        let answer = connection.send(&small).expect("an answer").json();
        assert_eq!(answer["data"]["result"][0]["value"][1], "2", "{answer}");
    }
    for nested in [
        format!("{}1{}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("{}1", "-".repeat(50_000)),
        format!("1{}", " + 1".repeat(20_000)),
    ] {
        let response = proxy.client.post("/api/v1/query", &[("query", &nested)]);
        assert!(matches!(response.status, 200 | 400 | 422), "{}", response.status);
    }
}

#[test]
fn a_client_that_leaves_takes_only_its_own_query_with_it() {
    if !prometheus::available() {
        return;
    }
    let healthy = healthy();
    let hanging = FaultyServer::start(Fault::Hang);
    let proxy = Proxy::builder()
        .group(group(&[healthy.target()]).label("site", "up"))
        .group(group(&[hanging.target()]).set("timeout", "30s").label("site", "hanging"))
        .start();
    let end = seconds(PAST_MS + 900_000);
    for _ in 0..20 {
        use std::io::Write;
        let mut stream = std::net::TcpStream::connect(proxy.client.address).expect("a proxy");
        let line = format!("GET /api/v1/query?query=steady&time={end} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(line.as_bytes()).expect("a request is sent");
    }
    let request =
        Request::get("/api/v1/query", &[("query", r#"steady{site="up"}"#), ("time", &end)]);
    let answer = send(proxy.client, &request).json();
    assert_eq!(answer["data"]["result"].as_array().map(Vec::len), Some(2), "{answer}");
}

#[test]
fn the_timeout_of_a_query_is_an_error_of_its_own() {
    if !prometheus::available() {
        return;
    }
    let hanging = FaultyServer::start(Fault::Hang);
    let proxy = Proxy::builder().group(Group::new(&[hanging.target()])).start();
    let start = Instant::now();
    let params = [("query", "steady"), ("timeout", "500ms")];
    let response = proxy.client.get("/api/v1/query", &params);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let answer = response.json();
    assert_eq!((response.status, &answer["errorType"]), (503, &Value::from("timeout")), "{answer}");
}
