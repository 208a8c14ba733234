//! Guests whose runtime imports WASI find an empty world.

use super::guests::{Guest, TRIGGER_MS};
use super::*;

const IO: &str = "package wasi:io@0.2.6; interface poll { resource pollable { block: func(); } }";
const CLOCKS: &str = "package wasi:clocks@0.2.6;
interface monotonic-clock {
  use wasi:io/poll@0.2.6.{pollable};
  now: func() -> u64;
  subscribe-duration: func(when: u64) -> pollable;
}
interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }";
const CLI: &str = "package wasi:cli@0.2.6;
interface environment { get-environment: func() -> list<tuple<string, string>>; }";
const RANDOM: &str = "package wasi:random@0.2.6;
interface insecure-seed { insecure-seed: func() -> tuple<u64, u64>; }";

const STREAMS: &str = "package wasi:io@0.2.6;
interface error { resource error; }
interface streams {
  use error.{error};
  variant stream-error { last-operation-failed(error), closed }
  resource output-stream {
    blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
  }
}";
const OUTPUT: &str = "package wasi:cli@0.2.6;
interface stdout { use wasi:io/streams@0.2.6.{output-stream}; get-stdout: func() -> output-stream; }
interface stderr { use wasi:io/streams@0.2.6.{output-stream}; get-stderr: func() -> output-stream; }";

const IMPORTS: &str = r#"
  (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration"
    (func $wait (param i64) (result i32)))
  (import "wasi:clocks/wall-clock@0.2.6" "now" (func $now (param i32)))
  (import "wasi:cli/environment@0.2.6" "get-environment" (func $environment (param i32)))
  (import "wasi:random/insecure-seed@0.2.6" "insecure-seed" (func $seed (param i32)))"#;

const WORLD: &str = "
  import wasi:clocks/monotonic-clock@0.2.6;
  import wasi:clocks/wall-clock@0.2.6;
  import wasi:cli/environment@0.2.6;
  import wasi:random/insecure-seed@0.2.6;";

fn merged(plan: &str) -> Merged {
    let guest = Guest {
        plan,
        imports: IMPORTS,
        packages: &[IO, CLOCKS, CLI, RANDOM],
        world_imports: WORLD,
        ..Guest::default()
    };
    let version = Version::load(engine(), &guest.component(), &Limits::default());
    let version = version.expect("WASI is met");
    assert!(version.imports().iter().any(|name| name == "wasi:clocks/wall-clock@0.2.6"));
    let binding = Binding::component(Arc::new(version), Spec::default(), Settings::default());
    let one = batch(&[("a", &[(TRIGGER_MS / 1000, 1.0)])]);
    let binding = binding.expect("it is honest in the trial");
    merge(&binding, &[&one, &one], &Options::everything(1_234_567))
}

const HONEST: &str = "(call $answer (i32.const 65536) (i32.const 0) (i32.const 65536) \
    (i32.const 1) (i32.const 65536) (i32.const 0) (i32.const 65536) (i32.const 0) \
    (i32.const 65536) (i32.const 0))";

/// Traps unless the i64 at 512 is this.
fn expects(call: &str, number: i64) -> Option<Fault> {
    merged(&format!(
        "(call {call} (i32.const 512)) \
         (if (i64.ne (i64.load (i32.const 512)) (i64.const {number})) (then unreachable)) {HONEST}"
    ))
    .fault
}

#[test]
fn the_clock_stands_at_the_evaluation_time() {
    assert_eq!(expects("$now", 1234), None);
    assert!(expects("$now", 1235).is_some());
}

#[test]
fn random_numbers_are_always_the_same() {
    assert_eq!(expects("$seed", 0), None);
}

#[test]
fn the_environment_is_empty() {
    let plan = format!(
        "(call $environment (i32.const 512)) \
         (if (i32.ne (i32.load (i32.const 516)) (i32.const 0)) (then unreachable)) {HONEST}"
    );
    assert_eq!(merged(&plan).fault, None);
}

#[test]
fn waiting_is_a_fault_at_once() {
    let start = Instant::now();
    let plan = "(drop (call $wait (i64.const 3600000000000))) unreachable";
    let fault = merged(plan).fault.expect("a policy may not wait");
    assert_eq!(fault, Fault::Trap("a merge policy may not wait".to_owned()));
    assert!(start.elapsed().as_secs() < 5);
}

/// Writes 4 KiB so often to a stream; traps unless every write succeeds.
fn flood(stream: &str, writes: u32) -> String {
    format!(
        "(i32.store (i32.const 600) (call {stream})) (i32.store (i32.const 604) (i32.const {writes}))
         (memory.fill (i32.const 70000) (i32.const 120) (i32.const 4096))
         (loop $more
           (call $write (i32.load (i32.const 600)) (i32.const 70000) (i32.const 4096)
             (i32.const 512))
           (if (i32.load8_u (i32.const 512)) (then unreachable))
           (i32.store (i32.const 604) (i32.sub (i32.load (i32.const 604)) (i32.const 1)))
           (br_if $more (i32.load (i32.const 604))))"
    )
}

#[test]
fn a_flood_of_output_is_cut_and_no_fault() {
    let plan = format!("{} {} {HONEST}", flood("$stdout", 500), flood("$stderr", 500));
    let guest = Guest {
        plan: &plan,
        imports: r#"
  (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
  (import "wasi:cli/stderr@0.2.6" "get-stderr" (func $stderr (result i32)))
  (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))"#,
        packages: &[STREAMS, OUTPUT],
        world_imports: "import wasi:cli/stdout@0.2.6; import wasi:cli/stderr@0.2.6;",
        ..Guest::default()
    };
    let version = Version::load(engine(), &guest.component(), &Limits::default());
    let limits = Limits { deadline_ms: 60_000, ..Limits::default() };
    let spec = Spec::with_limits(limits);
    let binding =
        Binding::component(Arc::new(version.expect("it loads")), spec, Settings::default());
    let binding = binding.expect("it is honest in the trial");
    let one = batch(&[("a", &[(TRIGGER_MS / 1000, 1.0)])]);
    let merged = merge(&binding, &[&one, &one], &Options::everything(0));
    assert_eq!(merged.fault, None);
}
