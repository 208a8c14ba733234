//! Offsets, fixed times, subqueries, and windows over holes.

use e2e::fleet::shape::Shape;

use crate::{ALL, ask, ask_closely};

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
