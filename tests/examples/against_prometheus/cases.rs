//! The queries, and how much data there is.

use e2e::fleet::PAST_MS;

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;
/// The last evaluation time of every query.
pub(crate) const END_MS: i64 = PAST_MS + 25 * 60 * MINUTE_MS;
/// Upper bounds of the histograms.
pub(crate) const BOUNDS: [&str; 10] =
    ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "5", "+Inf"];

/// How much there is of everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Scraped instances, each with a histogram of ten buckets.
    pub(crate) instances: u64,
    /// Sensors whose values go back more than a day.
    pub(crate) sensors: u64,
    /// Minutes that most queries look at, in as many steps.
    pub(crate) minutes: i64,
    /// Minutes that the sensors are looked at.
    pub(crate) day_minutes: i64,
    /// CPU seconds to spend on each measurement.
    pub(crate) seconds: f64,
}

impl Size {
    /// 10,000 series, 241 steps, a day.
    pub(crate) const FULL: Self =
        Self { instances: 1000, sensors: 1000, minutes: 240, day_minutes: 1440, seconds: 2.0 };
    /// Just enough to see that everything works.
    pub(crate) const SMOKE: Self =
        Self { instances: 20, sensors: 5, minutes: 20, day_minutes: 90, seconds: 0.0 };
}

/// A range query.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) query: String,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) step_ms: i64,
    /// Which of equal series is chosen is nobody's promise.
    pub(crate) ties: bool,
}

/// All queries.
pub(crate) fn all(size: Size) -> Vec<Case> {
    let minutely = |name, query: &str| Case {
        name,
        query: query.to_owned(),
        start_ms: END_MS - size.minutes * MINUTE_MS,
        end_ms: END_MS,
        step_ms: MINUTE_MS,
        ties: false,
    };
    vec![
        minutely("sum_rate", "sum by (job) (rate(request_seconds_bucket[5m]))"),
        minutely(
            "histogram_quantile",
            "histogram_quantile(0.99, sum by (le, job) (rate(request_seconds_bucket[5m])))",
        ),
        minutely("ratio", "request_seconds_bucket / on (instance) group_left memory_bytes"),
        Case {
            start_ms: END_MS - size.day_minutes * MINUTE_MS,
            step_ms: 5 * MINUTE_MS,
            ..minutely("max_over_day", "max_over_time(temperature_celsius[1h])")
        },
        minutely(
            "subquery",
            r#"max_over_time(rate(request_seconds_bucket{job=~"job-[01]"}[5m])[30m:1m])"#,
        ),
        Case { ties: true, ..minutely("topk", "topk(10, request_seconds_bucket)") },
    ]
}
