//! The wasm engine that all policies share: sandbox slots and deadlines.
//!
//! Sandboxes come from a pool of memory that stays warm. A thread advances the
//! epoch, by which guests are interrupted, while there are any.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use wasmtime::component::Linker;
use wasmtime::{InstanceAllocationStrategy, PoolingAllocationConfig};

use super::sandbox::{self, Sandbox};
use super::slots::{Share, Slot, Slots};
use super::{Error, compile};

/// How long one tick of the epoch is: at every tick a running guest looks at
/// the clock (see `sandbox`), so a deadline is missed by at most one.
const TICK: Duration = Duration::from_millis(2);
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
    memory_bytes: usize,
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
        let memory_bytes = limits.memory_bytes;
        Ok(Self(Arc::new(Shared { wasm, linker, slots, memory_bytes })))
    }

    pub(super) fn wasm(&self) -> &wasmtime::Engine {
        &self.0.wasm
    }

    pub(super) fn linker(&self) -> &Linker<Sandbox> {
        &self.0.linker
    }

    /// Waits until a sandbox may be made for whom `share` is.
    pub(super) fn slot(&self, share: &Arc<Share>, until: Instant) -> Option<Slot> {
        Slots::take(&self.0.slots, share, until)
    }

    /// Most linear memory that any policy may be given, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.0.memory_bytes
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

impl Drop for Shared {
    fn drop(&mut self) {
        self.slots.close();
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
