//! The conformance kit: the laws of `wit/merge.wit`, tried on a policy.
//!
//! In come a policy with settings; out comes which laws it keeps, or the
//! first one it breaks, with the smallest input found that shows it. First
//! come batches that were picked by hand, then generated ones, the same every
//! time, then large ones, and then one instance is asked very often. How long
//! it takes is bounded, whatever the policy does; a slow policy is tried on
//! fewer batches.

mod random;

mod answer;
mod case;
mod generate;
mod picked;
mod probe;
mod text;

mod lab;
mod law;

mod shrink;

mod explore;
mod itself;
mod remarks;

mod differ;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use promql::SeriesBatch;

use super::{Error, Fault, Limits, Spec, Version};
use explore::Explorer;
use lab::{Lab, Patience};
use law::{Broken, Law};

pub use differ::{Difference, Differences};

/// A law that is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("breaks the law {law:?}: {demands}; given {input}, it answered {answer}")]
pub struct Violation {
    /// Its short name.
    pub law: &'static str,
    /// What it demands, in a sentence.
    pub demands: &'static str,
    /// The smallest batch found, as text.
    pub input: String,
    /// What the policy answered, and what it should have.
    pub answer: String,
}

/// What was tried.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The laws that hold, by name, with the number of batches tried.
    pub held: Vec<(&'static str, u64)>,
    /// What is no law but worth knowing, such as that the order of the
    /// replicas matters.
    pub remarks: Vec<String>,
}

/// Why there is no good report.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A law is broken.
    #[error(transparent)]
    Law(#[from] Box<Violation>),
    /// The policy failed in another way.
    #[error(transparent)]
    Policy(#[from] Error),
}

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// As much as somebody who uploads or binds a policy waits for: a fraction
    /// of a second for a compiled policy, some seconds for any.
    Upload,
    /// As much as its author waits for: some seconds, at most about a minute.
    Full,
}

/// What an effort allows.
#[derive(Clone, Copy, Debug)]
struct Budget {
    /// Generated batches.
    generated: u64,
    /// Windows that each of them is cut to.
    windows: usize,
    /// Questions to one instance.
    questions: usize,
    /// Processor time after which no more batches are generated.
    patience: Duration,
    /// Processor time for one instance that is asked often.
    life: Duration,
    /// Processor time for the batches picked by hand.
    hard: Duration,
    /// Processor time for making a probe smaller.
    shrinking: Duration,
}

impl Effort {
    const fn budget(self) -> Budget {
        match self {
            Self::Upload => Budget {
                generated: 96,
                windows: 2,
                questions: 2000,
                patience: Duration::from_secs(2),
                life: Duration::from_millis(300),
                hard: Duration::from_secs(8),
                shrinking: Duration::from_millis(1500),
            },
            Self::Full => Budget {
                generated: 4000,
                windows: 4,
                questions: 20_000,
                patience: Duration::from_secs(20),
                life: Duration::from_secs(3),
                hard: Duration::from_secs(60),
                shrinking: Duration::from_secs(10),
            },
        }
    }
}

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Batches tried.
    pub done: u64,
    /// Batches to try, if there is time.
    pub total: u64,
}

/// Longest time for a call while a policy is tried out, in milliseconds: no
/// query waits then, and a busy machine is no fault of the policy.
pub(super) const PATIENT_DEADLINE_MS: u64 = 2_000;

/// The limits under which a policy is tried out.
pub(super) fn patient(limits: &Limits) -> Limits {
    Limits { deadline_ms: limits.deadline_ms.max(PATIENT_DEADLINE_MS), ..*limits }
}

/// Tries the laws on a policy under the settings and limits of `spec`.
///
/// # Errors
/// The first law found broken, or why the policy cannot be asked at all.
pub fn check(version: &Arc<Version>, spec: &Spec, effort: Effort) -> Result<Report, Refusal> {
    Kit::new(version, spec, effort).check()
}

/// A check with more to it.
pub struct Kit<'a> {
    version: &'a Arc<Version>,
    spec: &'a Spec,
    budget: Budget,
    recorded: Vec<case::Case>,
    watch: &'a dyn Fn(Progress),
}

impl<'a> Kit<'a> {
    /// A check that nobody watches.
    #[must_use]
    pub fn new(version: &'a Arc<Version>, spec: &'a Spec, effort: Effort) -> Self {
        let budget = effort.budget();
        Self { version, spec, budget, recorded: Vec::new(), watch: &|_| {} }
    }

    /// The same, with somebody who wants to know how far it is.
    #[must_use]
    pub fn watched(self, watch: &'a dyn Fn(Progress)) -> Self {
        Self { watch, ..self }
    }

    /// The same, on what the replicas of a merge answered as well, in the
    /// configured order.
    #[must_use]
    pub fn with_recorded(mut self, replicas: &[&SeriesBatch]) -> Self {
        self.recorded.extend(case::recorded(replicas));
        self
    }

    /// Tries the laws.
    ///
    /// # Errors
    /// As [`check`].
    pub fn check(&self) -> Result<Report, Refusal> {
        let itself = itself::ask(self.version, self.spec)?;
        let limits = patient(&self.spec.limits);
        let patience = Patience::of(self.budget.hard);
        let settings = &self.spec.settings;
        let mut lab = Lab::new(self.version, settings, itself.terms, limits, patience);
        let mut explorer = Explorer::new(self.budget, self.watch);
        let held = match explorer.run(&mut lab, &self.recorded) {
            Ok(held) => held,
            Err(broken) => return Err(self.refusal(&mut lab, *broken)),
        };
        let first = [(Law::SettingsSchema.name(), 1), (Law::SameTerms.name(), itself.instances)];
        let mut remarks = itself.remarks;
        remarks.extend(remarks::about(&mut lab, &self.spec.limits, self.budget));
        Ok(Report { held: first.into_iter().chain(held).collect(), remarks })
    }

    /// Where the policy decides otherwise than the built-in rule with its
    /// default settings, on generated batches.
    ///
    /// # Errors
    /// When the policy fails; what law that breaks, [`Self::check`] tells.
    pub fn differences(&self) -> Result<Differences, Refusal> {
        let itself = itself::ask(self.version, self.spec)?;
        let limits = patient(&self.spec.limits);
        let patience = Patience::of(self.budget.hard);
        let settings = &self.spec.settings;
        let mut lab = Lab::new(self.version, settings, itself.terms, limits, patience);
        differ::find(&mut lab, self.budget, self.watch)
            .map_err(|broken| self.refusal(&mut lab, *broken))
    }

    fn refusal(&self, lab: &mut Lab<'_>, broken: Broken) -> Refusal {
        if broken.law == Law::InTime && lab.found_no_sandbox {
            return Refusal::Policy(Error::Failed("start", Fault::Busy));
        }
        if broken.is_slow {
            // Waiting out the patient deadline every time takes too long.
            lab.limits.deadline_ms = self.spec.limits.deadline_ms.max(100);
        }
        let Broken { law, probe, answer, .. } = shrink::shrink(lab, broken, self.budget.shrinking);
        Refusal::Law(Box::new(Violation {
            law: law.name(),
            demands: law.demands(),
            input: text::probe(&probe, lab.terms.needs_samples),
            answer,
        }))
    }
}
