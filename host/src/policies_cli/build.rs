//! `promweave policy build`: a policy in Rust, built by cargo, and what it is.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Error, Verdict, inspect};
use crate::cli::policy::{Build, Inspect, Subject};

const TARGET: &str = "wasm32-wasip2";

/// Builds it; what cargo says goes to standard error.
pub(super) fn run(args: &Build) -> Result<Verdict, Error> {
    let manifest = args.dir.join("Cargo.toml");
    if !manifest.is_file() {
        let source = std::io::Error::from(ErrorKind::NotFound);
        return Err(Error::File { path: manifest.display().to_string(), source });
    }
    require_target()?;
    let file = cargo(&manifest)?;
    let subject = Subject { file, settings: None, settings_file: None };
    inspect::run(&Inspect { subject, json: args.json })
}

/// Checked first, because cargo's own message hides between others.
fn require_target() -> Result<(), Error> {
    let asked = Command::new(program("RUSTC", "rustc"))
        .args(["--print", "target-libdir", "--target", TARGET])
        .output();
    let answer = asked.map_err(|error| Error::Tool {
        what: format!("rustc: {error}"),
        remedy: "install Rust with rustup",
    })?;
    let folder = String::from_utf8_lossy(&answer.stdout);
    if answer.status.success() && Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    Err(Error::Tool {
        what: format!("this Rust cannot build for {TARGET} yet"),
        remedy: "run `rustup target add wasm32-wasip2`",
    })
}

/// Runs cargo; returns the component's path.
fn cargo(manifest: &Path) -> Result<PathBuf, Error> {
    let path = manifest.display().to_string();
    let output = Command::new(program("CARGO", "cargo"))
        .args(["build", "--release", "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics", "--manifest-path"])
        .arg(manifest)
        .stderr(Stdio::inherit())
        .output();
    let output = output.map_err(|error| Error::Tool {
        what: format!("cargo: {error}"),
        remedy: "install Rust with rustup",
    })?;
    let failed = |reason: &str| Error::Build { path: path.clone(), reason: reason.to_owned() };
    if !output.status.success() {
        return Err(failed("it does not build; cargo says why"));
    }
    let components = components(&String::from_utf8_lossy(&output.stdout));
    match <[PathBuf; 1]>::try_from(components) {
        Ok([component]) => Ok(component),
        Err(none) if none.is_empty() => {
            Err(failed("it makes no component: its library needs crate-type = [\"cdylib\"]"))
        }
        Err(_) => Err(failed("it makes several components: name the folder of one package")),
    }
}

/// What the toolchain in use calls itself.
fn program(variable: &str, name: &str) -> impl AsRef<OsStr> {
    std::env::var_os(variable).unwrap_or_else(|| name.into())
}

/// The wasm files among what cargo has made, from its messages.
fn components(messages: &str) -> Vec<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let files = messages.flat_map(|message| {
        let files = message.get("filenames").and_then(Value::as_array).cloned();
        files.unwrap_or_default()
    });
    files
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .filter(|file| file.extension() == Some(OsStr::new("wasm")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_found_among_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","filenames":["/t/libpolicy_kit.rlib"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","filenames":["/t/my_own.wasm"],"fresh":true}"#,
            "\nnot JSON\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(components(messages), [PathBuf::from("/t/my_own.wasm")]);
    }

    #[test]
    fn a_folder_without_a_policy_is_refused() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let args = Build { dir: folder.path().to_owned(), json: false };
        let refused = run(&args).expect_err("no manifest").to_string();
        assert!(refused.ends_with("Cargo.toml"), "{refused}");
    }
}
