//! Through the proxy, replicas with holes in two groups must answer as one
//! server that has everything.

use e2e::compare::{Question, assert_same};
use e2e::fleet::{Builder, Fleet};
use e2e::prometheus;
use e2e::queries::{self, random::Random};

/// Minutes after the start at which instant queries are asked; beyond the
/// window lookback still finds samples, later it does not.
const INSTANTS_S: [i64; 8] = [420, 813, 1500, 2115, 2700, 3600, 3800, 4300];
/// Start and end in seconds after the first scrape, and step in seconds.
const RANGES_S: [(i64, i64, i64); 4] =
    [(0, 3600, 60), (7, 3600, 37), (-600, 4200, 300), (1234, 1234, 15)];

/// Number of random queries.
const RANDOM_QUERIES: usize = 300;

/// What is asked about each query.
#[derive(Clone, Copy)]
enum Kind {
    InstantAndRange,
    InstantOnly,
}

fn ask(fleet: &Fleet, queries: &[String], kind: Kind) -> Vec<Question> {
    let moment = fleet.start_ms / 1000 + 1800;
    let mut questions = Vec::new();
    for (index, query) in queries.iter().enumerate() {
        let query = query.replace("@ T", &format!("@ {moment}"));
        for turn in 0..3 {
            let time = INSTANTS_S[(3 * index + turn) % INSTANTS_S.len()];
            questions.push(Question::instant(&query, fleet.start_ms + 1000 * time));
        }
        if let Kind::InstantAndRange = kind {
            for turn in 0..2 {
                let (start, end, step) = RANGES_S[(2 * index + turn) % RANGES_S.len()];
                let at = |seconds: i64| fleet.start_ms + 1000 * seconds;
                questions.push(Question::range(&query, at(start), at(end), 1000 * step));
            }
        }
    }
    questions
}

fn list(queries: &[&str]) -> Vec<String> {
    queries.iter().map(|query| (*query).to_owned()).collect()
}

fn close(questions: Vec<Question>) -> impl Iterator<Item = Question> {
    questions.into_iter().map(Question::close)
}

/// Everything that does not need native histograms.
fn about_floats(fleet: &Fleet) -> Vec<Question> {
    let mut questions = ask(fleet, &list(queries::SELECTORS), Kind::InstantAndRange);
    questions.extend(ask(fleet, &queries::quoted(), Kind::InstantAndRange));
    questions.extend(ask(fleet, &list(queries::RANGE_SELECTORS), Kind::InstantOnly));
    questions.extend(ask(fleet, &list(queries::COMPUTED), Kind::InstantAndRange));
    questions.extend(close(ask(fleet, &list(queries::SUMMED), Kind::InstantAndRange)));
    questions.extend(ask(fleet, &list(queries::REFUSED), Kind::InstantAndRange));
    questions
}

fn about_histograms(fleet: &Fleet) -> Vec<Question> {
    let mut questions = ask(fleet, &list(queries::HISTOGRAMS), Kind::InstantAndRange);
    questions.extend(ask(fleet, &list(queries::HISTOGRAM_RANGES), Kind::InstantOnly));
    questions.extend(close(ask(fleet, &list(queries::HISTOGRAMS_SUMMED), Kind::InstantAndRange)));
    questions
}

fn about_labels(fleet: &Fleet) -> Vec<Question> {
    let names = ["site", "region", "job", "instance", "__name__", "value", "replica", "missing"];
    let selections: [&[&str]; 7] = [
        &[],
        &["up"],
        &[r#"{site="west"}"#],
        &[r#"http_requests_total{code="500"}"#, r#"only_second{site!="east"}"#],
        &[r#"up{site="nowhere"}"#],
        &[r#"own_region_total{region="inner"}"#, "odd_values_total"],
        &[r#"{__name__=~".+", replica="a"}"#],
    ];
    // Servers look at whole chunks, so times in the middle of the data would
    // show where chunks begin.
    let windows = [None, Some((0, 3600)), Some((-7200, -3600)), Some((7200, 9000))];
    let mut questions = Vec::new();
    for window in windows {
        let times = window.map(|(start, end)| {
            [start, end].map(|seconds| (fleet.start_ms / 1000 + seconds).to_string())
        });
        for selectors in selections {
            let mut params: Vec<(&str, &str)> =
                selectors.iter().map(|selector| ("match[]", *selector)).collect();
            if let Some([start, end]) = &times {
                params.extend([("start", start.as_str()), ("end", end.as_str())]);
            }
            questions.push(Question::new("/api/v1/labels", &params));
            questions.push(Question::new("/api/v1/series", &params));
            for name in names {
                questions.push(Question::new(&format!("/api/v1/label/{name}/values"), &params));
            }
        }
    }
    questions.push(Question::new("/api/v1/label/U__ort_2f_stra_df_e/values", &[]));
    questions.push(Question::new("/api/v1/labels", &[("limit", "3")]));
    questions.push(Question::new("/api/v1/label/job/values", &[("limit", "2")]));
    questions.push(Question::new("/api/v1/labels", &[("match[]", "up{")]));
    questions.push(Question::new("/api/v1/series", &[("match[]", "rate(up[5m])")]));
    questions.push(Question::new("/api/v1/labels", &[("start", "yesterday")]));
    questions
}

/// Parameters that are wrong or unusual.
fn about_parameters(fleet: &Fleet) -> Vec<Question> {
    let start = (fleet.start_ms / 1000).to_string();
    let end = (fleet.end_ms / 1000).to_string();
    let instant = |params: &[(&str, &str)]| {
        Question::new("/api/v1/query", &[&[("query", "up")], params].concat())
    };
    let range = |params: &[(&str, &str)]| {
        Question::new("/api/v1/query_range", &[&[("query", "up")], params].concat())
    };
    vec![
        instant(&[("time", "2023-11-14T22:30:00Z")]),
        instant(&[("time", "2023-11-14T23:30:00.123+01:00")]),
        instant(&[("time", "1699999800.5")]),
        instant(&[("time", "soon")]),
        instant(&[("time", "1699999800"), ("timeout", "1m")]),
        instant(&[("time", "1699999800"), ("timeout", "never")]),
        instant(&[("time", "1699999800"), ("lookback_delta", "10s")]),
        instant(&[("time", "1699999800"), ("lookback_delta", "20m")]),
        instant(&[("time", "1699999800"), ("lookback_delta", "-1m")]),
        instant(&[("time", "-1")]),
        Question::new("/api/v1/query", &[]),
        range(&[("start", &start), ("end", &end), ("step", "1m")]),
        range(&[("start", &start), ("end", &end), ("step", "90.5")]),
        range(&[("start", &start), ("end", &end), ("step", "0")]),
        range(&[("start", &start), ("end", &end), ("step", "-1")]),
        range(&[("start", &start), ("end", &end), ("step", "x")]),
        range(&[("start", &start), ("end", &end)]),
        range(&[("start", &end), ("end", &start), ("step", "60")]),
        range(&[("start", "0"), ("end", &end), ("step", "1")]),
        range(&[("end", &end), ("step", "60")]),
        range(&[("start", &start), ("end", &end), ("step", "60"), ("lookback_delta", "1m")]),
        Question::new(
            "/api/v1/query_range",
            &[("query", "up[5m]"), ("start", &start), ("end", &end), ("step", "60")],
        ),
        Question::new(
            "/api/v1/query_range",
            &[("query", "\"text\""), ("start", &start), ("end", &end), ("step", "60")],
        ),
        Question::new("/api/v1/query", &[("query", "\"<text>\""), ("time", "1.5")]),
        Question::new("/api/v1/format_query", &[("query", "sum(up)by(job)")]),
        Question::new("/api/v1/format_query", &[("query", "sum(up")]),
    ]
}

#[test]
fn floats_equal_the_whole_server_over_remote_read() {
    if !prometheus::available() {
        return;
    }
    let fleet = Fleet::start();
    let proxy = fleet.proxy(|group| group.set("remote_read", true));
    assert_same(fleet.whole.client, proxy.client, &about_floats(&fleet));
}

#[test]
fn floats_equal_the_whole_server_with_remote_read_unset() {
    if !prometheus::available() {
        return;
    }
    let fleet = Builder { seed: 2, ..Builder::default() }.start();
    let proxy = fleet.proxy(|group| group);
    assert_same(fleet.whole.client, proxy.client, &about_floats(&fleet));
}

#[test]
fn floats_equal_the_whole_server_without_remote_read() {
    if !prometheus::available() {
        return;
    }
    let fleet = Builder { seed: 3, ..Builder::default() }.start();
    let proxy = fleet.proxy(|group| group.set("remote_read", false));
    assert_same(fleet.whole.client, proxy.client, &about_floats(&fleet));
}

#[test]
fn native_histograms_equal_the_whole_server_over_remote_read() {
    if !prometheus::available() {
        return;
    }
    let fleet = Fleet::start();
    let proxy = fleet.proxy(|group| group.set("remote_read", true));
    assert_same(fleet.whole.client, proxy.client, &about_histograms(&fleet));
}

#[test]
fn recent_data_equals_the_whole_server() {
    if !prometheus::available() {
        return;
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_ms = i64::try_from(now.expect("after 1970").as_millis()).expect("before 292 million");
    let start_ms = (now_ms - 3_600_000) / 15_000 * 15_000;
    let fleet = Builder { seed: 4, start_ms, minutes: 60 }.start();
    let proxy = fleet.proxy(|group| group);
    let mut questions = ask(&fleet, &list(queries::SELECTORS), Kind::InstantAndRange);
    questions.extend(ask(&fleet, &list(queries::COMPUTED), Kind::InstantAndRange));
    questions.extend(close(ask(&fleet, &list(queries::SUMMED), Kind::InstantAndRange)));
    assert_same(fleet.whole.client, proxy.client, &questions);
}

#[test]
fn labels_series_and_parameters_equal_the_whole_server() {
    if !prometheus::available() {
        return;
    }
    let fleet = Fleet::start();
    let proxy = fleet.proxy(|group| group);
    let mut questions = about_labels(&fleet);
    questions.extend(about_parameters(&fleet));
    assert_same(fleet.whole.client, proxy.client, &questions);
}

#[test]
fn random_queries_equal_the_whole_server() {
    if !prometheus::available() {
        return;
    }
    let fleet = Fleet::start();
    let proxy = fleet.proxy(|group| group);
    let mut random = Random::new(1, fleet.start_ms / 1000 + 1800);
    let queries: Vec<String> = (0..RANDOM_QUERIES).map(|_| random.query()).collect();
    let questions = ask(&fleet, &queries, Kind::InstantAndRange);
    assert_same(fleet.whole.client, proxy.client, &questions);
}

#[test]
fn results_of_range_queries_and_sorting_functions_keep_their_order() {
    if !prometheus::available() {
        return;
    }
    let fleet = Fleet::start();
    let proxy = fleet.proxy(|group| group);
    let time = fleet.start_ms + 1_800_000;
    let sorting = ["sort(temperature_celsius)", "sort_desc(temperature_celsius)"];
    let mut questions: Vec<Question> =
        sorting.iter().map(|query| Question::instant(query, time).ordered()).collect();
    for query in
        ["{__name__=~\".+_total|up\"}", "rate(http_requests_total[5m])", "up or only_second"]
    {
        questions.push(Question::range(query, fleet.start_ms, fleet.end_ms, 60_000).ordered());
    }
    questions.push(Question::new("/api/v1/labels", &[]).ordered());
    questions.push(Question::new("/api/v1/label/__name__/values", &[]).ordered());
    assert_same(fleet.whole.client, proxy.client, &questions);
}
