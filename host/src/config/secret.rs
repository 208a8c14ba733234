//! Texts that must not be seen: passwords, tokens, private keys.
//!
//! Comes in: the text of the file, or the path of a file that holds it. Goes
//! out: the text, to the one caller that asks by name. Every other way out
//! (`Debug`, `Display`, the effective configuration) prints a mask.

use std::fmt;
use std::path::{Path, PathBuf};

/// What is printed in place of a secret.
pub const MASK: &str = "<secret>";

/// Whether a header or parameter of this name usually carries a credential.
pub(super) fn looks_secret(name: &str) -> bool {
    const PARTS: [&str; 6] = ["auth", "cookie", "credential", "password", "secret", "token"];
    let name = name.to_ascii_lowercase();
    PARTS.iter().any(|part| name.contains(part)) || name.ends_with("key")
}

/// A text that prints as [`MASK`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text out of sight.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself. For the request that needs it, never for a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Where a text comes from: the configuration itself, or a file that is read
/// when the text is needed, so that it can be rotated without a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source<T> {
    /// Written in the configuration.
    Inline(T),
    /// Read from this file at each use. A relative path counts from the
    /// working directory of the process, as in promxy.
    File(PathBuf),
}

impl<T> Source<T> {
    /// The file, if the text is not in the configuration.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Inline(_) => None,
            Self::File(path) => Some(path),
        }
    }
}

impl Source<Secret> {
    /// The secret of this moment; surrounding white space of a file is cut
    /// off, as Prometheus does.
    ///
    /// # Errors
    /// When the file cannot be read or is not UTF-8.
    pub fn read(&self) -> std::io::Result<Secret> {
        match self {
            Self::Inline(secret) => Ok(secret.clone()),
            Self::File(path) => read_trimmed(path).map(Secret::new),
        }
    }
}

impl Source<String> {
    /// The text of this moment; surrounding white space of a file is cut off.
    ///
    /// # Errors
    /// When the file cannot be read or is not UTF-8.
    pub fn read(&self) -> std::io::Result<String> {
        match self {
            Self::Inline(text) => Ok(text.clone()),
            Self::File(path) => read_trimmed(path),
        }
    }
}

fn read_trimmed(path: &Path) -> std::io::Result<String> {
    Ok(std::fs::read_to_string(path)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_a_mask_everywhere() {
        let source = Source::Inline(Secret::new("hunter2".to_owned()));
        assert_eq!(format!("{source:?}"), "Inline(<secret>)");
        assert_eq!(Secret::new("hunter2".to_owned()).to_string(), MASK);
        assert_eq!(source.read().expect("nothing is read").expose(), "hunter2");
    }

    #[test]
    fn a_secret_in_a_file_is_read_at_use_and_trimmed() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let source = Source::<Secret>::File(file.path().to_owned());
        for token in ["one", "two"] {
            std::fs::write(file.path(), format!("{token}\n")).expect("write");
            assert_eq!(source.read().expect("read").expose(), token);
        }
    }
}
