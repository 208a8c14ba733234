//! Which samples a replica misses.
//!
//! Every sample is held by at least one replica: at any moment only one
//! replica is down, and a series' own holes concern one replica each.

use super::{Series, hash, text_seed};

/// Length of the stretches in which one replica may be down.
const OUTAGE_MS: i64 = 7 * 60_000;
/// Length of the stretches in which one replica may miss one series.
const GAP_MS: i64 = 3 * 60_000;
/// Of so many stretches, each replica is down in one.
const OUTAGE_ODDS: u64 = 5;
/// Of so many stretches of a series, each replica misses one.
const GAP_ODDS: u64 = 8;
/// Of so many single scrapes of a series, each replica misses one.
const SCRAPE_ODDS: u64 = 40;

/// The holes of a group's replicas.
#[derive(Clone, Copy, Debug)]
pub struct Holes {
    /// What decides about all of them.
    pub seed: u64,
    /// Scrape interval, in milliseconds.
    pub interval_ms: i64,
}

impl Holes {
    /// The series as `replica` holds them.
    #[must_use]
    pub fn punch(&self, replica: u64, series: &[Series]) -> Vec<Series> {
        let punch = |series: &Series| {
            let key = text_seed(&format!("{:?}", series.labels));
            let mut held = series.clone();
            held.samples.retain(|(time, _)| !self.misses(replica, key, *time));
            held
        };
        series.iter().map(punch).collect()
    }

    /// The replica that is down at this time, if any.
    #[must_use]
    pub fn down(&self, time_ms: i64) -> Option<u64> {
        let drawn = hash(&[self.seed, 1, slot(time_ms, OUTAGE_MS)]) % OUTAGE_ODDS;
        (drawn < 2).then_some(drawn)
    }

    /// True if `replica` lacks the sample of series `key` at this time.
    #[must_use]
    pub fn misses(&self, replica: u64, key: u64, time_ms: i64) -> bool {
        if let Some(down) = self.down(time_ms) {
            return down == replica;
        }
        let gap = hash(&[self.seed, 2, key, slot(time_ms, GAP_MS)]) % GAP_ODDS;
        if gap < 2 {
            return gap == replica;
        }
        let scrape = slot(time_ms, self.interval_ms);
        hash(&[self.seed, 3, key, scrape]) % SCRAPE_ODDS == replica
    }
}

fn slot(time_ms: i64, length_ms: i64) -> u64 {
    time_ms.div_euclid(length_ms).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_held_by_some_replica_and_both_miss_some() {
        let holes = Holes { seed: 1, interval_ms: 15_000 };
        let mut missed = [0, 0];
        for key in 0..20 {
            for time in (0..3_600_000).step_by(15_000) {
                let lacks = [holes.misses(0, key, time), holes.misses(1, key, time)];
                assert_ne!(lacks, [true, true], "series {key} at {time}");
                missed[0] += u32::from(lacks[0]);
                missed[1] += u32::from(lacks[1]);
            }
        }
        assert!(missed.iter().all(|count| (100..2400).contains(count)), "{missed:?} of 4800");
    }
}
