//! A guest that keeps the laws, and what can be changed about it.
//!
//! It answers with the union of all replicas: every moment once, from the
//! first replica that has it. So a decision depends on nothing but the samples
//! of its own moment.

use crate::policy::tests::guests;

/// The guest; the parts are text of core instructions.
pub(super) struct Lawful<'a> {
    /// JSON schema of its settings, below 200 bytes.
    pub(super) schema: &'a str,
    /// Which replica comes first at a moment `$t` of series `$s`; an i32.
    pub(super) first: &'a str,
    /// Whether the moment is left out; an i32.
    pub(super) skips: &'a str,
    /// Runs before a batch is looked at.
    pub(super) before: &'a str,
    /// Runs when the answer is written, at address 256.
    pub(super) after: &'a str,
    /// Needs, and whether it may synthesise, has a span, keeps a lone replica
    /// and wants no false resets: bytes at addresses 136, 137, 144, 168, 169.
    pub(super) terms: [u8; 5],
    /// Runs when it is configured, after the terms were written.
    pub(super) configured: &'a str,
    /// Whether it imports a clock, as `$seconds`.
    pub(super) has_clock: bool,
}

impl Default for Lawful<'_> {
    fn default() -> Self {
        Self {
            schema: "{}",
            first: "(i32.const 0)",
            skips: "(i32.const 0)",
            before: "",
            after: "",
            terms: [0, 0, 1, 1, 0],
            configured: "",
            has_clock: false,
        }
    }
}

const CLOCK_PACKAGE: &str = "package wasi:clocks@0.2.6;
interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }";
const CLOCK_IMPORT: &str =
    r#"(import "wasi:clocks/wall-clock@0.2.6" "now" (func $now (param i32)))"#;
const CLOCK_WORLD: &str = "import wasi:clocks/wall-clock@0.2.6;";

impl Lawful<'_> {
    /// The component.
    pub(super) fn component(&self) -> Vec<u8> {
        let module = self.module();
        if self.has_clock {
            guests::component(&module, &[CLOCK_PACKAGE], CLOCK_WORLD, guests::CONTRACT)
        } else {
            guests::component(&module, &[], "", guests::CONTRACT)
        }
    }

    fn module(&self) -> String {
        let Self { schema, first, skips, before, after, terms, configured, .. } = self;
        let (import, clock) = if self.has_clock {
            let read = "(call $now (i32.const 512)) (i64.load (i32.const 512))";
            (CLOCK_IMPORT, format!("(func $seconds (result i64) {read})"))
        } else {
            ("", String::new())
        };
        let schema_data = schema.replace('"', "\\22");
        let schema_length = schema.len();
        let [needs, synthesises, has_span, keeps_lone, no_resets] = terms;
        format!(
            r#"(module
  {import}
  (memory (export "memory") 4)
  (data (i32.const 16) "lawful1")
  (data (i32.const 2048) "{schema_data}")
  (global $calls (mut i32) (i32.const 0))
  (global $next (mut i32) (i32.const 65536))
  (global $replicas (mut i32) (i32.const 0))
  (global $offsets (mut i32) (i32.const 0))
  (global $times (mut i32) (i32.const 0))
  (global $values (mut i32) (i32.const 0))
  {clock}
  (func $alloc (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (block $fits (loop $grow
      (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
      (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
      (br $grow)))
    (local.get $at))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (call $alloc (local.get 3)))
  (func (export "promweave:merge/policy@1.0.0#describe") (result i32)
    (i32.store (i32.const 64) (i32.const 16)) (i32.store (i32.const 68) (i32.const 6))
    (i32.store (i32.const 72) (i32.const 22)) (i32.store (i32.const 76) (i32.const 1))
    (i32.store (i32.const 80) (i32.const 2048)) (i32.store (i32.const 84) (i32.const {schema_length}))
    (i32.const 64))
  (func (export "promweave:merge/policy@1.0.0#configure") (param i32 i32) (result i32)
    (memory.fill (i32.const 128) (i32.const 0) (i32.const 64))
    (i32.store8 (i32.const 136) (i32.const {needs}))
    (i32.store8 (i32.const 137) (i32.const {synthesises}))
    (i32.store8 (i32.const 144) (i32.const {has_span}))
    (i32.store8 (i32.const 168) (i32.const {keeps_lone}))
    (i32.store8 (i32.const 169) (i32.const {no_resets}))
    {configured}
    (i32.const 128))
  ;; where the samples of a replica of a series begin and end
  (func $begin (param $s i32) (param $r i32) (result i32)
    (i32.load (i32.add (global.get $offsets) (i32.mul (i32.const 4)
      (i32.add (i32.mul (local.get $s) (global.get $replicas)) (local.get $r))))))
  (func $end (param $s i32) (param $r i32) (result i32)
    (call $begin (local.get $s) (i32.add (local.get $r) (i32.const 1))))
  (func $count (param $s i32) (param $r i32) (result i32)
    (i32.sub (call $end (local.get $s) (local.get $r)) (call $begin (local.get $s) (local.get $r))))
  (func $time (param $at i32) (result i64)
    (i64.load (i32.add (global.get $times) (i32.mul (local.get $at) (i32.const 8)))))
  ;; the first and the last time of a replica of a series; 0 without samples
  (func $start (param $s i32) (param $r i32) (result i64)
    (if (result i64) (call $count (local.get $s) (local.get $r))
      (then (call $time (call $begin (local.get $s) (local.get $r)))) (else (i64.const 0))))
  (func $last (param $s i32) (param $r i32) (result i64)
    (if (result i64) (call $count (local.get $s) (local.get $r))
      (then (call $time (i32.sub (call $end (local.get $s) (local.get $r)) (i32.const 1))))
      (else (i64.const 0))))
  (func (export "promweave:merge/policy@1.0.0#plan")
    (param $n i32) (param i32) (param $series i32) (param $off i32) (param i32) (param $ts i32)
    (param $samples i32) (param $vals i32) (param i32) (result i32)
    (local $s i32) (local $r i32) (local $k i32) (local $t i64) (local $found i32)
    (local $pos i32) (local $at i32) (local $runs i32) (local $ends i32) (local $triples i32)
    (local $chosen i32) (local $index i32) (local $u i64)
    (global.set $replicas (local.get $n))
    (global.set $offsets (local.get $off))
    (global.set $times (local.get $ts))
    (global.set $values (local.get $vals))
    {before}
    (local.set $pos (call $alloc (i32.mul (local.get $n) (i32.const 4))))
    (local.set $runs (call $alloc (i32.mul (local.get $samples) (i32.const 12))))
    (local.set $ends (call $alloc (i32.mul (local.get $series) (i32.const 4))))
    (block $done (loop $next_series
      (br_if $done (i32.eq (local.get $s) (local.get $series)))
      (local.set $r (i32.const 0))
      (loop $init
        (i32.store (i32.add (local.get $pos) (i32.mul (local.get $r) (i32.const 4)))
          (call $begin (local.get $s) (local.get $r)))
        (local.set $r (i32.add (local.get $r) (i32.const 1)))
        (br_if $init (i32.lt_u (local.get $r) (local.get $n))))
      (block $series_done (loop $next_time
        (local.set $found (i32.const 0))
        (local.set $r (i32.const 0))
        (loop $look
          (local.set $at (i32.load (i32.add (local.get $pos) (i32.mul (local.get $r) (i32.const 4)))))
          (if (i32.lt_u (local.get $at) (call $end (local.get $s) (local.get $r))) (then
            (if (i32.or (i32.eqz (local.get $found))
                        (i64.lt_s (call $time (local.get $at)) (local.get $t)))
              (then (local.set $t (call $time (local.get $at)))))
            (local.set $found (i32.const 1))))
          (local.set $r (i32.add (local.get $r) (i32.const 1)))
          (br_if $look (i32.lt_u (local.get $r) (local.get $n))))
        (br_if $series_done (i32.eqz (local.get $found)))
        (local.set $chosen (i32.const -1))
        (local.set $k (i32.const 0))
        (loop $choose
          (local.set $r (i32.rem_u (i32.add {first} (local.get $k)) (local.get $n)))
          (local.set $at (i32.load (i32.add (local.get $pos) (i32.mul (local.get $r) (i32.const 4)))))
          (if (i32.lt_u (local.get $at) (call $end (local.get $s) (local.get $r))) (then
            (if (i64.eq (call $time (local.get $at)) (local.get $t)) (then
              (if (i32.eq (local.get $chosen) (i32.const -1)) (then
                (local.set $chosen (local.get $r))
                (local.set $index
                  (i32.sub (local.get $at) (call $begin (local.get $s) (local.get $r))))))
              (i32.store (i32.add (local.get $pos) (i32.mul (local.get $r) (i32.const 4)))
                (i32.add (local.get $at) (i32.const 1)))))))
          (local.set $k (i32.add (local.get $k) (i32.const 1)))
          (br_if $choose (i32.lt_u (local.get $k) (local.get $n))))
        (if (i32.eqz {skips}) (then
          (local.set $at (i32.add (local.get $runs) (i32.mul (local.get $triples) (i32.const 12))))
          (i32.store (local.get $at) (local.get $chosen))
          (i32.store offset=4 (local.get $at) (local.get $index))
          (i32.store offset=8 (local.get $at) (i32.const 1))
          (local.set $triples (i32.add (local.get $triples) (i32.const 1)))))
        (br $next_time)))
      (i32.store (i32.add (local.get $ends) (i32.mul (local.get $s) (i32.const 4)))
        (local.get $triples))
      (local.set $s (i32.add (local.get $s) (i32.const 1)))
      (br $next_series)))
    (memory.fill (i32.const 256) (i32.const 0) (i32.const 64))
    (i32.store (i32.const 260) (local.get $runs))
    (i32.store (i32.const 264) (i32.mul (local.get $triples) (i32.const 3)))
    (i32.store (i32.const 268) (local.get $ends))
    (i32.store (i32.const 272) (local.get $series))
    (i32.store (i32.const 276) (i32.const 1024))
    (i32.store (i32.const 284) (i32.const 1032))
    (i32.store (i32.const 292) (i32.const 1040))
    {after}
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.const 256))
  (func (export "cabi_post_promweave:merge/policy@1.0.0#plan") (param i32)
    (global.set $next (i32.const 65536))))"#
        )
    }
}
