//! The traps of push-down, each on its own: what goes wrong in proxies that
//! evaluate parts of a query in the replicas.
//!
//! Every question is asked in all modes, of a fleet whose replicas are whole
//! (where most is pushed down) and of one with holes, and answered as by the
//! server that holds the merged samples.

use std::thread;

use e2e::compare::{Question, assert_same};
use e2e::data::Series;
use e2e::differ::everything;
use e2e::fleet::shape::Shape;
use e2e::fleet::{Fleet, INTERVAL_MS, PAST_MS};
use e2e::modes::Mode;
use e2e::prometheus::{self, Prometheus};
use e2e::proxy::{Group, Proxy};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// Groups with labels, whole and with holes.
const LABELLED: [Shape; 2] = [Shape::LABELLED, Shape::LABELLED_HOLES];
/// Groups without labels as well.
const ALL: [Shape; 5] = [
    Shape::LABELLED,
    Shape::UNLABELLED_HOLES,
    Shape::OVERLAPPING_HOLES,
    Shape::LABELLED_HOLES,
    Shape::UNLABELLED,
];
/// Of more shapes than this only the first are asked, unless everything is.
const USUAL: usize = 2;

/// Each query at two moments and over two ranges: a dense one off the minute,
/// and the whole window by minutes.
fn questions(fleet: &Fleet, queries: &[&str]) -> Vec<Question> {
    let at = |minute: i64| fleet.start_ms + minute * MINUTE;
    let moment = at(90) / SECOND;
    let mut questions = Vec::new();
    for query in queries {
        let query =
            query.replace("@ T", &format!("@ {moment}")).replace("{T}", &moment.to_string());
        questions.push(Question::instant(&query, at(44) + 7_350));
        questions.push(Question::instant(&query, at(135)));
        questions.push(Question::range(&query, at(20) + 1_234, at(75), 30 * SECOND));
        questions.push(Question::range(&query, at(0) / MINUTE * MINUTE, at(180), MINUTE));
    }
    questions
}

/// The shapes to ask.
fn usual(shapes: &[Shape]) -> &[Shape] {
    if everything() { shapes } else { &shapes[..shapes.len().min(USUAL)] }
}

/// The values need only be close if `close`.
fn ask_all(shapes: &[Shape], queries: &[&str], finish: fn(Question) -> Question) {
    if !prometheus::available() {
        return;
    }
    for shape in shapes {
        let fleet = shape.start(1);
        let questions: Vec<Question> = questions(&fleet, queries).into_iter().map(finish).collect();
        for mode in Mode::right(shape.is_equal_everywhere()) {
            eprintln!("{}, {mode:?}", shape.name);
            let proxy = fleet.proxy(|group| mode.configure(group));
            assert_same(fleet.whole.client, proxy.client, &questions);
        }
    }
}

fn ask(shapes: &[Shape], queries: &[&str]) {
    ask_all(shapes, queries, |question| question);
}

fn ask_closely(shapes: &[Shape], queries: &[&str]) {
    ask_all(shapes, queries, Question::close);
}

// Lookback: a pushed answer has a value at each step or none, and none means
// none.

#[test]
fn what_a_comparison_filters_out_leaves_gaps() {
    ask(
        &LABELLED,
        &[
            "temperature_celsius > 5",
            "5 < temperature_celsius",
            "count(temperature_celsius > 20)",
            "max(temperature_celsius) < 25",
            "http_requests_total == 0",
            "sum by (site) (up) < 3",
        ],
    );
}

#[test]
fn a_series_ends_at_its_marker_and_not_a_lookback_later() {
    ask(
        &ALL,
        &[
            "flapping_total",
            "sum(flapping_total)",
            "count by (instance) (flapping_total)",
            "flapping_total + 0",
            "abs(flapping_total)",
            "sum by (site) (rate(flapping_total[1m]))",
        ],
    );
}

#[test]
fn what_unless_leaves_out_and_what_is_absent_comes_and_goes_with_the_step() {
    ask(
        &ALL,
        &[
            "up unless temperature_celsius > 0",
            "up and on (site, job, instance) (temperature_celsius < 0)",
            r#"absent(flapping_total{instance="c"})"#,
            "absent(temperature_celsius > 60)",
            r#"absent_over_time(flapping_total{instance="b"}[1m])"#,
            "temperature_celsius > 60 or up",
        ],
    );
}

#[test]
fn a_lookback_of_the_query_counts_in_the_replicas_as_well() {
    ask_all(
        &ALL,
        &["sum(up)", "count(flapping_total)", "max by (site) (job:temperature_celsius:max)"],
        |question| question.with("lookback_delta", "20s"),
    );
}

#[test]
fn a_long_lookback_of_the_query_counts_in_the_replicas_as_well() {
    ask_all(
        &ALL,
        &["sum(up)", "count(job:up:count)", "max by (site) (temperature_celsius)"],
        |question| question.with("lookback_delta", "25m"),
    );
}

// Operators after aggregations.

#[test]
fn a_number_beside_an_aggregate_is_applied_once_and_to_the_whole() {
    ask(
        &ALL,
        &[
            "max(temperature_celsius) * -1",
            "1 / max(temperature_celsius)",
            "100 - min(temperature_celsius)",
            "max(temperature_celsius) % 3",
            "max(temperature_celsius) < 5",
            "max by (instance) (temperature_celsius) < 5",
            "min(temperature_celsius) > 2",
            "min(temperature_celsius) > bool -29",
            "topk(1, temperature_celsius) < 3",
            "bottomk(2, temperature_celsius) * -1",
            "2 ^ count(up)",
            "count(up) - 1",
            "-sum(up)",
        ],
    );
}

#[test]
fn aggregates_of_aggregates_are_those_of_the_whole() {
    ask(
        &ALL,
        &[
            "max(sum by (job) (http_requests_total))",
            "count(sum by (instance) (up) > 1)",
            "avg(sum by (job) (up))",
            "sum(count by (site) (up))",
            "min(max by (job) (temperature_celsius))",
            "quantile(0.5, sum by (instance) (http_requests_total))",
            "count(count_values(\"v\", up))",
            "topk(1, sum by (job) (http_requests_total))",
        ],
    );
}

#[test]
fn an_average_over_groups_of_unequal_size_is_weighted() {
    ask_closely(
        &[Shape::LABELLED_HOLES, Shape::PARTLY_OVERLAPPING_HOLES],
        &[
            "avg(http_requests_total)",
            "avg by (job) (rate(cpu_seconds_total[5m]))",
            "avg without (site) (temperature_celsius)",
            "avg by (__name__) ({__name__=~\"up|temperature_celsius\"})",
            r#"avg({__name__=~"only_second|temperature_celsius", job=~"rare|db"})"#,
        ],
    );
}

#[test]
fn what_needs_all_series_at_once_is_computed_from_all_of_them() {
    ask_closely(
        &ALL,
        &[
            "quantile(0.7, temperature_celsius)",
            "quantile by (site) (0.5, temperature_celsius)",
            "stddev(temperature_celsius)",
            "stdvar by (job) (temperature_celsius)",
            "stddev by (site) (rate(http_requests_total[5m]))",
        ],
    );
}

#[test]
fn the_greatest_are_the_greatest_of_all_groups() {
    ask(
        &ALL,
        &[
            "topk(2, temperature_celsius)",
            "bottomk(1, temperature_celsius)",
            "topk by (site) (1, temperature_celsius)",
            "topk by (job) (1, agent_view)",
            "topk without (instance) (1, temperature_celsius)",
            "count(topk(3, temperature_celsius))",
            "topk(scalar(vector(2)), temperature_celsius)",
        ],
    );
}

// Scalars and absence: one answer, not one for each group.

#[test]
fn a_scalar_of_a_series_in_one_group_is_its_value() {
    ask(
        &LABELLED,
        &[
            r#"scalar(only_second{job="rare"})"#,
            r#"vector(scalar(only_second{job="rare"}))"#,
            r#"up * scalar(only_second{job="rare"})"#,
            "scalar(up)",
            "scalar(sum(up))",
            r#"scalar(build_info{site="west"}) + time()"#,
            "temperature_celsius > scalar(max(only_second))",
        ],
    );
}

#[test]
fn nothing_is_absent_that_one_group_has() {
    ask(
        &ALL,
        &[
            "absent(only_second)",
            "sum(absent(only_second))",
            "count(absent_over_time(only_second[5m]))",
            "abs(absent(only_second))",
            r#"absent(only_second{site="east", job="rare"})"#,
            r#"absent(up{site="nowhere", instance="x"})"#,
            r#"absent_over_time(nothing{region="east coast", a="b"}[5m])"#,
            r#"absent(sum(only_second))"#,
            "count(absent(nothing))",
        ],
    );
}

// Labels of the groups.

#[test]
fn label_functions_see_and_overwrite_the_labels_of_groups() {
    ask(
        &ALL,
        &[
            r#"label_replace(up, "site", "$1-x", "site", "(.*)")"#,
            r#"sum by (site) (label_replace(up, "site", "all", "", ""))"#,
            r#"sum by (place) (label_replace(up, "place", "$1", "site", "(.).*"))"#,
            r#"label_join(up, "where", "/", "site", "region", "instance")"#,
            r#"max by (site) (label_replace(temperature_celsius, "site", "", "job", "api"))"#,
            r#"count by (region) (label_join(up, "region", "-", "job", "site"))"#,
        ],
    );
}

#[test]
fn counted_values_may_stand_in_a_label_of_the_groups() {
    ask(
        &ALL,
        &[
            r#"count_values("site", up)"#,
            r#"count_values by (job) ("site", up)"#,
            r#"count_values by (site) ("region", up)"#,
            r#"count_values without (site) ("region", up)"#,
            r#"sum by (site) (count_values by (job) ("site", up))"#,
        ],
    );
}

#[test]
fn counted_values_keep_offset_and_grouping() {
    ask(
        &ALL,
        &[
            r#"count_values("v", up offset 10m)"#,
            r#"count_values without (instance) ("v", up)"#,
            r#"count_values without (instance, site) ("v", up offset 7m)"#,
            r#"count_values by (site) ("v", build_info)"#,
            r#"count_values("job", job:up:count offset -3m)"#,
            r#"count_values(("v"), up)"#,
        ],
    );
}

#[test]
fn groupings_and_matchings_know_the_labels_of_groups() {
    ask(
        &ALL,
        &[
            "sum by (site) (up)",
            "sum by (site, job) (http_requests_total)",
            "sum without (site) (up)",
            "sum without (site, region, instance) (http_requests_total)",
            "count by (region) (up)",
            "group by (missing) (up)",
            r#"up{site="east"} + on (job, instance) up{site="west"}"#,
            r#"up{site="east"} + ignoring (site, region) up{site="west"}"#,
            "http_requests_total / on (job, instance, site) group_left (region) cpu_seconds_total",
            "up * on (site) group_left count by (site) (up)",
            "sum by (site) (up) / ignoring (site) group_left sum(up)",
            r#"up{site!="east"}"#,
            r#"sum(up{site=~"w.*|n.*"})"#,
            r#"count(up{region=""})"#,
            r#"up == up{site="west"}"#,
        ],
    );
}

#[test]
fn a_label_that_a_group_hides_is_hidden_in_the_replicas_as_well() {
    ask(
        &[
            Shape::LABELLED,
            Shape::LABELLED_HOLES,
            Shape::HALF_LABELLED_HOLES,
            Shape::LABELLED_OFFSET_HOLES,
        ],
        &[
            "own_region_total",
            "moved_total",
            "sum by (region) (moved_total)",
            "rate(moved_total[10m])",
            "count_over_time(moved_total[20m])",
            r#"moved_total{region="inner"}"#,
            r#"sum(moved_total{region!="outer"})"#,
            r#"absent(moved_total{region="outer"})"#,
            "max without (region) (moved_total)",
            r#"count({__name__=~"own_region_total|moved_total"})"#,
        ],
    );
}

#[test]
fn series_of_two_groups_are_counted_once() {
    ask(
        &[Shape::PARTLY_OVERLAPPING_HOLES, Shape::OVERLAPPING, Shape::OVERLAPPING_HOLES],
        &[
            "sum(up)",
            "count(up)",
            "sum by (job) (http_requests_total)",
            "count by (site) (count_over_time(up[5m]))",
            "sum(count_over_time(temperature_celsius[10m]))",
            "count_values(\"v\", up)",
            "topk(2, temperature_celsius)",
            "increase(http_requests_total[10m])",
        ],
    );
}

#[test]
fn external_labels_of_replicas_are_never_seen() {
    ask(
        &LABELLED,
        &["count by (replica) (up)", r#"sum(up{replica=""})"#, r#"sum(up{replica="a"})"#],
    );
}

// Times.

#[test]
fn predictions_are_made_for_the_time_of_the_query() {
    ask(
        &ALL,
        &[
            "predict_linear(temperature_celsius[10m] offset 10m, 600)",
            "predict_linear(temperature_celsius[10m] @ T, 600)",
            "max by (site) (predict_linear(temperature_celsius[5m] offset -5m, 60))",
        ],
    );
}

#[test]
fn the_time_under_an_offset_is_the_time_of_the_query() {
    ask(
        &ALL,
        &[
            "clamp_max(temperature_celsius offset 10m, time() - {T})",
            "max(clamp_min(temperature_celsius offset 10m, time() - {T}))",
            "time() - timestamp(temperature_celsius offset 3m)",
            "max by (site) (timestamp(up offset 7m))",
            "max(timestamp(up))",
            "minute(up offset 10m * 0 + time())",
            "hour() + on () group_right up offset 1h",
        ],
    );
}

#[test]
fn fixed_times_hold_at_every_step_of_a_range() {
    ask(
        &ALL,
        &[
            "sum(up @ T)",
            "sum(up @ start()) + sum(up)",
            "sum by (site) (up @ end() offset 5m)",
            "max by (site) (max_over_time(temperature_celsius[10m] @ end()))",
            "count(up and topk(2, temperature_celsius @ start()))",
            "max_over_time(sum(up)[20m:1m] @ T)",
            "sum(increase(moved_total[10m] @ T offset -10m))",
        ],
    );
}

#[test]
fn a_subquery_with_an_offset_looks_where_it_says() {
    ask(
        &ALL,
        &[
            "sum_over_time(up[5m:1m] offset 1h)",
            "sum by (site) (sum_over_time(up[5m:1m] offset 20m))",
            "max_over_time(sum(up)[10m:2m] offset -4m)",
            "count_over_time((up offset 3m)[10m:1m] offset 5m)",
        ],
    );
}

#[test]
fn subqueries_stand_on_a_grid_from_the_epoch() {
    ask(
        &ALL,
        &[
            "count_over_time(sum(up)[77m:11m])",
            "count_over_time(up[30m:7m])",
            "sum(max_over_time(up[5m:7s]))",
            "max_over_time(max by (site) (temperature_celsius)[13m:13s])",
            "last_over_time(sum(up)[31m:])",
            "max_over_time(rate(http_requests_total[5m])[11m:47s])",
            "max_over_time(max_over_time(up[5m:11s])[7m:13s])",
        ],
    );
}

#[test]
fn windows_longer_than_what_is_whole_are_filled() {
    ask_closely(
        &[
            Shape::LABELLED_HOLES,
            Shape::LABELLED_ROLLING,
            Shape::LABELLED_CROSSING,
            Shape::UNLABELLED_OFFSET_HOLES,
        ],
        &[
            "count_over_time(up[1h])",
            "sum by (job) (count_over_time(temperature_celsius[10m]))",
            "sum by (site) (increase(http_requests_total[30m]))",
            "sum by (job) (rate(http_requests_total[5m]))",
            "max by (site) (changes(up[20m]))",
            "sum(avg_over_time(temperature_celsius[90s]))",
        ],
    );
}

#[test]
fn a_value_comes_from_the_first_replica_that_has_one() {
    ask(
        &[
            Shape::LABELLED_HOLES,
            Shape::LABELLED_OFFSET_HOLES,
            Shape::LABELLED_ROLLING,
            Shape::THREE_HOLES,
        ],
        &[
            "agent_view",
            "max by (site) (agent_view)",
            "count(agent_view >= 900)",
            "sum by (site) (agent_view)",
            "sum(changes(agent_view[10m]))",
            "max(job:temperature_celsius:max)",
            "max by (site) (max_over_time(agent_view[15m]))",
        ],
    );
}

// Histograms.

#[test]
fn native_histograms_keep_their_offset() {
    ask_closely(
        &LABELLED,
        &[
            "response_size_bytes offset 20m",
            "rate(response_size_bytes[5m] offset 20m)",
            "sum by (site) (rate(response_size_bytes[5m] offset 20m))",
            "histogram_count(sum(response_size_bytes offset 20m))",
        ],
    );
}

#[test]
fn native_histograms_keep_their_resolution() {
    ask_closely(
        &[Shape::LABELLED, Shape::LABELLED_HOLES, Shape::UNLABELLED_HOLES],
        &[
            "histogram_quantile(0.9, sum by (site) (rate(response_size_bytes[5m])))",
            "histogram_quantile(0.5, sum(rate(rpc_seconds[5m])))",
            "histogram_fraction(0, 1, sum(response_size_bytes))",
            "sum by (job) (queue_latency_seconds)",
            "histogram_avg(sum(rate(rpc_seconds[5m])))",
            "count(response_size_bytes)",
            "sum(changed_kind)",
            "max by (site) (changed_kind)",
            "topk(1, changed_kind)",
            r#"sum({__name__=~"response_size_bytes|up"})"#,
            "avg by (site) (batch_items)",
            "sum by (site) (histogram_count(response_size_bytes))",
        ],
    );
}

#[test]
fn quantiles_of_classic_histograms_are_those_of_all_groups() {
    ask_closely(
        &ALL,
        &[
            "histogram_quantile(0.9, sum by (le) (rate(request_duration_seconds_bucket[5m])))",
            "histogram_quantile(0.9, sum by (le, site) (rate(request_duration_seconds_bucket[5m])))",
            "histogram_quantile(0.5, rate(request_duration_seconds_bucket[5m]))",
            "max(histogram_quantile(0.5, request_duration_seconds_bucket))",
            "sum(rate(request_duration_seconds_sum[5m])) / sum(rate(request_duration_seconds_count[5m]))",
        ],
    );
}

// Texts beside the answer, errors, limits.

#[test]
fn remarks_point_into_the_text_of_the_query() {
    ask_closely(
        &[Shape::LABELLED, Shape::UNLABELLED, Shape::LABELLED_HOLES],
        &[
            "sum by (site) (rate(temperature_celsius[5m]))",
            r#"sum(rate(temperature_celsius{site="west"}[5m])) + sum(increase(up[5m]))"#,
            "max(quantile_over_time(1.5, temperature_celsius[5m]))",
            "quantile(1.5, up)",
            "sum by (job, site) (  increase(  up{site=~\".*\"}[5m] offset 3m) )",
            "histogram_quantile(0.5, sum by (job) (up))",
            "histogram_quantile(2, sum by (le) (request_duration_seconds_bucket))",
            r#"sum({__name__=~"response_size_bytes|up"})"#,
            "max(rate(agent_view[5m])) and max(rate(agent_view[5m]))",
        ],
    );
}

#[test]
fn what_fails_on_the_merged_series_fails_the_same() {
    ask(
        &ALL,
        &[
            "up + on (job) up",
            "up * on (job) group_left cpu_seconds_total",
            r#"label_replace(up, "instance", "x", "", "")"#,
            r#"abs({__name__=~"up|temperature_celsius"})"#,
            r#"sum(label_replace(up, "site", "x", "site", "("))"#,
            "up + ignoring (site, region) up",
            "sum by (site) (up + on (job, instance) up)",
            r#"rate({__name__=~"up|temperature_celsius"}[5m])"#,
            "limitk(2, up)",
        ],
    );
}

#[test]
fn a_limit_cuts_the_answer_and_nothing_before() {
    if !prometheus::available() {
        return;
    }
    for shape in usual(&ALL) {
        let fleet = shape.start(1);
        let at = |minute: i64| fleet.start_ms + minute * MINUTE;
        let queries = ["up", "sum by (instance) (up)", "rate(http_requests_total[5m])", "sum(up)"];
        let questions: Vec<Question> = queries
            .iter()
            .flat_map(|query| {
                ["1", "2", "100"].map(|limit| {
                    Question::range(query, at(20), at(170), MINUTE).with("limit", limit)
                })
            })
            .collect();
        for mode in Mode::right(shape.is_equal_everywhere()) {
            let proxy = fleet.proxy(|group| mode.configure(group));
            assert_same(fleet.whole.client, proxy.client, &questions);
        }
    }
}

#[test]
fn parts_that_occur_twice_and_clients_that_ask_at_once_get_the_same_answers() {
    if !prometheus::available() {
        return;
    }
    for shape in [Shape::LABELLED, Shape::LABELLED_HOLES] {
        let fleet = shape.start(1);
        let queries = [
            "sum(rate(http_requests_total[5m])) / sum(rate(http_requests_total[5m]))",
            "max(temperature_celsius) - min(temperature_celsius)",
            "sum by (job) (up) + sum by (job) (up) offset 5m",
            "sum by (job) (up) + (sum by (job) (up) > 1)",
        ];
        let questions: Vec<Question> =
            questions(&fleet, &queries).into_iter().map(Question::close).collect();
        for mode in Mode::right(shape.is_equal_everywhere()) {
            let proxy = fleet.proxy(|group| mode.configure(group));
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| assert_same(fleet.whole.client, proxy.client, &questions));
                }
            });
        }
    }
}

// What changes while the proxy runs.

/// A server with a series per instance, a sample each quarter of a minute.
fn steady(instances: &[&str], from_ms: i64, to_ms: i64) -> Vec<Series> {
    let series = |instance: &&str| {
        let samples = (from_ms..=to_ms).step_by(15_000).map(|time| (time, (time % 1_009) as f64));
        Series::floats(&[("__name__", "steady"), ("instance", instance)], samples)
    };
    instances.iter().map(series).collect()
}

/// The whole server and two replicas, and a proxy of each mode for whole
/// replicas but the one that never looks.
fn pair() -> (Prometheus, [Prometheus; 2], Vec<Proxy>) {
    let (whole, replicas) = (Prometheus::start(), [Prometheus::start(), Prometheus::start()]);
    let targets = replicas.each_ref().map(Prometheus::target);
    let proxy = |mode: Mode| {
        let group = Group::new(&targets).label("site", "here");
        Proxy::builder().group(mode.configure(group)).start()
    };
    let proxies = Mode::right(false).into_iter().map(proxy).collect();
    (whole, replicas, proxies)
}

fn written(server: &Prometheus, series: &[Series]) {
    let labels = e2e::data::label_set(&[("site", "here")]);
    let series: Vec<Series> = series.iter().map(|one| one.clone().with_labels(&labels)).collect();
    server.write(&series);
}

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_millis()).expect("before 292 million")
}

#[test]
fn samples_that_arrive_late_at_the_recent_edge_are_seen() {
    if !prometheus::available() {
        return;
    }
    let (whole, [first, second], proxies) = pair();
    let end = now_ms() / INTERVAL_MS * INTERVAL_MS;
    let start = end - 120 * MINUTE;
    let all = steady(&["a", "b", "c"], start, end);
    // The first replica has all but the last five minutes.
    let early = |series: &[Series]| -> Vec<Series> {
        series.iter().map(|series| series.slice(0, end - 5 * MINUTE)).collect()
    };
    first.write(&early(&all));
    second.write(&early(&all));
    written(&whole, &early(&all));
    let questions = [
        Question::range("sum(steady)", start, end, MINUTE),
        Question::range("sum(count_over_time(steady[10m]))", start, end, MINUTE),
        Question::instant("max(steady)", end),
    ];
    let ask = || proxies.iter().for_each(|p| assert_same(whole.client, p.client, &questions));
    ask();
    let late: Vec<Series> =
        all.iter().map(|series| series.slice(end - 5 * MINUTE, i64::MAX)).collect();
    second.write(&late);
    written(&whole, &late);
    ask();
    first.write(&late);
    ask();
}

#[test]
fn a_series_that_appears_later_is_seen() {
    if !prometheus::available() {
        return;
    }
    let (whole, replicas, proxies) = pair();
    let (start, end) = (PAST_MS, PAST_MS + 120 * MINUTE);
    let known = steady(&["a", "b"], start, end);
    let questions = [
        Question::range("sum(steady)", start, end, MINUTE),
        Question::range("count by (site) (steady)", start, end, MINUTE),
    ];
    replicas.iter().for_each(|server| server.write(&known));
    written(&whole, &known);
    let ask = || proxies.iter().for_each(|p| assert_same(whole.client, p.client, &questions));
    ask();
    // In the settled past nothing changes; what comes is new.
    let later = steady(&["a", "b", "c"], end + INTERVAL_MS, end + 60 * MINUTE);
    replicas.iter().for_each(|server| server.write(&later));
    written(&whole, &later);
    let questions = [
        Question::range("sum(steady)", start, end + 60 * MINUTE, MINUTE),
        Question::range("count by (site) (steady)", start, end + 60 * MINUTE, MINUTE),
        Question::instant("sum(rate(steady[5m]))", end + 30 * MINUTE),
    ];
    proxies.iter().for_each(|p| assert_same(whole.client, p.client, &questions));
}

#[test]
fn a_series_that_only_one_replica_knows_is_not_lost() {
    if !prometheus::available() {
        return;
    }
    for knowing in [0, 1] {
        let (whole, replicas, proxies) = pair();
        let (start, end) = (PAST_MS, PAST_MS + 120 * MINUTE);
        let (shared, alone) = (steady(&["a", "b"], start, end), steady(&["c"], start, end));
        replicas.iter().for_each(|server| server.write(&shared));
        replicas[knowing].write(&alone);
        written(&whole, &shared);
        written(&whole, &alone);
        let questions = [
            Question::range("sum(steady)", start, end, MINUTE),
            Question::range("count by (site) (steady)", start, end, MINUTE),
            Question::range("sum(rate(steady[5m]))", start, end, MINUTE).close(),
            Question::instant("count(steady)", end),
            Question::range(r#"sum(steady{instance="c"})"#, start, end, MINUTE),
        ];
        proxies.iter().for_each(|p| assert_same(whole.client, p.client, &questions));
    }
}

#[test]
fn holes_that_cancel_in_number_are_still_holes() {
    if !prometheus::available() {
        return;
    }
    let (whole, replicas, proxies) = pair();
    let (start, end) = (PAST_MS, PAST_MS + 180 * MINUTE);
    let all = steady(&["a", "b", "c", "d"], start, end);
    // Each replica misses as many samples as the other, of other series; and
    // once the same series at different moments of the same minutes.
    let misses = |replica: usize, series: usize, time: i64| {
        let minute = (time - start) / MINUTE;
        let crossed = (60..63).contains(&minute) && series % 2 == replica;
        let scrape = (time - start) / INTERVAL_MS;
        let shifted = series == 0 && [400, 404][replica] == scrape;
        crossed || shifted
    };
    for (replica, server) in replicas.iter().enumerate() {
        let mut held = all.clone();
        for (series, one) in held.iter_mut().enumerate() {
            one.samples.retain(|(time, _)| !misses(replica, series, *time));
        }
        server.write(&held);
    }
    written(&whole, &all);
    let questions = [
        Question::range("sum(count_over_time(steady[5m]))", start, end, MINUTE),
        Question::range("count_over_time(steady[2m])", start, end, MINUTE),
        Question::range("sum(rate(steady[2m]))", start, end, MINUTE).close(),
        Question::range("sum(steady)", start, end, 15 * SECOND),
        Question::range("sum(changes(steady[1m]))", start, end, 30 * SECOND),
    ];
    proxies.iter().for_each(|p| assert_same(whole.client, p.client, &questions));
}

#[test]
fn a_first_replica_that_never_has_a_target_is_filled_everywhere() {
    if !prometheus::available() {
        return;
    }
    let (whole, [first, second], proxies) = pair();
    let (start, end) = (PAST_MS, PAST_MS + 180 * MINUTE);
    let all = steady(&["a", "b", "c"], start, end);
    // One series is scraped half as often by the first replica.
    let mut sparse = all.clone();
    sparse[1].samples.retain(|(time, _)| (time - start) % (2 * INTERVAL_MS) == 0);
    sparse.remove(2);
    first.write(&sparse);
    second.write(&all);
    written(&whole, &all);
    let questions = [
        Question::range("sum(count_over_time(steady[5m]))", start, end, MINUTE),
        Question::range("count_over_time(steady[3m])", start, end, MINUTE),
        Question::range("sum(steady)", start, end, MINUTE),
    ];
    proxies.iter().for_each(|p| assert_same(whole.client, p.client, &questions));
}
