//! Builds the built-in policy as a component and compiles it ahead of time,
//! so that the binary carries it and starting up runs no compiler.
//!
//! Out come `builtin.wasm`, the component itself, and `builtin.cwasm`, machine
//! code for the target's baseline processor, both in `OUT_DIR`.

#[path = "src/policy/compile.rs"]
mod compile;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const GUEST_TARGET: &str = "wasm32-wasip2";

fn main() {
    if let Err(message) = build() {
        eprintln!("\n{message}\n");
        std::process::exit(1);
    }
}

fn build() -> Result<(), String> {
    let out = PathBuf::from(variable("OUT_DIR")?);
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("..");
    // The guest, its dependencies, and the profile it is built with.
    for input in ["guest-merge/src", "guest-merge/Cargo.toml", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    require_target()?;
    let component = build_guest(&root, &out)?;
    let wasm = fs::read(&component).map_err(|e| format!("{}: {e}", component.display()))?;
    write(&out.join("builtin.cwasm"), &precompile(&wasm)?)?;
    write(&out.join("builtin.wasm"), &wasm)
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}; this script is run by cargo"))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// Checked first, because cargo's own message hides between others.
fn require_target() -> Result<(), String> {
    let rustc = variable("RUSTC")?;
    let answer = Command::new(&rustc)
        .args(["--print", "target-libdir", "--target", GUEST_TARGET])
        .output()
        .map_err(|error| format!("{rustc}: {error}"))?;
    let folder = String::from_utf8_lossy(&answer.stdout);
    if answer.status.success() && Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    Err(format!(
        "the built-in merge policy is a WebAssembly component, and this toolchain cannot build \
         one yet; run\n\n    rustup target add {GUEST_TARGET}\n"
    ))
}

/// Runs cargo for the guest; returns the component's path.
///
/// It has a target directory of its own, because the outer cargo holds the
/// lock of the other one, and none of the outer build's settings: flags, a
/// wrapper (clippy, coverage) or a target directory meant for the host would
/// break the guest or silently change it.
fn build_guest(root: &Path, out: &Path) -> Result<PathBuf, String> {
    let target = out.join("guest");
    let mut cargo = Command::new(variable("CARGO")?);
    for (name, _) in env::vars_os() {
        if name.to_str().is_none_or(is_about_the_outer_build) {
            cargo.env_remove(name);
        }
    }
    let status = cargo
        // The stack stays small, so that an instance is two pages and not 17.
        .env("CARGO_ENCODED_RUSTFLAGS", "-Clink-arg=-zstack-size=65536")
        .args(["rustc", "--locked", "--package", "guest-merge", "--lib"])
        .args(["--crate-type", "cdylib", "--profile", "guest", "--target", GUEST_TARGET])
        .arg("--manifest-path")
        .arg(root.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status()
        .map_err(|error| format!("cargo for the built-in merge policy: {error}"))?;
    if !status.success() {
        return Err("the built-in merge policy (guest-merge) did not build; see above".to_owned());
    }
    Ok(target.join(GUEST_TARGET).join("guest").join("guest_merge.wasm"))
}

/// Where crates come from stays; everything else of cargo's and rustc's goes.
fn is_about_the_outer_build(name: &str) -> bool {
    const KEPT: [&str; 5] =
        ["CARGO_HOME", "CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR", "CARGO_SOURCE_"];
    let is_tools = ["CARGO", "RUSTC", "RUSTFLAGS", "RUSTDOC", "CLIPPY"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    is_tools && !KEPT.iter().any(|prefix| name.starts_with(prefix))
}

/// Compiles for the target's baseline: naming the target keeps features that
/// only the building machine has out of the code.
fn precompile(wasm: &[u8]) -> Result<Vec<u8>, String> {
    let mut config = compile::config();
    config.target(&variable("TARGET")?).map_err(|error| format!("{error:#}"))?;
    wasmtime::Engine::new(&config)
        .and_then(|engine| engine.precompile_component(wasm))
        .map_err(|error| format!("the built-in merge policy does not compile: {error:#}"))
}
