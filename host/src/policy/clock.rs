//! Processor time.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Measures the processor time of this thread: a thread that waits for a
/// processor is not charged for it.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Duration);

impl Clock {
    /// Begins to measure.
    #[must_use]
    pub fn start() -> Self {
        Self(now())
    }

    /// Nanoseconds since the start, on the same thread.
    #[must_use]
    pub fn nanoseconds(self) -> u64 {
        u64::try_from(now().saturating_sub(self.0).as_nanos()).unwrap_or(u64::MAX)
    }
}

fn now() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let nanoseconds = u32::try_from(now.tv_nsec).unwrap_or(0);
    Duration::new(now.tv_sec.unsigned_abs(), nanoseconds)
}
