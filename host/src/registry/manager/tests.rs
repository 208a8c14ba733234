//! The registry with real components and a fleet that remembers what it got.
//!
//! The components are the built-in one, with a few bytes more each so that
//! they are versions of their own.

mod bindings;
mod configured;
mod uploads;

use std::path::Path;
use std::sync::Mutex;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::config::{self, Config};
use crate::policy::{Engine, EngineLimits, Loader};
use crate::registry::{BindingInfo, LimitsText, Source, State, digest};

/// Groups with and without names, one with another rule than the default.
const GROUPS: &str = "promxy: {server_groups: [
    {name: site-a, static_configs: [{targets: [a, b]}]},
    {static_configs: [{targets: [c]}], prefer_max: true},
]}";

/// A fleet that remembers.
#[derive(Debug, Default)]
struct Fleet {
    active: Mutex<Vec<Option<Arc<Binding>>>>,
    shadows: Mutex<Vec<Option<Arc<Binding>>>>,
}

fn set(all: &Mutex<Vec<Option<Arc<Binding>>>>, at: usize, new: Option<Arc<Binding>>) {
    let mut all = all.lock().expect("no panic");
    let size = all.len().max(at + 1);
    all.resize(size, None);
    all[at] = new;
}

impl Fleet {
    fn active(&self, at: usize) -> Option<String> {
        digest_at(&self.active, at)
    }

    fn shadow(&self, at: usize) -> Option<String> {
        digest_at(&self.shadows, at)
    }
}

fn digest_at(all: &Mutex<Vec<Option<Arc<Binding>>>>, at: usize) -> Option<String> {
    let all = all.lock().expect("no panic");
    let binding = all.get(at)?.as_ref()?;
    Some(binding.version().map_or_else(String::new, |version| version.digest().to_owned()))
}

impl Groups for Fleet {
    fn bind(&self, ordinal: usize, binding: Arc<Binding>) {
        set(&self.active, ordinal, Some(binding));
    }

    fn shadow(&self, ordinal: usize, candidate: Option<Arc<Binding>>) {
        set(&self.shadows, ordinal, candidate);
    }

    fn report(&self, ordinal: usize) -> Option<Value> {
        digest_at(&self.shadows, ordinal).map(|digest| json!({ "of": digest }))
    }
}

/// A registry, its fleet and its folder.
struct Proxy {
    registry: Registry,
    fleet: Arc<Fleet>,
    folder: TempDir,
}

fn config(text: &str) -> Config {
    config::parse(text, "f", Path::new("")).unwrap_or_else(|error| panic!("{error}"))
}

/// Breaks a law with the rule `max`.
fn judge(_: &Arc<Version>, spec: &Spec) -> Result<laws::Report, laws::Refusal> {
    if spec.settings.contains("max\"") && !spec.settings.contains("prefer_max") {
        let input = "one replica, one sample".to_owned();
        let violation = laws::Violation {
            law: "nothing-invented",
            demands: "an answer has only samples of the replicas",
            input,
            answer: "two samples".to_owned(),
        };
        return Err(laws::Refusal::Law(Box::new(violation)));
    }
    Ok(laws::Report { held: Vec::new(), remarks: Vec::new() })
}

fn open(folder: &Path, limits: StoreLimits) -> Result<Registry, Error> {
    let engine = Engine::new(&EngineLimits::default()).expect("an engine");
    let loader = Loader::in_process(engine).expect("a loader");
    Registry::open(folder.join("policies"), limits, Box::new(loader), Box::new(judge))
}

fn start_in(folder: TempDir, text: &str) -> Proxy {
    let registry = open(folder.path(), StoreLimits::default()).expect("opens");
    let proxy = Proxy { registry, fleet: Arc::default(), folder };
    proxy.read(text).expect("a configuration that can be used");
    proxy
}

fn start() -> Proxy {
    start_in(TempDir::new().expect("a temporary folder"), GROUPS)
}

impl Proxy {
    /// Reads a configuration, at the start or again.
    fn read(&self, text: &str) -> Result<(), SetUpError> {
        let config = config(text);
        let prepared = self.registry.prepare(&config)?;
        for group in &config.server_groups {
            self.fleet.bind(group.ordinal, prepared.binding(group.ordinal));
        }
        let fleet = Arc::clone(&self.fleet);
        self.registry.adopt(prepared, fleet, || ()).expect("nobody else binds");
        Ok(())
    }

    /// The same folder in a new process.
    fn restart(self, text: &str) -> Self {
        let Self { registry, folder, .. } = self;
        drop(registry);
        start_in(folder, text)
    }

    fn put(&self, name: &str, wasm: &[u8]) -> Changed {
        self.registry
            .put(name, wasm, &Expect::Anything, "ann")
            .unwrap_or_else(|error| panic!("{error}"))
    }

    fn bind(&self, group: &str, bind: &Bind) -> GroupInfo {
        self.registry
            .bind(group, bind, &Expect::Anything, "ann")
            .unwrap_or_else(|error| panic!("{error}"))
    }

    fn refused(&self, group: &str, bind: &Bind) -> String {
        let refused = self.registry.bind(group, bind, &Expect::Anything, "ann");
        refused.expect_err("refused").to_string()
    }

    fn group(&self, group: &str) -> GroupInfo {
        self.registry.group(group).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// A component of its own.
fn component(mark: u8) -> Vec<u8> {
    let mut wasm = Version::builtin_wasm().to_vec();
    // A custom section with a name of one byte.
    wasm.extend([0, 2, 1, mark]);
    wasm
}

fn named(name: &str) -> Bind {
    Bind { name: Some(name.to_owned()), ..Bind::default() }
}

fn shadow(name: &str) -> Bind {
    Bind { shadow: true, ..named(name) }
}

fn what(info: &BindingInfo) -> (&str, &str, Source, State) {
    (&info.policy, &info.digest, info.source, info.state)
}
