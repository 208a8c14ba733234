//! What one query may cost, as a value that any stage can charge.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::workers::Workers;

/// Why a stage must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// More samples than `query.max-samples`; the text is Prometheus's.
    #[error("query processing would load too many samples into memory in query execution")]
    Samples,
    /// More bytes than the query may hold.
    #[error("query processing would hold more than {0} bytes in memory")]
    Bytes(u64),
    /// The client left or the deadline passed.
    #[error("query was canceled in query execution")]
    Cancelled,
}

/// Limits of one query, shared by everything that works for it. Cloning
/// shares the counters.
#[derive(Clone, Debug)]
pub struct Budget {
    counters: Arc<Counters>,
    workers: Workers,
}

#[derive(Debug)]
struct Counters {
    max_samples: u64,
    max_bytes: u64,
    samples: AtomicU64,
    peak: AtomicU64,
    bytes: AtomicU64,
    cancelled: AtomicBool,
    /// How often it was checked, and at which check it cancels itself.
    #[cfg(test)]
    checks: AtomicU64,
    #[cfg(test)]
    cancelled_at: u64,
}

impl Budget {
    /// A budget of so many samples and bytes.
    #[must_use]
    pub fn new(max_samples: u64, max_bytes: u64) -> Self {
        let counters = Counters {
            max_samples,
            max_bytes,
            samples: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
            #[cfg(test)]
            checks: AtomicU64::new(0),
            #[cfg(test)]
            cancelled_at: u64::MAX,
        };
        Self { counters: Arc::new(counters), workers: Workers::default() }
    }

    /// The same budget, whose holder may also use these threads. Without, all
    /// is computed by the caller's.
    #[must_use]
    pub fn with_workers(self, workers: &Workers) -> Self {
        Self { workers: workers.clone(), ..self }
    }

    /// The threads that may be used.
    pub(crate) const fn workers(&self) -> &Workers {
        &self.workers
    }

    /// A budget without limits, for tests and tools.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(u64::MAX, u64::MAX)
    }

    /// A budget of its own with the same limits: for one replica's answer, so
    /// that a server that floods us costs its own answer and not the query.
    #[must_use]
    pub fn fresh(&self) -> Self {
        Self::new(self.counters.max_samples, self.counters.max_bytes).with_workers(&self.workers)
    }

    /// Charges samples; call per batch, before allocating for them.
    ///
    /// # Errors
    /// When the limit is passed, or the query was cancelled.
    pub fn charge_samples(&self, count: usize) -> Result<(), Exceeded> {
        self.check()?;
        let before = self.counters.samples.fetch_add(count as u64, Ordering::Relaxed);
        let now = before.saturating_add(count as u64);
        self.counters.peak.fetch_max(now, Ordering::Relaxed);
        if now > self.counters.max_samples { Err(Exceeded::Samples) } else { Ok(()) }
    }

    /// Asks, before anything is allocated, whether so many samples or bytes
    /// more may be held.
    ///
    /// # Errors
    /// When they would pass the limit, or the query was cancelled.
    pub fn has_room(&self, samples: usize, bytes: usize) -> Result<(), Exceeded> {
        self.check()?;
        let with = |counter: &AtomicU64, more: usize| {
            counter.load(Ordering::Relaxed).saturating_add(more as u64)
        };
        if with(&self.counters.samples, samples) > self.counters.max_samples {
            return Err(Exceeded::Samples);
        }
        if with(&self.counters.bytes, bytes) > self.counters.max_bytes {
            return Err(Exceeded::Bytes(self.counters.max_bytes));
        }
        Ok(())
    }

    /// Charges bytes held in memory.
    ///
    /// # Errors
    /// When the limit is passed, or the query was cancelled.
    pub fn charge_bytes(&self, count: usize) -> Result<(), Exceeded> {
        self.check()?;
        let before = self.counters.bytes.fetch_add(count as u64, Ordering::Relaxed);
        if before.saturating_add(count as u64) > self.counters.max_bytes {
            return Err(Exceeded::Bytes(self.counters.max_bytes));
        }
        Ok(())
    }

    /// Fails if columns of so many evaluation times cannot be held at all: call
    /// before allocating one.
    ///
    /// # Errors
    /// As [`Self::charge_samples`] where the columns could hold more samples
    /// than are allowed, else as [`Self::charge_bytes`].
    pub fn check_steps(&self, steps: usize) -> Result<(), Exceeded> {
        /// Whatever the budget: 16 GiB of numbers.
        const MAX_STEPS: u64 = 1 << 31;
        self.check()?;
        let steps = steps as u64;
        if steps <= MAX_STEPS && steps.saturating_mul(8) <= self.counters.max_bytes {
            return Ok(());
        }
        if steps > self.counters.max_samples.min(MAX_STEPS) {
            return Err(Exceeded::Samples);
        }
        Err(Exceeded::Bytes(self.counters.max_bytes))
    }

    /// Gives samples back that are no longer held.
    pub fn release_samples(&self, count: usize) {
        self.counters.samples.fetch_sub(count as u64, Ordering::Relaxed);
    }

    /// Gives bytes back that are no longer held.
    pub fn release_bytes(&self, count: usize) {
        self.counters.bytes.fetch_sub(count as u64, Ordering::Relaxed);
    }

    /// Samples charged and not released.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.counters.samples.load(Ordering::Relaxed)
    }

    /// Most samples charged at any moment.
    #[must_use]
    pub fn peak_samples(&self) -> u64 {
        self.counters.peak.load(Ordering::Relaxed)
    }

    /// Stops everything that works for this query at its next check.
    pub fn cancel(&self) {
        self.counters.cancelled.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// When the query was cancelled.
    pub fn check(&self) -> Result<(), Exceeded> {
        #[cfg(test)]
        if self.counters.checks.fetch_add(1, Ordering::Relaxed) >= self.counters.cancelled_at {
            self.cancel();
        }
        if self.counters.cancelled.load(Ordering::Relaxed) {
            Err(Exceeded::Cancelled)
        } else {
            Ok(())
        }
    }

    /// One that cancels itself after so many checks.
    #[cfg(test)]
    pub(crate) fn cancelled_after(checks: u64) -> Self {
        let mut budget = Self::unlimited();
        let counters = Arc::get_mut(&mut budget.counters).expect("nobody shares it yet");
        counters.cancelled_at = checks;
        budget
    }

    /// How often it was checked.
    #[cfg(test)]
    pub(crate) fn checks(&self) -> u64 {
        self.counters.checks.load(Ordering::Relaxed)
    }
}
