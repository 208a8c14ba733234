//! Larger answers, other timelines, and what is not a query.

use std::collections::BTreeMap;
use std::thread;

use e2e::compare::{Question, assert_same, seconds};
use e2e::data::Series;
use e2e::data::generate::Targets;
use e2e::data::holes::Holes;
use e2e::exporter::Exporter;
use e2e::fleet::{Fleet, INTERVAL_MS, PAST_MS};
use e2e::http::{Client, Request};
use e2e::prometheus::{self, Prometheus};
use e2e::proxy::{Group, Proxy};
use serde_json::Value;

fn times(count: i64, offset_ms: i64) -> Vec<i64> {
    (0..count).map(|index| PAST_MS + offset_ms + index * INTERVAL_MS).collect()
}

fn many_series() -> Vec<Series> {
    let series = |number: i64| {
        let (instance, path) =
            (format!("host-{number:04}:9100"), format!("/v1/item/{}", number % 7));
        let labels =
            [("__name__", "load"), ("instance", instance.as_str()), ("path", path.as_str())];
        let samples = times(360, 0).into_iter().enumerate();
        Series::floats(
            &labels,
            samples.map(|(index, time)| (time, (index as f64) * 0.1 + number as f64)),
        )
    };
    (0..1000).map(series).collect()
}

#[test]
fn a_thousand_series_by_360_points_are_byte_for_byte_those_of_a_whole_server() {
    if !prometheus::available() {
        return;
    }
    let all = many_series();
    let holes = Holes { seed: 5, interval_ms: INTERVAL_MS };
    let [whole, first, second] = thread::scope(|scope| {
        let start = |series: Vec<Series>| {
            scope.spawn(move || {
                let server = Prometheus::start();
                server.write(&series);
                server
            })
        };
        let servers =
            [start(all.clone()), start(holes.punch(0, &all)), start(holes.punch(1, &all))];
        servers.map(|server| server.join().expect("a server starts"))
    });
    let replicas = [first.target(), second.target()];
    for remote_read in [true, false] {
        let group = Group::new(&replicas).set("remote_read", remote_read);
        let proxy = Proxy::builder().group(group).start();
        let end = PAST_MS + 359 * INTERVAL_MS;
        let question = Question::range("load", PAST_MS, end, INTERVAL_MS);
        let (expected, actual) = (question.ask(whole.client), question.ask(proxy.client));
        assert!(expected.body.len() > 5_000_000, "{} bytes", expected.body.len());
        assert!(expected.body == actual.body, "remote_read {remote_read}: {:?}", {
            question.difference(whole.client, proxy.client)
        });
        let questions = [
            Question::instant("load[90m]", end),
            Question::instant("count_over_time(load[90m])", end),
            Question::range("sum by (path) (rate(load[5m]))", PAST_MS, end, INTERVAL_MS).close(),
        ];
        assert_same(whole.client, proxy.client, &questions);
    }
}

/// Samples by series, as text.
type Samples = BTreeMap<String, Vec<(i64, String)>>;

fn raw(client: Client, selector: &str, end_ms: i64) -> Samples {
    let time = seconds(end_ms);
    let params = [("query", selector), ("time", time.as_str())];
    let json = client.get("/api/v1/query", &params).json();
    let result = json["data"]["result"].as_array().unwrap_or_else(|| panic!("no result: {json}"));
    let sample = |sample: &Value| {
        let time = sample[0].as_f64().expect("a time") * 1000.0;
        (time.round() as i64, sample[1].as_str().expect("a value").to_owned())
    };
    let samples =
        |series: &Value| series["values"].as_array().into_iter().flatten().map(sample).collect();
    result.iter().map(|series| (series["metric"].to_string(), samples(series))).collect()
}

/// What is wrong with a merge of replicas that scrape at different moments;
/// `buffer_ms` is how far a filling sample must be from its neighbours.
fn faults_of(
    series: &str,
    merged: &[(i64, String)],
    replicas: &[Samples],
    buffer_ms: i64,
) -> Vec<String> {
    let empty = Vec::new();
    let held = |replica: &Samples| replica.get(series).unwrap_or(&empty).clone();
    let held: Vec<Vec<(i64, String)>> = replicas.iter().map(held).collect();
    let mut faults = Vec::new();
    for sample in merged {
        if !held.iter().any(|replica| replica.contains(sample)) {
            faults.push(format!("{series}: {sample:?} is in no replica"));
        }
    }
    for pair in merged.windows(2) {
        let (from, to) = (pair[0].0, pair[1].0);
        if to - from < INTERVAL_MS / 2 {
            faults.push(format!("{series}: {from} and {to} are the same scrape"));
        }
        let fits = |time: i64| time - from > buffer_ms && to - time > buffer_ms;
        let missed = held.iter().flatten().find(|(time, _)| fits(*time));
        if to - from > INTERVAL_MS * 3 / 2 {
            faults.extend(
                missed.map(|(time, _)| format!("{series}: {time} would fill {from}..{to}")),
            );
        }
    }
    faults
}

#[test]
fn replicas_that_scrape_at_different_moments_are_joined_stretch_by_stretch() {
    if !prometheus::available() {
        return;
    }
    let targets = Targets { seed: 6, start_ms: PAST_MS, group: 0 };
    let holes = Holes { seed: 6, interval_ms: INTERVAL_MS };
    let replicas = [(0, 0), (1, 7_000)].map(|(replica, offset_ms)| {
        let server = Prometheus::start();
        server.write(&holes.punch(replica, &targets.scrape(&times(240, offset_ms))));
        server
    });
    let group = Group::new(&replicas.each_ref().map(Prometheus::target));
    let end = PAST_MS + 3_600_000;
    // The default is a fixed distance of ten seconds.
    for (dynamic, buffer_ms) in [(false, 10_000), (true, INTERVAL_MS / 2)] {
        let group = group.clone().set("anti_affinity_dynamic", dynamic);
        let proxy = Proxy::builder().group(group).start();
        for metric in ["http_requests_total", "temperature_celsius", "odd_values_total"] {
            let selector = format!("{metric}[2h]");
            let held = replicas.each_ref().map(|server| raw(server.client, &selector, end));
            let merged = raw(proxy.client, &selector, end);
            assert_eq!(merged.len(), held[0].len(), "{metric}: number of series");
            let faults: Vec<String> = merged
                .iter()
                .flat_map(|(series, samples)| faults_of(series, samples, &held, buffer_ms))
                .collect();
            let list = faults[..faults.len().min(10)].join("\n");
            assert!(faults.is_empty(), "dynamic {dynamic}: {} faults:\n{list}", faults.len());
        }
    }
}

#[test]
fn the_same_sample_is_chosen_whatever_window_is_asked() {
    if !prometheus::available() {
        return;
    }
    let targets = Targets { seed: 8, start_ms: PAST_MS, group: 0 };
    let holes = Holes { seed: 8, interval_ms: INTERVAL_MS };
    let replicas = [(0, 0), (1, 5_000)].map(|(replica, offset_ms)| {
        let server = Prometheus::start();
        server.write(&holes.punch(replica, &targets.scrape(&times(240, offset_ms))));
        server
    });
    let proxy =
        Proxy::builder().group(Group::new(&replicas.each_ref().map(Prometheus::target))).start();
    let end = PAST_MS + 3_600_000;
    let whole = raw(proxy.client, "http_requests_total[2h]", end);
    for (minutes, to_minute) in [(5, 20), (7, 33), (20, 47), (1, 58)] {
        let to = PAST_MS + to_minute * 60_000 + 1_234;
        let from = to - minutes * 60_000;
        let part = raw(proxy.client, &format!("http_requests_total[{minutes}m]"), to);
        for (series, samples) in part {
            let expected: Vec<_> = whole[&series]
                .iter()
                .filter(|(time, _)| *time > from && *time <= to)
                .cloned()
                .collect();
            assert_eq!(samples, expected, "{series}, {minutes} minutes to minute {to_minute}");
        }
    }
}

#[test]
fn exemplars_equal_the_whole_servers() {
    if !prometheus::available() {
        return;
    }
    let fleet = Fleet::start();
    let proxy = fleet.proxy(|group| group);
    let mut questions = Vec::new();
    for query in [
        "http_requests_total",
        r#"http_requests_total{site="west", code="500"}"#,
        r#"rate(http_requests_total{job="db"}[5m]) + rate(http_requests_total{code="404"}[5m])"#,
        "up",
        r#"http_requests_total{site="nowhere"}"#,
        "http_requests_total{",
    ] {
        let (start, end) = (seconds(fleet.start_ms), seconds(fleet.end_ms));
        let params = [("query", query), ("start", start.as_str()), ("end", end.as_str())];
        questions.push(Question::new("/api/v1/query_exemplars", &params));
        let early = seconds(fleet.start_ms + 1_000_000);
        let params = [("query", query), ("start", start.as_str()), ("end", early.as_str())];
        questions.push(Question::new("/api/v1/query_exemplars", &params));
    }
    assert_same(fleet.whole.client, proxy.client, &questions);
}

#[test]
fn metadata_of_scraped_targets_equals_that_of_one_server() {
    if !prometheus::available() {
        return;
    }
    let exporter = Exporter::start();
    let servers = [0, 1, 2].map(|_| Prometheus::builder().scrape(exporter.address()).start());
    servers.iter().for_each(|server| server.wait_for_metadata("waiting_seconds"));
    let [whole, first, second] = servers;
    let proxy = Proxy::builder()
        .group(Group::new(&[first.target()]).label("site", "east"))
        .group(Group::new(&[second.target()]).label("site", "west"))
        .start();
    let path = "/api/v1/metadata";
    let questions = [
        Question::new(path, &[]),
        Question::new(path, &[("metric", "jobs_done")]),
        Question::new(path, &[("metric", "none_such")]),
        Question::new(path, &[("limit_per_metric", "1")]),
        Question::new(path, &[("limit", "many")]),
    ];
    assert_same(whole.client, proxy.client, &questions);
}

#[test]
fn forms_connections_and_many_clients_get_the_same_answers() {
    if !prometheus::available() {
        return;
    }
    let fleet = Fleet::start();
    let proxy = fleet.proxy(|group| group);
    let time = seconds(fleet.start_ms + 1_800_000);
    let params = [("query", "sum by (site) (up)"), ("time", time.as_str())];
    let expected = proxy.client.get("/api/v1/query", &params).json();
    assert_eq!(proxy.client.post("/api/v1/query", &params).json(), expected);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut connection = proxy.client.connect().expect("a listening proxy");
                for _ in 0..10 {
                    let request = Request::get("/api/v1/query", &params);
                    let response = connection.send(&request).expect("an answer");
                    assert_eq!(response.json(), expected);
                }
            });
        }
    });
}
