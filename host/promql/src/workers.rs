//! Threads that queries share.
//!
//! The host says how many there may be in its process; a query takes those
//! that are free while it has much to compute, and computes alone otherwise.
//! What a query gives never depends on how many it got.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many threads queries may still start beside their own. Cloning shares
/// the count.
#[derive(Clone, Debug, Default)]
pub struct Workers(Arc<AtomicUsize>);

impl Workers {
    /// So many threads for all who share this.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(threads)))
    }

    /// Takes as many as are free and wanted, perhaps none.
    pub(crate) fn take(&self, wanted: usize) -> Taken<'_> {
        let rest = |free: usize| Some(free - free.min(wanted));
        let free = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, rest);
        Taken { workers: self, threads: free.map_or(0, |free| free.min(wanted)) }
    }
}

/// Threads that were taken; given back when dropped.
#[derive(Debug)]
pub(crate) struct Taken<'w> {
    workers: &'w Workers,
    pub(crate) threads: usize,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.workers.0.fetch_add(self.threads, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_taken_than_there_are_and_they_come_back() {
        let workers = Workers::new(3);
        let first = workers.take(2);
        let second = workers.clone().take(2).threads;
        assert_eq!((first.threads, second), (2, 1));
        assert_eq!(workers.take(9).threads, 1, "those of a dropped claim are free again");
        drop(first);
        assert_eq!(workers.take(9).threads, 3);
    }
}
