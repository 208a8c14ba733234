//! Policies are compiled in a process of their own: what hostile bytes cost
//! there is bounded, and costs the loader's process nothing.

#[path = "../src/policy/tests/guests.rs"]
#[allow(dead_code, reason = "shared with the unit tests, which use all of it")]
mod guests;

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use guests::Guest;
use promweave::policy::{
    CompileLimits, Compiler, Engine, EngineLimits, Error, Loader, LoaderOptions,
};

fn engine() -> Engine {
    static ENGINE: LazyLock<Engine> =
        LazyLock::new(|| Engine::new(&EngineLimits::default()).expect("wasm runs here"));
    ENGINE.clone()
}

fn loader(limits: CompileLimits) -> Loader {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_promweave"));
    let options = LoaderOptions { artifacts: None, compiler: Compiler::Child { program }, limits };
    Loader::new(engine(), options).expect("it works here")
}

/// Why bytes are refused.
#[track_caller]
fn refused(limits: CompileLimits, wasm: &[u8]) -> String {
    loader(limits).load(wasm).expect_err("they are refused").to_string()
}

/// An unsigned number as WebAssembly writes it.
fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], &number(content.len())[..], content].concat()
}

fn custom(name: &str, content: &[u8]) -> Vec<u8> {
    section(0, &[&number(name.len())[..], name.as_bytes(), content].concat())
}

/// A component of one core module with these sections.
fn component(sections: &[Vec<u8>]) -> Vec<u8> {
    let module = [&b"\0asm\x01\0\0\0"[..], &sections.concat()].concat();
    [&b"\0asm\x0d\0\x01\0"[..], &section(1, &module)].concat()
}

/// So many functions, each of which adds so many times.
fn functions(count: usize, additions: usize) -> Vec<u8> {
    // From no parameter to one i32.
    let types = section(1, &[1, 0x60, 0, 1, 0x7f]);
    let declared = section(3, &[number(count), vec![0; count]].concat());
    let addition = [0x41, 0x05, 0x6a]; // i32.const 5, i32.add
    let body = [&[0, 0x41, 0x01][..], &addition.repeat(additions), &[0x0b]].concat();
    let body = [number(body.len()), body].concat();
    let code = section(10, &[number(count), body.repeat(count)].concat());
    component(&[types, declared, code])
}

/// A list of lists of lists … of bytes.
fn nested_types(depth: usize) -> Vec<u8> {
    let mut types = [&number(depth)[..], &[0x70, 0x7d]].concat();
    for inner in 0..depth - 1 {
        types.push(0x70);
        // Type indexes are signed: a bit more is needed.
        let mut index = number(inner);
        if index.last().is_some_and(|last| last & 0x40 != 0) {
            *index.last_mut().expect("there is one") |= 0x80;
            index.push(0);
        }
        types.extend(index);
    }
    [&b"\0asm\x0d\0\x01\0"[..], &section(7, &types)].concat()
}

const EXPORTS_NOTHING: &str = "does not fit the contract promweave:merge: it does not export \
                               promweave:merge/policy@1.0.0; it exports nothing";

#[test]
fn a_policy_is_compiled_elsewhere_and_then_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = |program: &str| {
        let options = LoaderOptions {
            artifacts: Some(folder.path().join("compiled")),
            compiler: Compiler::Child { program: PathBuf::from(program) },
            limits: CompileLimits::default(),
        };
        Loader::new(engine(), options).expect("it works here")
    };
    let wasm = Guest::default().component();
    let no_program = loader("/nowhere/promweave");
    let error = no_program.load(&wasm).expect_err("there is no compiler");
    assert!(matches!(&error, Error::Compiler(text) if text.contains("/nowhere")), "{error}");
    let version = loader(env!("CARGO_BIN_EXE_promweave")).load(&wasm).expect("it loads");
    assert_eq!(version.description().name, "hostile");
    let again = no_program.load(&wasm).expect("no compiler is needed");
    assert_eq!(again.digest(), version.digest());
}

#[test]
fn what_the_compiler_says_comes_through() {
    let limits = CompileLimits::default();
    let module = wat::parse_str("(module)").expect("valid text");
    assert!(refused(limits, &module).starts_with("this is a core module without an embedded"));
    let whole = Guest::default().component();
    let half = refused(limits, &whole[..whole.len() / 2 + 5]);
    assert!(half.contains("ends in the middle"), "{half}");
    // A function without a value for its result.
    let types = section(1, &[1, 0x60, 0, 1, 0x7f]);
    let broken = component(&[types, section(3, &[1, 0]), section(10, &[1, 2, 0, 0x0b])]);
    let error = refused(limits, &broken);
    assert!(error.starts_with("the component does not compile: "), "{error}");
    assert!(error.contains("type mismatch"), "{error}");
}

#[test]
fn a_program_that_is_no_compiler_is_named_as_crashed() {
    let compiler = Compiler::Child { program: PathBuf::from("/bin/false") };
    let limits = CompileLimits::default();
    let options = LoaderOptions { artifacts: None, compiler, limits };
    let loader = Loader::new(engine(), options).expect("it works here");
    let error = loader.load(&Guest::default().component()).expect_err("it compiles nothing");
    assert!(error.to_string().contains("the compiler crashed on it (exit status: 1)"), "{error}");
}

#[test]
fn processor_time_is_bounded() {
    let limits = CompileLimits { cpu_seconds: 1, ..CompileLimits::default() };
    assert_eq!(
        refused(limits, &functions(150_000, 100)),
        "the component is too costly to compile: it took more than 1 s of processor time"
    );
}

#[test]
fn time_is_bounded() {
    let limits = CompileLimits { wall: Duration::from_millis(100), ..CompileLimits::default() };
    assert_eq!(
        refused(limits, &functions(150_000, 100)),
        "the component is too costly to compile: it took longer than 100ms"
    );
}

#[test]
fn memory_is_bounded() {
    let limits = CompileLimits { memory_bytes: 512 << 20, ..CompileLimits::default() };
    assert_eq!(
        refused(limits, &functions(150_000, 100)),
        "the component is too costly to compile: it took more than 536870912 bytes of memory"
    );
}

#[test]
fn machine_code_is_bounded() {
    let limits = CompileLimits { code_bytes: 1000, ..CompileLimits::default() };
    assert_eq!(
        refused(limits, &Guest::default().component()),
        "the component is too costly to compile: its machine code is larger than 1000 bytes"
    );
}

#[test]
fn hostile_components_are_refused_and_an_honest_one_goes_on() {
    let loader = loader(CompileLimits::default());
    let ten_thousand = functions(10_000, 10);
    let fifty_megabytes = component(&[custom("padding", &vec![0x55; 50 << 20])]);
    // Four thousand million names are announced, and a subsection that is
    // longer than the section.
    let names = [1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0xff, 0x0f];
    let bomb = component(&[custom("name", &names)]);
    for hostile in [&ten_thousand, &fifty_megabytes, &bomb] {
        let error = loader.load(hostile).expect_err("it is no policy").to_string();
        assert_eq!(error, EXPORTS_NOTHING);
    }
    let error = loader.load(&nested_types(100_000)).expect_err("it is too deep").to_string();
    assert!(error.starts_with("the component does not compile: "), "{error}");
    assert!(error.contains("nesting"), "{error}");
    loader.load(&Guest::default().component()).expect("an honest one loads");
}
