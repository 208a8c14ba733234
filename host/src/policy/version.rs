//! A component at rest: checked, compiled, linked, and described.
//!
//! In come its bytes; out comes what instances are made from. Everything slow
//! or refusable about a component happens here, never during a query.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::contract::MergePolicyPre;
use super::engine::Engine;
use super::guest::Guest;
use super::sandbox::Sandbox;
use super::{Error, Limits};

/// The built-in policy, compiled by the build script.
static BUILTIN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/builtin.cwasm"));
static BUILTIN_WASM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/builtin.wasm"));

/// Interfaces that language runtimes bring along; the sandbox has them empty.
const EMPTY_INTERFACES: [&str; 6] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// One version of a policy.
pub struct Version {
    engine: Engine,
    pre: MergePolicyPre<Sandbox>,
    description: Description,
    digest: String,
    size: usize,
    imports: Vec<String>,
    is_builtin: bool,
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
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl Version {
    /// The built-in policy as a component; loads in a fraction of a
    /// millisecond.
    ///
    /// # Errors
    /// When this processor cannot run it.
    #[expect(unsafe_code, reason = "loading machine code that this build made")]
    pub fn builtin(engine: &Engine) -> Result<Self, Error> {
        // SAFETY: the bytes are the output of wasmtime's compiler, made by
        // this crate's build script and read-only since; the engine refuses
        // them if settings or version differ.
        let component = unsafe { Component::deserialize(engine.wasm(), BUILTIN) };
        let component = component.map_err(|error| Error::Compile(format!("{error:#}")))?;
        let version = Self::link(engine, &component, BUILTIN_WASM, &Limits::default())?;
        Ok(Self { is_builtin: true, ..version })
    }

    /// Checks and compiles a component from anywhere; takes its time (some
    /// 50 ms for a small one, seconds for a language runtime), so call it off
    /// the reactor.
    ///
    /// # Errors
    /// When it is no component, does not fit the contract, imports anything
    /// that policies may not have, or fails to describe itself within
    /// `limits`.
    pub fn load(engine: &Engine, wasm: &[u8], limits: &Limits) -> Result<Self, Error> {
        require_component(wasm)?;
        let component = Component::from_binary(engine.wasm(), wasm)
            .map_err(|error| Error::Compile(format!("{error:#}")))?;
        Self::link(engine, &component, wasm, limits)
    }

    fn link(
        engine: &Engine,
        component: &Component,
        wasm: &[u8],
        limits: &Limits,
    ) -> Result<Self, Error> {
        let imports = check_imports(engine, component)?;
        let pre = engine
            .linker()
            .instantiate_pre(component)
            .map_err(|error| Error::Imports(format!("{error:#}")))?;
        let pre = MergePolicyPre::new(pre).map_err(|e| Error::Interface(format!("{e:#}")))?;
        // Only an instance has its types checked.
        let mut guest = Guest::start(engine, &pre, limits, 0)
            .map_err(|fault| Error::Interface(fault.to_string()))?;
        let description = guest.describe().map_err(|fault| Error::Failed("describe", fault))?;
        drop(guest);
        Ok(Self {
            engine: engine.clone(),
            pre,
            description: check_description(description)?,
            digest: hex(&Sha256::digest(wasm)),
            size: wasm.len(),
            imports,
            is_builtin: false,
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

    /// SHA-256 of the component's bytes, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Number of the component's bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
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

    /// A fresh instance.
    pub(super) fn start(
        self: &Arc<Self>,
        limits: &Limits,
        evaluation_ms: i64,
    ) -> Result<Guest, super::Fault> {
        Guest::start(&self.engine, &self.pre, limits, evaluation_ms)
    }
}

fn require_component(wasm: &[u8]) -> Result<(), Error> {
    let refuse = |text: &str| Err(Error::NotAComponent(text.to_owned()));
    match wasm {
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => refuse(
            "this is a core module, not a component: wrap it with `wasm-tools component new`",
        ),
        [0, b'a', b's', b'm', ..] => Ok(()),
        _ if wasmtime::Engine::detect_precompiled(wasm).is_some() => {
            refuse("this is machine code of some wasmtime: upload the component it was made from")
        }
        _ => refuse("this is no WebAssembly"),
    }
}

/// Names of the imported interfaces.
fn check_imports(engine: &Engine, component: &Component) -> Result<Vec<String>, Error> {
    let mut imports = Vec::new();
    let mut refused = Vec::new();
    for (name, item) in component.component_type().imports(engine.wasm()) {
        let functions = match item.ty {
            ComponentItem::Type(_) => continue,
            ComponentItem::ComponentInstance(instance) => {
                let is_type = |item: &ComponentItem| matches!(item, ComponentItem::Type(_));
                let exports = instance.exports(engine.wasm());
                let things: Vec<_> = exports
                    .filter(|(_, item)| !is_type(&item.ty))
                    .map(|(name, _)| name.to_owned())
                    .collect();
                if things.is_empty() {
                    continue; // an interface of types only
                }
                things
            }
            _ => Vec::new(),
        };
        if EMPTY_INTERFACES.iter().any(|known| name.starts_with(known)) {
            imports.push(name.to_owned());
        } else if functions.is_empty() {
            refused.push(name.to_owned());
        } else {
            refused.push(format!("{name} ({})", functions.join(", ")));
        }
    }
    if refused.is_empty() { Ok(imports) } else { Err(Error::Imports(refused.join("; "))) }
}

/// The name goes into logs, warnings and metrics, so it must be one.
fn check_description(description: Description) -> Result<Description, Error> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let name = &description.name;
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
        return Err(Error::Interface(format!(
            "its name must be 1 to 64 of a-z, 0-9 and -, not {name:?}"
        )));
    }
    Ok(description)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
