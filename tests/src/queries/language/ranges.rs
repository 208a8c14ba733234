//! Range vectors, and functions over them.

use super::Language;

const RANGES: [&str; 18] = [
    "1m", "5m", "5m", "10m", "17m", "75s", "1h", "15s", "1s", "90", "1m30s", "2m500ms", "22m",
    "30.5", "4m + 30s", "(1m * 3)", "5m / 2", "2 ^ 8",
];
const STEPS: [&str; 8] = ["1m", "13s", "30s", "90s", "5m", "", "15", "1m + 1s"];
/// Functions of a range vector alone.
const FUNCTIONS: [&str; 24] = [
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "deriv",
    "changes",
    "resets",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "count_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "last_over_time",
    "present_over_time",
    "absent_over_time",
    "mad_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
    "ts_of_last_over_time",
    "rate",
    "increase",
];

impl Language {
    /// An expression that gives a range vector.
    pub(super) fn range(&mut self, depth: u64) -> String {
        if depth > 0 && self.draw.once_in(3) {
            let inner = self.vector(depth - 1);
            return self.subquery(&inner);
        }
        let selector = self.bare_selector();
        format!("{selector}[{}]{}", self.draw.one_of(&RANGES), self.modifiers())
    }

    fn subquery(&mut self, inner: &str) -> String {
        let window = self.draw.one_of(&["10m", "7m", "3m", "20m", "1m30s", "61", "2m * 3"]);
        let step = self.draw.one_of(&STEPS);
        let modifiers = self.modifiers();
        format!("({inner})[{window}:{step}]{modifiers}")
    }

    /// A function over a range vector.
    pub(super) fn over_time(&mut self, depth: u64) -> String {
        let function = self.draw.one_of(&FUNCTIONS);
        match self.draw.weighted(&[12, 6, 3, 2, 2, 2]) {
            0 => format!("{function}({})", self.range(depth)),
            1 => {
                let selector = if self.draw.once_in(2) { self.counter() } else { self.histogram() };
                let range = self.draw.one_of(&RANGES);
                format!("{function}({selector}[{range}]{})", self.modifiers())
            }
            2 => format!("quantile_over_time({}, {})", self.quantile(depth), self.range(depth)),
            3 => format!("predict_linear({}, {})", self.range(depth), self.scalar(depth)),
            4 => {
                let factors = ["0.5", "0.1", "0.9", "1", "0", "2", "scalar(lonely)"];
                let (level, trend) = (self.draw.one_of(&factors), self.draw.one_of(&factors));
                format!("double_exponential_smoothing({}, {level}, {trend})", self.range(depth))
            }
            _ => {
                let inner = format!("{function}({})", self.range(0));
                format!("{}({})", self.draw.one_of(&FUNCTIONS), self.subquery(&inner))
            }
        }
    }

    /// A quantile, possibly none.
    pub(super) fn quantile(&mut self, depth: u64) -> String {
        let quantiles = ["0.5", "0.9", "0", "1", "0.99", "0.25", "-1", "1.5", "NaN"];
        match self.draw.once_in(6) {
            true => self.scalar(depth),
            false => self.draw.one_of(&quantiles).to_owned(),
        }
    }
}
