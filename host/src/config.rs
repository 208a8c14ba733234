//! The configuration file: promxy's `config.yaml`, and nothing it leaves out.
//!
//! Comes in: text. Goes out: a [`Config`], which has only valid states, or
//! every mistake with file, line, column and path of the key. A key that is
//! unknown, misplaced or not supported yet is a mistake, never ignored.
//!
//! The way: text → tree with places (`yaml`) → are the keys known (`keys`) →
//! values, defaults, cross-checks (`resolve`). Nothing outside of these three
//! sees the shape of the file. No file but the configuration itself is read:
//! certificates and secrets are read where they are used.

pub mod defaults;
mod duration;
mod effective;
mod keys;
mod model;
mod policy_settings;
mod report;
mod resolve;
mod secret;
mod web;
mod yaml;

use std::io::Read as _;
use std::path::{Path, PathBuf};

pub(crate) use keys::nearest;
pub use model::{
    AntiAffinity, Auth, Client, Config, Global, GroupPolicy, Identity, OnFailure, Pushdown,
    RemoteRead, Scheme, ServerGroup, Target, Tls, TlsVersion,
};
pub use policy_settings::{merged_settings, policy_settings};
pub use report::{Mistake, Mistakes, Place};
pub use secret::{MASK, Secret, Source};
pub use web::{ClientAuth, ServerTls, Web, load_web, parse_web};

use report::{Report, START};
use yaml::Cursor;

/// The largest file that is read: about forty thousand server groups.
const MAX_BYTES: usize = 8 << 20;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read at all.
    #[error("cannot read the configuration file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is wrong; one line per mistake.
    #[error("{0}")]
    Invalid(Mistakes),
}

/// Reads a configuration file. Relative paths in it count from the working
/// directory of the process, as in promxy, not from the file.
///
/// # Errors
/// When the file cannot be read, or has mistakes: all of them, in order.
pub fn load(path: &Path) -> Result<Config, Error> {
    let bytes = read(path)?;
    let name = path.display().to_string();
    parse_bytes(&bytes, &name, Path::new(""))
}

/// The bytes of a file, of a large one a little more than are taken.
fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Reads a configuration from text; `file_name` is what messages call it,
/// and relative paths in it count from `base_dir` (empty: as they are).
///
/// # Errors
/// When the text has mistakes: all of them, in order.
pub fn parse(text: &str, file_name: &str, base_dir: &Path) -> Result<Config, Error> {
    let mut report = Report::new(file_name);
    let config = resolve_text(text, base_dir, &mut report);
    let notes = report.finish().map_err(Error::Invalid)?;
    let config = config.expect("without a configuration there is a mistake");
    Ok(Config { notes, ..config })
}

fn resolve_text(text: &str, base_dir: &Path, report: &mut Report) -> Option<Config> {
    if text.len() > MAX_BYTES {
        let text = format!("found more than {MAX_BYTES} bytes, expected a smaller file");
        report.mistake(Mistake { place: START, key: String::new(), text });
        return None;
    }
    let tree = yaml::parse(text, report)?;
    let root = Cursor::root(&tree);
    keys::check(&root, report);
    Some(resolve::config(&root, base_dir, report))
}

fn parse_bytes(bytes: &[u8], file_name: &str, base_dir: &Path) -> Result<Config, Error> {
    parse(text_of(bytes, file_name)?, file_name, base_dir)
}

fn text_of<'a>(bytes: &'a [u8], file_name: &str) -> Result<&'a str, Error> {
    std::str::from_utf8(bytes).map_err(|error| {
        let mut report = Report::new(file_name);
        report.mistake(not_utf8(bytes, error.valid_up_to()));
        Error::Invalid(report.finish().expect_err("there is a mistake"))
    })
}

fn not_utf8(bytes: &[u8], valid_up_to: usize) -> Mistake {
    let before = String::from_utf8_lossy(&bytes[..valid_up_to]);
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let place = Place { line: before.matches('\n').count() + 1, column };
    let byte = bytes[valid_up_to];
    let text = format!("found the byte 0x{byte:02x}, expected UTF-8");
    Mistake { place, key: String::new(), text }
}

#[cfg(test)]
mod tests;
