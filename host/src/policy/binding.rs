//! A policy with settings and limits: what a server group holds.

use guest_merge::{Settings, Span, Terms};

use super::decide::{Decide, Native};
use super::{Fault, Options};

/// What a policy may use for one merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time for one call, in milliseconds.
    pub deadline_ms: u64,
    /// Linear memory, in bytes, all memories of the sandbox together.
    pub memory_bytes: usize,
    /// Bytes that may be copied out of the sandbox by one call.
    pub copied_bytes: usize,
    /// Elements of all its tables together.
    pub table_elements: usize,
}

impl Default for Limits {
    /// A compiled policy plans a batch in well under a millisecond and two
    /// megabytes; interpreted ones need some ten of both.
    fn default() -> Self {
        Self {
            deadline_ms: 50,
            memory_bytes: 64 << 20,
            copied_bytes: 8 << 20,
            table_elements: 100_000,
        }
    }
}

/// A policy bound to a group: code, settings, limits, and what answers if it
/// fails. Immutable; a group swaps one `Arc` of it for another.
#[derive(Clone, Debug)]
pub struct Binding {
    name: String,
    terms: Terms,
    fallback: Settings,
}

impl Binding {
    /// The built-in rule, run natively.
    #[must_use]
    pub fn native(settings: Settings) -> Self {
        Self { name: guest_merge::NAME.to_owned(), terms: settings.terms(), fallback: settings }
    }

    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What holds for the policy under these settings.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The settings of the built-in rule that answers if the policy fails.
    #[must_use]
    pub const fn fallback(&self) -> &Settings {
        &self.fallback
    }

    /// How much more than the wanted window must be fetched on both sides, so
    /// that decisions at its borders are those of every other window; none if
    /// no finite amount suffices.
    #[must_use]
    pub fn span(&self, replicas: usize) -> Option<Span> {
        let times = replicas.saturating_sub(1) as u64;
        self.terms.span.map(|span| Span {
            before_ms: span.before_ms.saturating_mul(times),
            after_ms: span.after_ms.saturating_mul(times),
        })
    }

    /// Hands `work` what answers for the policy in one merge.
    pub(super) fn with_decider<T>(
        &self,
        _options: &Options<'_>,
        work: impl FnOnce(&mut dyn Decide) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        work(&mut Native(&self.fallback))
    }

    /// The text for the user when the policy failed.
    pub(super) fn fault_warning(&self, fault: &Fault) -> String {
        format!("merge policy {} {fault}; the built-in rule merged instead", self.name)
    }
}
