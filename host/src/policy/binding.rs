//! A policy with settings and limits: what a server group holds.

use std::sync::Arc;

use guest_merge::{Plan, Settings, Span, Terms};

use super::columns::Columns;
use super::decide::{Decide, Native};
use super::guest::Guest;
use super::version::Version;
use super::{Error, Fault, Options, laws, seam, trial};

/// What a policy may use for one merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time for one call, in milliseconds.
    pub deadline_ms: u64,
    /// Linear memory, in bytes, all memories of the sandbox together; at most
    /// the engine's.
    pub memory_bytes: usize,
    /// Bytes that may be copied out of the sandbox by one call.
    pub copied_bytes: usize,
    /// Elements of all its tables together; at most the engine's.
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

/// How a policy is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// JSON of the policy's own schema; empty for its defaults.
    pub settings: String,
    /// What it may use.
    pub limits: Limits,
    /// What a fault means for the query.
    pub fail: Fail,
    /// Faults in a row after which it is not asked any more; 0: never.
    pub park_after: u32,
}

impl Default for Spec {
    /// The policy's default settings; ten faults in a row are no accident.
    fn default() -> Self {
        Self {
            settings: String::new(),
            limits: Limits::default(),
            fail: Fail::Open,
            park_after: 10,
        }
    }
}

impl Spec {
    /// The default with settings.
    #[must_use]
    pub fn with_settings(settings: &str) -> Self {
        Self { settings: settings.to_owned(), ..Self::default() }
    }

    /// The default with limits.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }
}

/// What a fault means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fail {
    /// The built-in rule answers, with a warning.
    #[default]
    Open,
    /// The query fails.
    Closed,
}

/// A policy bound to a group: code, settings, limits, and what answers if it
/// fails. Immutable; a group swaps one `Arc` of it for another, and a merge
/// uses one from start to end.
#[derive(Clone, Debug)]
pub struct Binding {
    code: Code,
    terms: Terms,
    fallback: Settings,
}

#[derive(Clone, Debug)]
enum Code {
    /// The built-in rule, compiled into the host.
    Native,
    Component {
        version: Arc<Version>,
        spec: Spec,
    },
}

impl Binding {
    /// The built-in rule, run natively.
    #[must_use]
    pub fn native(settings: Settings) -> Self {
        Self { code: Code::Native, terms: settings.terms(), fallback: settings }
    }

    /// A component as `spec` says; tried out here on a few small batches. `fallback` are the settings of the built-in rule
    /// that answers when the policy fails.
    ///
    /// # Errors
    /// [`Error::Settings`] with the policy's own words, [`Error::Failed`] if
    /// it fails the trial.
    pub fn component(version: Arc<Version>, spec: Spec, fallback: Settings) -> Result<Self, Error> {
        let started = version.start(&laws::patient(&spec.limits), 0);
        let mut guest = started.map_err(|fault| Error::Failed("start", fault))?;
        let terms = guest.configure(&spec.settings).map_err(|fault| match fault {
            Fault::Refused(text) => Error::Settings(text),
            fault => Error::Failed("configure", fault),
        })?;
        trial::run(&mut guest, &terms).map_err(|fault| Error::Failed("plan", fault))?;
        drop(guest);
        let code = Code::Component { version, spec };
        Ok(Self { code, terms, fallback })
    }

    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.code {
            Code::Native => guest_merge::NAME,
            Code::Component { version, .. } => &version.description().name,
        }
    }

    /// The component; none for the native rule.
    #[must_use]
    pub const fn version(&self) -> Option<&Arc<Version>> {
        match &self.code {
            Code::Native => None,
            Code::Component { version, .. } => Some(version),
        }
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

    /// The settings of the built-in rule, where it is what merges: natively or
    /// as the component that is part of this executable.
    #[must_use]
    pub fn builtin_rule(&self) -> Option<&Settings> {
        let is_builtin = match &self.code {
            Code::Native => true,
            Code::Component { version, spec } => {
                version.is_builtin()
                    && Settings::from_json(&spec.settings).as_ref() == Ok(&self.fallback)
            }
        };
        is_builtin.then_some(&self.fallback)
    }

    /// How much more than the wanted window must be fetched on both sides, so
    /// that decisions at its borders are those of every other window; none if
    /// no finite amount suffices.
    #[must_use]
    pub fn span(&self, replicas: usize) -> Option<Span> {
        let others = replicas.saturating_sub(1) as u64;
        let seam = if self.terms.no_false_resets && others > 0 { seam::SPAN_MS } else { 0 };
        let all = |ms: u64| ms.saturating_mul(others).saturating_add(seam);
        self.terms
            .span
            .map(|span| Span { before_ms: all(span.before_ms), after_ms: all(span.after_ms) })
    }

    /// Hands `work` what answers for the policy in one merge.
    pub(super) fn with_decider<T>(
        &self,
        options: &Options<'_>,
        work: impl FnOnce(&mut dyn Decide) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let Code::Component { version, spec } = &self.code else {
            return work(&mut Native(&self.fallback));
        };
        let evaluation_ms = options.evaluation_ms;
        let mut session = Session { version, spec, evaluation_ms, guest: None };
        let outcome = work(&mut session);
        if let Some(text) = session.guest.and_then(|guest| guest.output()) {
            let (policy, digest) = (self.name(), version.digest());
            tracing::info!(policy, digest, "policy wrote: {}", text.trim_end());
        }
        outcome
    }

    /// The text for the user when the policy failed.
    pub(super) fn fault_warning(&self, fault: &Fault) -> String {
        let digest = self.version().map_or("native", |version| &version.digest()[..12]);
        format!("merge policy {} ({digest}) {fault}; the built-in rule merged instead", self.name())
    }
}

/// A component during one merge; its instance is made at the first question.
struct Session<'a> {
    version: &'a Arc<Version>,
    spec: &'a Spec,
    evaluation_ms: i64,
    guest: Option<Guest>,
}

impl Decide for Session<'_> {
    fn plan(&mut self, columns: &Columns) -> Result<Plan, Fault> {
        if self.guest.is_none() {
            let guest =
                self.guest.insert(self.version.start(&self.spec.limits, self.evaluation_ms)?);
            guest.configure(&self.spec.settings)?;
        }
        let guest = self.guest.as_mut().expect("made above");
        guest.plan(columns)
    }
}
