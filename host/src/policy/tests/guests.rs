//! Guests that misbehave, put together from text.
//!
//! They are honest (they take nothing) until a batch begins after
//! [`TRIGGER_MS`], so that they pass the trial before they are bound.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The contract itself.
pub(crate) const CONTRACT: &str = include_str!("../../../../wit/merge.wit");

/// The first timestamp at which a guest shows what it is.
pub(super) const TRIGGER_MS: i64 = 1_000_000_000_000;

/// A guest; the parts are text of core instructions.
pub(super) struct Guest<'a> {
    /// Runs when an instance is made.
    pub(super) start: &'a str,
    /// Whether `plan` misbehaves; an i32.
    pub(super) trigger: &'a str,
    /// What `plan` does then: returns or leaves an i32, the address of the
    /// answer. `$answer` writes one.
    pub(super) plan: &'a str,
    /// Bytes at address 1024, for lists of an answer.
    pub(super) data: Vec<u32>,
    /// 64 KiB pages of memory at the start.
    pub(super) pages: u32,
    /// Imports of the core module.
    pub(super) imports: &'a str,
    /// The name and its length.
    pub(super) name: (String, u32),
    /// What it says of series of one replica alone.
    pub(super) keeps_lone_replica: bool,
    /// Version of the contract that it exports.
    pub(super) version: &'a str,
    /// Packages beside the contract's, and what the world imports of them.
    pub(super) packages: &'a [&'a str],
    pub(super) world_imports: &'a str,
}

impl Default for Guest<'_> {
    fn default() -> Self {
        Self {
            start: "",
            trigger: "(i64.ge_s (call $first_time (local.get 5) (local.get 6)) \
                      (i64.const 1000000000000))",
            plan: "unreachable",
            data: Vec::new(),
            pages: 3,
            imports: "",
            name: ("hostile".to_owned(), 7),
            keeps_lone_replica: false,
            version: "1.0.0",
            packages: &[],
            world_imports: "",
        }
    }
}

/// `$answer` for these numbers of list elements, with the lists at 1024, one
/// after the other: runs, ends, synthesised times, values, ends.
pub(super) fn answer(runs: u32, ends: u32, made: u32) -> String {
    let (ends_at, times_at) = (1024 + 4 * runs, 1024 + 4 * (runs + ends));
    let times_at = times_at.next_multiple_of(8);
    let (values_at, made_ends_at) = (times_at + 8 * made, times_at + 16 * made);
    let made_ends = if made > 0 { 1 } else { 0 };
    format!(
        "(call $answer (i32.const 1024) (i32.const {runs}) (i32.const {ends_at}) \
         (i32.const {ends}) (i32.const {times_at}) (i32.const {made}) (i32.const {values_at}) \
         (i32.const {made}) (i32.const {made_ends_at}) (i32.const {made_ends}))"
    )
}

/// The component around a core module's text. `packages` are those that
/// `world_imports` names.
pub(crate) fn component(
    module: &str,
    packages: &[&str],
    world_imports: &str,
    contract: &str,
) -> Vec<u8> {
    let module = embedded(module, packages, world_imports, contract);
    let encoder = ComponentEncoder::default().validate(true).module(&module);
    encoder.and_then(|mut encoder| encoder.encode()).expect("the module fits the world")
}

/// A core module, with the component's type embedded.
fn embedded(module: &str, packages: &[&str], world_imports: &str, contract: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).expect("the text is valid");
    let mut resolve = Resolve::default();
    for (index, package) in packages.iter().enumerate() {
        resolve.push_str(format!("{index}.wit"), package).expect("the package is valid");
    }
    let export = format!("{world_imports}\n  export policy;");
    let contract = contract.replace("  export policy;", &export);
    let package = resolve.push_str("merge.wit", &contract).expect("the contract is valid");
    let world = resolve.select_world(&[package], Some("merge-policy")).expect("it has one");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the module takes a section");
    module
}

impl Guest<'_> {
    /// The component.
    pub(super) fn component(&self) -> Vec<u8> {
        self.component_of(CONTRACT)
    }

    /// The component by another contract.
    pub(super) fn component_of(&self, contract: &str) -> Vec<u8> {
        let Self { packages, world_imports, .. } = self;
        component(&self.module(), packages, world_imports, contract)
    }

    /// The core module, with the component's type embedded.
    pub(super) fn module_of(&self, contract: &str) -> Vec<u8> {
        let Self { packages, world_imports, .. } = self;
        embedded(&self.module(), packages, world_imports, contract)
    }

    fn module(&self) -> String {
        let Self { start, trigger, plan, pages, imports, version, .. } = self;
        let (name, name_length) = &self.name;
        let keeps = u8::from(self.keeps_lone_replica);
        let data: String = self
            .data
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .map(|byte| format!("\\{byte:02x}"))
            .collect();
        format!(
            r#"(module
  {imports}
  (memory (export "memory") {pages})
  (data (i32.const 16) "{name}")
  (data (i32.const 32) "1{{}}")
  (data (i32.const 1024) "{data}")
  (global $calls (mut i32) (i32.const 0))
  (global $next (mut i32) (i32.const 131072))
  (func $start {start})
  (start $start)
  ;; never frees; starts anew at every argument that fits no more
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (block $fits (loop $grow
      (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
      (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
      (br $grow)))
    (local.get $at))
  (func (export "promweave:merge/policy@{version}#describe") (result i32)
    (i32.store (i32.const 64) (i32.const 16)) (i32.store (i32.const 68) (i32.const {name_length}))
    (i32.store (i32.const 72) (i32.const 32)) (i32.store (i32.const 76) (i32.const 1))
    (i32.store (i32.const 80) (i32.const 33)) (i32.store (i32.const 84) (i32.const 2))
    (i32.const 64))
  (func (export "promweave:merge/policy@{version}#configure") (param i32 i32) (result i32)
    (memory.fill (i32.const 128) (i32.const 0) (i32.const 64))
    (i32.store8 (i32.const 168) (i32.const {keeps}))
    (i32.const 128))
  (func $first_time (param $at i32) (param $count i32) (result i64)
    (if (result i64) (i32.eqz (local.get $count))
      (then (i64.const 0)) (else (i64.load (local.get $at)))))
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
  ;; replicas, then address and length of kinds, offsets, timestamps, values
  (func (export "promweave:merge/policy@{version}#plan")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (if {trigger} (then (return (block (result i32) {plan}))))
    ;; honest: nothing of any series, whose number is that of the kinds
    (call $answer (i32.const 65536) (i32.const 0) (i32.const 65536) (local.get 2)
      (i32.const 65536) (i32.const 0) (i32.const 65536) (i32.const 0)
      (i32.const 65536) (i32.const 0))))"#
        )
    }
}
