//! What policies did since the process started.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::columns::Columns;

/// Counters of a binding, or of a version over all its bindings. Reading and
/// adding never block; the numbers are of one moment each, not all of the
/// same.
#[derive(Debug, Default)]
pub struct Usage {
    calls: AtomicU64,
    samples: AtomicU64,
    nanoseconds: AtomicU64,
    faults: AtomicU64,
}

/// What one merge cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) calls: u64,
    pub(super) samples: u64,
    pub(super) nanoseconds: u64,
}

impl Spent {
    /// Adds time since a moment.
    pub(super) fn add_time(&mut self, since: Instant) {
        let nanoseconds = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds = self.nanoseconds.saturating_add(nanoseconds);
    }

    /// Adds a call with this batch that began at a moment and ended now.
    pub(super) fn add_call(&mut self, columns: &Columns, since: Instant) {
        self.add_time(since);
        self.calls += 1;
        self.samples += columns.timestamps.len() as u64;
    }
}

impl Usage {
    /// Calls of `plan`.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Samples that it was asked about.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.samples.load(Ordering::Relaxed)
    }

    /// Time it took, with making the sandbox and copying in and out, without
    /// waiting for a free one.
    #[must_use]
    pub fn nanoseconds(&self) -> u64 {
        self.nanoseconds.load(Ordering::Relaxed)
    }

    /// Merges that it failed.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, spent: Spent) {
        self.calls.fetch_add(spent.calls, Ordering::Relaxed);
        self.samples.fetch_add(spent.samples, Ordering::Relaxed);
        self.nanoseconds.fetch_add(spent.nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn add_fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }
}
