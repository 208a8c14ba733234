//! Labels of the groups, which the replicas do not know.

use e2e::fleet::shape::Shape;

use crate::{ALL, LABELLED, ask};

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
