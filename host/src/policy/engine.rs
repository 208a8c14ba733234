//! The wasm engine that all policies share: sandbox slots and deadlines.
//!
//! Sandboxes come from a pool of memory that stays warm; how many there are at
//! a time is bounded, and who comes later waits. A thread advances the epoch,
//! by which guests are interrupted, while there are any.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{InstanceAllocationStrategy, PoolingAllocationConfig};

use super::sandbox::{self, Sandbox};
use super::{Error, compile};

/// How long one tick of the epoch is. A deadline is missed by at most one.
const TICK: Duration = Duration::from_millis(5);
/// Memory of a slot that stays mapped between uses, so that a policy need not
/// fault its pages in again: two batches' worth.
const KEEP_RESIDENT_BYTES: usize = 1 << 20;
/// Core parts that a component may consist of. Language runtimes bring
/// adapters along: up to three memories, and 38 modules in a CPython component,
/// were seen.
const MEMORIES_EACH: u32 = 4;
const MODULES_EACH: u32 = 48;
const TABLES_EACH: u32 = 8;

/// How much all policies together may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineLimits {
    /// Sandboxes at a time, above zero.
    pub sandboxes: u32,
    /// Most linear memory that any policy may be given, in bytes.
    pub memory_bytes: usize,
    /// Most table elements that any policy may be given.
    pub table_elements: usize,
}

impl Default for EngineLimits {
    /// Two per processor keep merges going while some wait for their slot to
    /// be cleaned.
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            sandboxes: u32::try_from(2 * processors).unwrap_or(64).clamp(4, 64),
            memory_bytes: 256 << 20,
            table_elements: 100_000,
        }
    }
}

/// The engine. Cloning shares it.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    wasm: wasmtime::Engine,
    linker: Linker<Sandbox>,
    slots: Arc<Slots>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine; one per process is enough.
    ///
    /// Where address space is limited and the pool cannot be reserved, the
    /// engine works without one, a little slower, and says so in the log.
    ///
    /// # Errors
    /// When the platform cannot run compiled guests at all.
    pub fn new(limits: &EngineLimits) -> Result<Self, Error> {
        let mut config = compile::config();
        config.allocation_strategy(pool(limits));
        let wasm = wasmtime::Engine::new(&config).or_else(|error| {
            tracing::warn!("policies run without a memory pool: {error:#}");
            wasmtime::Engine::new(&compile::config())
        });
        let wasm = wasm.map_err(|error| Error::Engine(format!("{error:#}")))?;
        let linker = sandbox::linker(&wasm).map_err(|e| Error::Engine(format!("{e:#}")))?;
        let slots = Arc::new(Slots::new(limits.sandboxes.max(1)));
        start_ticker(&wasm, &slots).map_err(|error| Error::Engine(error.to_string()))?;
        Ok(Self(Arc::new(Shared { wasm, linker, slots })))
    }

    pub(super) fn wasm(&self) -> &wasmtime::Engine {
        &self.0.wasm
    }

    pub(super) fn linker(&self) -> &Linker<Sandbox> {
        &self.0.linker
    }

    /// Waits until a sandbox may be made.
    pub(super) fn slot(&self) -> Slot {
        self.0.slots.take();
        Slot(Arc::clone(&self.0.slots))
    }

    /// Ticks of the epoch that a deadline allows.
    pub(super) fn ticks(deadline_ms: u64) -> u64 {
        // The first tick may come at once.
        deadline_ms.div_ceil(TICK.as_millis() as u64) + 1
    }
}

fn pool(limits: &EngineLimits) -> InstanceAllocationStrategy {
    let mut pool = PoolingAllocationConfig::new();
    let sandboxes = limits.sandboxes.max(1);
    pool.total_component_instances(sandboxes)
        .total_core_instances(sandboxes * MODULES_EACH)
        .max_core_instances_per_component(MODULES_EACH)
        .total_memories(sandboxes * MEMORIES_EACH)
        .max_memories_per_component(MEMORIES_EACH)
        .max_memory_size(limits.memory_bytes)
        .total_tables(sandboxes * TABLES_EACH)
        .max_tables_per_component(TABLES_EACH)
        .max_tables_per_module(TABLES_EACH)
        .table_elements(limits.table_elements)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(1 << 16);
    InstanceAllocationStrategy::Pooling(pool)
}

/// Counts sandboxes.
struct Slots {
    state: Mutex<State>,
    /// Signalled when a slot becomes free.
    freed: Condvar,
    /// Signalled when the first slot is taken, and at the end.
    busy: Condvar,
}

struct State {
    free: u32,
    total: u32,
    closed: bool,
}

impl Slots {
    fn new(total: u32) -> Self {
        let state = Mutex::new(State { free: total, total, closed: false });
        Self { state, freed: Condvar::new(), busy: Condvar::new() }
    }

    fn take(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state =
            self.freed.wait_while(state, |s| s.free == 0).unwrap_or_else(PoisonError::into_inner);
        if state.free == state.total {
            self.busy.notify_one();
        }
        state.free -= 1;
    }

    fn give_back(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).free += 1;
        self.freed.notify_one();
    }

    /// Waits until a slot is in use; false at the end.
    fn wait_until_busy(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = |s: &mut State| s.free == s.total && !s.closed;
        let state = self.busy.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
        !state.closed
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.slots.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.slots.busy.notify_all();
    }
}

/// The right to one sandbox; returned on drop.
pub(super) struct Slot(Arc<Slots>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

/// Starts the thread that advances the epoch while guests run.
fn start_ticker(wasm: &wasmtime::Engine, slots: &Arc<Slots>) -> std::io::Result<()> {
    let wasm = wasm.weak();
    let slots: Weak<Slots> = Arc::downgrade(slots);
    let tick = move || {
        while let Some(slots) = slots.upgrade()
            && slots.wait_until_busy()
        {
            drop(slots);
            std::thread::sleep(TICK);
            let Some(wasm) = wasm.upgrade() else { return };
            wasm.increment_epoch();
        }
    };
    std::thread::Builder::new().name("policy-epoch".to_owned()).spawn(tick).map(drop)
}
