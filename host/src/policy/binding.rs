//! A policy with settings and limits: what a server group holds.

use std::sync::Arc;
use std::time::Instant;

use guest_merge::{Settings, Span, Terms};

use super::decide::{Decide, Metered};
use super::health::{Health, Throttle};
use super::session::Session;
use super::usage::Usage;
use super::version::Version;
use super::{Error, Fail, Fault, Options, Spec, laws, seam, text, trial};

/// A policy bound to a group: code, settings, limits, and what answers if it
/// fails. What it is does not change; a group swaps one `Arc` of it for
/// another, and a merge uses one from start to end. It counts what it did, and
/// is parked if it fails too often: to bind anew is to start anew.
#[derive(Debug)]
pub struct Binding {
    code: Code,
    terms: Terms,
    fallback: Settings,
    usage: Usage,
    health: Health,
    fault_log: Throttle,
    output_log: Throttle,
}

#[derive(Debug)]
enum Code {
    /// The built-in rule, compiled into the host.
    Native,
    Component {
        version: Arc<Version>,
        spec: Spec,
    },
    /// What is bound and cannot be loaded.
    Missing {
        missing: Missing,
        spec: Spec,
    },
}

/// A policy that cannot be loaded.
#[derive(Clone, Debug)]
pub struct Missing {
    /// Its name.
    pub name: String,
    /// The digest of its component.
    pub digest: String,
    /// Why it cannot be loaded.
    pub reason: String,
}

impl Binding {
    /// The built-in rule, run natively.
    #[must_use]
    pub fn native(settings: Settings) -> Self {
        Self::new(Code::Native, settings.terms(), settings, 0)
    }

    /// A component as `spec` says; tried out here on a few small batches.
    /// `fallback` are the settings of the built-in rule that answers when the
    /// policy fails.
    ///
    /// # Errors
    /// [`Error::Settings`] with the policy's own words, [`Error::Failed`] if
    /// it fails the trial.
    pub fn component(version: Arc<Version>, spec: Spec, fallback: Settings) -> Result<Self, Error> {
        let started = version.start(&laws::patient(&spec.limits), 0);
        let mut guest = started.map_err(|fault| Error::Failed("start", fault))?;
        let terms = guest.configure(&spec.settings).map_err(Error::of_configure)?;
        trial::run(&mut guest, &terms).map_err(|fault| Error::Failed("plan", fault))?;
        drop(guest);
        let park_after = spec.park_after;
        Ok(Self::new(Code::Component { version, spec }, terms, fallback, park_after))
    }

    /// In place of a policy that cannot be loaded: it fails every merge, so
    /// that what answers is what `spec` says, and everybody is told.
    #[must_use]
    pub fn missing(missing: Missing, spec: Spec, fallback: Settings) -> Self {
        // It is not the policy that would be parked.
        let park_after = 0;
        Self::new(Code::Missing { missing, spec }, fallback.terms(), fallback, park_after)
    }

    fn new(code: Code, terms: Terms, fallback: Settings, park_after: u32) -> Self {
        Self {
            code,
            terms,
            fallback,
            usage: Usage::default(),
            health: Health::new(park_after),
            fault_log: Throttle::new(),
            output_log: Throttle::new(),
        }
    }

    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.code {
            Code::Native => guest_merge::NAME,
            Code::Component { version, .. } => &version.description().name,
            Code::Missing { missing, .. } => &missing.name,
        }
    }

    /// The component; none for the native rule.
    #[must_use]
    pub const fn version(&self) -> Option<&Arc<Version>> {
        match &self.code {
            Code::Native | Code::Missing { .. } => None,
            Code::Component { version, .. } => Some(version),
        }
    }

    /// How the component is used; none for the native rule.
    #[must_use]
    pub const fn spec(&self) -> Option<&Spec> {
        match &self.code {
            Code::Native => None,
            Code::Component { spec, .. } | Code::Missing { spec, .. } => Some(spec),
        }
    }

    /// The first digits of the component's digest, for people and metrics.
    #[must_use]
    pub fn short_digest(&self) -> &str {
        match &self.code {
            Code::Native => "native",
            Code::Component { version, .. } => &version.digest()[..12],
            Code::Missing { missing, .. } => missing.digest.get(..12).unwrap_or("unknown"),
        }
    }

    /// What it did since it was bound.
    #[must_use]
    pub const fn usage(&self) -> &Usage {
        &self.usage
    }

    /// True if it failed so often in a row that it is not asked any more.
    #[must_use]
    pub fn is_parked(&self) -> bool {
        self.health.is_parked()
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
            Code::Missing { .. } => false,
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

    /// True if a fault of the policy is to fail the query.
    #[must_use]
    pub fn fails_closed(&self) -> bool {
        self.spec().is_some_and(|spec| spec.fail == Fail::Closed)
    }

    /// Logs a fault of a merge of `server_group`'s; of a flood of them, a few.
    pub fn log_fault(&self, server_group: &str, fault: &Fault) {
        let Some(suppressed) = self.fault_log.pass(Instant::now()) else { return };
        let (policy, digest) = (self.name(), self.short_digest());
        tracing::warn!(policy, digest, server_group, suppressed, "merge policy {fault}");
    }

    /// Hands `work` what answers for the policy in one merge.
    pub(super) fn with_decider<T>(
        &self,
        options: &Options<'_>,
        work: impl FnOnce(&mut dyn Decide) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if let Code::Missing { missing, .. } = &self.code {
            self.usage.add_fault();
            return Err(Fault::Unavailable(missing.reason.clone()));
        }
        let Code::Component { version, spec } = &self.code else {
            let mut native = Metered::new(&self.fallback);
            let outcome = work(&mut native);
            self.usage.add(native.spent());
            return outcome;
        };
        let mut session = Session::new(version, spec, &self.health, options);
        let outcome = work(&mut session);
        for usage in [&self.usage, version.usage()] {
            usage.add(session.spent());
        }
        self.log_output(&session);
        match &outcome {
            Ok(_) if session.was_asked() => self.health.succeeded(),
            Ok(_) | Err(Fault::Parked(_) | Fault::Busy) => {}
            // Late may be the query, or the machine.
            Err(Fault::Late) if !session.took_its_time() => {}
            Err(fault) => self.failed(version, fault),
        }
        outcome
    }

    fn failed(&self, version: &Version, fault: &Fault) {
        self.usage.add_fault();
        version.usage().add_fault();
        if self.health.failed() {
            let (policy, digest) = (self.name(), version.digest());
            let faults = self.spec().map_or(0, |spec| spec.park_after);
            tracing::error!(policy, digest, faults, "parked a merge policy; at last it {fault}");
        }
    }

    fn log_output(&self, session: &Session<'_>) {
        let Some(written) = session.output() else { return };
        let Some(suppressed) = self.output_log.pass(Instant::now()) else { return };
        let (policy, digest) = (self.name(), self.short_digest());
        tracing::info!(policy, digest, suppressed, "policy wrote: {}", text::plain(&written));
    }

    /// The text for the user when the policy failed.
    pub(super) fn fault_warning(&self, fault: &Fault) -> String {
        let (name, digest) = (self.name(), self.short_digest());
        let then = if self.fails_closed() {
            "it is bound to fail the query then"
        } else {
            "the built-in rule merged instead"
        };
        format!("merge policy {name} ({digest}) {fault}; {then}")
    }
}
