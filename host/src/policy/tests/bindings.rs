//! What can be loaded and bound, and what is said of it.

use super::guests::{self, Guest};
use super::*;

fn load(bytes: &[u8]) -> Result<Version, Error> {
    Version::load(engine(), bytes, &Limits::default())
}

#[track_caller]
fn refused(bytes: &[u8], text: &str) {
    let error = load(bytes).expect_err("the bytes are refused").to_string();
    assert_eq!(error, text);
}

#[test]
fn the_built_in_component_is_small_and_imports_nothing() {
    let version = Version::builtin(engine()).expect("the build made it");
    assert_eq!(version.imports(), [] as [&str; 0]);
    assert_eq!(version.description().name, "fill");
    assert_eq!(version.digest().len(), 64);
    assert!(version.size() < 100_000, "{}", version.size());
}

#[test]
fn uploaded_bytes_give_the_digest_of_the_bytes() {
    let wasm = include_bytes!(concat!(env!("OUT_DIR"), "/builtin.wasm"));
    let uploaded = load(wasm).expect("the built-in component is a component");
    let builtin = Version::builtin(engine()).expect("the build made it");
    assert_eq!(uploaded.digest(), builtin.digest());
    assert_eq!(uploaded.description(), builtin.description());
}

#[test]
fn settings_are_refused_in_the_policys_words() {
    let version = Arc::new(Version::builtin(engine()).expect("the build made it"));
    let settings = r#"{"prefer_max":"yes"}"#;
    let binding = Binding::component(version, Spec::with_settings(settings), Settings::default());
    assert_eq!(
        binding.expect_err("the settings are wrong").to_string(),
        "setting `prefer_max` must be true or false, not \"yes\""
    );
}

#[test]
fn what_is_no_component_is_refused() {
    refused(b"", "there are no bytes");
    refused(b"#!/bin/sh", "this is no WebAssembly");
    refused(b"\0asm", "the bytes end within the header");
    refused(b"\0asm\x07\0\0\0", "this is WebAssembly of a version that is not known here");
    let text = "this is WebAssembly as text: make it a binary first, with `wasm-tools parse`";
    refused(b"\n(component)", text);
    refused(b"(module)", text);
    refused(b"\x1f\x8b\x08", "this is compressed (gzip): upload the component itself");
    refused(b"PK\x03\x04", "this is an archive (zip): upload the component itself");
    let machine_code = include_bytes!(concat!(env!("OUT_DIR"), "/builtin.cwasm"));
    refused(
        machine_code,
        "this is machine code of some wasmtime: upload the component it was made from",
    );
}

#[test]
fn an_upload_that_was_cut_off_is_named() {
    let whole = Guest::default().component();
    for size in [9, 100, whole.len() / 2 + 5, whole.len() - 1] {
        let error = load(&whole[..size]).expect_err("it is cut off").to_string();
        assert!(error.contains("ends in the middle"), "{size}: {error}");
    }
    let module = Guest::default().module_of(guests::CONTRACT);
    let error = load(&module[..module.len() - 1]).expect_err("it is cut off").to_string();
    assert!(error.contains("ends in the middle"), "{error}");
}

#[test]
fn a_missing_export_is_named_beside_what_there_is() {
    refused(
        &wat::parse_str("(component)").expect("valid text"),
        "does not fit the contract promweave:merge: it does not export \
         promweave:merge/policy@1.0.0; it exports nothing",
    );
    let other = r#"(component (instance $i) (export "acme:tools/thing@2.0.0" (instance $i)))"#;
    refused(
        &wat::parse_str(other).expect("valid text"),
        "does not fit the contract promweave:merge: it does not export \
         promweave:merge/policy@1.0.0; it exports acme:tools/thing@2.0.0",
    );
    let newer =
        guests::CONTRACT.replace("package promweave:merge@1.0.0", "package promweave:merge@2.0.0");
    let error = load(&Guest { version: "2.0.0", ..Guest::default() }.component_of(&newer));
    assert_eq!(
        error.expect_err("it is another contract").to_string(),
        "does not fit the contract promweave:merge: it does not export \
         promweave:merge/policy@1.0.0; it exports promweave:merge/policy@2.0.0 (the host has \
         version 1.0)"
    );
    let less = r#"(component (instance $i) (export "promweave:merge/policy@1.0.0" (instance $i)))"#;
    refused(
        &wat::parse_str(less).expect("valid text"),
        "does not fit the contract promweave:merge: its promweave:merge/policy@1.0.0 does not \
         export the function describe",
    );
}

#[test]
fn a_core_module_with_its_type_is_wrapped_and_keeps_its_digest() {
    let module = Guest::default().module_of(guests::CONTRACT);
    let version = load(&module).expect("it is wrapped");
    assert_eq!(version.exports(), ["promweave:merge/policy@1.0.0"]);
    assert_eq!((version.size(), version.imports().len()), (module.len(), 0));
    assert_ne!(version.digest(), load(&Guest::default().component()).expect("it loads").digest());
}

#[test]
fn a_core_module_without_a_type_is_refused_with_what_to_do() {
    let module = wat::parse_str(r#"(module (func (export "merge")) (memory (export "memory") 1))"#);
    refused(
        &module.expect("valid text"),
        "this is a core module without an embedded component type: build it with bindings of the \
         contract (wit-bindgen embeds it), or embed it with `wasm-tools component embed`; it \
         exports merge, memory",
    );
}

#[test]
fn a_core_module_that_does_not_fit_its_type_says_what_it_lacks() {
    let guest = Guest {
        imports: r#"(import "wasi_snapshot_preview1" "fd_write"
            (func (param i32 i32 i32 i32) (result i32)))"#,
        ..Guest::default()
    };
    let error = load(&guest.module_of(guests::CONTRACT)).expect_err("no adapter").to_string();
    assert!(error.starts_with("this core module cannot be wrapped into a component: "), "{error}");
    assert!(error.ends_with("build it for wasm32-wasip2, or wrap it with that adapter"), "{error}");
}

#[test]
fn what_a_policy_says_of_itself_is_plain_and_bounded() {
    let name =
        |text: &str, length: u32| Guest { name: (text.to_owned(), length), ..Guest::default() };
    let error = load(&name("Evil\\1bx", 6).component()).expect_err("it is no name").to_string();
    assert_eq!(
        error,
        "does not fit the contract promweave:merge: its name must be 1 to 64 of a-z, 0-9 and -, \
         not \"Evil\u{fffd}x\""
    );
    let error = load(&name("", 1_000_000).component()).expect_err("it is long").to_string();
    assert!(error.len() < 300, "{error}");
    let error = load(&name("", 100_000_000).component()).expect_err("it is larger than memory");
    assert!(error.to_string().starts_with("failed in a trial describe: trapped: "), "{error}");
}

#[test]
fn every_import_beyond_the_world_is_named() {
    let component = wat::parse_str(
        r#"(component
            (import "evil:net/dial@1.0.0" (instance
                (export "connect" (func))
                (export "listen" (func))))
            (import "wasi:http/handler@0.2.0" (instance (export "handle" (func))))
            (import "plain" (func)))"#,
    );
    refused(
        &component.expect("valid text"),
        "imports what a merge policy may not have: evil:net/dial@1.0.0 (connect, listen); \
         wasi:http/handler@0.2.0 (handle); plain",
    );
}

#[test]
fn other_types_than_the_contracts_are_refused() {
    let wit = guests::CONTRACT.replace("offsets: list<u32>", "offsets: list<u64>");
    let error = load(&Guest::default().component_of(&wit)).expect_err("types differ").to_string();
    assert!(error.starts_with("does not fit the contract promweave:merge: "), "{error}");
    assert!(error.contains("expected `u32` found `u64`"), "{error}");
}

#[test]
fn a_policy_that_fails_its_trial_is_not_bound() {
    let guest = Guest { plan: "unreachable", trigger: "(i32.const 1)", ..Guest::default() };
    let version = Arc::new(load(&guest.component()).expect("it loads"));
    let error = Binding::component(version, Spec::default(), Settings::default());
    assert_eq!(
        error.expect_err("it traps").to_string(),
        "failed in a trial plan: trapped: wasm trap: wasm `unreachable` instruction executed"
    );
}

#[test]
fn a_guest_that_never_starts_is_refused_in_time() {
    let guest = Guest { start: "(loop $ever (br $ever))", ..Guest::default() };
    let error = load(&guest.component()).expect_err("it spins").to_string();
    assert_eq!(error, "does not fit the contract promweave:merge: exceeded its deadline of 50 ms");
}

#[test]
fn more_memory_than_the_limit_at_the_start_is_refused() {
    let wasm = Guest { pages: 2000, ..Guest::default() }.component();
    let limits = Limits { memory_bytes: 64 << 20, ..Limits::default() };
    let error = Version::load(engine(), &wasm, &limits).expect_err("it is too large").to_string();
    assert!(error.contains("exceeded its memory limit of 67108864 bytes"), "{error}");
}

#[test]
fn the_span_grows_with_the_number_of_replicas() {
    let binding = Binding::native(Settings::from_json(r#"{"anti_affinity":5000}"#).expect("valid"));
    let span = |ms| Some(Span { before_ms: ms, after_ms: ms });
    assert_eq!(binding.span(1), span(0));
    // Two other replicas, and what seams of counters need.
    assert_eq!(binding.span(3), span(2 * 5000 + 360_000));
    let max = Binding::native(
        Settings::from_json(r#"{"rule":"max","anti_affinity":5000}"#).expect("valid"),
    );
    assert_eq!(max.span(2), span(15_000));
    let promxy = Binding::native(Settings::from_json(r#"{"rule":"promxy"}"#).expect("valid"));
    assert_eq!(promxy.span(2), None);
}
