//! The policy of a configured server group: what is bound now, and what a
//! query uses.
//!
//! A configured group may be several groups here (targets with labels of
//! their own). They share one of these, so that a new policy comes into force
//! for all of them at once; and a query that has begun goes on with what it
//! began with.

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::policy::shadow::Shadow;
use crate::policy::{Binding, Fault};
use crate::storage::Context;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::PolicyRow;

/// What is bound to one configured server group.
#[derive(Debug)]
pub struct Bound {
    /// The number of the configured group.
    pub ordinal: usize,
    /// How messages and metrics call the group.
    title: String,
    current: ArcSwap<Binding>,
    /// What is compared with it.
    shadow: ArcSwapOption<Shadow>,
}

impl Bound {
    /// The group's first binding.
    #[must_use]
    pub fn new(ordinal: usize, title: String, binding: Arc<Binding>) -> Arc<Self> {
        let current = ArcSwap::new(binding);
        Arc::new(Self { ordinal, title, current, shadow: ArcSwapOption::empty() })
    }

    /// What is compared with the group's policy, if anything is.
    #[must_use]
    pub fn shadow(&self) -> Option<Arc<Shadow>> {
        self.shadow.load_full()
    }

    /// Compares something else, or nothing, from the next merge on.
    pub fn set_shadow(&self, shadow: Option<Arc<Shadow>>) {
        self.shadow.store(shadow);
    }

    /// What queries that begin now will use.
    #[must_use]
    pub fn now(&self) -> Arc<Binding> {
        self.current.load_full()
    }

    /// What this query uses: what was bound when it first asked.
    #[must_use]
    pub fn of(&self, context: &Context) -> Arc<Binding> {
        context.pinned.pin(self.ordinal, || self.now())
    }

    /// Puts another binding into force, for queries that begin later; returns
    /// the one before, which running queries may still use.
    pub fn swap(&self, binding: Arc<Binding>) -> Arc<Binding> {
        self.current.swap(binding)
    }

    /// Counts and logs a fault in one of the group's merges.
    pub fn note_fault(&self, binding: &Binding, fault: &Fault, metrics: &Metrics) {
        metrics.policy_fault((&self.title, binding.name(), binding.short_digest()), fault.name());
        binding.log_fault(&self.title, fault);
    }

    /// What the binding did, for the metrics.
    pub(super) fn row(&self) -> PolicyRow {
        let binding = self.now();
        let usage = binding.usage();
        PolicyRow {
            server_group: self.title.clone(),
            policy: binding.name().to_owned(),
            digest: binding.short_digest().to_owned(),
            calls: usage.calls(),
            samples: usage.samples(),
            seconds: usage.nanoseconds() as f64 / 1e9,
            is_parked: binding.is_parked(),
        }
    }
}
