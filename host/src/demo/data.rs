//! Believable data for the demo: a small shop's metrics.
//!
//! Every value is a function of time alone, so that the replicas of a group
//! agree wherever they both have a sample.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use promql::{Labels, SeriesBatch};

use crate::storage::Metadata;

/// Distance of two scrapes, in milliseconds.
pub(super) const INTERVAL_MS: i64 = 15_000;

/// What one replica has scraped.
#[derive(Clone, Copy, Debug)]
pub struct Scrapes {
    /// Which of the two shops; shifts phases, so that they differ.
    pub site: usize,
    /// First scrape at or after this moment, in milliseconds.
    pub from_ms: i64,
    /// Last scrape before this moment, in milliseconds.
    pub until_ms: i64,
    /// Shift of this replica's scrapes against the interval, in milliseconds.
    pub offset_ms: i64,
    /// The replica was down in `[start, end)`, in milliseconds.
    pub hole_ms: (i64, i64),
    /// When the instances of job `api` were restarted, in milliseconds: their
    /// counters start again at zero.
    pub restart_ms: i64,
}

const BOUNDS: [(&str, f64); 7] = [
    ("0.01", 0.08),
    ("0.05", 0.41),
    ("0.1", 0.67),
    ("0.25", 0.88),
    ("0.5", 0.96),
    ("1", 0.995),
    ("+Inf", 1.0),
];

/// All series of one replica.
#[must_use]
pub(super) fn series(scrapes: &Scrapes) -> SeriesBatch {
    let times = times(scrapes);
    let mut batch = SeriesBatch::new();
    for (number, target) in targets(scrapes.site).into_iter().enumerate() {
        let phase = (number + 3 * scrapes.site) as f64;
        let restart = if target.job == "api" { scrapes.restart_ms } else { scrapes.from_ms };
        let clock = Clock { from_ms: scrapes.from_ms, restart_ms: restart, phase };
        let mut push = |name: &str, extra: &[(&str, &str)], value: &dyn Fn(i64) -> f64| {
            for time in &times {
                batch.push_float(*time, value(*time));
            }
            batch.finish_series(target.labels(name, extra));
        };
        push("up", &[], &|_| 1.0);
        push("process_resident_memory_bytes", &[], &|time| {
            (180e6 + 20e6 * clock.wave(time, 1_500.0) + 12e6 * phase).round()
        });
        if target.job == "api" {
            for (method, code, rate) in [
                ("GET", "200", 41.0),
                ("POST", "200", 7.5),
                ("GET", "404", 0.4),
                ("POST", "500", 0.12),
            ] {
                push("http_requests_total", &[("method", method), ("code", code)], &|time| {
                    clock.counter(time, rate)
                });
            }
            for (bound, share) in BOUNDS {
                push("http_request_duration_seconds_bucket", &[("le", bound)], &|time| {
                    (clock.counter(time, 48.5) * share).floor()
                });
            }
            push("http_request_duration_seconds_count", &[], &|time| clock.counter(time, 48.5));
            push("http_request_duration_seconds_sum", &[], &|time| {
                (clock.counter(time, 48.5) * 0.1127 * 1e6).round() / 1e6
            });
        } else {
            push("queue_depth", &[("queue", "orders")], &|time| {
                (12.0 + 9.0 * clock.wave(time, 700.0)).round()
            });
        }
    }
    batch
}

/// What `/api/v1/metadata` says of them.
#[must_use]
pub(super) fn metadata() -> BTreeMap<String, Vec<Metadata>> {
    let entries = [
        ("http_requests_total", "counter", "Requests served, by method and status."),
        ("http_request_duration_seconds", "histogram", "Time to answer a request."),
        ("process_resident_memory_bytes", "gauge", "Resident memory."),
        ("queue_depth", "gauge", "Orders waiting."),
    ];
    let entry = |kind: &str, help: &str| {
        vec![Metadata { kind: kind.to_owned(), help: help.to_owned(), unit: String::new() }]
    };
    entries.into_iter().map(|(name, kind, help)| (name.to_owned(), entry(kind, help))).collect()
}

fn times(scrapes: &Scrapes) -> Vec<i64> {
    let first = scrapes.from_ms.div_euclid(INTERVAL_MS) * INTERVAL_MS + scrapes.offset_ms;
    let (down, up) = scrapes.hole_ms;
    (0..)
        .map(|scrape| first + scrape * INTERVAL_MS)
        .skip_while(|time| *time < scrapes.from_ms)
        .take_while(|time| *time < scrapes.until_ms)
        .filter(|time| !(down..up).contains(time))
        .collect()
}

struct Target {
    job: &'static str,
    instance: String,
}

impl Target {
    fn labels(&self, name: &str, extra: &[(&str, &str)]) -> Labels {
        let own = [("__name__", name), ("job", self.job), ("instance", &self.instance)];
        Labels::from_pairs(own.iter().chain(extra).copied())
    }
}

fn targets(site: usize) -> Vec<Target> {
    let host = |job: &'static str, number: usize, port: u16| Target {
        job,
        instance: format!("10.{}.0.{number}:{port}", site + 1),
    };
    vec![
        host("api", 11, 8080),
        host("api", 12, 8080),
        host("api", 13, 8080),
        host("worker", 21, 9100),
        host("worker", 22, 9100),
    ]
}

/// Turns a moment into values.
struct Clock {
    from_ms: i64,
    restart_ms: i64,
    phase: f64,
}

impl Clock {
    /// A wave between -1 and 1.
    fn wave(&self, time_ms: i64, period_s: f64) -> f64 {
        ((time_ms as f64 / 1e3) * TAU / period_s + self.phase).sin()
    }

    /// A whole-numbered counter that grows by about `rate` a second, more at
    /// some times than at others, and starts again at the restart.
    fn counter(&self, time_ms: i64, rate: f64) -> f64 {
        // A few hours' head start before the first scrape.
        let started =
            if time_ms < self.restart_ms { self.from_ms - 14_400_000 } else { self.restart_ms };
        let seconds = (time_ms - started) as f64 / 1e3;
        let swing = |time: f64| -(time * TAU / 1_800.0 + self.phase).cos() * 1_800.0 / TAU;
        let grown = seconds + 0.4 * (swing(seconds) - swing(0.0));
        (rate * (1.0 + 0.1 * self.phase) * grown).floor()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRAPES: Scrapes = Scrapes {
        site: 0,
        from_ms: 1_000_000,
        until_ms: 4_600_000,
        offset_ms: 7_000,
        hole_ms: (2_000_000, 2_240_000),
        restart_ms: 3_000_000,
    };

    #[test]
    fn counters_only_fall_at_the_restart() {
        for series in series(&SCRAPES).iter() {
            if !series.labels.metric_name().ends_with("_total") {
                continue;
            }
            let samples = series.float_times.iter().zip(series.float_values);
            for ((_, before), (time, after)) in samples.clone().zip(samples.skip(1)) {
                let restarted = (3_000_000..3_015_000).contains(time);
                let job = series.labels.value("job");
                assert_eq!(
                    after < before,
                    restarted && job == "api",
                    "at {time}: {before} {after}"
                );
            }
        }
    }

    #[test]
    fn a_replica_has_its_hole_and_its_offset() {
        let batch = series(&SCRAPES);
        let times = batch.series(0).float_times;
        assert!(times.iter().all(|time| time.rem_euclid(INTERVAL_MS) == 7_000));
        assert!(times.windows(2).any(|pair| pair[1] - pair[0] == 255_000));
        assert!(!times.iter().any(|time| (2_000_000..2_240_000).contains(time)));
    }
}
