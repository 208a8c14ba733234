//! `explain`: which server gave which samples, and who would be asked.

use std::process::Output;

use e2e::compare::seconds;
use e2e::data::Series;
use e2e::fleet::{INTERVAL_MS, PAST_MS};
use e2e::modes::Mode;
use e2e::prometheus::{self, Prometheus};
use e2e::proxy::{Group, Proxy, command};
use serde_json::{Value, json};

/// Scrapes in the data.
const SCRAPES: i64 = 240;
/// The first and the last scrape that the first replica misses.
const HOLE: (i64, i64) = (100, 139);

const fn at(scrape: i64) -> i64 {
    PAST_MS + scrape * INTERVAL_MS
}

fn secs(scrape: i64) -> f64 {
    at(scrape) as f64 / 1000.0
}

/// Two replicas of the same two series, the first one with a hole.
fn pair() -> [Prometheus; 2] {
    [true, false].map(|holed| {
        let server = Prometheus::start();
        let series = |job: &str| {
            let held = move |own: &i64| !holed || !(HOLE.0..=HOLE.1).contains(own);
            let samples = (0..=SCRAPES).filter(held).map(|own| (at(own), own as f64));
            Series::floats(&[("__name__", "steady"), ("job", job)], samples)
        };
        server.write(&[series("api"), series("db")]);
        server
    })
}

fn proxy(servers: &[Prometheus], mode: Mode) -> Proxy {
    let targets: Vec<String> = servers.iter().map(Prometheus::target).collect();
    let group = Group::new(&targets).label("site", "east").set("name", "pair");
    Proxy::builder().group(mode.configure(group)).start()
}

fn name(server: &Prometheus) -> String {
    format!("http://{}", server.target())
}

fn range(query: &str) -> Vec<(&str, String)> {
    vec![
        ("query", query.to_owned()),
        ("start", seconds(at(20))),
        ("end", seconds(at(SCRAPES))),
        ("step", (INTERVAL_MS / 1000).to_string()),
    ]
}

fn post(proxy: &Proxy, path: &str, form: &[(&str, String)], more: &[(&str, &str)]) -> Value {
    let form: Vec<(&str, &str)> = form
        .iter()
        .map(|(own, value)| (*own, value.as_str()))
        .chain(more.iter().copied())
        .collect();
    proxy.client.post(path, &form).json()
}

#[test]
fn the_replica_that_filled_a_hole_is_named() {
    if !prometheus::available() {
        return;
    }
    let servers = pair();
    let proxy = proxy(&servers, Mode::raw());
    let time = seconds(at(SCRAPES));
    let window = format!("steady{{job=\"api\"}}[{}s]", (SCRAPES + 1) * INTERVAL_MS / 1000);
    let form = [("query", window), ("time", time)];
    let answer = post(&proxy, "/api/v1/query", &form, &[("explain", "1")]);
    let values = answer["data"]["result"][0]["values"].as_array().map(Vec::len);
    assert_eq!(values, Some(usize::try_from(SCRAPES + 1).expect("a count")), "{answer}");
    let explain = &answer["data"]["explain"];
    let run = |replica: usize, first: i64, last: i64| {
        json!({
            "replica": name(&servers[replica]),
            "start": secs(first),
            "end": secs(last),
            "samples": last - first + 1,
            "filled": replica > 0,
        })
    };
    let series = explain["series"].as_array().expect("a list");
    assert_eq!(series.len(), 1, "{explain}");
    assert_eq!(series[0]["group"], json!("pair"));
    assert_eq!(series[0]["metric"], json!({"__name__": "steady", "job": "api", "site": "east"}));
    assert_eq!(
        series[0]["runs"],
        json!([run(0, 0, HOLE.0 - 1), run(1, HOLE.0, HOLE.1), run(0, HOLE.1 + 1, SCRAPES)])
    );
    let requests = explain["requests"].as_array().expect("a list");
    let asked: Vec<&Value> =
        requests.iter().filter(|request| request["call"] == "get_value").collect();
    assert_eq!(asked.len(), 2, "{explain}");
    for (request, server) in asked.iter().zip(&servers) {
        assert_eq!(request["replica"], json!(name(server)));
        assert_eq!(request["outcome"], json!("success"));
        assert!(request["bytes"].as_u64() > Some(0), "{request}");
    }
    assert_eq!(asked[0]["samples"], json!(SCRAPES - (HOLE.1 - HOLE.0)));
    assert_eq!(asked[1]["samples"], json!(SCRAPES + 1));
    let plain = post(&proxy, "/api/v1/query", &form, &[]);
    assert_eq!(plain["data"].get("explain"), None);
    assert_eq!(plain["data"]["result"], answer["data"]["result"]);
}

#[test]
fn pushed_values_are_told_with_the_replica_that_gave_them() {
    if !prometheus::available() {
        return;
    }
    let servers = pair();
    let proxy = proxy(&servers, Mode::WheneverExact);
    let form = range("sum by (job, site) (rate(steady[1m])) or vector(0)");
    let planned = post(&proxy, "/api/v1/explain", &form, &[]);
    let plan = &planned["data"]["plan"];
    assert_eq!(plan["here"], json!("<1> or vector(0)"), "{planned}");
    assert_eq!(plan["sites"][0]["expr"], json!("sum by (job, site) (rate(steady[1m]))"));
    let share = &plan["sites"][0]["shares"][0];
    assert!(share["mode"] != "raw", "{planned}");
    let asked = json!([{"text": "sum by (job) (rate(steady[1m]))", "attach": {"site": "east"}}]);
    assert_eq!(share["asked"], asked);
    let by: Vec<&str> = share["stretches"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|own| own["replica"].as_str())
        .collect();
    let text = planned["data"]["text"].as_str().expect("a text");
    assert!(text.contains("evaluated here: <1> or vector(0)\n"), "{text}");
    assert!(by.iter().all(|replica| text.contains(&format!("by {replica}\n"))), "{text}");

    let answer = post(&proxy, "/api/v1/query_range", &form, &[("explain", "true")]);
    let explain = &answer["data"]["explain"];
    let series = explain["series"].as_array().expect("a list");
    let pushed: Vec<&Value> = series.iter().filter(|own| own["kind"] == "pushed").collect();
    assert_eq!(pushed.len(), 2, "one for each job: {explain}");
    for own in pushed {
        assert_eq!(own["of"], json!("sum by (job) (rate(steady[1m]))"));
        let runs = own["runs"].as_array().expect("a list");
        let replicas: Vec<&str> = runs.iter().filter_map(|run| run["replica"].as_str()).collect();
        assert_eq!(replicas, by, "{explain}");
    }
    let requests = explain["requests"].as_array().expect("a list");
    let pushes: Vec<&Value> = requests.iter().filter(|own| own["call"] == "push").collect();
    assert_eq!(pushes.len(), by.len(), "{explain}");
    assert!(pushes.iter().all(|own| own["text"] == "sum by (job) (rate(steady[1m]))"), "{explain}");
    let plain = post(&proxy, "/api/v1/query_range", &form, &[]);
    assert_eq!(plain["data"]["result"], answer["data"]["result"]);
}

#[test]
fn a_series_that_two_groups_hold_is_told_by_group() {
    if !prometheus::available() {
        return;
    }
    let servers = pair();
    let group = |server: &Prometheus, name: &str| {
        Mode::raw().configure(Group::new(&[server.target()]).set("name", name))
    };
    let proxy =
        Proxy::builder().group(group(&servers[0], "near")).group(group(&servers[1], "far")).start();
    let window = format!("steady{{job=\"api\"}}[{}s]", (SCRAPES + 1) * INTERVAL_MS / 1000);
    let form = [("query", window), ("time", seconds(at(SCRAPES)))];
    let answer = post(&proxy, "/api/v1/query", &form, &[("explain", "1")]);
    let series = answer["data"]["explain"]["series"].as_array().expect("a list");
    let groups: Vec<&Value> = series.iter().map(|own| &own["group"]).collect();
    assert_eq!(groups, [&Value::Null, &json!("near"), &json!("far")], "{answer}");
    let run = |group: &str, first: i64, last: i64| {
        json!({
            "group": group,
            "start": secs(first),
            "end": secs(last),
            "samples": last - first + 1,
            "filled": group == "far",
        })
    };
    assert_eq!(
        series[0]["runs"],
        json!([
            run("near", 0, HOLE.0 - 1),
            run("far", HOLE.0, HOLE.1),
            run("near", HOLE.1 + 1, SCRAPES)
        ])
    );
}

fn explain(arguments: &[&str]) -> Output {
    command().arg("explain").args(arguments).output().expect("the program can be started")
}

#[test]
fn the_program_prints_a_plan_and_says_what_is_wrong() {
    let proxy = Proxy::builder().group(Group::new(&["127.0.0.1:9".to_owned()])).start();
    let url = format!("--url=http://{}/", proxy.client.address);
    let printed = explain(&["up", &url, "--start=10", "--end=70", "--step=30s"]);
    assert!(printed.status.success(), "{printed:?}");
    let text = String::from_utf8_lossy(&printed.stdout);
    assert!(text.starts_with("query: up\nsteps: 1970-01-01T00:00:10Z to "), "{text}");
    let printed = explain(&["up", &url, "--time=1", "--json"]);
    let plan: Value = serde_json::from_slice(&printed.stdout).expect("JSON");
    assert_eq!(plan["steps"]["start"], json!(1.0));

    let cases: [(&[&str], &str); 4] = [
        (&["up +", &url], "bad_data: invalid parameter \"query\": 1:5: parse error"),
        (&["up", &url, "--time=soon"], "bad_data: invalid parameter \"time\""),
        (&["up", "--url=127.0.0.1:8082"], "no URL"),
        (&["up", "--url=http://127.0.0.1:9"], "refused"),
    ];
    for (arguments, said) in cases {
        let refused = explain(arguments);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let told = String::from_utf8_lossy(&refused.stderr);
        assert!(told.contains(said) && told.lines().count() == 1, "{told}");
        assert!(refused.stdout.is_empty(), "{refused:?}");
    }
}
