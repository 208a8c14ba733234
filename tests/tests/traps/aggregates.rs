//! Aggregations, and what is done to their results.

use e2e::fleet::shape::Shape;

use crate::{ALL, ask, ask_closely};

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
