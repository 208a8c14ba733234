//! Batches that every policy is tried on before any generated one.

use super::case::{Case, Sample, Series};
use crate::policy::Kind;

/// Timelines of the replicas of one series each, in milliseconds.
const TIMELINES: [&[&[i64]]; 22] = [
    // One replica.
    &[&[]],
    &[&[1000]],
    &[&[1000, 16_000, 31_000, 61_000]],
    // The same everywhere.
    &[&[1000], &[1000]],
    &[&[0, 15_000, 30_000], &[0, 15_000, 30_000]],
    &[&[0, 15_000, 60_000], &[0, 15_000, 60_000], &[0, 15_000, 60_000]],
    // One replica alone.
    &[&[], &[0, 15_000, 30_000]],
    &[&[0, 15_000, 30_000], &[]],
    &[&[], &[], &[-5000, 0, 5000]],
    &[&[], &[7], &[]],
    &[&[], &[]],
    // Holes at the start, in the middle, at the end, in turns.
    &[&[60_000, 75_000], &[0, 15_000, 30_000, 45_000, 60_000, 75_000]],
    &[&[0, 15_000, 90_000, 105_000], &[0, 15_000, 30_000, 45_000, 60_000, 75_000, 90_000]],
    &[&[0, 15_000], &[0, 15_000, 30_000, 45_000]],
    &[&[0, 30_000, 60_000], &[15_000, 45_000, 75_000]],
    // Beside each other, and out of step.
    &[&[0, 15_000, 60_000], &[7000, 22_000, 37_000, 52_000], &[30_000]],
    &[&[90_000], &[0, 15_000, 30_000], &[45_000, 60_000]],
    &[&[1, 2, 3], &[2, 3, 4], &[0, 5]],
    // Before the epoch, today, and where all time ends.
    &[&[-30_000, -15_000, 0], &[-22_000, -7000, 8000]],
    &[&[1_760_000_000_123, 1_760_000_015_123], &[1_760_000_007_456, 1_760_000_022_456]],
    &[&[i64::MIN, 0, i64::MAX], &[i64::MIN, i64::MAX]],
    &[&[i64::MIN, i64::MIN + 1], &[i64::MAX - 1, i64::MAX], &[]],
];

const KINDS: [Kind; 4] = [Kind::Unknown, Kind::Counter, Kind::Gauge, Kind::Histogram];

/// Each alone, and those with equally many replicas together.
pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = all().map(Case::of).collect();
    for replicas in 1..=3 {
        let series: Vec<Series> = all().filter(|s| s.replicas.len() == replicas).collect();
        cases.push(Case { replicas, series });
    }
    cases
}

fn all() -> impl Iterator<Item = Series> {
    TIMELINES.iter().zip(KINDS.iter().cycle()).map(|(timelines, kind)| Series {
        kind: *kind,
        replicas: timelines.iter().map(|times| samples(times)).collect(),
    })
}

fn samples(times: &[i64]) -> Vec<Sample> {
    let sample = |time: &i64| Sample { time: *time, bits: ((*time / 1000) as f64).to_bits() };
    times.iter().map(sample).collect()
}

/// As many samples as a query sends at once: one series, and many.
pub(super) fn large() -> [Case; 2] {
    [large_of(1, 16_384), large_of(512, 32)]
}

fn large_of(count: usize, ticks: i64) -> Case {
    let series = (0..count).map(|index| {
        let own = index as i64;
        let timeline = |replica: i64| -> Vec<i64> {
            let is_missed = |tick: &i64| (tick * 7 + replica * 53 + own) % 100 == 99;
            let due = |tick| 1_760_000_000_000 + own + 15_000 * tick;
            (0..ticks).filter(|tick| !is_missed(tick)).map(due).collect()
        };
        let replicas = vec![samples(&timeline(0)), samples(&timeline(1))];
        Series { kind: KINDS[index % KINDS.len()], replicas }
    });
    Case { replicas: 2, series: series.collect() }
}
