//! A component during one merge.
//!
//! Its instance is made at the first question, in a sandbox of its own, and
//! thrown away at the end: nothing that it remembers reaches another merge.

use std::sync::Arc;
use std::time::{Duration, Instant};

use guest_merge::Plan;

use super::columns::Columns;
use super::decide::Decide;
use super::guest::{Guest, Terminus};
use super::health::Health;
use super::usage::Spent;
use super::version::Version;
use super::{Fault, Options, Spec};

/// Longest wait for a sandbox where no query's deadline bounds it.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A component that is asked in one merge.
pub(super) struct Session<'a> {
    version: &'a Arc<Version>,
    spec: &'a Spec,
    health: &'a Health,
    evaluation_ms: i64,
    deadline: Option<Instant>,
    guest: Option<Guest>,
    spent: Spent,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        version: &'a Arc<Version>,
        spec: &'a Spec,
        health: &'a Health,
        options: &Options<'_>,
    ) -> Self {
        let (evaluation_ms, deadline) = (options.evaluation_ms, options.deadline);
        let spent = Spent::default();
        Self { version, spec, health, evaluation_ms, deadline, guest: None, spent }
    }

    /// What it has cost so far.
    pub(super) const fn spent(&self) -> Spent {
        self.spent
    }

    /// True if an instance was made.
    pub(super) const fn was_asked(&self) -> bool {
        self.guest.is_some()
    }

    /// What the policy wrote for the log.
    pub(super) fn output(&self) -> Option<String> {
        self.guest.as_ref()?.output()
    }

    /// Time in the sandbox longer than one call may take.
    pub(super) fn took_its_time(&self) -> bool {
        self.spent.nanoseconds / 1_000_000 >= self.spec.limits.deadline_ms
    }

    /// Makes the instance.
    fn start(&mut self) -> Result<(), Fault> {
        if self.health.is_parked() {
            return Err(Fault::Parked(self.spec.park_after));
        }
        // Half of what is left of the query's time, so that the built-in rule
        // can still answer in the other half.
        let now = Instant::now();
        let patience = self.deadline.map_or(LONGEST_WAIT, |deadline| {
            (deadline.saturating_duration_since(now) / 2).min(LONGEST_WAIT)
        });
        let slot = self.version.slot(now + patience)?;
        let started = Instant::now();
        let terminus = Terminus { call_ms: self.spec.limits.deadline_ms, all: self.deadline };
        let guest = self.version.start_in(slot, &self.spec.limits, self.evaluation_ms, terminus);
        let configured = guest.and_then(|guest| {
            let guest = self.guest.insert(guest);
            guest.configure(&self.spec.settings).map(drop)
        });
        self.spent.add_time(started);
        configured
    }
}

impl Decide for Session<'_> {
    fn plan(&mut self, columns: &Columns) -> Result<Plan, Fault> {
        if self.guest.is_none() {
            self.start()?;
        }
        let guest = self.guest.as_mut().expect("made above");
        let started = Instant::now();
        let answer = guest.plan(columns);
        self.spent.add_call(columns, started);
        answer
    }
}
