//! Which servers a query has waited for in vain.
//!
//! A query asks in several stages. A server that hangs costs it the wait for
//! stragglers once, and not once for each stage.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// By server group and replica: the limit that it went over, if that was the
/// group's own; shared by all that is done for one query.
#[derive(Debug, Default)]
pub struct GivenUp(Mutex<BTreeMap<(usize, usize), Option<Duration>>>);

impl GivenUp {
    /// Takes note of a replica that gave no answer in time. The first time
    /// counts.
    pub fn note(&self, group: usize, replica: usize, limit: Option<Duration>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry((group, replica)).or_insert(limit);
    }

    /// The limit that a replica went over (nothing: the wait for stragglers),
    /// if it did.
    #[must_use]
    pub fn get(&self, group: usize, replica: usize) -> Option<Option<Duration>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(group, replica)).copied()
    }
}
