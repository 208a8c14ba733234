//! From uploaded bytes to a version: found, read from the cache, or compiled.
//!
//! In come bytes from anywhere; out comes a checked [`Version`], the same one
//! for the same bytes as long as anybody uses it. Compiling is left to another
//! process (see `child`), one at a time, because hostile bytes can make any
//! compiler slow, large or crash. Its machine code is kept on disk (see
//! `artifacts`) where a folder was given; uploaded bytes are never taken for
//! machine code.

mod artifacts;
mod child;
mod queue;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use self::artifacts::Artifacts;
use self::queue::Queue;
use super::engine::Engine;
use super::laws::PATIENT_DEADLINE_MS;
use super::version::{self, Identity, Version};
use super::{Error, Limits, compile, form};

pub use child::compile_stdin;

/// Who compiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compiler {
    /// This process, without limits: for tests, and for an operator's own
    /// files on the command line.
    InProcess,
    /// A process of its own for every component.
    Child {
        /// An executable of this program; it is run as `policy-compile`.
        program: PathBuf,
    },
}

impl Compiler {
    /// A process of this very executable, even if its file was replaced since.
    #[must_use]
    pub fn of_this_program() -> Self {
        let linux = PathBuf::from("/proc/self/exe");
        let program = if linux.exists() { Ok(linux) } else { std::env::current_exe() };
        program.map_or(Self::InProcess, |program| Self::Child { program })
    }
}

/// What compiling one component may cost, and how many may want it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Bytes of a component.
    pub wasm_bytes: usize,
    /// Address space of the compiling process, in bytes.
    pub memory_bytes: u64,
    /// Processor time, in seconds.
    pub cpu_seconds: u64,
    /// Time from start to end.
    pub wall: Duration,
    /// Bytes of the machine code that comes of it.
    pub code_bytes: usize,
    /// Components that are compiled at a time, above zero.
    pub at_once: usize,
    /// Components that may wait meanwhile.
    pub waiting: usize,
    /// Bytes of machine code that are kept on disk.
    pub cache_bytes: u64,
}

impl Default for CompileLimits {
    /// The largest language runtimes (a Python component: 18 MB) take some
    /// twenty seconds of processor time and less than a gigabyte.
    fn default() -> Self {
        Self {
            wasm_bytes: 64 << 20,
            memory_bytes: 3 << 30,
            cpu_seconds: 120,
            wall: Duration::from_secs(180),
            code_bytes: 512 << 20,
            at_once: 1,
            waiting: 16,
            cache_bytes: 1 << 30,
        }
    }
}

/// How a loader works.
#[derive(Clone, Debug)]
pub struct LoaderOptions {
    /// Where machine code is kept: a folder for nothing else, made when it is
    /// first needed. None: nothing is kept.
    pub artifacts: Option<PathBuf>,
    /// Who compiles.
    pub compiler: Compiler,
    /// What that may cost.
    pub limits: CompileLimits,
}

/// Makes versions of bytes; one per process is enough.
pub struct Loader {
    engine: Engine,
    compiler: Compiler,
    limits: CompileLimits,
    artifacts: Option<Artifacts>,
    builtin: Arc<Version>,
    /// By digest.
    live: Mutex<HashMap<String, Weak<Version>>>,
    queue: Queue,
    compiled: AtomicU64,
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loader")
            .field("compiler", &self.compiler)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Loader {
    /// A loader for an engine.
    ///
    /// # Errors
    /// When this processor cannot run the built-in policy.
    pub fn new(engine: Engine, options: LoaderOptions) -> Result<Self, Error> {
        let LoaderOptions { artifacts, compiler, limits } = options;
        let artifacts =
            artifacts.map(|folder| Artifacts::new(folder, limits.cache_bytes, engine.wasm()));
        let builtin = Arc::new(Version::builtin(&engine)?);
        let queue = Queue::new(limits.at_once.max(1), limits.waiting);
        let (live, compiled) = (Mutex::default(), AtomicU64::new(0));
        Ok(Self { engine, compiler, limits, artifacts, builtin, live, queue, compiled })
    }

    /// A loader that compiles in this process and keeps nothing.
    ///
    /// # Errors
    /// When this processor cannot run the built-in policy.
    pub fn in_process(engine: Engine) -> Result<Self, Error> {
        let (compiler, limits) = (Compiler::InProcess, CompileLimits::default());
        Self::new(engine, LoaderOptions { artifacts: None, compiler, limits })
    }

    /// The policy that is part of this executable.
    #[must_use]
    pub fn builtin(&self) -> Arc<Version> {
        Arc::clone(&self.builtin)
    }

    /// Components that were compiled so far: not those found in the cache.
    #[must_use]
    pub fn compiled(&self) -> u64 {
        self.compiled.load(Ordering::Relaxed)
    }

    /// The version that these bytes are: a component, or a core module that
    /// carries its component's type. Takes up to [`CompileLimits::wall`] for
    /// each that waits before it: call it off the reactor.
    ///
    /// # Errors
    /// Every reason not to, in words for whoever sent the bytes;
    /// [`Error::Busy`] and [`Error::Compiler`] are no fault of theirs.
    pub fn load(&self, wasm: &[u8]) -> Result<Arc<Version>, Error> {
        let most = self.limits.wasm_bytes;
        if wasm.len() > most {
            return Err(Error::TooLarge { size: wasm.len(), most });
        }
        form::glance(wasm)?;
        let identity = Identity::of(wasm);
        if let Some(known) = self.known(&identity) {
            return Ok(known);
        }
        let _turn = self.queue.wait()?;
        // Somebody may have sent the same just before.
        if let Some(known) = self.known(&identity) {
            return Ok(known);
        }
        let code = self.compile(wasm, &identity)?;
        let version = self.link(&code, &identity)?;
        if let Some(artifacts) = &self.artifacts {
            artifacts.keep(&identity.digest, &code);
        }
        Ok(version)
    }

    /// The version, if somebody uses it or its machine code is kept.
    fn known(&self, identity: &Identity) -> Option<Arc<Version>> {
        if *self.builtin.digest() == identity.digest {
            return Some(self.builtin());
        }
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(version) = live.get(&identity.digest).and_then(Weak::upgrade) {
            return Some(version);
        }
        drop(live);
        let artifacts = self.artifacts.as_ref()?;
        let code = artifacts.find(&identity.digest)?;
        match self.link(&code, identity) {
            Ok(version) => Some(version),
            Err(error) => {
                let digest = &identity.digest;
                tracing::warn!(%digest, %error, "a kept compilation is not used");
                artifacts.remove(digest);
                None
            }
        }
    }

    fn compile(&self, wasm: &[u8], identity: &Identity) -> Result<Vec<u8>, Error> {
        let started = Instant::now();
        self.compiled.fetch_add(1, Ordering::Relaxed);
        let code = match &self.compiler {
            Compiler::InProcess => machine_code(self.engine.wasm(), wasm),
            Compiler::Child { program } => child::compile(program, wasm, &self.limits),
        };
        let (digest, size, elapsed) = (&identity.digest, identity.size, started.elapsed());
        match &code {
            Ok(code) => {
                tracing::info!(%digest, size, code = code.len(), ?elapsed, "compiled a policy");
            }
            Err(error) => tracing::warn!(%digest, size, %error, ?elapsed, "refused a policy"),
        }
        code
    }

    fn link(&self, code: &[u8], identity: &Identity) -> Result<Arc<Version>, Error> {
        let component = version::deserialize(&self.engine, code)?;
        // No query waits, and nobody has chosen limits yet.
        let limits = Limits {
            deadline_ms: PATIENT_DEADLINE_MS,
            memory_bytes: self.engine.memory_bytes(),
            ..Limits::default()
        };
        let version = Version::link(&self.engine, &component, identity.clone(), &limits)?;
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|_, version| version.strong_count() > 0);
        // Two that were read from the cache at once are to be one.
        if let Some(other) = live.get(&identity.digest).and_then(Weak::upgrade) {
            return Ok(other);
        }
        let version = Arc::new(version);
        live.insert(identity.digest.clone(), Arc::downgrade(&version));
        Ok(version)
    }
}

/// Machine code of a component.
fn machine_code(engine: &wasmtime::Engine, wasm: &[u8]) -> Result<Vec<u8>, Error> {
    let component = form::component_of(wasm)?;
    let compiled = engine.precompile_component(&component);
    compiled.map_err(|error| Error::Compile(form::cut(&format!("{error:#}"))))
}

/// The engine of a process that only compiles.
fn compiling_engine() -> Result<wasmtime::Engine, Error> {
    let engine = wasmtime::Engine::new(&compile::config());
    engine.map_err(|error| Error::Compiler(format!("{error:#}")))
}
