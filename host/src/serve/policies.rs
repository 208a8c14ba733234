//! The registry's connections: to what compiles, to what checks the laws, and
//! to the fleet that uses what is bound.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde_json::Value;

use super::Error;
use crate::cli::PolicyStore;
use crate::config::{self, Config, GroupPolicy};
use crate::gather::Fleet;
use crate::policy::laws::Effort;
use crate::policy::shadow::{Bounds, Pool, Shadow};
use crate::policy::{
    self, Binding, CompileLimits, Compiler, Engine, EngineLimits, Loader, LoaderOptions, Spec,
    Version, laws,
};
use crate::registry::{
    Bind, Groups, Judge, Load, Registry, SetUpError, StoreLimits, check_component,
};
use crate::telemetry::Metrics;

/// Opens the registry of a proxy.
pub(super) fn open(store: &PolicyStore) -> Result<Registry, Error> {
    let limits = StoreLimits { bytes: store.max_bytes, ..StoreLimits::default() };
    let folder = store.folder();
    let loader = loader(Some(folder.path.join("compiled")))?;
    Ok(Registry::open(folder, limits, Box::new(loader), Judged::judge())?)
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
    check_with(config, || loader(None))
}

fn check_with(
    config: &Config,
    load: impl Fn() -> Result<Loader, Error>,
) -> Result<Vec<String>, Error> {
    let mut notes = Vec::new();
    let mut loader = None;
    for policy in config.server_groups.iter().filter_map(|group| group.policy.as_ref()) {
        let GroupPolicy { bind, path, place } = policy;
        match path {
            Some(path) => {
                let loader = match &loader {
                    Some(loader) => loader,
                    None => loader.insert(load()?),
                };
                check_file(loader, path, bind)
                    .map_err(|cause| SetUpError { place: place.clone(), cause })?;
            }
            None if bind.name.as_deref() == Some(guest_merge::NAME) => {}
            None => notes.push(format!("{place}: not checked: only the running proxy has it")),
        }
    }
    Ok(notes)
}

/// The error says what is wrong with the file or with how it is bound.
fn check_file(loader: &Loader, path: &Path, bind: &Bind) -> Result<(), String> {
    let wasm =
        std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    check_component(loader, &check_laws, &wasm, bind).map_err(|error| error.to_string())
}

impl Load for Loader {
    fn load(&self, wasm: &[u8]) -> Result<Arc<Version>, policy::Error> {
        Self::load(self, wasm)
    }

    fn builtin(&self) -> Arc<Version> {
        Self::builtin(self)
    }
}

/// Shadows of the process, over all its configurations.
pub(super) struct Shadows {
    pool: Arc<Pool>,
    metrics: Arc<Metrics>,
    live: Mutex<Vec<Weak<Shadow>>>,
}

impl Shadows {
    /// None yet.
    pub(super) fn new(metrics: &Arc<Metrics>) -> Result<Arc<Self>, Error> {
        let pool = Pool::start(Bounds::default()).map_err(|error| Error::SetUp {
            what: "the thread of shadow policies",
            cause: error.to_string(),
        })?;
        Ok(Arc::new(Self { pool, metrics: Arc::clone(metrics), live: Mutex::default() }))
    }

    /// The shadow with this candidate: the one that there is, with what it has
    /// seen, or a new one.
    fn of(&self, candidate: Arc<Binding>, group: &str) -> Arc<Shadow> {
        let mut live = lock(&self.live);
        live.retain(|shadow| shadow.strong_count() > 0);
        let mut known = live.iter().filter_map(Weak::upgrade);
        if let Some(shadow) = known.find(|known| Arc::ptr_eq(known.candidate(), &candidate)) {
            return shadow;
        }
        let shadow = Shadow::new(candidate, &self.pool, self.metrics.shadow_of(group));
        live.push(Arc::downgrade(&shadow));
        shadow
    }
}

/// The server groups of one configuration, running.
pub(super) struct Running {
    fleet: Arc<Fleet>,
    shadows: Arc<Shadows>,
    /// What metrics call the groups.
    titles: Vec<String>,
    /// By the number of the group.
    own: Mutex<BTreeMap<usize, Arc<Shadow>>>,
}

impl Running {
    /// The groups of a fleet, in the order of its configuration.
    pub(super) fn new(fleet: Arc<Fleet>, shadows: Arc<Shadows>, config: &Config) -> Arc<Self> {
        let titles = config.server_groups.iter().map(config::ServerGroup::title).collect();
        Arc::new(Self { fleet, shadows, titles, own: Mutex::default() })
    }
}

impl Groups for Running {
    fn bind(&self, ordinal: usize, binding: Arc<Binding>) {
        // A group that is not there uses nothing.
        let _before = self.fleet.bind(ordinal, binding);
    }

    fn shadow(&self, ordinal: usize, candidate: Option<Arc<Binding>>) {
        let title = self.titles.get(ordinal).map_or("", String::as_str);
        let shadow = candidate.map(|candidate| self.shadows.of(candidate, title));
        let mut own = lock(&self.own);
        match &shadow {
            Some(shadow) => own.insert(ordinal, Arc::clone(shadow)),
            None => own.remove(&ordinal),
        };
        self.fleet.shadow(ordinal, shadow);
    }

    fn report(&self, ordinal: usize) -> Option<Value> {
        let report = lock(&self.own).get(&ordinal)?.report();
        Some(serde_json::to_value(report).expect("plain data has a JSON form"))
    }
}

/// What is in these is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Verdicts on what was tried before, so that who goes back and forth between
/// versions does not wait for the same answer again.
#[derive(Default)]
struct Judged(Mutex<BTreeMap<String, laws::Report>>);

/// More ways to use policies than any operator has.
const MOST_VERDICTS: usize = 256;

impl Judged {
    /// What remembers.
    fn judge() -> Box<Judge> {
        let judged = Self::default();
        Box::new(move |version, spec| judged.of(version, spec))
    }

    fn of(&self, version: &Arc<Version>, spec: &Spec) -> Result<laws::Report, laws::Refusal> {
        let key = format!("{} {spec:?}", version.digest());
        if let Some(report) = lock(&self.0).get(&key) {
            return Ok(report.clone());
        }
        let report = check_laws(version, spec)?;
        let mut known = lock(&self.0);
        if known.len() >= MOST_VERDICTS {
            known.clear();
        }
        known.insert(key, report.clone());
        Ok(report)
    }
}

/// Tries the laws of the contract. The built-in policy keeps them under every
/// settings: our own tests see to it.
fn check_laws(version: &Arc<Version>, spec: &Spec) -> Result<laws::Report, laws::Refusal> {
    if version.is_builtin() {
        return Ok(laws::Report { held: Vec::new(), remarks: Vec::new() });
    }
    laws::check(version, spec, Effort::Upload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &str) -> Result<Vec<String>, String> {
        let text = format!("promxy: {{server_groups: [{{policy: {policy}}}]}}");
        let config = config::parse(&text, "f", Path::new("")).map_err(|error| error.to_string())?;
        let load = || Ok(Loader::in_process(Engine::new(&EngineLimits::default())?)?);
        check_with(&config, load).map_err(|error| error.to_string())
    }

    #[test]
    fn the_file_of_a_policy_is_loaded_and_must_take_its_settings() {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("own.wasm"), Version::builtin_wasm()).expect("written");
        std::fs::write(path("text.wasm"), "not wasm").expect("written");
        let own = path("own.wasm");
        assert_eq!(check(&format!("{{path: {own}}}")), Ok(Vec::new()));
        for (policy, expected) in [
            (format!("{{path: {own}, settings: {{rule: worst}}}}"), "worst"),
            (format!("{{path: {}}}", path("text.wasm")), "WebAssembly"),
            (format!("{{path: {}}}", path("none.wasm")), "cannot read"),
        ] {
            let error = check(&policy).expect_err(expected);
            assert!(error.starts_with("f:1:36: promxy.server_groups[0].policy.path: "), "{error}");
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn policies_of_the_store_are_noted_and_the_built_in_one_is_not() {
        let notes = check("{name: median}").expect("a note");
        let expected = "f:1:36: promxy.server_groups[0].policy.name: not checked";
        assert!(notes[0].starts_with(expected), "{notes:?}");
        assert_eq!(check("{name: fill}"), Ok(Vec::new()));
    }
}
