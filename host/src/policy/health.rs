//! Whether a bound policy is still asked, and how often its faults are logged.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Log lines that may come in a row.
const BURST: u32 = 5;
/// Afterwards there is one in so long a time.
const PAUSE: Duration = Duration::from_secs(10);

/// Counts faults in a row; parks at so many.
#[derive(Debug)]
pub(super) struct Health {
    park_after: u32,
    in_row: AtomicU32,
    is_parked: AtomicBool,
}

impl Health {
    /// Healthy. With zero it is never parked.
    pub(super) const fn new(park_after: u32) -> Self {
        Self { park_after, in_row: AtomicU32::new(0), is_parked: AtomicBool::new(false) }
    }

    /// True once it has been parked; there is no way back.
    pub(super) fn is_parked(&self) -> bool {
        self.is_parked.load(Ordering::Relaxed)
    }

    /// A merge went well.
    pub(super) fn succeeded(&self) {
        // Mostly it is zero: no need to take the cache line from others.
        if self.in_row.load(Ordering::Relaxed) > 0 {
            self.in_row.store(0, Ordering::Relaxed);
        }
    }

    /// A merge failed; true if this is the one that parks it.
    pub(super) fn failed(&self) -> bool {
        let in_row = self.in_row.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        self.park_after > 0
            && in_row >= self.park_after
            && !self.is_parked.swap(true, Ordering::Relaxed)
    }
}

/// Lets a few through at once and then one in a while, so that a flood of
/// queries is no flood of log lines.
#[derive(Debug)]
pub(super) struct Throttle(Mutex<Allowance>);

#[derive(Debug)]
struct Allowance {
    left: u32,
    refilled: Option<Instant>,
    suppressed: u64,
}

impl Throttle {
    /// Nothing has been let through yet.
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Allowance { left: BURST, refilled: None, suppressed: 0 }))
    }

    /// If it may be said now: how many were not said since the last one.
    pub(super) fn pass(&self, now: Instant) -> Option<u64> {
        let mut own = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = own.refilled.map_or(PAUSE, |last| now.saturating_duration_since(last));
        let earned = u32::try_from(since.as_nanos() / PAUSE.as_nanos()).unwrap_or(u32::MAX);
        if earned > 0 {
            own.left = own.left.saturating_add(earned).min(BURST);
            own.refilled = Some(now);
        }
        if own.left == 0 {
            own.suppressed += 1;
            return None;
        }
        own.left -= 1;
        Some(std::mem::take(&mut own.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_in_a_row_park_once_and_for_good() {
        let health = Health::new(3);
        assert!(!health.failed() && !health.failed());
        health.succeeded();
        assert!(!health.failed() && !health.failed() && !health.is_parked());
        assert!(health.failed() && health.is_parked());
        assert!(!health.failed());
        health.succeeded();
        assert!(health.is_parked());
    }

    #[test]
    fn zero_never_parks() {
        let health = Health::new(0);
        assert!((0..1000).all(|_| !health.failed()));
        assert!(!health.is_parked());
    }

    #[test]
    fn a_flood_is_let_through_in_drops_that_say_how_much_was_left_out() {
        let throttle = Throttle::new();
        let start = Instant::now();
        let passed = (0..100).filter_map(|_| throttle.pass(start)).count();
        assert_eq!(passed, 5);
        assert_eq!(throttle.pass(start + PAUSE / 2), None);
        assert_eq!(throttle.pass(start + PAUSE), Some(96));
        assert_eq!(throttle.pass(start + PAUSE), None);
        assert_eq!(throttle.pass(start + 100 * PAUSE), Some(1));
    }
}
