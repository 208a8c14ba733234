//! How long a policy that misbehaves holds up the merge that asks it, and how
//! long it takes to load one.
//!
//! Prints tables: by how much the time until the built-in rule has answered
//! exceeds the policy's deadline (for faults that come by themselves: all the
//! time), and the times of the loader, compiling and with a warm cache.

#![allow(clippy::print_stdout, reason = "a table is what it is for")]

#[path = "../src/policy/tests/guests.rs"]
#[allow(dead_code, reason = "shared with the unit tests, which use all of it")]
mod guests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use guests::{Guest, TRIGGER_MS};
use promql::{Labels, SeriesBatch};
use promweave::policy::{
    Binding, CompileLimits, Compiler, Engine, EngineLimits, Limits, Loader, LoaderOptions, Options,
    Settings, Spec, Version, merge,
};

/// A small component that a compiler of Rust made.
static RUST: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/builtin.wasm"));

const DEADLINE_MS: u64 = 50;
const RUNS: usize = 40;

/// What hostile policies do, and whether it lasts until the deadline.
const HOSTILE: [(&str, &str, bool); 6] = [
    ("endless loop", "(loop $ever (br $ever)) unreachable", true),
    (
        "memory filled again and again",
        "(drop (memory.grow (i32.const 900)))
         (loop $ever (memory.fill (i32.const 196608) (i32.const 1) (i32.const 58000000)) (br $ever))
         unreachable",
        true,
    ),
    ("endless recursion", "(call $recurse (i32.const 0))", false),
    (
        "memory without end",
        "(loop $ever (drop (memory.grow (i32.const 16))) (br $ever)) unreachable",
        false,
    ),
    ("trap", "unreachable", false),
    (
        "4 GiB of answer",
        "(call $answer (i32.const 0) (i32.const -1) (i32.const 0) (i32.const -1) (i32.const 0)
           (i32.const -1) (i32.const 0) (i32.const -1) (i32.const 0) (i32.const -1))",
        false,
    ),
];

fn main() {
    let engine = Engine::new(&EngineLimits::default()).expect("wasm runs here");
    println!("{:32} {:>10} {:>10}  (ms; {RUNS} merges)", "policy", "median", "most");
    for (name, plan, lasts) in HOSTILE {
        let mut times = contained(&engine, plan);
        times.sort_unstable();
        let over = |at: usize| {
            let own = if lasts { Duration::from_millis(DEADLINE_MS) } else { Duration::ZERO };
            times[at].saturating_sub(own).as_secs_f64() * 1e3
        };
        let what = if lasts { format!("{name}, past {DEADLINE_MS} ms") } else { name.to_owned() };
        println!("{what:32} {:10.2} {:10.2}", over(RUNS / 2), over(RUNS - 1));
    }
    loading(&engine);
}

/// The times of merges under a policy.
fn contained(engine: &Engine, plan: &str) -> Vec<Duration> {
    let wasm = Guest { plan, ..Guest::default() }.component();
    let limits = Limits { deadline_ms: DEADLINE_MS, ..Limits::default() };
    let version = Version::load(engine, &wasm, &limits).expect("it loads");
    let spec = Spec { limits, park_after: 0, ..Spec::default() };
    let binding = Binding::component(Arc::new(version), spec, Settings::default());
    let binding = binding.expect("it is honest in the trial");
    let mut replica = SeriesBatch::new();
    replica.push_float(TRIGGER_MS, 1.0);
    replica.finish_series(Labels::from_pairs([("__name__", "up")]));
    let once = || {
        let started = Instant::now();
        let merged = merge(&binding, &[&replica, &replica], &Options::everything(0));
        let elapsed = started.elapsed();
        assert!(merged.fault.is_some(), "it is hostile");
        elapsed
    };
    (0..RUNS).map(|_| once()).collect()
}

fn loading(engine: &Engine) {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = || {
        let options = LoaderOptions {
            artifacts: Some(folder.path().join("compiled")),
            compiler: Compiler::Child { program: PathBuf::from(env!("CARGO_BIN_EXE_promweave")) },
            limits: CompileLimits::default(),
        };
        Loader::new(engine.clone(), options).expect("it works here")
    };
    // A custom section makes it another component than the built-in one.
    let wasm = [RUST, &[0, 2, 1, b'x']].concat();
    let timed = |what: &str| {
        let (loader, started) = (loader(), Instant::now());
        loader.load(&wasm).expect("it loads");
        let ms = started.elapsed().as_secs_f64() * 1e3;
        println!("{what:32} {ms:10.2} ms, {} compiled", loader.compiled());
    };
    println!("\na Rust component of {} bytes:", wasm.len());
    timed("compiled in a child process");
    timed("from the cache");
    timed("from the cache, again");
}
