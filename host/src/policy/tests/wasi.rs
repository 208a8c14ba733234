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
