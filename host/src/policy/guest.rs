//! One instance of a policy, from start to its end after one merge.
//!
//! Whatever goes wrong in a call comes out as a [`Fault`]; the instance is not
//! used after that.

use std::time::{Duration, Instant};

use wasmtime::{Store, Trap};

use guest_merge::{Plan, Terms};

use super::columns::Columns;
use super::contract::{self, MergePolicy, MergePolicyPre, PlanOf};
use super::engine::Engine;
use super::sandbox::{self, Sandbox};
use super::slots::Slot;
use super::version::Description;
use super::{Fault, Limits, text};

/// Bytes of a guest's own text that are passed on.
const MAX_TEXT: usize = 300;

/// When a guest's time is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminus {
    /// Time for each call, in milliseconds.
    pub(super) call_ms: u64,
    /// When all of it must be done.
    pub(super) all: Option<Instant>,
}

impl Terminus {
    /// For a call that begins now.
    fn of_call(self) -> Instant {
        let own = Instant::now() + Duration::from_millis(self.call_ms);
        self.all.map_or(own, |all| all.min(own))
    }

    fn fault(self) -> Fault {
        match self.all {
            Some(all) if all <= Instant::now() => Fault::Late,
            _ => Fault::Deadline(self.call_ms),
        }
    }
}

/// A running instance.
pub(super) struct Guest {
    // Before the slot: its memory goes back to the pool first.
    store: Store<Sandbox>,
    policy: MergePolicy,
    limits: Limits,
    terminus: Terminus,
    _slot: Slot,
}

impl Guest {
    /// Makes an instance.
    pub(super) fn start(
        (engine, slot): (&Engine, Slot),
        pre: &MergePolicyPre<Sandbox>,
        limits: &Limits,
        evaluation_ms: i64,
        terminus: Terminus,
    ) -> Result<Self, Fault> {
        let mut store = sandbox::store(engine, limits, evaluation_ms);
        sandbox::end_at(&mut store, terminus.of_call());
        match pre.instantiate(&mut store) {
            Ok(policy) => Ok(Self { store, policy, limits: *limits, terminus, _slot: slot }),
            Err(error) => Err(match fault(&store, limits, terminus, &error) {
                Fault::Trap(text) => Fault::Start(text),
                other => other,
            }),
        }
    }

    /// What the policy says of itself.
    pub(super) fn describe(&mut self) -> Result<Description, Fault> {
        let answer = self.call(|policy, store| policy.call_describe(store))?;
        Ok(Description {
            name: answer.name,
            version: answer.version,
            settings_schema: answer.settings_schema,
        })
    }

    /// Gives the instance its settings.
    pub(super) fn configure(&mut self, settings: &str) -> Result<Terms, Fault> {
        let answer = self.call(|policy, store| policy.call_configure(store, settings))?;
        answer.map(Terms::from).map_err(|text| Fault::Refused(text::line(&text, MAX_TEXT)))
    }

    /// Plans one batch.
    pub(super) fn plan(&mut self, columns: &Columns) -> Result<Plan, Fault> {
        let answer = contract::with_batch(columns, |batch| {
            self.call(|policy, store| policy.call_plan(store, batch))
        })?;
        match answer {
            Ok(decision) => Ok(PlanOf::from(decision).0),
            Err(text) => Err(Fault::Refused(text::line(&text, MAX_TEXT))),
        }
    }

    /// What the policy wrote for the log.
    pub(super) fn output(&self) -> Option<String> {
        self.store.data().output()
    }

    fn call<T>(
        &mut self,
        work: impl FnOnce(&contract::types::Guest, &mut Store<Sandbox>) -> wasmtime::Result<T>,
    ) -> Result<T, Fault> {
        sandbox::end_at(&mut self.store, self.terminus.of_call());
        let answer = work(self.policy.promweave_merge_policy(), &mut self.store);
        answer.map_err(|error| fault(&self.store, &self.limits, self.terminus, &error))
    }
}

fn fault(
    store: &Store<Sandbox>,
    limits: &Limits,
    terminus: Terminus,
    error: &wasmtime::Error,
) -> Fault {
    if store.data().exceeded_memory() {
        return Fault::Memory(limits.memory_bytes);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => terminus.fault(),
        Some(trap) => Fault::Trap(trap.to_string()),
        None => Fault::Trap(text::line(&format!("{error:#}"), MAX_TEXT)),
    }
}
