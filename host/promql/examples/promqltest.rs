//! Runs every `.test` script below a folder and prints counts: what
//! `make promqltest DIR=<folder>` calls.
//!
//! Names file and line of what fails, also of what cannot be read, and then
//! exits with 1.

#![allow(clippy::print_stdout, reason = "its output is what it is for")]

#[path = "../tests/promqltest/check.rs"]
mod check;
#[path = "../tests/promqltest/load.rs"]
mod load;
#[path = "../tests/promqltest/run.rs"]
mod run;
#[path = "../tests/promqltest/script.rs"]
mod script;
#[path = "../tests/promqltest/sequence.rs"]
mod sequence;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).filter(|folder| !folder.is_empty()) else {
        eprintln!("usage: make promqltest DIR=<folder of .test files>");
        return ExitCode::FAILURE;
    };
    match run_folder(Path::new(&folder)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}: {error}", folder.to_string_lossy());
            ExitCode::FAILURE
        }
    }
}

/// True if there were evals and all passed.
fn run_folder(folder: &Path) -> io::Result<bool> {
    let (mut passed, mut failed) = (0, 0);
    for path in scripts(folder)? {
        let text = std::fs::read_to_string(&path)?;
        let (count, failures) = run::run(&script::parse(&text));
        let name = path.strip_prefix(folder).unwrap_or(&path).display();
        println!("{name}: {} passed, {} failed", count - failures.len(), failures.len());
        for failure in &failures {
            println!("  {}:{}: {}", path.display(), failure.line, failure.text);
        }
        passed += count - failures.len();
        failed += failures.len();
    }
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0 && passed > 0)
}

/// The scripts below a folder, in the order of their names.
fn scripts(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut paths, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "test") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    Ok(paths)
}
