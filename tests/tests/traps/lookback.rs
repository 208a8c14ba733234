//! Lookback: a pushed answer has a value at each step or none, and none means
//! none.

use crate::{ALL, LABELLED, ask, ask_all};

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
