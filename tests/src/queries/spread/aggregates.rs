//! Queries whose partial results would have to be combined.

use crate::compare::{Numbers, Order};

use super::words::{COMPARISONS, FRACTIONS, RANGES};
use super::{Drawn, Spread};

impl Spread {
    pub(super) fn summed(&mut self) -> String {
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

    pub(super) fn aggregated(&mut self) -> String {
        let grouping = self.grouping();
        if self.below(2) == 0 {
            let aggregation = self.one_of(&["sum", "count", "group", "max", "min", "avg"]);
            return format!("{aggregation}{grouping} ({})", self.integers_of_series());
        }
        let aggregation = self.one_of(&["count", "group", "max", "min"]);
        format!("{aggregation}{grouping} ({})", self.fractions_of_series())
    }

    pub(super) fn compared(&mut self) -> String {
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

    pub(super) fn counted_values(&mut self) -> String {
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
    pub(super) fn selected(&mut self) -> Drawn {
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

    pub(super) fn quantile(&mut self) -> String {
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

    pub(super) fn nested(&mut self) -> String {
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

    /// Fractions begin above the first bucket: what part of it counts has changed
    /// after Prometheus 3.5.
    pub(super) fn classic_histogram(&mut self) -> String {
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

    pub(super) fn native_histogram(&mut self) -> String {
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
}
