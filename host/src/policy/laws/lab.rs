//! Where a policy is asked: instances, their clocks, and what was asked of
//! them.
//!
//! Never more than one instance at a time, so that checks and queries that
//! wait for sandboxes cannot wait for each other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use guest_merge::{Plan, Terms};

use super::answer::Answer;
use super::case::Case;
use crate::policy::clock::Clock;
use crate::policy::guest::Guest;
use crate::policy::{Fault, Limits, Version, plan};

/// While others have the processors, a check may take so many times longer.
const STRETCH: u32 = 8;

/// Why a question has no answer.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// The policy's.
    Fault(Fault),
    /// The answer was no valid plan.
    Invalid {
        /// Which rule it breaks.
        flaw: String,
        /// What it was.
        plan: Box<Plan>,
    },
    /// Ours: the time for the check is over.
    OutOfTime,
}

/// How long may be asked.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    clock: Clock,
    processor: Duration,
    end: Instant,
}

impl Patience {
    /// So much processor time of this thread from now on; waiting for a
    /// processor is no fault of the policy, but has an end.
    pub(super) fn of(time: Duration) -> Self {
        let end = Instant::now() + time * STRETCH;
        Self { clock: Clock::start(), processor: time, end }
    }

    /// True if it is over.
    pub(super) fn is_over(&self) -> bool {
        Instant::now() > self.end
            || u128::from(self.clock.nanoseconds()) > self.processor.as_nanos()
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A question to an instance, and what came of it.
pub(super) struct Asked {
    pub(super) case: Case,
    /// None: a fault.
    pub(super) answer: Option<Answer>,
}

/// A policy under its settings.
pub(super) struct Lab<'a> {
    version: &'a Arc<Version>,
    settings: &'a str,
    pub(super) terms: Terms,
    pub(super) limits: Limits,
    /// When it is over, nothing is asked any more.
    pub(super) patience: Patience,
    /// Whether there was no sandbox in time: nobody's fault.
    pub(super) found_no_sandbox: bool,
    shared: Option<Guest>,
    /// What the shared instance was asked.
    history: Vec<Asked>,
}

impl<'a> Lab<'a> {
    pub(super) fn new(
        version: &'a Arc<Version>,
        settings: &'a str,
        terms: Terms,
        limits: Limits,
        patience: Patience,
    ) -> Self {
        Self {
            version,
            settings,
            terms,
            limits,
            patience,
            found_no_sandbox: false,
            shared: None,
            history: Vec::new(),
        }
    }

    /// An instance with its settings, whose clock stands at `evaluation_ms`.
    pub(super) fn instance(&mut self, evaluation_ms: i64) -> Result<Guest, Trouble> {
        if self.patience.is_over() {
            return Err(Trouble::OutOfTime);
        }
        let started = self.version.start(&self.limits, evaluation_ms);
        if matches!(started, Err(Fault::Busy)) {
            self.found_no_sandbox = true;
            return Err(Trouble::OutOfTime);
        }
        let mut guest = started?;
        guest.configure(self.settings)?;
        Ok(guest)
    }

    /// Asks an instance, and checks what it answers.
    pub(super) fn ask(&mut self, guest: &mut Guest, case: &Case) -> Result<Answer, Trouble> {
        if self.patience.is_over() {
            return Err(Trouble::OutOfTime);
        }
        let columns = case.columns(self.terms.needs_samples);
        let answer = guest.plan(&columns)?;
        match plan::check(&answer, &columns, self.terms.may_synthesise) {
            Ok(()) => Ok(Answer::of(&answer)),
            Err(Fault::Plan(flaw)) => Err(Trouble::Invalid { flaw, plan: Box::new(answer) }),
            Err(other) => Err(Trouble::Fault(other)),
        }
    }

    /// Asks the shared instance if there is one, and a fresh one if not.
    pub(super) fn plan(&mut self, case: &Case) -> Result<Answer, Trouble> {
        let Some(mut guest) = self.shared.take() else {
            let mut guest = self.instance(clock_after(case))?;
            return self.ask(&mut guest, case);
        };
        let answer = self.ask(&mut guest, case);
        self.shared = Some(guest);
        let kept = answer.as_ref().ok().cloned();
        self.history.push(Asked { case: case.clone(), answer: kept });
        answer
    }

    /// From now on, questions go to one instance, a new one.
    pub(super) fn share(&mut self, evaluation_ms: i64) -> Result<(), Trouble> {
        self.stop_sharing();
        self.shared = Some(self.instance(evaluation_ms)?);
        Ok(())
    }

    /// From now on, every question goes to a fresh instance. Returns what the
    /// shared one was asked.
    pub(super) fn stop_sharing(&mut self) -> Vec<Asked> {
        self.shared = None;
        std::mem::take(&mut self.history)
    }
}

/// A query about a case is evaluated a little after its last sample.
pub(super) fn clock_after(case: &Case) -> i64 {
    let last = case.timelines().filter_map(|timeline| timeline.last()).map(|last| last.time).max();
    last.unwrap_or(0).saturating_add(1000)
}

/// Later by so much that whoever looks at the clock decides otherwise.
pub(super) fn clock_much_later(case: &Case) -> i64 {
    clock_after(case).saturating_add(30 * 86_400_000)
}
