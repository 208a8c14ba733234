//! What random queries are made of.

/// Metrics whose values are integers, counters first.
pub(super) const INTEGERS: &[&str] = &[
    "http_requests_total",
    "http_requests_total",
    "flapping_total",
    "odd_values_total",
    "request_duration_seconds_count",
    "own_region_total",
    "moved_total",
    "up",
    "up",
    "build_info",
    "job:up:count",
];

/// Gauges with fractions.
pub(super) const FRACTIONS: &[&str] = &[
    "temperature_celsius",
    "temperature_celsius",
    "agent_view",
    "agent_view",
    "only_second",
    "job:temperature_celsius:max",
];

/// Matchers on group labels and on the series' own.
pub(super) const MATCHERS: &[&str] = &[
    r#"job="api""#,
    r#"job!="db""#,
    r#"site="east""#,
    r#"site!="east""#,
    r#"site=~"w.+""#,
    r#"site=~"east|west""#,
    r#"site="""#,
    r#"code=~"4..|5..""#,
    r#"code!~"2..""#,
    r#"instance=~".*[12]:9100""#,
    r#"region!~"w.*""#,
    r#"region="inner""#,
    r#"replica="""#,
];

/// With and without the labels that tell groups apart.
pub(super) const GROUPINGS: &[&str] = &[
    "",
    "",
    " by (site)",
    " by (job)",
    " by (job)",
    " by (job, instance)",
    " by (site, job)",
    " by (region)",
    " by (missing)",
    " by (__name__)",
    " without (code)",
    " without (site)",
    " without (site, region)",
    " without (instance, code, value, le)",
    " without ()",
];

/// Lengths of range selectors, some beyond the lookback.
pub(super) const RANGES: &[&str] = &["1m", "2m30s", "5m", "5m", "75s", "17m", "1h"];

/// Both ways, and off the grid.
pub(super) const OFFSETS: &[&str] = &["4m", "-6m", "33s", "20m", "1h", "5m"];

/// Windows and steps of subqueries; many steps divide nothing.
pub(super) const SUBQUERIES: &[&str] =
    &["10m:1m", "7m:13s", "20m:90s", "77m:11m", "13m:7s", "31m:", "1h:7m", "12m:47s", "5m:5m"];

/// Comparisons, which filter unless they say bool.
pub(super) const COMPARISONS: &[&str] = &[">", "<", ">=", "<=", "==", "!=", "> bool", "< bool"];

/// Functions over ranges of integers whose results are integers.
pub(super) const INTEGER_RANGES: &[&str] = &[
    "count_over_time",
    "changes",
    "resets",
    "present_over_time",
    "max_over_time",
    "min_over_time",
    "last_over_time",
    "sum_over_time",
];

/// Functions over ranges of gauges.
pub(super) const FRACTION_RANGES: &[&str] = &[
    "avg_over_time",
    "max_over_time",
    "min_over_time",
    "last_over_time",
    "delta",
    "idelta",
    "deriv",
    "stddev_over_time",
    "sum_over_time",
    "count_over_time",
];

/// Functions of one value that give the same bits everywhere.
pub(super) const FRACTION_FUNCTIONS: &[&str] = &["abs", "floor", "ceil", "sgn", "-"];
