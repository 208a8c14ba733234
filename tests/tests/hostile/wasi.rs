//! Guests that look for an outside: clocks stand, randomness repeats, output
//! is cut, and there are no files, no network and no environment.

use super::*;

const IO: &str = "package wasi:io@0.2.6;
interface error { resource error; }
interface poll { resource pollable { block: func(); } }
interface streams {
  use error.{error};
  variant stream-error { last-operation-failed(error), closed }
  resource output-stream {
    check-write: func() -> result<u64, stream-error>;
    write: func(contents: list<u8>) -> result<_, stream-error>;
    blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
  }
}";
const CLOCKS: &str = "package wasi:clocks@0.2.6;
interface monotonic-clock { now: func() -> u64; }
interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }";
const CLI: &str = "package wasi:cli@0.2.6;
interface environment { get-environment: func() -> list<tuple<string, string>>; get-arguments: func() -> list<string>; }
interface stdout { use wasi:io/streams@0.2.6.{output-stream}; get-stdout: func() -> output-stream; }";
const RANDOM: &str = "package wasi:random@0.2.6;
interface random { get-random-u64: func() -> u64; }
interface insecure-seed { insecure-seed: func() -> tuple<u64, u64>; }";

/// Misbehaves unless two looks at clocks and randomness agree, and the
/// environment is empty.
#[test]
fn clocks_stand_randomness_repeats_and_the_environment_is_empty() {
    let Some(scene) = Scene::new() else { return };
    let guest = Guest {
        packages: &[IO, CLOCKS, CLI, RANDOM],
        world_imports: "
  import wasi:clocks/monotonic-clock@0.2.6;
  import wasi:clocks/wall-clock@0.2.6;
  import wasi:cli/environment@0.2.6;
  import wasi:random/random@0.2.6;",
        imports: r#"
  (import "wasi:clocks/monotonic-clock@0.2.6" "now" (func $now (result i64)))
  (import "wasi:clocks/wall-clock@0.2.6" "now" (func $wall (param i32)))
  (import "wasi:cli/environment@0.2.6" "get-environment" (func $environment (param i32)))
  (import "wasi:cli/environment@0.2.6" "get-arguments" (func $arguments (param i32)))
  (import "wasi:random/random@0.2.6" "get-random-u64" (func $random (result i64)))"#,
        // Takes nothing if random + time is odd: were any of it not fixed,
        // repeated queries would differ.
        plan: "(call $environment (i32.const 512)) \
            (if (i32.load (i32.const 516)) (then unreachable)) \
            (call $arguments (i32.const 512)) \
            (if (i32.load (i32.const 516)) (then unreachable)) \
            (if (i64.ne (call $now) (call $now)) (then unreachable)) \
            (call $wall (i32.const 512)) \
            (if (i64.eqz (i64.and (i64.const 1) \
                (i64.add (call $random) (i64.load (i32.const 512))))) \
              (then (return (call $honest (local.get 0) (local.get 2) (local.get 3))))) \
            (call $answer (i32.const 1024) (i32.const 0) (i32.const 1024) (local.get 2) \
              (i32.const 1024) (i32.const 0) (i32.const 1024) (i32.const 0) \
              (i32.const 1024) (i32.const 0))",
        ..Guest::default()
    };
    scene.bind("outside", &guest.component());
    let first = scene.ask("hostile");
    assert!(warnings(&first).is_empty(), "{:?}", warnings(&first));
    for _ in 0..10 {
        assert_eq!(scene.ask("hostile").text(), first.text());
    }
}

#[test]
fn a_flood_of_output_is_cut_and_costs_nobody_anything() {
    let Some(scene) = Scene::new() else { return };
    let guest = Guest {
        packages: &[IO, CLI],
        world_imports: "
  import wasi:io/streams@0.2.6;
  import wasi:cli/stdout@0.2.6;",
        imports: r#"
  (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))"#,
        items: "(global $out (mut i32) (i32.const 0)) (global $left (mut i32) (i32.const 20000))",
        plan: "(global.set $out (call $stdout)) \
            (loop $more \
              (call $write (global.get $out) (i32.const 0) (i32.const 4096) (i32.const 512)) \
              (global.set $left (i32.sub (global.get $left) (i32.const 1))) \
              (br_if $more (global.get $left))) \
            (call $honest (local.get 0) (local.get 2) (local.get 3))",
        ..Guest::default()
    };
    let before = scene.proxy.log().len();
    scene.bind("flood", &guest.component());
    let beside = Beside::start(scene.proxy.client, result(&scene.ask("neighbour")));
    for _ in 0..5 {
        assert_eq!(scene.ask("hostile").status, 200);
    }
    let (asked, slowest) = beside.stop();
    let written = scene.proxy.log().len() - before;
    eprintln!(
        "80 MB of output a query, {written} bytes logged; {asked} queries beside, slowest {slowest:?}"
    );
    assert!(written < 200_000, "{written} bytes were logged");
}
