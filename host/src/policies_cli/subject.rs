//! The policy that a command is about: a file, or the built-in one.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::Error;
use crate::cli::policy::Subject;
use crate::policy::{self, Engine, Limits, Spec, Version};

/// In place of a file: the policy in this executable.
pub(super) const BUILTIN: &str = "builtin";

/// The component's bytes; none for the built-in policy.
pub(super) fn bytes(subject: &Subject) -> Result<Option<Vec<u8>>, Error> {
    if subject.file == Path::new(BUILTIN) {
        return Ok(None);
    }
    read(&subject.file).map(Some)
}

/// A file, whole.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::File { path: path.display().to_string(), source })
}

/// Loads the component.
pub(super) fn load(engine: &Engine, bytes: Option<&[u8]>) -> Result<Arc<Version>, policy::Error> {
    let version = match bytes {
        None => Version::builtin(engine)?,
        Some(bytes) => Version::load(engine, bytes, &Limits::default())?,
    };
    Ok(Arc::new(version))
}

/// How the policy is used: its settings, under the default limits.
pub(super) fn spec(subject: &Subject) -> Result<Spec, Error> {
    let (from, text) = match (&subject.settings, &subject.settings_file) {
        (Some(text), _) => ("--settings".to_owned(), text.clone()),
        (None, Some(path)) => {
            let bytes = read(path)?;
            (path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned())
        }
        (None, None) => return Ok(Spec::default()),
    };
    let refused = |reason: String| Error::Settings { from, reason };
    match serde_json::from_str::<Value>(&text) {
        Ok(Value::Object(_)) => Ok(Spec::with_settings(text.trim())),
        Ok(other) => Err(refused(format!("this is {other}"))),
        Err(error) => Err(refused(error.to_string())),
    }
}
