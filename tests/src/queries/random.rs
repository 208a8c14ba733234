//! Random queries over the data of `data::generate`, the same for a seed.
//!
//! Two sorts of expressions: those whose values are integers, which may be
//! summed in any order, and those with fractions, which are never summed, so
//! that every answer is determined to the last bit. Nor is there `topk`, whose
//! choice among equals depends on the order of series in a server.

use super::draw::Draw;

const METRICS: [&str; 6] = [
    "http_requests_total",
    "up",
    "flapping_total",
    "odd_values_total",
    "request_duration_seconds_bucket",
    "only_second",
];
const MATCHERS: [&str; 10] = [
    r#"job="api""#,
    r#"job!="db""#,
    r#"site="east""#,
    r#"site!="east""#,
    r#"site=~"w.+""#,
    r#"code=~"4..|5..""#,
    r#"code!~"2..""#,
    r#"instance=~".*[12]:9100""#,
    r#"region!~"w.*""#,
    r#"le="+Inf""#,
];
const GROUPINGS: [&str; 7] = [
    "",
    " by (site)",
    " by (job)",
    " by (job, instance)",
    " without (code)",
    " without (site, region)",
    " by (missing)",
];
const RANGES: [&str; 5] = ["1m", "5m", "17m", "75s", "1h"];
const OFFSETS: [&str; 4] = ["4m", "-6m", "33s", "20m"];

/// A source of random queries.
#[derive(Clone, Debug)]
pub struct Random {
    draw: Draw,
    /// Moment for `@`, in seconds.
    at: i64,
}

impl Random {
    /// Queries of this seed; fixed times in them are around `at` seconds.
    #[must_use]
    pub const fn new(seed: u64, at: i64) -> Self {
        Self { draw: Draw::new(seed), at }
    }

    /// The next query.
    #[must_use]
    pub fn query(&mut self) -> String {
        let depth = 1 + self.below(3);
        if self.below(2) == 0 { self.integers(depth) } else { self.fractions(depth) }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.draw.below(bound)
    }

    fn one_of<'a>(&mut self, options: &[&'a str]) -> &'a str {
        self.draw.one_of(options)
    }

    fn selector(&mut self) -> String {
        // `only_second` has fractions and is left to the other sort.
        let metric = self.one_of(&METRICS[..5]);
        self.matched(metric)
    }

    fn matched(&mut self, metric: &str) -> String {
        match self.below(6) {
            0..3 => metric.to_owned(),
            3 | 4 => format!("{metric}{{{}}}", self.one_of(&MATCHERS)),
            _ => format!("{metric}{{{}, {}}}", self.one_of(&MATCHERS), self.one_of(&MATCHERS)),
        }
    }

    fn modifier(&mut self) -> String {
        match self.below(8) {
            0 | 1 => format!(" offset {}", self.one_of(&OFFSETS)),
            2 => format!(" @ {}", self.moment()),
            3 => self.one_of(&[" @ start()", " @ end()", " @ end() offset 2m"]).to_owned(),
            _ => String::new(),
        }
    }

    fn moment(&mut self) -> i64 {
        self.at + i64::try_from(self.below(1200)).expect("small") - 600
    }

    fn range(&mut self) -> String {
        format!("{}[{}]{}", self.selector(), self.one_of(&RANGES), self.modifier())
    }

    /// An expression whose values are integers.
    fn integers(&mut self, depth: u64) -> String {
        if depth == 0 {
            return format!("{}{}", self.selector(), self.modifier());
        }
        match self.below(7) {
            0 => {
                let functions = ["count_over_time", "changes", "resets", "present_over_time"];
                format!("{}({})", self.one_of(&functions), self.range())
            }
            1 => {
                let functions =
                    ["max_over_time", "min_over_time", "last_over_time", "sum_over_time"];
                format!("{}({})", self.one_of(&functions), self.range())
            }
            2 | 3 => {
                let aggregation = self.one_of(&["sum", "min", "max", "count", "group", "avg"]);
                let grouping = self.one_of(&GROUPINGS);
                // An average ends being an integer, so nothing may sum it.
                let inner = if aggregation == "avg" { 0 } else { depth - 1 };
                let expression = format!("{aggregation}{grouping} ({})", self.integers(inner));
                if aggregation == "avg" { format!("floor({expression})") } else { expression }
            }
            4 => {
                let operator = self.one_of(&["+", "-", "*", "> bool", "> ", "!=", "== bool"]);
                let number = self.one_of(&["2", "100", "7"]);
                format!("({}) {operator} {number}", self.integers(depth - 1))
            }
            5 => {
                let operator = self.one_of(&["+", "-", "and", "or", "unless", ">=", "< bool"]);
                let grouping = self.one_of(&[" by (site)", " by (job)", " by (site, job)"]);
                let (left, right) = (self.integers(depth - 1), self.integers(depth - 1));
                format!("sum{grouping} ({left}) {operator} max{grouping} ({right})")
            }
            _ => {
                let function = self.one_of(&["max_over_time", "count_over_time", "sum_over_time"]);
                let window = self.one_of(&["10m:1m", "7m:13s", "20m:90s"]);
                let modifier = self.modifier();
                format!("{function}(({})[{window}]{modifier})", self.integers(depth - 1))
            }
        }
    }

    /// An expression whose values may have fractions.
    fn fractions(&mut self, depth: u64) -> String {
        if depth == 0 {
            let metric = self.one_of(&["temperature_celsius", "cpu_seconds_total", "only_second"]);
            return format!("{}{}", self.matched(metric), self.modifier());
        }
        match self.below(6) {
            0 | 1 => {
                let functions = [
                    "rate",
                    "increase",
                    "delta",
                    "irate",
                    "deriv",
                    "avg_over_time",
                    "stddev_over_time",
                ];
                format!("{}({})", self.one_of(&functions), self.range())
            }
            2 => {
                let aggregation = self.one_of(&["min", "max", "count", "group"]);
                let grouping = self.one_of(&GROUPINGS);
                format!("{aggregation}{grouping} ({})", self.fractions(depth - 1))
            }
            3 => {
                let function = self.one_of(&["abs", "floor", "ceil", "sqrt", "sgn", "-"]);
                format!("{function}({})", self.fractions(depth - 1))
            }
            4 => {
                let operator = self.one_of(&["*", "/", "%", ">", "<= bool"]);
                format!("({}) {operator} 3.7", self.fractions(depth - 1))
            }
            _ => {
                let function = self.one_of(&["max_over_time", "last_over_time", "avg_over_time"]);
                format!("{function}(({})[9m:47s])", self.fractions(depth - 1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_queries_again_and_another_seed_others() {
        let list = |seed| {
            let mut random = Random::new(seed, 0);
            (0..20).map(|_| random.query()).collect::<Vec<_>>()
        };
        assert_eq!(list(1), list(1));
        assert_ne!(list(1), list(2));
    }
}
