//! What a guest lives in: its limits, and a world without an outside.
//!
//! A policy imports nothing. Guests in languages whose runtime imports WASI
//! find it empty: no environment, arguments, files, network or input; clocks
//! that stand at the query's evaluation time; random numbers that are always
//! the same; and an output that ends in the log, cut to a few lines.

use std::time::{Duration, Instant};

use wasmtime::component::{Linker, ResourceTable};
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
};

use super::clock::Clock;
use super::engine::Engine;
use super::output::Output;
use super::{Limits, worker};

/// Handles a guest may hold to host things, of which there are a few streams.
const MAX_HANDLES: usize = 1000;
/// Bytes a guest may ask for in one call for random numbers.
const MAX_RANDOM_BYTES: u64 = 1 << 16;
/// Instances, memories and tables within one component.
const MAX_PARTS: usize = 100;

/// The host's side of one guest.
pub(super) struct Sandbox {
    evaluation_ms: i64,
    /// When what it does now must be done.
    until: Instant,
    /// In the background: the processor time that it has in any case.
    processor: Option<(Clock, u64)>,
    meter: Meter,
    handles: ResourceTable,
    /// Made when the guest first asks; most never do.
    wasi: Option<(WasiCtx, Output)>,
}

/// A store for one guest, with its limits set.
pub(super) fn store(engine: &Engine, limits: &Limits, evaluation_ms: i64) -> Store<Sandbox> {
    let mut handles = ResourceTable::new();
    handles.set_max_capacity(MAX_HANDLES);
    let meter = Meter { limits: *limits, memory: 0, tables: 0, exceeded: false };
    let until = Instant::now();
    let sandbox = Sandbox { evaluation_ms, until, processor: None, meter, handles, wasi: None };
    let mut store = Store::new(engine.wasm(), sandbox);
    store.limiter(|sandbox| &mut sandbox.meter);
    // Ticks only make it look at the clock: on a busy machine they come late,
    // and a number of them is no time.
    store.epoch_deadline_callback(|sandbox| {
        let is_over = sandbox.data().is_over();
        Ok(if is_over { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) })
    });
    store.set_hostcall_fuel(limits.copied_bytes);
    store.set_max_component_handles(MAX_HANDLES);
    store
}

/// Says when what the guest does next must be done. For work in the background
/// the same time is counted on the processor: that others went first is no
/// fault of the guest.
pub(super) fn end_at(store: &mut Store<Sandbox>, until: Instant) {
    let sandbox = store.data_mut();
    sandbox.until = until;
    sandbox.processor = worker::is_background().then(|| {
        let left = until.saturating_duration_since(Instant::now()).as_nanos();
        (Clock::start(), u64::try_from(left).unwrap_or(u64::MAX))
    });
    store.set_epoch_deadline(1);
}

impl Sandbox {
    fn is_over(&self) -> bool {
        self.until <= Instant::now()
            && self.processor.is_none_or(|(clock, time)| clock.nanoseconds() >= time)
    }

    /// True if the guest wanted more memory than it may have.
    pub(super) const fn exceeded_memory(&self) -> bool {
        self.meter.exceeded
    }

    /// What the guest wrote to its standard output and error.
    pub(super) fn output(&self) -> Option<String> {
        self.wasi.as_ref()?.1.text()
    }
}

/// Counts a guest's memory and tables.
struct Meter {
    limits: Limits,
    memory: usize,
    tables: usize,
    exceeded: bool,
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.memory = self.memory.saturating_add(desired.saturating_sub(current));
        self.exceeded |= self.memory > self.limits.memory_bytes;
        // Ends the guest at once: it could only fail in a less clear way.
        wasmtime::ensure!(!self.exceeded, "memory limit exceeded");
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.tables = self.tables.saturating_add(desired.saturating_sub(current));
        let most = self.limits.table_elements;
        wasmtime::ensure!(self.tables <= most, "exceeded its table limit of {most} elements");
        Ok(true)
    }

    fn instances(&self) -> usize {
        MAX_PARTS
    }

    fn tables(&self) -> usize {
        MAX_PARTS
    }

    fn memories(&self) -> usize {
        MAX_PARTS
    }
}

impl WasiView for Sandbox {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let (ctx, _) = self.wasi.get_or_insert_with(|| deny_all(self.evaluation_ms));
        WasiCtxView { ctx, table: &mut self.handles }
    }
}

fn deny_all(evaluation_ms: i64) -> (WasiCtx, Output) {
    let output = Output::default();
    let seed: Vec<u8> = (0..=255).collect();
    let ctx = WasiCtxBuilder::new()
        .stdout(output.clone())
        .stderr(output.clone())
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .secure_random(Deterministic::new(seed.clone()))
        .insecure_random(Deterministic::new(seed))
        .insecure_random_seed(0)
        .max_random_size(MAX_RANDOM_BYTES)
        .wall_clock(Frozen(evaluation_ms))
        .monotonic_clock(Frozen(evaluation_ms))
        .build();
    (ctx, output)
}

/// A clock that stands, in milliseconds since the epoch; before it, at it.
struct Frozen(i64);

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0).unwrap_or(0).saturating_mul(1_000_000)
    }
}

/// The functions that guests may import, all of them WASI.
pub(super) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    // Waiting happens in the host, where no epoch ends it: a policy must not.
    linker.allow_shadowing(true);
    let mut clock = linker.instance(CLOCK)?;
    for name in ["subscribe-instant", "subscribe-duration"] {
        clock.func_new(name, |_, _, _, _| wasmtime::bail!("a merge policy may not wait"))?;
    }
    Ok(linker)
}

/// The version that wasmtime-wasi defines; a test waits and notices another.
const CLOCK: &str = "wasi:clocks/monotonic-clock@0.2.12";
