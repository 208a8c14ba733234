//! A new policy on this machine.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::policy::is_name;

/// What is written.
#[derive(Args, Clone, Debug)]
pub struct New {
    /// The policy's name: a-z, 0-9 and -
    #[arg(value_parser = name)]
    pub name: String,
    /// The language it is written in
    #[arg(long)]
    pub lang: Language,
    /// The folder that is made; ./NAME by default
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A language with a scaffold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Rust, built by cargo.
    Rust,
    /// C, built by zig cc.
    C,
    /// JavaScript, with QuickJS inside.
    Js,
    /// Python, with CPython inside.
    Python,
    /// Go, with its runtime inside.
    Go,
}

/// What is built.
#[derive(Args, Clone, Debug)]
pub struct Build {
    /// The folder of a policy in Rust
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn name(text: &str) -> Result<String, String> {
    if !is_name(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err("expected 1 to 64 of a-z, 0-9 and -, a letter first".to_owned());
    }
    if text == guest_merge::NAME {
        return Err(format!("{text} is the built-in policy: choose another name"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_files_crates_and_the_proxy_take() {
        assert_eq!(name("median-3").as_deref(), Ok("median-3"));
        for bad in ["", "fill", "Median", "3-medians", "a_b", "-a", &"a".repeat(65)] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }
}
