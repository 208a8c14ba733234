//! The example policies of `docs/policies`: their components, which
//! `make policies` has built, and the tables of their READMEs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use crate::prometheus::target_folder;

/// The examples in Rust.
pub const RUST: [&str; 5] = ["fill-rust", "median", "newest-wins", "quorum", "sticky"];
/// Those in other languages.
pub const OTHERS: [&str; 4] = ["fill-c", "fill-go", "fill-js", "fill-python"];

/// Where the examples' tools and components are.
fn folder() -> PathBuf {
    target_folder().join("policies")
}

/// The component of an example.
///
/// Without it a test is to be skipped; this says so, and refuses to where CI
/// is true.
///
/// # Panics
/// In CI.
#[must_use]
pub fn component(name: &str) -> Option<PathBuf> {
    let path = folder().join("out").join(format!("{name}.wasm"));
    if path.is_file() {
        return Some(path);
    }
    let problem = format!("the policy {name} is not built (make policies)");
    assert!(env::var("CI").as_deref() != Ok("true"), "{problem}");
    let test = thread::current().name().unwrap_or("test").to_owned();
    eprintln!("\n=== SKIPPED {test}: {problem} ===\n");
    None
}

/// A search path of programs on which the tools of an example's language come
/// first.
///
/// # Panics
/// When the search path of this process is not one.
#[must_use]
pub fn tools(language: &str) -> std::ffi::OsString {
    let own = match language {
        "c" => "zig/bin",
        "js" => "fill-js/node_modules/.bin",
        "python" => "componentize/bin",
        "go" => "go/bin",
        _ => "none",
    };
    let others = env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(folder().join(own)).chain(env::split_paths(&others));
    env::join_paths(paths).expect("no folder has a colon")
}

/// Where cargo, zig and go keep what they have made for the examples.
#[must_use]
pub fn cache(name: &str) -> PathBuf {
    folder().join(name)
}

/// What a README says that its policy answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// JSON; empty for the defaults.
    pub settings: String,
    /// Of each replica: moments in milliseconds from the table's beginning,
    /// and values.
    pub replicas: Vec<Vec<(i64, f64)>>,
    /// The merged samples.
    pub answer: Vec<(i64, f64)>,
}

/// The tables of an example's README.
///
/// # Panics
/// When it has none, or a broken one.
#[must_use]
pub fn tables(name: &str) -> Vec<Table> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/policies").join(name);
    let text = fs::read_to_string(folder.join("README.md")).expect("an example has a README");
    let tables = read(&text);
    assert!(!tables.is_empty(), "the README of {name} has no table");
    tables
}

/// A table is an indented block: perhaps `settings`, then `seconds`, then a
/// line for each `replica`, and last the `answer`; `.` is no sample.
fn read(text: &str) -> Vec<Table> {
    let mut tables = Vec::new();
    let (mut table, mut seconds) = (Table::default(), Vec::new());
    for line in text.lines().filter_map(|line| line.strip_prefix("    ")) {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        match name {
            "settings" => table.settings = rest.trim().to_owned(),
            "seconds" => seconds = rest.split_whitespace().map(number).collect(),
            "replica" => {
                let (_, cells) = rest.split_once(' ').expect("a replica has a number");
                table.replicas.push(samples(&seconds, cells));
            }
            "answer" => {
                table.answer = samples(&seconds, rest);
                tables.push(std::mem::take(&mut table));
            }
            _ => {}
        }
    }
    tables
}

fn samples(seconds: &[f64], cells: &str) -> Vec<(i64, f64)> {
    let cells: Vec<&str> = cells.split_whitespace().collect();
    assert_eq!(cells.len(), seconds.len(), "as many cells as moments: {cells:?}");
    let held = seconds.iter().zip(cells).filter(|(_, cell)| *cell != ".");
    held.map(|(second, cell)| ((second * 1000.0) as i64, number(cell))).collect()
}

fn number(text: &str) -> f64 {
    text.parse().expect("a table holds numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_as_people_read_them() {
        let text = "# x\n\n    settings {\"a\": 1}\n    seconds    0  15\n    \
                    replica 0  1   .\n    replica 1  .   2\n    answer     1   2\n";
        let table = Table {
            settings: "{\"a\": 1}".to_owned(),
            replicas: vec![vec![(0, 1.0)], vec![(15_000, 2.0)]],
            answer: vec![(0, 1.0), (15_000, 2.0)],
        };
        assert_eq!(read(text), [table]);
    }

    #[test]
    fn every_example_has_a_table() {
        for name in RUST.iter().chain(&OTHERS) {
            assert!(tables(name).iter().all(|table| table.replicas.len() > 1), "{name}");
        }
    }
}
