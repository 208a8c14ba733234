//! Texts beside the answer, errors, limits.

use std::thread;

use e2e::compare::{Question, assert_same};
use e2e::fleet::shape::Shape;
use e2e::modes::Mode;
use e2e::prometheus;

use crate::{ALL, MINUTE, ask, ask_closely, questions, usual};

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
