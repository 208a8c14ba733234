//! Queries that join series, look at times, or need all of them at once.

use super::Spread;
use super::words::{FRACTIONS, INTEGERS, SUBQUERIES};

impl Spread {
    pub(super) fn between_groups(&mut self) -> String {
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

    pub(super) fn scalars(&mut self) -> String {
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

    pub(super) fn absent(&mut self) -> String {
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

    pub(super) fn relabelled(&mut self) -> String {
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
    pub(super) fn timed(&mut self) -> String {
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

    pub(super) fn subquery(&mut self) -> String {
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

    pub(super) fn pinned(&mut self) -> String {
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

    pub(super) fn set_operation(&mut self) -> String {
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

    pub(super) fn selector_alone(&mut self) -> String {
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

    pub(super) fn of_series(&mut self) -> String {
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
