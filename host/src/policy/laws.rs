//! The conformance kit: the laws of `wit/merge.wit`, tried on a policy.
//!
//! In come a policy with settings; out comes which laws it keeps, or the
//! first one it breaks, with the smallest input found that shows it.

use super::Error;

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
