//! What one query may cost, as a value that any stage can charge.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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
pub struct Budget(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    max_samples: u64,
    max_bytes: u64,
    samples: AtomicU64,
    bytes: AtomicU64,
    cancelled: AtomicBool,
}

impl Budget {
    /// A budget of so many samples and bytes.
    #[must_use]
    pub fn new(max_samples: u64, max_bytes: u64) -> Self {
        Self(Arc::new(Counters {
            max_samples,
            max_bytes,
            samples: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
        }))
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
        Self::new(self.0.max_samples, self.0.max_bytes)
    }

    /// Charges samples; call per batch, before allocating for them.
    ///
    /// # Errors
    /// When the limit is passed, or the query was cancelled.
    pub fn charge_samples(&self, count: usize) -> Result<(), Exceeded> {
        self.check()?;
        let before = self.0.samples.fetch_add(count as u64, Ordering::Relaxed);
        if before.saturating_add(count as u64) > self.0.max_samples {
            return Err(Exceeded::Samples);
        }
        Ok(())
    }

    /// Charges bytes held in memory.
    ///
    /// # Errors
    /// When the limit is passed, or the query was cancelled.
    pub fn charge_bytes(&self, count: usize) -> Result<(), Exceeded> {
        self.check()?;
        let before = self.0.bytes.fetch_add(count as u64, Ordering::Relaxed);
        if before.saturating_add(count as u64) > self.0.max_bytes {
            return Err(Exceeded::Bytes(self.0.max_bytes));
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
        if steps <= MAX_STEPS && steps.saturating_mul(8) <= self.0.max_bytes {
            return Ok(());
        }
        if steps > self.0.max_samples.min(MAX_STEPS) {
            return Err(Exceeded::Samples);
        }
        Err(Exceeded::Bytes(self.0.max_bytes))
    }

    /// Gives samples back that are no longer held.
    pub fn release_samples(&self, count: usize) {
        self.0.samples.fetch_sub(count as u64, Ordering::Relaxed);
    }

    /// Gives bytes back that are no longer held.
    pub fn release_bytes(&self, count: usize) {
        self.0.bytes.fetch_sub(count as u64, Ordering::Relaxed);
    }

    /// Samples charged and not released.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.0.samples.load(Ordering::Relaxed)
    }

    /// Stops everything that works for this query at its next check.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// When the query was cancelled.
    pub fn check(&self) -> Result<(), Exceeded> {
        if self.0.cancelled.load(Ordering::Relaxed) { Err(Exceeded::Cancelled) } else { Ok(()) }
    }
}
