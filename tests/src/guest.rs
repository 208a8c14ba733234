//! Components that keep every law until they see the data of these tests, and
//! then do their worst; put together from text.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const CONTRACT: &str = include_str!("../../wit/merge.wit");

/// Time of the first sample of a scene's data, in milliseconds: a guest
/// misbehaves where it sees samples within a day of it.
pub const BASE_MS: i64 = 1_612_345_680_000;
const DAY_MS: i64 = 86_400_000;

/// A guest; the parts are text of core instructions.
#[derive(Clone, Copy, Debug)]
pub struct Guest<'a> {
    /// Runs when an instance is made.
    pub start: &'a str,
    /// A further condition for misbehaving; leaves an i32.
    pub when: &'a str,
    /// What it does then in place of an answer; leaves an i32, the address of
    /// an answer. `$answer` writes one.
    pub plan: &'a str,
    /// Numbers at address 1024, for lists of an answer.
    pub data: &'a [u32],
    /// Imports of the core module, and further items of it.
    pub imports: &'a str,
    /// See `imports`.
    pub items: &'a str,
    /// Packages beside the contract's, and what the world imports of them.
    pub packages: &'a [&'a str],
    /// See `packages`.
    pub world_imports: &'a str,
    /// The line of the contract that says what is exported.
    pub export: &'a str,
}

impl Default for Guest<'_> {
    fn default() -> Self {
        Self {
            start: "",
            when: "(i32.const 1)",
            plan: "unreachable",
            data: &[],
            imports: "",
            items: "",
            packages: &[],
            world_imports: "",
            export: "  export policy;",
        }
    }
}

/// `$answer` for these numbers of list elements, with the lists at 1024, one
/// after the other: runs, ends, synthesised times, values, ends.
#[must_use]
pub fn answer(runs: u32, ends: u32, made: u32) -> String {
    let (ends_at, times_at) = (1024 + 4 * runs, 1024 + 4 * (runs + ends));
    let times_at = times_at.next_multiple_of(8);
    let (values_at, made_ends_at) = (times_at + 8 * made, times_at + 16 * made);
    let made_ends = u32::from(made > 0);
    format!(
        "(call $answer (i32.const 1024) (i32.const {runs}) (i32.const {ends_at}) \
         (i32.const {ends}) (i32.const {times_at}) (i32.const {made}) (i32.const {values_at}) \
         (i32.const {made}) (i32.const {made_ends_at}) (i32.const {made_ends}))"
    )
}

impl Guest<'_> {
    /// The component.
    ///
    /// # Panics
    /// When its text is wrong.
    #[must_use]
    pub fn component(&self) -> Vec<u8> {
        let module = self.module_with_type();
        let encoder = ComponentEncoder::default().validate(true).module(&module);
        encoder.and_then(|mut encoder| encoder.encode()).expect("the module fits the world")
    }

    /// The core module, with the type of its component embedded.
    ///
    /// # Panics
    /// When its text is wrong.
    #[must_use]
    pub fn module_with_type(&self) -> Vec<u8> {
        let mut module = self.module();
        let mut resolve = Resolve::default();
        for (index, package) in self.packages.iter().enumerate() {
            resolve.push_str(format!("{index}.wit"), package).expect("the package is valid");
        }
        let export = format!("{}\n{}", self.world_imports, self.export);
        let contract = CONTRACT.replace("  export policy;", &export);
        let package = resolve.push_str("merge.wit", &contract).expect("the contract is valid");
        let world = resolve.select_world(&[package], Some("merge-policy")).expect("it has one");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .expect("the module takes a section");
        module
    }

    /// The core module alone.
    ///
    /// # Panics
    /// When its text is wrong.
    #[must_use]
    pub fn module(&self) -> Vec<u8> {
        wat::parse_str(self.text()).expect("the text is valid")
    }

    fn text(&self) -> String {
        let Self { start, when, plan, imports, items, .. } = self;
        let numbers = self.data.iter().flat_map(|number| number.to_le_bytes());
        let data: String = numbers.map(|byte| format!("\\{byte:02x}")).collect();
        let (from, to) = (BASE_MS - DAY_MS, BASE_MS + DAY_MS);
        format!(
            r#"(module
  {imports}
  (memory (export "memory") 3)
  (data (i32.const 16) "hostile1{{}}")
  (data (i32.const 1024) "{data}")
  (global $calls (mut i32) (i32.const 0))
  (global $next (mut i32) (i32.const 65536))
  {items}
  (func $start {start})
  (start $start)
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
    (i32.store (i32.const 64) (i32.const 16)) (i32.store (i32.const 68) (i32.const 7))
    (i32.store (i32.const 72) (i32.const 23)) (i32.store (i32.const 76) (i32.const 1))
    (i32.store (i32.const 80) (i32.const 24)) (i32.store (i32.const 84) (i32.const 2))
    (i32.const 64))
  (func (export "promweave:merge/policy@1.0.0#configure") (param i32 i32) (result i32)
    (memory.fill (i32.const 128) (i32.const 0) (i32.const 64))
    (i32.const 128))
  (func $answer (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (i32.store (i32.const 256) (i32.const 0))
    (i32.store (i32.const 260) (local.get 0)) (i32.store (i32.const 264) (local.get 1))
    (i32.store (i32.const 268) (local.get 2)) (i32.store (i32.const 272) (local.get 3))
    (i32.store (i32.const 276) (local.get 4)) (i32.store (i32.const 280) (local.get 5))
    (i32.store (i32.const 284) (local.get 6)) (i32.store (i32.const 288) (local.get 7))
    (i32.store (i32.const 292) (local.get 8)) (i32.store (i32.const 296) (local.get 9))
    (i32.const 256))
  (func $recurse (param i32) (result i32)
    (i32.add (i32.const 1) (call $recurse (i32.add (local.get 0) (i32.const 1)))))
  ;; every series from the first replica that has it, whole
  (func $honest (param $replicas i32) (param $series i32) (param $offsets i32) (result i32)
    (local $s i32) (local $r i32) (local $at i32) (local $length i32)
    (local $runs i32) (local $ends i32) (local $count i32) (local $offset i32)
    (local.set $runs (call $alloc (i32.mul (local.get $series) (i32.const 12))))
    (local.set $ends (call $alloc (i32.mul (local.get $series) (i32.const 4))))
    (block $done (loop $each
      (br_if $done (i32.ge_u (local.get $s) (local.get $series)))
      (local.set $r (i32.const 0))
      (block $taken (loop $next
        (br_if $taken (i32.ge_u (local.get $r) (local.get $replicas)))
        (local.set $offset (i32.add (local.get $offsets) (i32.mul (i32.const 4)
          (i32.add (i32.mul (local.get $s) (local.get $replicas)) (local.get $r)))))
        (local.set $length
          (i32.sub (i32.load offset=4 (local.get $offset)) (i32.load (local.get $offset))))
        (if (local.get $length) (then
          (local.set $at
            (i32.add (local.get $runs) (i32.mul (local.get $count) (i32.const 12))))
          (i32.store (local.get $at) (local.get $r))
          (i32.store offset=4 (local.get $at) (i32.const 0))
          (i32.store offset=8 (local.get $at) (local.get $length))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $taken)))
        (local.set $r (i32.add (local.get $r) (i32.const 1)))
        (br $next)))
      (i32.store (i32.add (local.get $ends) (i32.mul (i32.const 4) (local.get $s)))
        (local.get $count))
      (local.set $s (i32.add (local.get $s) (i32.const 1)))
      (br $each)))
    (call $answer (local.get $runs) (i32.mul (local.get $count) (i32.const 3))
      (local.get $ends) (local.get $series)
      (i32.const 1024) (i32.const 0) (i32.const 1024) (i32.const 0)
      (i32.const 1024) (i32.const 0)))
  (func $is_ours (param $at i32) (param $count i32) (result i32)
    (if (result i32) (i32.eqz (local.get $count)) (then (i32.const 0)) (else
      (i32.and (i64.gt_s (i64.load (local.get $at)) (i64.const {from}))
        (i64.lt_s (i64.load (local.get $at)) (i64.const {to}))))))
  ;; replicas, then address and length of kinds, offsets, timestamps, values
  (func (export "promweave:merge/policy@1.0.0#plan")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (if (i32.and (call $is_ours (local.get 5) (local.get 6)) {when})
      (then (return (block (result i32) {plan}))))
    (call $honest (local.get 0) (local.get 2) (local.get 3))))"#
        )
    }
}
