//! Series of which replicas of a group do not hold the same samples, or whose
//! samples no scrape wrote.
//!
//! Beside the targets of `generate`, which every replica sees alike.

use super::{Series, Value, hash, text_seed};

/// Between two evaluations of the recording rules, in milliseconds.
pub const RULES_MS: i64 = 60_000;
/// A gauge whose value says which replica scraped it.
pub const VIEW: &str = "agent_view";
/// What the values of [`VIEW`] of the next replica are higher by.
const VIEW_STEP: f64 = 1000.0;
/// Targets of [`VIEW`] and of the recorded series.
const INSTANCES: [(&str, &str); 3] =
    [("api", "10.0.0.1:9100"), ("api", "10.0.0.2:9100"), ("db", "10.0.1.1:9187")];

/// What a replica knows of its own.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    /// What decides about all values.
    pub seed: u64,
    /// The beginning of the window.
    pub start_ms: i64,
    /// Which replica of its group it is.
    pub replica: usize,
}

impl Local {
    /// Scraped series: each replica has its own view of a target.
    #[must_use]
    pub fn scrape(&self, times_ms: &[i64]) -> Vec<Series> {
        let view = |(job, instance)| {
            let labels = [("__name__", VIEW), ("job", job), ("instance", instance)];
            let value = |seed, time| gauge(seed, time) + VIEW_STEP * self.replica as f64;
            self.series(&labels, times_ms, value)
        };
        let mut series: Vec<Series> = INSTANCES.map(view).into();
        series.extend(self.moved(times_ms));
        series
    }

    /// A counter that goes from one region to another, with a pause and a
    /// marker between. Where the group hides the label it is one series.
    fn moved(&self, times_ms: &[i64]) -> [Series; 2] {
        let minutes = |time: i64| (time - self.start_ms).div_euclid(60_000);
        let part = |region: &str, alive: std::ops::Range<i64>, end: Option<i64>| {
            let own: Vec<i64> =
                times_ms.iter().copied().filter(|time| alive.contains(&minutes(*time))).collect();
            let labels = [("__name__", "moved_total"), ("job", "move"), ("region", region)];
            let mut series =
                self.series(&labels, &own, |_, time| ((time - self.start_ms) / 1000) as f64);
            let marker = end.and_then(|end| times_ms.iter().find(|time| minutes(**time) >= end));
            series.samples.extend(marker.map(|time| (*time, Value::stale())));
            series
        };
        [part("inner", 0..50, Some(50)), part("outer", 52..i64::MAX, None)]
    }

    /// Recorded series: a sample per evaluation, no markers, and the same
    /// moments in every replica.
    #[must_use]
    pub fn record(&self, times_ms: &[i64]) -> Vec<Series> {
        let mut series = Vec::new();
        for job in ["api", "db"] {
            let count = |seed, time| (hash(&[seed, slot(time)]) % 50) as f64;
            let labels = [("__name__", "job:up:count"), ("job", job)];
            series.push(self.series(&labels, times_ms, count));
            let labels = [("__name__", "job:temperature_celsius:max"), ("job", job)];
            let value = |seed, time| gauge(seed, time) + self.replica as f64 / 4.0;
            series.push(self.series(&labels, times_ms, value));
        }
        series
    }

    fn series(
        &self,
        labels: &[(&str, &str)],
        times_ms: &[i64],
        value: impl Fn(u64, i64) -> f64,
    ) -> Series {
        let seed = hash(&[self.seed, text_seed(&format!("{labels:?}"))]);
        Series::floats(labels, times_ms.iter().map(|time| (*time, value(seed, *time))))
    }
}

/// A binary fraction, so that sums are exact in any order.
fn gauge(seed: u64, time_ms: i64) -> f64 {
    (hash(&[seed, slot(time_ms)]) % 100_000) as f64 / 1024.0 - 30.0
}

/// Values hold for 20 seconds.
fn slot(time_ms: i64) -> u64 {
    time_ms.div_euclid(20_000).cast_unsigned()
}
