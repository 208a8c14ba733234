//! The queries of the differential tests, over the data of `data::generate`.
//!
//! `T` in a query stands for a moment in the window, in seconds.

pub mod draw;
pub mod faulty;
pub mod hostile;
pub mod language;
pub mod random;
pub mod spread;

use crate::data::generate::{ODD_VALUES, UTF8_LABEL, UTF8_METRIC};

/// Instant-vector selectors over floats: all matchers, group labels, offsets
/// and fixed times.
pub const SELECTORS: &[&str] = &[
    "http_requests_total",
    r#"http_requests_total{code="200"}"#,
    r#"http_requests_total{code!="200"}"#,
    r#"http_requests_total{code=~"4..|5.."}"#,
    r#"http_requests_total{code!~"2.*", job="api"}"#,
    r#"http_requests_total{code=~"20"}"#,
    r#"{__name__="up"}"#,
    r#"{__name__=~"request_.+_(count|sum)"}"#,
    r#"{__name__=~"up|temperature_celsius", job!="db"}"#,
    r#"{job="db", __name__!~".*_seconds|response_size_bytes|batch_items"}"#,
    r#"up{missing=""}"#,
    r#"up{missing!=""}"#,
    r#"up{missing=~".*"}"#,
    r#"up{missing=~".+"}"#,
    r#"build_info{version=~"(?i)1\\.2.*"}"#,
    // Labels that only the group has.
    r#"up{site="east"}"#,
    r#"up{site!="east"}"#,
    r#"up{site=~"we.t|nowhere"}"#,
    r#"up{site!~"e.+"}"#,
    r#"up{site=~".*"}"#,
    r#"up{site=~""}"#,
    r#"up{site=""}"#,
    r#"up{site="nowhere"}"#,
    r#"up{site="east", site=~"e.*", region="east coast"}"#,
    r#"{site="west", job="rare"}"#,
    r#"{region="west coast", job="flap", __name__="flapping_total"}"#,
    // A label that the series has and the group overrides.
    "own_region_total",
    r#"own_region_total{region="inner"}"#,
    r#"own_region_total{region=~".*coast"}"#,
    // A label that the replicas attach to remote read and nobody may see.
    r#"up{replica="a"}"#,
    r#"up{replica=""}"#,
    r#"up{replica!="a"}"#,
    // What one group has, and what none has.
    "only_second",
    r#"only_second{site="east"}"#,
    "nothing_of_this_name",
    // Staleness and unusual numbers.
    "flapping_total",
    "unusual_values",
    "odd_values_total",
    r#"odd_values_total{value=~"(?s).*\n.*"}"#,
    r#"odd_values_total{value=~"a.b|two.lines"}"#,
    "http_requests_total offset 10m",
    "http_requests_total offset -10m",
    "flapping_total offset 95s",
    r#"temperature_celsius{site="west"} offset 7m30s"#,
    "temperature_celsius @ T",
    "temperature_celsius @ start()",
    "flapping_total @ end()",
    "temperature_celsius @ T offset 5m",
    "flapping_total offset -5m @ T",
    "up @ 0",
];

/// Range-vector selectors and subqueries over floats, for instant queries.
pub const RANGE_SELECTORS: &[&str] = &[
    "http_requests_total[5m]",
    r#"http_requests_total{code="500", site!="west"}[61s]"#,
    "flapping_total[20m]",
    "flapping_total[1h]",
    "unusual_values[10m]",
    "odd_values_total[2m]",
    "temperature_celsius[3m] offset 10m",
    "temperature_celsius[3m] offset -10m",
    "temperature_celsius[3m] @ T",
    "temperature_celsius[3m] @ T offset 2m",
    r#"{job="rare"}[1m]"#,
    "up[1s]",
    "nothing_of_this_name[5m]",
    "rate(http_requests_total[5m])[10m:1m]",
    "up[7m:13s]",
    "flapping_total[30m:1m] offset 3m",
    "(temperature_celsius > 0)[10m:30s] @ T",
];

/// Functions, aggregations and operators over floats. Results do not depend
/// on the order of additions.
pub const COMPUTED: &[&str] = &[
    "rate(http_requests_total[5m])",
    "increase(flapping_total[4m])",
    "irate(http_requests_total[2m])",
    "delta(temperature_celsius[5m])",
    "idelta(temperature_celsius[1m])",
    "resets(http_requests_total[30m])",
    "changes(up[20m])",
    "count_over_time(http_requests_total[5m])",
    "count_over_time(flapping_total[15m])",
    "sum by (site) (count_over_time(up[10m]))",
    "min_over_time(unusual_values[5m])",
    "max_over_time(temperature_celsius[5m])",
    "last_over_time(flapping_total[3m])",
    "present_over_time(flapping_total[1m])",
    "quantile_over_time(0.7, temperature_celsius[10m])",
    "absent(nothing_of_this_name)",
    r#"absent(only_second{site="east", job="rare"})"#,
    r#"absent(up{site="nowhere"})"#,
    "sum(absent(only_second))",
    "count(absent_over_time(flapping_total[1m]))",
    "abs(absent(only_second))",
    "timestamp(up)",
    "timestamp(temperature_celsius offset 3m)",
    "count(up)",
    "count by (site, job) (http_requests_total)",
    "sum(http_requests_total)",
    "sum by (site) (up)",
    "sum without (instance, code) (http_requests_total)",
    "max by (job) (temperature_celsius)",
    "min without (site, region) (temperature_celsius)",
    "avg by (code) (http_requests_total)",
    "group by (region) (up)",
    "max(temperature_celsius) * -1",
    "max(temperature_celsius) < 5",
    "max by (instance) (temperature_celsius) % 3",
    "1 / max(temperature_celsius)",
    "100 - min(temperature_celsius)",
    "topk(2, temperature_celsius)",
    "topk by (site) (1, temperature_celsius)",
    "bottomk(3, temperature_celsius)",
    "topk(1, temperature_celsius) < 3",
    r#"count_values("value", up)"#,
    r#"count_values by (job) ("site", up)"#,
    r#"count_values without (instance) ("value", up)"#,
    r#"count_values("v", up offset 10m)"#,
    "quantile(0.5, temperature_celsius)",
    "quantile by (site) (0.9, temperature_celsius)",
    "scalar(only_second)",
    "vector(scalar(only_second))",
    "up * scalar(only_second)",
    "scalar(up)",
    "sort(temperature_celsius)",
    "sort_desc(temperature_celsius)",
    "-temperature_celsius",
    "clamp(temperature_celsius, 0, 20)",
    "round(temperature_celsius, 0.5)",
    "temperature_celsius > 10",
    "temperature_celsius > bool 10",
    "http_requests_total and on (job, instance, site) up == 1",
    "up unless temperature_celsius > 0",
    "temperature_celsius < 0 or up",
    "http_requests_total / on (job, instance, site) group_left (region) cpu_seconds_total",
    r#"up{site="east"} + on (job, instance) up{site="west"}"#,
    r#"label_replace(up, "site", "$1-x", "site", "(.*)")"#,
    r#"sum by (site) (label_replace(up, "site", "all", "", ""))"#,
    r#"label_join(up, "where", "/", "site", "instance")"#,
    "predict_linear(temperature_celsius[10m] offset 10m, 600)",
    "histogram_quantile(0.5, request_duration_seconds_bucket)",
    "rate(request_duration_seconds_sum[5m]) / rate(request_duration_seconds_count[5m])",
    "max_over_time(rate(http_requests_total[2m])[10m:1m])",
    "sum_over_time(up[5m:1m] offset 20m)",
    "count_over_time(sum(up)[77m:11m])",
    "avg_over_time(sum by (site) (up)[10m:7s] @ T)",
    "min_over_time((temperature_celsius @ T)[5m:1m])",
    "sum(flapping_total @ end()) + sum(flapping_total @ start())",
    "days_in_month(up * 1.7e9)",
    "time()",
    "vector(time())",
    "42",
    "-0 * 1e300 * 1e300",
    "hour()",
    "up == 1 or on () vector(7)",
    "rate(nothing_of_this_name[5m])",
    // Texts that come beside the answer.
    "rate(temperature_celsius[5m])",
    "increase(up[5m]) > 0",
    "quantile(1.5, up)",
    "histogram_quantile(0.5, up)",
    "histogram_quantile(2, request_duration_seconds_bucket)",
];

/// The same over floats, where the order of additions shows in last digits.
pub const SUMMED: &[&str] = &[
    "sum(rate(http_requests_total[5m]))",
    "sum by (job) (rate(http_requests_total[5m]))",
    "avg by (job) (rate(cpu_seconds_total[3m]))",
    "sum(temperature_celsius)",
    "avg(temperature_celsius)",
    "avg by (site) (temperature_celsius)",
    "stddev(temperature_celsius)",
    "stdvar by (site) (temperature_celsius)",
    "sum_over_time(temperature_celsius[10m])",
    "avg_over_time(temperature_celsius[10m])",
    "stddev_over_time(temperature_celsius[10m])",
    "deriv(temperature_celsius[10m])",
    "histogram_quantile(0.9, sum by (le) (rate(request_duration_seconds_bucket[5m])))",
    "sum(sum by (site) (cpu_seconds_total))",
    "avg_over_time(avg(temperature_celsius)[20m:1m])",
    "exp(clamp_max(temperature_celsius, 10))",
    "ln(abs(temperature_celsius))",
    "sin(temperature_celsius)",
    "temperature_celsius ^ 2",
];

/// Anything that needs native histograms in full.
pub const HISTOGRAMS: &[&str] = &[
    "response_size_bytes",
    "queue_latency_seconds",
    r#"batch_items{site="west"}"#,
    "rpc_seconds",
    "flapping_seconds",
    "changed_kind",
    r#"{job="mixed"}"#,
    "response_size_bytes offset 10m",
    "flapping_seconds @ T",
    "histogram_count(response_size_bytes)",
    "histogram_sum(queue_latency_seconds)",
    "histogram_avg(rpc_seconds)",
    "histogram_count(rate(flapping_seconds[5m]))",
    "count_over_time(flapping_seconds[10m])",
    "count(response_size_bytes)",
    "resets(response_size_bytes[30m])",
    "changes(queue_latency_seconds[5m])",
    "last_over_time(batch_items[2m])",
    "present_over_time(flapping_seconds[2m])",
    "timestamp(response_size_bytes)",
    "topk(1, changed_kind)",
];

/// Native histograms, where the order of additions shows in last digits.
pub const HISTOGRAMS_SUMMED: &[&str] = &[
    "rate(response_size_bytes[5m])",
    "increase(queue_latency_seconds[10m])",
    "rate(rpc_seconds[5m])",
    "delta(batch_items[5m])",
    "sum by (job) (rate(response_size_bytes[5m]))",
    "avg(queue_latency_seconds)",
    "sum(rpc_seconds)",
    "sum_over_time(batch_items[5m])",
    "avg_over_time(batch_items[5m])",
    "histogram_quantile(0.9, rate(response_size_bytes[5m]))",
    "histogram_quantile(0.5, sum(rate(rpc_seconds[5m])))",
    "histogram_fraction(0, 1, response_size_bytes)",
    "histogram_stddev(queue_latency_seconds)",
    "rate(changed_kind[10m])",
    "sum({__name__=~\"response_size_bytes|up\"})",
    "response_size_bytes * 2 + response_size_bytes",
    "sum by (site) (histogram_count(response_size_bytes))",
];

/// Range-vector selectors over native histograms, for instant queries.
pub const HISTOGRAM_RANGES: &[&str] = &[
    "response_size_bytes[2m]",
    "queue_latency_seconds[61s] offset 5m",
    "rpc_seconds[1m]",
    "flapping_seconds[20m]",
    "changed_kind[30m]",
    "batch_items[3m:30s]",
];

/// Queries that fail, at parsing or later.
pub const REFUSED: &[&str] = &[
    "",
    "up{",
    "rate(up)",
    "{}",
    r#"{job=~".*"}"#,
    r#"up{job=~"("}"#,
    "up[5m] offset",
    "sum by (job) up)",
    "up + on (job) up",
    "up * on (job) group_left cpu_seconds_total",
    r#"label_replace(up, "instance", "x", "", "")"#,
    r#"label_replace(up, "a", "$1", "job", "(")"#,
    r#"{__name__=~"up|temperature_celsius"} * 2"#,
    "no_such_function(up)",
    "up[5m:1m][5m]",
    "topk(0.5)",
    "limitk(2, up)",
];

/// Selectors of each odd label value, by equality and by expression, and of
/// the metric and label whose names need quotes.
#[must_use]
pub fn quoted() -> Vec<String> {
    let mut queries = Vec::new();
    for value in ODD_VALUES {
        queries.push(format!("odd_values_total{{value={}}}", quote(value)));
        let pattern = regex_escape(value);
        queries.push(format!("odd_values_total{{value=~{}}}", quote(&pattern)));
    }
    let (metric, label) = (quote(UTF8_METRIC), quote(UTF8_LABEL));
    queries.push(format!("{{{metric}}}"));
    queries.push(format!("{{{metric}, {label}=\"am Markt\"}}"));
    queries.push(format!("{{{metric}, {label}=~\"Haupt.*\", site=\"west\"}}"));
    queries.push(format!("sum by ({label}) ({{{metric}}})"));
    queries.push(format!("rate({{{metric}}}[5m]) + on ({label}, site) {{{metric}}}"));
    queries.push(format!("count_values(\"größe\", {{{metric}}} > 0)"));
    queries
}

/// A text as a PromQL string.
#[must_use]
pub fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn regex_escape(text: &str) -> String {
    let mut escaped = String::with_capacity(2 * text.len());
    for character in text.chars() {
        if r".*+?^${}()|[]\".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
