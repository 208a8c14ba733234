//! Functions of histograms, native and classic.

use super::Language;

const STATISTICS: [&str; 5] =
    ["histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev", "histogram_stdvar"];
const BOUNDS: [&str; 9] = ["0", "0.2", "0.5", "1", "5", "-1", "-Inf", "Inf", "NaN"];

impl Language {
    pub(super) fn histogram_call(&mut self, depth: u64) -> String {
        match self.draw.weighted(&[4, 6, 4]) {
            0 => {
                let inner = self.distribution(depth);
                format!("{}({inner})", self.draw.one_of(&STATISTICS))
            }
            1 => format!(
                "histogram_quantile({}, {})",
                self.quantile(depth),
                self.distribution(depth)
            ),
            _ => {
                let (lower, upper) = (self.draw.one_of(&BOUNDS), self.draw.one_of(&BOUNDS));
                format!("histogram_fraction({lower}, {upper}, {})", self.distribution(depth))
            }
        }
    }

    /// Mostly histograms.
    fn distribution(&mut self, depth: u64) -> String {
        let range = self.draw.one_of(&["1m", "5m", "11m", "30m"]);
        match self.draw.weighted(&[4, 4, 3, 2, 3, 3, 2]) {
            0 => format!("{}{}", self.histogram(), self.modifiers()),
            1 => format!("rate({}[{range}])", self.histogram()),
            2 => "latency_bucket".to_owned(),
            3 => format!("rate(latency_bucket[{range}])"),
            4 => {
                let grouping =
                    self.draw.one_of(&[" by (le)", " by (job, le)", " without (instance)"]);
                format!("sum{grouping} (increase(latency_bucket[{range}]))")
            }
            5 => {
                let operation = self.draw.one_of(&["sum", "avg"]);
                format!("{operation}{} ({})", self.grouping(), self.histogram())
            }
            _ => self.vector(depth),
        }
    }
}
