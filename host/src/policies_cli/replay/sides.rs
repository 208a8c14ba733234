//! The two policies of a replay.
//!
//! The built-in one is bound as each recorded group had it, unless settings
//! are given, so it may be several bindings.

use std::path::Path;
use std::sync::Arc;

use super::super::subject::{self, Loaded};
use crate::cli::policy::{Replay, Subject};
use crate::policies_cli::Error;
use crate::policy::recording::{Entry, Recorded};
use crate::policy::{Binding, Engine, Settings, Spec, Version};

/// Bindings that are kept: a recording has some groups, each with settings.
const MAX_BINDINGS: usize = 64;

/// A policy for every entry.
pub(super) struct Side {
    path: String,
    version: Arc<Version>,
    /// None: as recorded.
    spec: Option<Spec>,
    /// By the settings that differ from entry to entry.
    bindings: Vec<(String, Arc<Binding>)>,
}

/// True if the policy in this executable answered, or its native form.
pub(super) fn is_builtin(policy: &Recorded) -> bool {
    policy.name.is_empty() || policy.name == guest_merge::NAME
}

impl Side {
    /// The policy that is tried.
    pub(super) fn subject(engine: &Engine, args: &Replay) -> Result<Self, Error> {
        Self::load(engine, &args.subject)
    }

    /// What it is compared with.
    pub(super) fn against(engine: &Engine, args: &Replay) -> Result<Self, Error> {
        let file = args.against.clone();
        let file = file.unwrap_or_else(|| Path::new(subject::BUILTIN).to_owned());
        let settings = args.against_settings.clone();
        Self::load(engine, &Subject { file, settings, settings_file: None })
    }

    fn load(engine: &Engine, given: &Subject) -> Result<Self, Error> {
        let Loaded { path, spec, bytes, version, .. } = subject::load_into(engine, given)?;
        let version = version.map_err(|reason| Error::Policy { path: path.clone(), reason })?;
        let is_given = given.settings.is_some() || given.settings_file.is_some();
        let spec = (bytes.is_some() || is_given).then_some(spec);
        let mut side = Self { path, version, spec, bindings: Vec::new() };
        // What is wrong with the settings is said before anything is read.
        if side.spec.is_some() {
            side.bind("")?;
        }
        Ok(side)
    }

    /// The policy for an entry.
    pub(super) fn of(&mut self, entry: &Entry) -> Result<Arc<Binding>, Error> {
        let recorded = if is_builtin(&entry.policy) && !entry.policy.settings.is_empty() {
            &entry.policy.settings
        } else {
            &entry.policy.builtin
        };
        let key = if self.spec.is_some() { "" } else { recorded.as_str() };
        match self.bindings.iter().find(|(own, _)| own == key) {
            Some((_, binding)) => Ok(Arc::clone(binding)),
            None => self.bind(key),
        }
    }

    fn bind(&mut self, recorded: &str) -> Result<Arc<Binding>, Error> {
        let mut spec = self.spec.clone().unwrap_or_else(|| Spec::with_settings(recorded));
        // A replay is there to see every fault.
        spec.park_after = 0;
        let binding = Binding::component(Arc::clone(&self.version), spec, Settings::default())
            .map_err(|reason| Error::Policy { path: self.path.clone(), reason })?;
        let binding = Arc::new(binding);
        if self.bindings.len() == MAX_BINDINGS {
            self.bindings.remove(0);
        }
        self.bindings.push((recorded.to_owned(), Arc::clone(&binding)));
        Ok(binding)
    }

    /// How people know it.
    pub(super) fn title(&self) -> String {
        let name = &self.version.description().name;
        match &self.spec {
            None => format!("{name}, the built-in rule with the recorded settings"),
            Some(spec) if spec.settings.is_empty() => {
                format!("{name} {}", &self.version.digest()[..12])
            }
            Some(spec) => {
                format!("{name} {}, settings {}", &self.version.digest()[..12], spec.settings)
            }
        }
    }
}
