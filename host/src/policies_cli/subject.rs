//! The policy that a command is about: a file, or the built-in one.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Error;
use crate::cli::policy::Subject;
use crate::policy::{self, Engine, EngineLimits, Loader, Spec, Version};

/// In place of a file: the policy in this executable.
pub(super) const BUILTIN: &str = "builtin";

/// A policy and how it is used.
pub(super) struct Loaded {
    /// The file, as it was given.
    pub(super) path: String,
    pub(super) spec: Spec,
    /// None for the built-in policy, whose bytes nobody gave.
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) engine: Engine,
    /// Why not, if it cannot be loaded.
    pub(super) version: Result<Arc<Version>, policy::Error>,
}

/// Reads and loads it. That it is refused is no error here.
pub(super) fn load(subject: &Subject) -> Result<Loaded, Error> {
    let path = subject.file.display().to_string();
    let engine =
        Engine::new(&EngineLimits::default()).map_err(|reason| Error::Policy { path, reason })?;
    load_into(&engine, subject)
}

/// As [`load`], into an engine that is there.
pub(super) fn load_into(engine: &Engine, subject: &Subject) -> Result<Loaded, Error> {
    let path = subject.file.display().to_string();
    let spec = spec(subject)?;
    let is_builtin = subject.file == Path::new(BUILTIN);
    let bytes = if is_builtin { None } else { Some(read(&subject.file)?) };
    // An operator's own file: in this process.
    let loader = Loader::in_process(engine.clone());
    let version = loader.and_then(|loader| match &bytes {
        None => Ok(loader.builtin()),
        Some(bytes) => loader.load(bytes),
    });
    Ok(Loaded { path, spec, bytes, engine: engine.clone(), version })
}

/// A file, whole.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::File { path: path.display().to_string(), source })
}

/// How the policy is used: its settings, under the default limits.
fn spec(subject: &Subject) -> Result<Spec, Error> {
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

/// What every command says of a policy that could be loaded.
pub(super) fn identity(version: &Version) -> Value {
    let description = version.description();
    json!({
        "name": description.name,
        "version": description.version,
        "digest": version.digest(),
        "size": version.size(),
    })
}

/// The same for people, in one line.
pub(super) fn title(version: &Version) -> String {
    let description = version.description();
    let digest = &version.digest()[..12];
    format!("{} {} ({digest}, {} bytes)", description.name, description.version, version.size())
}
