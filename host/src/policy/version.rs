//! A component at rest: checked, compiled, linked, and described.
//!
//! In comes a compiled component; out comes what instances are made from.
//! Everything slow or refusable about a component happens before or here,
//! never during a query.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use super::contract::MergePolicyPre;
use super::engine::Engine;
use super::guest::{Guest, Terminus};
use super::sandbox::Sandbox;
use super::slots::{Share, Slot};
use super::usage::Usage;
use super::{Error, Fault, Limits, fit, form, laws};

/// The built-in policy, compiled by the build script.
static BUILTIN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/builtin.cwasm"));
static BUILTIN_WASM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/builtin.wasm"));

/// Longest wait for a sandbox outside of queries.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// One version of a policy.
pub struct Version {
    engine: Engine,
    pre: MergePolicyPre<Sandbox>,
    description: Description,
    identity: Identity,
    imports: Vec<String>,
    exports: Vec<String>,
    is_builtin: bool,
    share: Arc<Share>,
    usage: Usage,
}

/// Which bytes a version is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// SHA-256 in hexadecimal.
    pub(super) digest: String,
    /// Number of bytes.
    pub(super) size: usize,
}

impl Identity {
    pub(super) fn of(wasm: &[u8]) -> Self {
        Self { digest: digest_of(wasm), size: wasm.len() }
    }
}

/// What a policy says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Short name.
    pub name: String,
    /// Its own version, for people.
    pub version: String,
    /// JSON schema of its settings.
    pub settings_schema: String,
}

impl std::fmt::Debug for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Version")
            .field("description", &self.description)
            .field("digest", &self.identity.digest)
            .finish_non_exhaustive()
    }
}

impl Version {
    /// The built-in policy as a component; loads in a fraction of a
    /// millisecond.
    ///
    /// # Errors
    /// When this processor cannot run it.
    pub fn builtin(engine: &Engine) -> Result<Self, Error> {
        let component = deserialize(engine, BUILTIN)?;
        let identity = Identity::of(BUILTIN_WASM);
        let version = Self::link(engine, &component, identity, &laws::patient(&Limits::default()))?;
        Ok(Self { is_builtin: true, ..version })
    }

    /// The built-in policy's component, as it could be uploaded.
    #[must_use]
    pub const fn builtin_wasm() -> &'static [u8] {
        BUILTIN_WASM
    }

    /// Checks and compiles a component, or a core module that carries its
    /// component's type, in this process; takes its time (some 50 ms for a
    /// small one, seconds for a language runtime), so call it off the reactor.
    /// Bytes of strangers are better off with a [`super::Loader`].
    ///
    /// # Errors
    /// When it is no component, does not fit the contract, imports anything
    /// that policies may not have, or fails to describe itself within
    /// `limits`.
    pub fn load(engine: &Engine, wasm: &[u8], limits: &Limits) -> Result<Self, Error> {
        let bytes = form::component_of(wasm)?;
        let component = Component::from_binary(engine.wasm(), &bytes)
            .map_err(|error| Error::Compile(form::cut(&format!("{error:#}"))))?;
        Self::link(engine, &component, Identity::of(wasm), limits)
    }

    /// Checks and links what was compiled.
    pub(super) fn link(
        engine: &Engine,
        component: &Component,
        identity: Identity,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let imports = fit::imports(engine, component)?;
        let exports = fit::exports(engine, component)?;
        let pre = engine
            .linker()
            .instantiate_pre(component)
            .map_err(|error| Error::Imports(format!("{error:#}")))?;
        let pre = MergePolicyPre::new(pre).map_err(|e| Error::Interface(format!("{e:#}")))?;
        let share = Arc::default();
        let until = Instant::now() + LONGEST_WAIT;
        let busy = || Error::Failed("start", Fault::Busy);
        let slot = engine.slot(&share, until).ok_or_else(busy)?;
        let terminus = Terminus { call_ms: limits.deadline_ms, all: None };
        // Only an instance has its types checked.
        let mut guest = Guest::start((engine, slot), &pre, limits, 0, terminus)
            .map_err(|fault| Error::Interface(fault.to_string()))?;
        let description = guest.describe().map_err(|fault| Error::Failed("describe", fault))?;
        drop(guest);
        Ok(Self {
            engine: engine.clone(),
            pre,
            description: fit::description(description)?,
            identity,
            imports,
            exports,
            is_builtin: false,
            share,
            usage: Usage::default(),
        })
    }

    /// What the policy says of itself.
    #[must_use]
    pub const fn description(&self) -> &Description {
        &self.description
    }

    /// True for the component that is part of this executable.
    #[must_use]
    pub const fn is_builtin(&self) -> bool {
        self.is_builtin
    }

    /// SHA-256 of the component's bytes, as they were uploaded, in
    /// hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.identity.digest
    }

    /// Number of the component's bytes, as they were uploaded.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.identity.size
    }

    /// Bytes of the machine code made of it, with its tables.
    #[must_use]
    pub fn code_size(&self) -> usize {
        let image = self.pre.instance_pre().component().image_range();
        image.end as usize - image.start as usize
    }

    /// Names of the interfaces it imports; the sandbox has them empty.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// Names of what it exports; what is not the contract is not looked at.
    #[must_use]
    pub fn exports(&self) -> &[String] {
        &self.exports
    }

    /// What all its bindings did together.
    #[must_use]
    pub const fn usage(&self) -> &Usage {
        &self.usage
    }

    /// A fresh instance, outside of queries: `limits` are its only ones.
    pub(super) fn start(&self, limits: &Limits, evaluation_ms: i64) -> Result<Guest, Fault> {
        let slot = self.slot(Instant::now() + LONGEST_WAIT)?;
        let terminus = Terminus { call_ms: limits.deadline_ms, all: None };
        self.start_in(slot, limits, evaluation_ms, terminus)
    }

    /// The right to a sandbox, if there is one in time.
    pub(super) fn slot(&self, until: Instant) -> Result<Slot, Fault> {
        self.engine.slot(&self.share, until).ok_or(Fault::Busy)
    }

    /// A fresh instance.
    pub(super) fn start_in(
        &self,
        slot: Slot,
        limits: &Limits,
        evaluation_ms: i64,
        terminus: Terminus,
    ) -> Result<Guest, Fault> {
        Guest::start((&self.engine, slot), &self.pre, limits, evaluation_ms, terminus)
    }
}

/// Machine code as a component. The bytes must be the output of our own
/// compiler: the build script's, or one that a loader ran and nobody but this
/// user could change since.
#[expect(unsafe_code, reason = "loading machine code that our own compiler made")]
pub(super) fn deserialize(engine: &Engine, machine_code: &[u8]) -> Result<Component, Error> {
    // SAFETY: both callers pass what wasmtime's compiler made for us: part of
    // this executable, or what a process of this executable wrote (see
    // `loader`), never bytes that came from outside. The engine refuses what
    // another version, other settings or another processor made.
    let component = unsafe { Component::deserialize(engine.wasm(), machine_code) };
    component.map_err(|error| Error::Compile(format!("{error:#}")))
}

/// How policies are told apart: SHA-256, in hexadecimal.
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
