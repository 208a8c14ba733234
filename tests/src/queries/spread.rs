//! Random queries about what push-down touches, over the data of
//! `data::generate` and `data::local`; the same for a seed.
//!
//! Every answer is determined by the data: values that depend on the order of
//! additions in their last digits are never compared with anything or rounded,
//! only summed further and scaled, and asked for with a tolerance; selections
//! among equals (`topk` of counts) are compared by their values alone.

mod words;

use crate::compare::{Numbers, Order};
use crate::data::hash;
use words::{
    COMPARISONS, FRACTION_FUNCTIONS, FRACTION_RANGES, FRACTIONS, GROUPINGS, INTEGER_RANGES,
    INTEGERS, MATCHERS, OFFSETS, RANGES, SUBQUERIES,
};

/// A query, and how exactly its answer is determined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The text.
    pub query: String,
    /// Whether the order of additions shows.
    pub numbers: Numbers,
    /// Whether it is open which series are selected.
    pub order: Order,
}

/// A source of random queries.
#[derive(Clone, Debug)]
pub struct Spread {
    seed: u64,
    drawn: u64,
    /// Moment for `@`, in seconds.
    at: i64,
    /// Whether native histograms may be asked for.
    histograms: bool,
}

impl Spread {
    /// Queries of this seed; fixed times in them are around `at` seconds.
    #[must_use]
    pub const fn new(seed: u64, at: i64, histograms: bool) -> Self {
        Self { seed, drawn: 0, at, histograms }
    }

    /// The next query.
    #[must_use]
    pub fn query(&mut self) -> Drawn {
        let exact = |query| Drawn { query, numbers: Numbers::Exact, order: Order::Free };
        let close = |query| Drawn { query, numbers: Numbers::Close, order: Order::Free };
        match self.below(24) {
            0..=2 => close(self.summed()),
            3 | 4 => exact(self.aggregated()),
            5 => exact(self.compared()),
            6 => exact(self.counted_values()),
            7 => self.selected(),
            8 => close(self.quantile()),
            9 | 10 => exact(self.between_groups()),
            11 => close(self.scalars()),
            12 => exact(self.absent()),
            13 => exact(self.relabelled()),
            14 => exact(self.timed()),
            15 | 16 => exact(self.subquery()),
            17 => close(self.pinned()),
            18 => exact(self.nested()),
            19 => exact(self.set_operation()),
            20 => close(self.classic_histogram()),
            21 if self.histograms => close(self.native_histogram()),
            22 => exact(self.selector_alone()),
            _ => exact(self.of_series()),
        }
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.drawn += 1;
        hash(&[self.seed, self.drawn]) % bound
    }

    /// One of several.
    pub fn one_of<T: Copy>(&mut self, options: &[T]) -> T {
        let index = self.below(options.len() as u64);
        options[usize::try_from(index).expect("an index is small")]
    }

    fn matched(&mut self, metric: &str) -> String {
        match self.below(6) {
            0..3 => metric.to_owned(),
            3 | 4 => format!("{metric}{{{}}}", self.one_of(MATCHERS)),
            _ => format!("{metric}{{{}, {}}}", self.one_of(MATCHERS), self.one_of(MATCHERS)),
        }
    }

    fn modifier(&mut self) -> String {
        match self.below(12) {
            0 | 1 => format!(" offset {}", self.one_of(OFFSETS)),
            2 => format!(" @ {}", self.moment()),
            3 => self.one_of(&[" @ start()", " @ end()"]).to_owned(),
            4 => format!(" @ end() offset {}", self.one_of(OFFSETS)),
            5 => format!(" offset {} @ {}", self.one_of(OFFSETS), self.moment()),
            _ => String::new(),
        }
    }

    /// An offset or nothing, where `@` would make an answer of one point.
    fn offset(&mut self) -> String {
        match self.below(3) {
            0 => format!(" offset {}", self.one_of(OFFSETS)),
            _ => String::new(),
        }
    }

    fn moment(&mut self) -> i64 {
        self.at + i64::try_from(self.below(6000)).expect("small") - 3000
    }

    /// A selector of integers, as an instant vector.
    fn integers(&mut self) -> String {
        let metric = self.one_of(INTEGERS);
        format!("{}{}", self.matched(metric), self.modifier())
    }

    /// A selector of fractions, as an instant vector.
    fn fractions(&mut self) -> String {
        let metric = self.one_of(FRACTIONS);
        format!("{}{}", self.matched(metric), self.modifier())
    }

    fn range_of(&mut self, metrics: &[&'static str]) -> String {
        let metric = self.one_of(metrics);
        format!("{}[{}]{}", self.matched(metric), self.one_of(RANGES), self.modifier())
    }

    fn grouping(&mut self) -> &'static str {
        self.one_of(GROUPINGS)
    }

    /// Integers, one per series.
    fn integers_of_series(&mut self) -> String {
        match self.below(3) {
            0 => self.integers(),
            1 => {
                let function = self.one_of(INTEGER_RANGES);
                format!("{function}({})", self.range_of(INTEGERS))
            }
            _ => {
                let comparison = self.one_of(COMPARISONS);
                let limit = self.one_of(&["0", "1", "100", "2000"]);
                format!("({} {comparison} {limit})", self.integers())
            }
        }
    }

    /// Fractions, one per series.
    fn fractions_of_series(&mut self) -> String {
        match self.below(5) {
            0 => self.fractions(),
            1 | 2 => self.rate(),
            3 => {
                let function = self.one_of(FRACTION_RANGES);
                format!("{function}({})", self.range_of(FRACTIONS))
            }
            _ => {
                let function = self.one_of(FRACTION_FUNCTIONS);
                format!("{function}({})", self.fractions())
            }
        }
    }

    fn rate(&mut self) -> String {
        let function = self.one_of(&["rate", "rate", "rate", "increase", "irate"]);
        let counters = ["http_requests_total", "cpu_seconds_total", "flapping_total"];
        format!("{function}({})", self.range_of(&counters))
    }

    fn summed(&mut self) -> String {
        let inner = match self.below(4) {
            0..=2 => self.rate(),
            _ => self.fractions_of_series(),
        };
        let aggregation = self.one_of(&["sum", "sum", "avg"]);
        let sum = format!("{aggregation}{} ({inner})", self.grouping());
        match self.below(6) {
            0 => format!("sum{} ({sum})", self.grouping()),
            1 => format!("2.5 * {sum}"),
            2 => format!("({sum}) / 8"),
            _ => sum,
        }
    }

    fn aggregated(&mut self) -> String {
        let grouping = self.grouping();
        if self.below(2) == 0 {
            let aggregation = self.one_of(&["sum", "count", "group", "max", "min", "avg"]);
            return format!("{aggregation}{grouping} ({})", self.integers_of_series());
        }
        let aggregation = self.one_of(&["count", "group", "max", "min"]);
        format!("{aggregation}{grouping} ({})", self.fractions_of_series())
    }

    fn compared(&mut self) -> String {
        let aggregation = self.one_of(&["max", "min"]);
        let inner =
            if self.below(2) == 0 { self.fractions_of_series() } else { self.integers_of_series() };
        let aggregate = format!("{aggregation}{} ({inner})", self.grouping());
        let comparison = self.one_of(COMPARISONS);
        match self.below(6) {
            0 => format!("{aggregate} {comparison} 5"),
            1 => format!("100 - {aggregate}"),
            2 => format!("{aggregate} * -1"),
            3 => format!("1 / {aggregate}"),
            4 => format!("{aggregate} % 3"),
            _ => format!("-({aggregate} {comparison} 40)"),
        }
    }

    fn counted_values(&mut self) -> String {
        let label = self.one_of(&["value", "site", "job", "region"]);
        let offset = self.offset();
        let metric = self.one_of(&["up", "up", "build_info", "job:up:count"]);
        let inner = format!("{}{offset}", self.matched(metric));
        let values = format!("count_values{} (\"{label}\", {inner})", self.grouping());
        match self.below(4) {
            0 => format!("sum{} ({values})", self.grouping()),
            _ => values,
        }
    }

    /// `topk` and `bottomk`; without ties in the data unless counts are asked.
    fn selected(&mut self) -> Drawn {
        let aggregation = self.one_of(&["topk", "bottomk"]);
        let count = self.one_of(&["1", "2", "3", "10"]);
        let grouping = self.one_of(&["", "", " by (site)", " by (job)", " without (instance)"]);
        let mut order = Order::Free;
        let inner = match self.below(4) {
            0 => self.rate(),
            1 => {
                order = Order::Values;
                self.integers_of_series()
            }
            2 => format!("max by (site, instance) ({})", self.one_of(FRACTIONS)),
            _ => format!("{}{}", self.one_of(FRACTIONS), self.offset()),
        };
        // A rate of nothing but resets may be zero in several series.
        if inner.contains('[') {
            order = Order::Values;
        }
        let selected = format!("{aggregation}{grouping} ({count}, {inner})");
        let query = match self.below(5) {
            0 if order == Order::Free => format!("{selected} < 30"),
            1 => format!("count ({selected})"),
            2 if order == Order::Free => format!("sum by (site) ({selected})"),
            _ => selected,
        };
        Drawn { query, numbers: Numbers::Close, order }
    }

    fn quantile(&mut self) -> String {
        let grouping = self.grouping();
        match self.below(3) {
            0 => {
                let share = self.one_of(&["0.5", "0.9", "0", "1.5"]);
                format!("quantile{grouping} ({share}, {})", self.fractions_of_series())
            }
            1 => {
                let aggregation = self.one_of(&["stddev", "stdvar"]);
                format!("{aggregation}{grouping} ({})", self.fractions())
            }
            _ => format!("quantile{grouping} (0.9, {})", self.integers_of_series()),
        }
    }

    fn between_groups(&mut self) -> String {
        let operator = self.one_of(&["+", "-", "*", "/", ">", "<= bool", "=="]);
        let (left, right) = (self.modifier(), self.modifier());
        match self.below(8) {
            0 => format!(
                "temperature_celsius{{site=\"east\"}}{left} {operator} on (job, instance) \
                 temperature_celsius{{site=\"west\"}}{right}"
            ),
            1 => format!(
                "up{{site=\"west\"}}{left} {operator} ignoring (site, region) up{{site=\"east\"}}{right}"
            ),
            2 => format!(
                "http_requests_total{left} {operator} on (job, instance, site) group_left \
                 cpu_seconds_total{right}"
            ),
            3 => format!(
                "http_requests_total{left} {operator} ignoring (code) group_left (region) \
                 temperature_celsius{right}"
            ),
            4 => format!(
                "max by (job) (temperature_celsius{{site=\"east\"}}{left}) {operator} \
                 max by (job) (agent_view{{site=\"west\"}}{right})"
            ),
            5 => format!(
                "sum by (site, job) (http_requests_total{left}) {operator} on (job) group_left \
                 sum by (job) (up{right})"
            ),
            6 => format!(
                "count by (site) (up{left}) {operator} on (site) group_right max by (site, job) \
                 (agent_view{right})"
            ),
            _ => format!(
                "rate(http_requests_total[5m]{left}) {operator} rate(http_requests_total[5m]{right})"
            ),
        }
    }

    fn scalars(&mut self) -> String {
        let (metric, modifier) = (self.one_of(FRACTIONS), self.modifier());
        match self.below(8) {
            0 => format!("{metric}{modifier} * scalar(max(agent_view))"),
            1 => "vector(scalar(only_second{job=\"rare\"}))".to_owned(),
            2 => format!(
                "scalar(build_info{{site=\"{}\"}}{modifier})",
                self.one_of(&["east", "west"])
            ),
            3 => format!("clamp_max({metric}{modifier}, scalar(min(temperature_celsius)))"),
            4 => format!("scalar(sum(up{modifier})) + vector(1)"),
            5 => format!("sum({metric}{modifier}) or vector(0)"),
            6 => "scalar(count(up) by (nothing)) / 2".to_owned(),
            _ => format!("up * scalar({metric}{{site=\"west\", instance=\"10.0.1.1:9187\"}})"),
        }
    }

    fn absent(&mut self) -> String {
        let metric =
            self.one_of(&["only_second", "up", "moved_total", "nothing", "flapping_total"]);
        let inner = format!("{}{}", self.matched(metric), self.modifier());
        let (range, offset) = (self.one_of(&["1m", "4m", "30m"]), self.modifier());
        let over = format!("absent_over_time({}[{range}]{offset})", self.matched(metric));
        match self.below(8) {
            0 | 1 => format!("absent({inner})"),
            2 => over,
            3 => format!("sum(absent({inner}))"),
            4 => format!("count({over})"),
            5 => format!("abs(absent({inner}))"),
            6 => format!("absent(sum by (site) ({inner}) > 1e9)"),
            _ => format!("absent({inner}) or up"),
        }
    }

    fn relabelled(&mut self) -> String {
        let inner = if self.below(2) == 0 { self.integers() } else { self.fractions() };
        let moved = match self.below(5) {
            0 => format!("label_replace({inner}, \"site\", \"$1-x\", \"site\", \"(.*)\")"),
            1 => format!("label_replace({inner}, \"place\", \"$1\", \"site\", \"(e|w)(.*)\")"),
            2 => format!("label_replace({inner}, \"region\", \"$1\", \"instance\", \"(.+):.*\")"),
            3 => {
                format!("label_join({inner}, \"where\", \"/\", \"site\", \"region\", \"instance\")")
            }
            _ => format!("label_replace({inner}, \"site\", \"\", \"job\", \"api\")"),
        };
        match self.below(3) {
            0 => moved,
            1 => format!("max by (site, place, where) ({moved})"),
            _ => format!("count{} ({moved})", self.grouping()),
        }
    }

    /// About times. Prometheus forgets the offset of a selector inside
    /// `timestamp` that is fixed to a moment, so only one of both is drawn.
    fn timed(&mut self) -> String {
        let metric = self.one_of(FRACTIONS);
        let offset = match self.below(5) {
            0 => format!(" @ {}", self.moment()),
            1 => " @ start()".to_owned(),
            _ => self.offset(),
        };
        let at = self.moment();
        match self.below(10) {
            0 => format!("predict_linear({metric}[10m]{offset}, 600)"),
            1 => format!("max by (site) (predict_linear({metric}[10m]{offset}, 600))"),
            2 => format!("clamp_max({metric}{offset}, time() - {at})"),
            3 => format!("timestamp({metric}{offset})"),
            4 => format!("time() - timestamp({metric}{offset})"),
            5 => format!("max by (job) (time() - timestamp({metric}{offset}))"),
            6 => format!("time() - max(timestamp({metric}{offset}))"),
            7 => format!("count by (site) (hour(timestamp({metric}{offset})) >= 0)"),
            8 => format!("minute() + on () group_right up{offset}"),
            _ => format!("timestamp(timestamp({metric}{offset}))"),
        }
    }

    fn subquery(&mut self) -> String {
        let function = self.one_of(&[
            "max_over_time",
            "min_over_time",
            "count_over_time",
            "last_over_time",
            "changes",
            "present_over_time",
        ]);
        let inner = match self.below(6) {
            0 => self.rate(),
            1 => self.integers(),
            2 => format!("sum{} ({})", self.grouping(), self.integers()),
            3 => format!("max{} ({})", self.grouping(), self.fractions()),
            4 => format!("({} > 10)", self.fractions()),
            _ => format!("count{} ({})", self.grouping(), self.one_of(INTEGERS)),
        };
        let (window, modifier) = (self.one_of(SUBQUERIES), self.modifier());
        let subquery = format!("{function}(({inner})[{window}]{modifier})");
        match self.below(5) {
            0 => format!("max by (site) ({subquery})"),
            1 => format!("count ({subquery})"),
            2 => format!("max_over_time({subquery}[5m:90s])"),
            _ => subquery,
        }
    }

    fn pinned(&mut self) -> String {
        let metric = self.one_of(INTEGERS);
        let pin = self.one_of(&["start()", "end()"]);
        match self.below(5) {
            0 => format!("sum({metric} @ {pin}) - sum({metric})"),
            1 => format!("sum by (site) (rate(http_requests_total[5m] @ {pin}))"),
            2 => format!(
                "sum by (job) (rate(http_requests_total[5m] @ {} offset 3m))",
                self.moment()
            ),
            3 => format!("{metric} and topk(3, max_over_time(agent_view[30m] @ {pin}))"),
            _ => format!("max_over_time(sum(up)[20m:1m] @ {pin} offset -2m)"),
        }
    }

    fn nested(&mut self) -> String {
        let (outer, inner) = (self.grouping(), self.grouping());
        let integers = self.integers_of_series();
        match self.below(7) {
            0 => format!("max{outer} (sum{inner} ({integers}))"),
            1 => format!("count{outer} (sum{inner} ({integers}) > 3)"),
            2 => format!("sum{outer} (count{inner} ({integers}))"),
            3 => format!("avg{outer} (sum{inner} ({integers}))"),
            4 => format!("min{outer} (max{inner} ({}))", self.fractions_of_series()),
            5 => format!("quantile{outer} (0.5, sum{inner} ({integers}))"),
            _ => format!("group{outer} (count_values{inner} (\"v\", up))"),
        }
    }

    fn set_operation(&mut self) -> String {
        let operator = self.one_of(&["and", "or", "unless"]);
        let on =
            self.one_of(&["", "", " on (site)", " on (job, instance)", " ignoring (site, region)"]);
        let (left, right) = (self.integers_of_series(), self.fractions_of_series());
        match self.below(4) {
            0 => format!("{left} {operator}{on} {right}"),
            1 => format!("{right} {operator}{on} ({left} > 1)"),
            2 => format!("count by (site) ({left} {operator}{on} {right})"),
            _ => format!("max by (site) ({right}) {operator}{on} min by (job, site) ({right})"),
        }
    }

    /// Fractions begin above the first bucket: what part of it counts has changed
    /// after Prometheus 3.5.
    fn classic_histogram(&mut self) -> String {
        let (range, modifier) = (self.one_of(RANGES), self.modifier());
        let selector = self.matched("request_duration_seconds_bucket");
        let rate = format!("rate({selector}[{range}]{modifier})");
        let by =
            self.one_of(&[" by (le)", " by (le, site)", " by (le, job)", " without (instance)"]);
        let share = self.one_of(&["0.5", "0.9", "0.99"]);
        match self.below(5) {
            0 => format!("histogram_quantile({share}, {rate})"),
            1 => format!("histogram_quantile({share}, {selector}{modifier})"),
            2 => format!("histogram_fraction(0.2, 1, sum{by} ({rate}))"),
            _ => format!("histogram_quantile({share}, sum{by} ({rate}))"),
        }
    }

    fn native_histogram(&mut self) -> String {
        let metric = self.one_of(&[
            "response_size_bytes",
            "queue_latency_seconds",
            "batch_items",
            "rpc_seconds",
            "flapping_seconds",
            "changed_kind",
        ]);
        let selector = self.matched(metric);
        let (range, modifier) = (self.one_of(RANGES), self.modifier());
        let rate = format!("rate({selector}[{range}]{modifier})");
        let grouping = self.grouping();
        match self.below(8) {
            0 => format!("{selector}{modifier}"),
            1 => rate,
            2 => format!("sum{grouping} ({rate})"),
            3 => format!("histogram_quantile(0.9, sum{grouping} ({rate}))"),
            4 => format!("sum{grouping} (histogram_count({selector}{modifier}))"),
            5 => format!("count{grouping} ({selector}{modifier})"),
            6 => format!("sum{grouping} ({{__name__=~\"{metric}|up\"}}{modifier})"),
            _ => format!("count_over_time({selector}[{range}]{modifier})"),
        }
    }

    fn selector_alone(&mut self) -> String {
        match self.below(4) {
            0 => self.integers(),
            1 => self.fractions(),
            2 => format!("unusual_values{}", self.modifier()),
            _ => format!(
                "count by (__name__, site) ({{__name__=~\"up|.*_total|agent.*\"}}{})",
                self.modifier()
            ),
        }
    }

    fn of_series(&mut self) -> String {
        let inner =
            if self.below(2) == 0 { self.integers_of_series() } else { self.fractions_of_series() };
        match self.below(6) {
            0 => format!("({inner}) > bool 3"),
            1 => format!("3 - ({inner})"),
            2 => format!("round({inner}, 0.5)"),
            3 => format!("clamp_min({inner}, 2)"),
            4 => format!("sort({inner})"),
            _ => inner,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_queries_again_and_another_seed_others() {
        let list = |seed| {
            let mut spread = Spread::new(seed, 0, true);
            (0..20).map(|_| spread.query()).collect::<Vec<_>>()
        };
        assert_eq!(list(1), list(1));
        assert_ne!(list(1), list(2));
    }

    #[test]
    fn native_histograms_are_left_out_where_nothing_carries_them() {
        let mut spread = Spread::new(1, 0, false);
        let queries: Vec<String> = (0..500).map(|_| spread.query().query).collect();
        assert!(!queries.iter().any(|query| query.contains("response_size_bytes")));
    }
}
