//! What was uploaded and what was bound, on disk.
//!
//! In come components and changes of the state, out they come again, also
//! after a crash at any moment: a change is durable before its call returns,
//! and one that failed has left nothing. What a component is, and whether a
//! change is allowed, is not known here.
//!
//! The folder, which is made with the first upload:
//!
//! ```text
//! lock                      held by the process that uses the folder
//! state.json                names, versions, bindings: see `state`
//! state.json.previous       the state before the last change
//! components/<sha256>.wasm  the uploaded bytes
//! damaged/                  what could not be read, set aside
//! compiled/                 the loader's
//! ```
//!
//! A component is written before the state that names it, and removed after
//! the state that does not: the state never names what is not there.

mod disk;
mod recover;
mod room;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

pub(super) use state::{About, Held, Previous, Slots, State, Stored};

use self::disk::Disk;
use super::model::Damaged;
use super::{Error, digest};

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreLimits {
    /// Bytes of all components together.
    pub bytes: u64,
    /// Versions of one name.
    pub versions_each: usize,
    /// Versions of all names.
    pub versions: usize,
}

impl Default for StoreLimits {
    /// Numbers that no operator reaches by hand, and that keep the state file
    /// small enough to be written whole with each change.
    fn default() -> Self {
        Self { bytes: 1 << 30, versions_each: 100, versions: 1_000 }
    }
}

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFolder {
    /// The folder.
    pub path: PathBuf,
    /// Whether somebody asked for this one: then it is an error if another
    /// process uses it. Otherwise the store is empty and takes nothing, and
    /// two proxies that know nothing of policies start side by side.
    pub asked_for: bool,
}

impl From<PathBuf> for StoreFolder {
    fn from(path: PathBuf) -> Self {
        Self { path, asked_for: true }
    }
}

/// Finds out what a component says of itself.
pub(super) type Describe<'a> = &'a dyn Fn(&[u8]) -> Option<About>;

/// An open store.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    limits: StoreLimits,
    disk: Disk,
    /// Held as long as the store is open; none before there is a folder.
    lock: Option<File>,
    state: State,
    damaged: Vec<Damaged>,
}

/// A component to be stored.
pub(super) struct Upload<'a> {
    pub(super) name: &'a str,
    pub(super) wasm: &'a [u8],
    pub(super) version: Stored,
}

impl Store {
    /// Opens the store in a folder; one that does not exist is an empty store
    /// and is not made. `describe` is asked only if the state was lost.
    ///
    /// # Errors
    /// [`Error::Store`] when another process has it open, when it was written
    /// by a newer version, or when it cannot be read.
    pub(super) fn open(
        folder: StoreFolder,
        limits: StoreLimits,
        describe: Describe<'_>,
    ) -> Result<Self, Error> {
        Self::on(Disk::default(), folder, limits, describe)
    }

    fn on(
        disk: Disk,
        folder: StoreFolder,
        limits: StoreLimits,
        describe: Describe<'_>,
    ) -> Result<Self, Error> {
        let StoreFolder { path, asked_for } = folder;
        let (state, damaged) = (State::default(), Vec::new());
        let mut store = Self { folder: path, limits, disk, lock: None, state, damaged };
        if !store.disk.exists(&store.folder)? {
            return Ok(store);
        }
        match store.begin(describe) {
            Err(Error::Taken { folder }) if !asked_for => {
                tracing::warn!(%folder, "another process uses the policy store: this one has none (--policy.dir)");
                Ok(store)
            }
            begun => begun.map(|()| store),
        }
    }

    /// Takes the lock and what is there.
    fn begin(&mut self, describe: Describe<'_>) -> Result<(), Error> {
        self.lock = Some(self.disk.lock(&self.folder)?);
        let recovered = self.recover(describe);
        if recovered.is_err() {
            self.lock = None;
        }
        recovered
    }

    /// Makes the folder if there is none.
    fn ensure(&mut self) -> Result<(), Error> {
        if self.lock.is_some() {
            return Ok(());
        }
        self.disk.create_folder(&self.folder)?;
        self.begin(&|_| None)
    }

    /// Its folder.
    #[must_use]
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// How much is kept.
    pub(super) const fn limits(&self) -> &StoreLimits {
        &self.limits
    }

    /// Names, versions and bindings.
    pub(super) const fn state(&self) -> &State {
        &self.state
    }

    /// Files that were set aside when the store was opened.
    pub(super) fn damaged(&self) -> &[Damaged] {
        &self.damaged
    }

    /// Bytes of all components.
    pub(super) fn bytes_used(&self) -> u64 {
        self.state.components().values().sum()
    }

    /// Stores a component as the newest version of a name, and gives the
    /// versions that went to make room. `pinned` are digests that may not go,
    /// beside those that are bound.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Store`]; nothing has changed then.
    pub(super) fn put(
        &mut self,
        upload: &Upload<'_>,
        pinned: &BTreeSet<String>,
    ) -> Result<Vec<(String, String)>, Error> {
        self.ensure()?;
        let mut next = self.state.clone();
        next.add(upload.name, upload.version.clone());
        let newest = (upload.name, upload.version.digest.as_str());
        let removed = room::make(&mut next, &self.limits, newest, pinned)?;
        let file = self.component(newest.1);
        let is_new = !self.disk.has(&file, upload.version.size);
        if is_new {
            self.disk.write(&file, upload.wasm)?;
        }
        let committed = self.commit(next);
        if committed.is_err() && is_new && !self.state.refers_to(newest.1) {
            self.disk.remove_or_warn(&file);
        }
        committed.map(|()| removed)
    }

    /// The bytes of a version.
    ///
    /// # Errors
    /// [`Error::Store`] when they are not there, or are others.
    pub(super) fn bytes(&self, wanted: &str) -> Result<Vec<u8>, Error> {
        let file = self.component(wanted);
        let bytes = self.disk.read(&file)?;
        if digest::of(&bytes) == wanted {
            return Ok(bytes);
        }
        let reason = "damaged: its contents are not those of its name; upload it again";
        Err(disk::error(&file, reason))
    }

    /// Changes names, versions and bindings.
    ///
    /// # Errors
    /// Those of `edit` and [`Error::Store`]; nothing has changed then.
    pub(super) fn change<T>(
        &mut self,
        edit: impl Fn(&mut State) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // A change that is refused makes no folder.
        edit(&mut self.state.clone())?;
        self.ensure()?;
        let mut next = self.state.clone();
        let outcome = edit(&mut next)?;
        self.commit(next)?;
        Ok(outcome)
    }

    /// Whether the component of a version is there.
    pub(super) fn has(&self, version: &Stored) -> bool {
        self.disk.has(&self.component(&version.digest), version.size)
    }

    /// Makes a state the current one, then removes the components that it
    /// does not refer to any more.
    fn commit(&mut self, mut next: State) -> Result<(), Error> {
        next.sequence = self.state.sequence + 1;
        self.disk.replace(&self.state_file(), &next.to_json())?;
        let before = std::mem::replace(&mut self.state, next);
        for gone in before.referred().difference(&self.state.referred()) {
            // What stays behind is found and removed at the next start.
            self.disk.remove_or_warn(&self.component(gone));
        }
        Ok(())
    }

    fn state_file(&self) -> PathBuf {
        self.folder.join("state.json")
    }

    fn components(&self) -> PathBuf {
        self.folder.join("components")
    }

    fn component(&self, digest: &str) -> PathBuf {
        self.components().join(format!("{digest}.wasm"))
    }
}
