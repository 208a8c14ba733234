//! One instance of a policy, from start to its end after one merge.
//!
//! Whatever goes wrong in a call comes out as a [`Fault`]; the instance is not
//! used after that.

use wasmtime::{Store, Trap};

use guest_merge::{Plan, Terms};

use super::columns::Columns;
use super::contract::{self, MergePolicy, MergePolicyPre, PlanOf};
use super::engine::{Engine, Slot};
use super::sandbox::{self, Sandbox};
use super::version::Description;
use super::{Fault, Limits};

/// Bytes of a guest's own text that are passed on.
const MAX_TEXT: usize = 300;

/// A running instance.
pub(super) struct Guest {
    // Before the slot: its memory goes back to the pool first.
    store: Store<Sandbox>,
    policy: MergePolicy,
    limits: Limits,
    _slot: Slot,
}

impl Guest {
    /// Makes an instance; waits for a slot if all are in use.
    pub(super) fn start(
        engine: &Engine,
        pre: &MergePolicyPre<Sandbox>,
        limits: &Limits,
        evaluation_ms: i64,
    ) -> Result<Self, Fault> {
        let slot = engine.slot();
        let mut store = sandbox::store(engine, limits, evaluation_ms);
        store.set_epoch_deadline(Engine::ticks(limits.deadline_ms));
        match pre.instantiate(&mut store) {
            Ok(policy) => Ok(Self { store, policy, limits: *limits, _slot: slot }),
            Err(error) => Err(match fault(&store, limits, &error) {
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
        answer.map(Terms::from).map_err(|text| Fault::Refused(shortened(&text)))
    }

    /// Plans one batch.
    pub(super) fn plan(&mut self, columns: &Columns) -> Result<Plan, Fault> {
        let answer = contract::with_batch(columns, |batch| {
            self.call(|policy, store| policy.call_plan(store, batch))
        })?;
        match answer {
            Ok(decision) => Ok(PlanOf::from(decision).0),
            Err(text) => Err(Fault::Refused(shortened(&text))),
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
        self.store.set_epoch_deadline(Engine::ticks(self.limits.deadline_ms));
        let answer = work(self.policy.promweave_merge_policy(), &mut self.store);
        answer.map_err(|error| fault(&self.store, &self.limits, &error))
    }
}

fn fault(store: &Store<Sandbox>, limits: &Limits, error: &wasmtime::Error) -> Fault {
    if store.data().exceeded_memory() {
        return Fault::Memory(limits.memory_bytes);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => Fault::Deadline(limits.deadline_ms),
        Some(trap) => Fault::Trap(trap.to_string()),
        None => Fault::Trap(shortened(&format!("{error:#}"))),
    }
}

/// The first line of a text, cut.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let end = line.floor_char_boundary(MAX_TEXT);
    line[..end].to_owned()
}
