//! `stats`: how many samples queries look at, as one Prometheus counts them
//! that has everything.

use e2e::compare::Question;
use e2e::fleet::Fleet;
use e2e::http::Client;
use e2e::prometheus;
use e2e::proxy::Proxy;
use e2e::queries::{self, random::Random};
use serde_json::Value;

/// Seconds after the first scrape: in the data, and where it has ended.
const INSTANTS_S: [i64; 4] = [1500, 2115, 3600, 3800];
/// Start, end and step in seconds after the first scrape. Ends are on the
/// steps' grid: servers up to 3.5 look beyond the last step in subqueries.
const RANGES_S: [(i64, i64, i64); 3] = [(0, 3600, 60), (7, 3596, 37), (-600, 4200, 300)];
/// Functions for which servers after 3.5 leave buckets out, so that histograms
/// weigh less.
const LIGHTER_SINCE_3_5: [&str; 3] = ["histogram_count(", "histogram_sum(", "histogram_avg("];
/// Number of random queries.
const RANDOM_QUERIES: usize = 150;
/// Differences that a failure shows.
const SHOWN: usize = 20;

/// Where windows, repetitions and subqueries meet.
const COUNTED: &[&str] = &[
    "sum_over_time(rate(http_requests_total[3m])[10m:1m])",
    "sum_over_time(max_over_time(up[2m:30s])[10m:1m])",
    "sum_over_time(sum_over_time(up[3m] @ T)[10m:1m])",
    "sum_over_time((up @ T)[10m:1m] offset 4m)",
    "max_over_time(up[5m:1m] @ T)",
    "predict_linear(temperature_celsius[10m] @ T, 600)",
    "predict_linear(temperature_celsius[10m] @ T, scalar(only_second))",
    "temperature_celsius @ T + 1 + temperature_celsius",
    "temperature_celsius + (temperature_celsius @ T * 2)",
    "temperature_celsius @ T * 2 - temperature_celsius @ end()",
    "topk(0, up)",
    "topk(scalar(only_second) > bool -1, up)",
    "quantile(scalar(up), temperature_celsius @ T)",
    "absent_over_time(flapping_total[3m])",
    "absent(up)",
    "timestamp(queue_latency_seconds)",
    "timestamp(temperature_celsius @ T)",
    "timestamp(abs(temperature_celsius))",
    "clamp(up, scalar(only_second), 2)",
    "histogram_quantile(0.5, rate(flapping_seconds[5m]))",
    "count_over_time(changed_kind[20m])",
    "max_over_time(histogram_quantile(0.5, response_size_bytes)[5m:1m])",
    "last_over_time(response_size_bytes[5m:1m])",
    "count_over_time(rate(queue_latency_seconds[5m])[10m:2m])",
    "label_replace(up, \"a\", \"$1\", \"job\", \"(.*)\")",
    "count_values(\"v\", up)",
    "sort_desc(up)",
    "up or temperature_celsius unless only_second",
    "\"text\"",
    "42",
];

fn questions(fleet: &Fleet) -> Vec<Question> {
    let moment = fleet.start_ms / 1000 + 1800;
    let lists = [
        COUNTED,
        queries::SELECTORS,
        queries::COMPUTED,
        queries::SUMMED,
        queries::HISTOGRAMS,
        queries::HISTOGRAMS_SUMMED,
    ];
    let mut stepped: Vec<String> =
        lists.concat().iter().map(|query| query.replace("@ T", &format!("@ {moment}"))).collect();
    let lighter = |query: &String| LIGHTER_SINCE_3_5.iter().any(|part| query.contains(part));
    stepped.retain(|query| !lighter(query));
    let mut random = Random::new(7, moment);
    stepped.extend((0..RANDOM_QUERIES).map(|_| random.query()));
    let ranges = [queries::RANGE_SELECTORS, queries::HISTOGRAM_RANGES].concat();
    let ranges = ranges.iter().map(|query| query.replace("@ T", &format!("@ {moment}")));
    let at = |seconds: i64| fleet.start_ms + 1000 * seconds;
    let mut questions = Vec::new();
    for (index, query) in stepped.iter().cloned().chain(ranges).enumerate() {
        let time = INSTANTS_S[index % INSTANTS_S.len()];
        questions.push(Question::instant(&query, at(time)));
        if index < stepped.len() {
            let (start, end, step) = RANGES_S[index % RANGES_S.len()];
            questions.push(Question::range(&query, at(start), at(end), 1000 * step));
        }
    }
    let all = ("stats".to_owned(), "all".to_owned());
    questions.iter_mut().for_each(|question| question.params.push(all.clone()));
    questions
}

/// The statistics' sample counts; nothing if the query fails.
fn samples(question: &Question, client: Client) -> Option<Value> {
    let answer = question.ask(client);
    (answer.status == 200).then(|| answer.json()["data"]["stats"]["samples"].clone())
}

/// Compares the counts that servers of 3.5 have too; returns how many
/// questions were answered and what differs.
fn compare(fleet: &Fleet, proxy: &Proxy) -> (usize, Vec<String>) {
    let (mut answered, mut differences) = (0, Vec::new());
    for question in questions(fleet) {
        let expected = samples(&question, fleet.whole.client);
        let actual = samples(&question, proxy.client);
        answered += usize::from(expected.is_some());
        for key in ["totalQueryableSamples", "totalQueryableSamplesPerStep"] {
            let of = |samples: &Option<Value>| samples.as_ref().map(|counts| counts[key].clone());
            let (expected, actual) = (of(&expected), of(&actual));
            if expected != actual {
                let params = &question.params;
                differences.push(format!("{params:?} {key}\n    {expected:?}\n    {actual:?}"));
            }
        }
    }
    (answered, differences)
}

#[test]
fn samples_are_counted_as_by_the_whole_server_in_total_and_per_step() {
    if !prometheus::available() {
        return;
    }
    let fleet = Fleet::start();
    for remote_read in [true, false] {
        let builder = fleet.proxy_builder(|group| group.set("remote_read", remote_read));
        let proxy = builder.flag("--enable-feature=promql-per-step-stats").start();
        let (answered, differences) = compare(&fleet, &proxy);
        assert!(answered > 700, "{answered} questions were answered");
        assert!(
            differences.is_empty(),
            "remote_read: {remote_read}: {} of {answered} differ:\n{}",
            differences.len(),
            differences[..SHOWN.min(differences.len())].join("\n")
        );
    }
}

#[test]
fn statistics_come_where_they_are_asked_for_and_steps_only_with_the_feature() {
    if !prometheus::available() {
        return;
    }
    let fleet = Fleet::start();
    let question = |stats: &[(&str, &str)]| {
        let mut question = Question::range("up", fleet.start_ms, fleet.end_ms, 60_000);
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        question.params.extend(stats.iter().map(owned));
        question
    };
    let keys = |value: &Value| -> Vec<String> {
        value.as_object().map_or_else(Vec::new, |object| object.keys().cloned().collect())
    };
    let plain = fleet.proxy(|group| group);
    let stats = |client: Client, params: &[(&str, &str)]| {
        question(params).ask(client).json()["data"]["stats"].clone()
    };
    assert_eq!(stats(plain.client, &[]), Value::Null);
    assert_eq!(stats(plain.client, &[("stats", "")]), Value::Null);
    let totals = ["peakSamples", "samplesRead", "totalQueryableSamples"];
    for value in ["true", "all"] {
        let found = stats(plain.client, &[("stats", value)]);
        assert_eq!(keys(&found["samples"]), totals, "{found}");
        let expected = stats(fleet.whole.client, &[("stats", value)]);
        assert_eq!(keys(&found["timings"]), keys(&expected["timings"]));
    }
    let builder = fleet.proxy_builder(|group| group);
    let stepped = builder.flag("--enable-feature=promql-per-step-stats").start();
    let found = stats(stepped.client, &[("stats", "all")]);
    let steps = found["samples"]["samplesReadPerStep"].as_array().map(Vec::len);
    assert_eq!(steps, Some(61), "{found}");
    assert_eq!(keys(&stats(stepped.client, &[("stats", "true")])["samples"]), totals);
}
