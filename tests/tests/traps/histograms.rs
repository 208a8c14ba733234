//! Histograms, of which the query API tells half.

use e2e::fleet::shape::Shape;

use crate::{ALL, LABELLED, ask_closely};

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
