//! The harness itself, against real servers and without the proxy.

use e2e::compare::{Question, assert_same, seconds};
use e2e::data::Series;
use e2e::data::generate::{ODD_VALUES, Targets, UTF8_LABEL, UTF8_METRIC};
use e2e::exporter::Exporter;
use e2e::faulty::{Fault, FaultyServer};
use e2e::fleet::{self, INTERVAL_MS, PAST_MS};
use e2e::http::{Client, Request};
use e2e::prometheus::{self, Prometheus};

fn names(client: Client) -> Vec<String> {
    let json = client.get("/api/v1/label/__name__/values", &[]).json();
    let names = json["data"].as_array().expect("a list").iter();
    names.map(|name| name.as_str().expect("a name").to_owned()).collect()
}

#[test]
fn written_samples_are_read_back_as_they_were() {
    if !prometheus::available() {
        return;
    }
    let server = Prometheus::start();
    let values = [1.5, -0.0, f64::NAN, f64::INFINITY, 1e21, 1e-7];
    let samples = values.into_iter().enumerate().map(|(index, value)| {
        (PAST_MS + INTERVAL_MS * i64::try_from(index).expect("small"), value)
    });
    server.write(&[Series::floats(&[("__name__", "m"), ("a", "x\"y")], samples)]);
    let time = seconds(PAST_MS + 75_000);
    let json = server.client.post("/api/v1/query", &[("query", "m[2m]"), ("time", &time)]).json();
    let series = &json["data"]["result"][0];
    assert_eq!(series["metric"], serde_json::json!({ "__name__": "m", "a": "x\"y" }));
    let read: Vec<&str> = series["values"]
        .as_array()
        .expect("samples")
        .iter()
        .map(|sample| sample[1].as_str().expect("a value"))
        .collect();
    assert_eq!(read, ["1.5", "-0", "NaN", "+Inf", "1e+21", "1e-07"]);
}

#[test]
fn every_kind_of_generated_series_is_accepted_and_visible() {
    if !prometheus::available() {
        return;
    }
    let server = Prometheus::start();
    let times: Vec<i64> = (0..241).map(|index| PAST_MS + index * INTERVAL_MS).collect();
    let series = Targets { seed: 1, start_ms: PAST_MS, group: 1 }.scrape(&times);
    server.write(&series);
    let expected: std::collections::BTreeSet<&String> =
        series.iter().map(|series| &series.labels["__name__"]).collect();
    assert_eq!(
        names(server.client).iter().collect::<Vec<_>>(),
        expected.into_iter().collect::<Vec<_>>()
    );
    let one = |query: &str, minute: i64| {
        let time = seconds(PAST_MS + minute * 60_000);
        let answer = server.client.get("/api/v1/query", &[("query", query), ("time", &time)]);
        answer.json()["data"]["result"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(one("rpc_seconds", 30), 3, "custom buckets are written");
    assert_eq!(one("queue_latency_seconds", 30), 3, "float histograms are written");
    assert_eq!(one("flapping_total{instance='a'}", 10), 1);
    assert_eq!(one("flapping_total{instance='a'}", 12), 0, "the stale marker ends it");
    assert_eq!(one("flapping_seconds", 15), 0, "also a histogram");
    assert_eq!(one("changed_kind", 20), 1);
    assert_eq!(one("histogram_count(changed_kind)", 30), 1);
    assert_eq!(one("odd_values_total", 30), ODD_VALUES.len());
    let quoted = format!("{{\"{UTF8_METRIC}\", \"{UTF8_LABEL}\"=~\".*Markt\"}}");
    assert_eq!(one(&quoted, 30), 1);
    let exemplars = [("query", "http_requests_total"), ("start", "0"), ("end", "2000000000")];
    let json = server.client.get("/api/v1/query_exemplars", &exemplars).json();
    assert_eq!(json["data"].as_array().map_or(0, Vec::len), 9);
}

#[test]
fn two_servers_with_the_same_data_give_the_same_answers() {
    if !prometheus::available() {
        return;
    }
    let times: Vec<i64> = (0..61).map(|index| PAST_MS + index * INTERVAL_MS).collect();
    let series = Targets { seed: 7, start_ms: PAST_MS, group: 0 }.scrape(&times);
    let servers = [Prometheus::start(), Prometheus::start()];
    servers.iter().for_each(|server| server.write(&series));
    let (start, end) = (PAST_MS, PAST_MS + 15 * 60_000);
    let mut questions = Vec::new();
    for query in ["{job=~'.+'}", "rate(response_size_bytes[5m])", "sum by (job) (up)", "nonsense("]
    {
        questions.push(Question::instant(query, end));
        questions.push(Question::range(query, start, end, 60_000));
    }
    questions.push(Question::new("/api/v1/labels", &[]));
    assert_same(servers[0].client, servers[1].client, &questions);
    let missing = Series::floats(&[("__name__", "only_here")], [(PAST_MS, 1.0)]);
    servers[0].write(&[missing]);
    let question = Question::instant("only_here", PAST_MS);
    assert!(question.difference(servers[0].client, servers[1].client).is_some());
}

#[test]
fn the_replicas_of_a_fleet_miss_samples_that_the_whole_server_has() {
    if !prometheus::available() {
        return;
    }
    let fleet = fleet::Builder { minutes: 30, ..fleet::Builder::default() }.start();
    let count = |client: Client, selector: &str| {
        let query = format!("sum(count_over_time(temperature_celsius{selector}[1h]))");
        let time = seconds(fleet.end_ms);
        let json = client.get("/api/v1/query", &[("query", &query), ("time", &time)]).json();
        let text = json["data"]["result"][0]["value"][1].as_str().map(str::to_owned);
        text.expect("a number").parse::<f64>().expect("a number")
    };
    for group in &fleet.groups {
        let whole = count(fleet.whole.client, &format!("{{site={:?}}}", group.labels["site"]));
        for replica in &group.replicas {
            let held = count(replica.client, "");
            assert!(held < whole * 0.95 && held > whole * 0.4, "{held} of {whole}");
        }
    }
}

#[test]
fn scraped_targets_yield_metadata() {
    if !prometheus::available() {
        return;
    }
    let exporter = Exporter::start();
    let server = Prometheus::builder().scrape(exporter.address()).start();
    server.wait_for_metadata("waiting_seconds");
    let json = server.client.get("/api/v1/metadata", &[("metric", "water_level_meters")]).json();
    assert_eq!(
        json["data"]["water_level_meters"],
        serde_json::json!([{ "type": "gauge", "help": "Height & <depth>.", "unit": "meters" }])
    );
}

#[test]
fn faulty_servers_show_their_faults() {
    let status = |fault: Fault| {
        let server = FaultyServer::start(fault);
        let client = Client::new(server.target().parse().expect("an address"));
        client.send(&Request::get("/api/v1/query", &[])).map(|response| response.status)
    };
    let kind = |fault: Fault| status(fault).expect_err("no answer").kind();
    assert_eq!(kind(Fault::Refuse), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(kind(Fault::Close), std::io::ErrorKind::UnexpectedEof);
    assert_eq!(kind(Fault::Reset), std::io::ErrorKind::ConnectionReset);
    assert_eq!(kind(Fault::CutLength), std::io::ErrorKind::UnexpectedEof);
    assert_eq!(kind(Fault::CutChunked), std::io::ErrorKind::UnexpectedEof);
    assert_eq!(kind(Fault::NotHttp), std::io::ErrorKind::InvalidData);
    assert_eq!(status(Fault::BadGateway).expect("an answer"), 502);
    assert_eq!(status(Fault::Garbage).expect("an answer"), 200);
}

#[test]
fn a_server_without_remote_read_still_forwards_the_rest() {
    if !prometheus::available() {
        return;
    }
    let healthy = Prometheus::start();
    healthy.write(&[Series::floats(&[("__name__", "m")], [(PAST_MS, 1.0)])]);
    let server = FaultyServer::in_front_of(Fault::ReadMissing, healthy.client);
    let client = Client::new(server.target().parse().expect("an address"));
    let question = Question::instant("m", PAST_MS);
    assert_same(healthy.client, client, &[question]);
    assert_eq!(client.post("/api/v1/read", &[]).status, 404);
}
