//! What a start does with what the last process left behind.
//!
//! A process may have ended at any step of any change, and a disk may have
//! lost something. Files that were being written go, files that are not what
//! they should be are set aside, and if the state itself is lost the one
//! before it is taken, or names are given anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::state::{State, Stored, Unreadable};
use super::{Damaged, Describe, Error, Store, digest, disk};
use crate::registry::names;

/// How far revisions jump when a state is lost: no client can hold one of the
/// new ones.
const LOST_CHANGES: u64 = 1_000_000;

/// The name of components that do not tell their own.
const NAMELESS: &str = "recovered";

/// Who is said to have uploaded what was found.
const RECOVERY: &str = "recovery";

/// Where the state comes from.
enum Origin {
    /// The file.
    File(State),
    /// There is no file yet.
    New,
    /// The file was lost; this is the one before it, or an empty one.
    Lost(State),
}

impl Store {
    /// Reads the folder and puts it in order.
    pub(super) fn recover(&mut self, describe: Describe<'_>) -> Result<(), Error> {
        let has_components = self.disk.exists(&self.components())?;
        if !has_components {
            self.disk.create_folder(&self.components())?;
        }
        self.remove_temporaries()?;
        let origin = self.read_state(has_components)?;
        let found = self.read_components()?;
        let (state, is_file, keeps_all) = match origin {
            Origin::File(state) => (state, true, false),
            Origin::New => (State::default(), false, false),
            Origin::Lost(state) => (state, false, true),
        };
        self.state = state;
        let known = self.state.referred();
        let orphans: Vec<_> = found.iter().filter(|(own, _)| !known.contains(*own)).collect();
        for (orphan, size) in orphans {
            if keeps_all {
                self.adopt(orphan, *size, describe)?;
            } else {
                self.remove_orphan(orphan);
            }
        }
        if is_file { Ok(()) } else { self.commit(self.state.clone()) }
    }

    fn remove_temporaries(&self) -> Result<(), Error> {
        for folder in [self.folder.clone(), self.components()] {
            for name in self.disk.list(&folder)? {
                if name.ends_with(disk::TEMPORARY) {
                    tracing::info!(file = name, "an unfinished write is removed");
                    self.disk.remove_or_warn(&folder.join(name));
                }
            }
        }
        Ok(())
    }

    fn read_state(&mut self, has_components: bool) -> Result<Origin, Error> {
        let file = self.state_file();
        let reason = match self.read_state_file(&file)? {
            Some(Ok(state)) => return Ok(Origin::File(state)),
            // The state is written right after the folder for components.
            None if !has_components || self.disk.list(&self.components())?.is_empty() => {
                let previous = disk::with_ending(&file, disk::PREVIOUS);
                if self.disk.read_if_there(&previous)?.is_none() {
                    return Ok(Origin::New);
                }
                "not there".to_owned()
            }
            None => "not there".to_owned(),
            Some(Err(reason)) => {
                self.set_aside(&file, &reason)?;
                reason
            }
        };
        tracing::error!(file = %file.display(), reason, "the state of the policy store was lost");
        let previous = disk::with_ending(&file, disk::PREVIOUS);
        let mut state = match self.read_state_file(&previous)? {
            Some(Ok(state)) => {
                tracing::warn!(
                    "the state before the last change is used: check names and bindings"
                );
                state
            }
            Some(Err(reason)) => {
                self.set_aside(&previous, &reason)?;
                State::default()
            }
            None => State::default(),
        };
        state.sequence += LOST_CHANGES;
        Ok(Origin::Lost(state))
    }

    /// The state in a file, or why it cannot be used; none without the file.
    fn read_state_file(&self, file: &Path) -> Result<Option<Result<State, String>>, Error> {
        let Some(bytes) = self.disk.read_if_there(file)? else { return Ok(None) };
        match State::from_json(&bytes) {
            Ok(state) => Ok(Some(Ok(state))),
            Err(Unreadable::Damaged(reason)) => Ok(Some(Err(reason))),
            Err(Unreadable::Newer(format)) => Err(disk::error(
                file,
                format!("has format {format}, which a newer version of promweave writes"),
            )),
        }
    }

    /// Sizes of the sound components by digest.
    fn read_components(&mut self) -> Result<BTreeMap<String, u64>, Error> {
        let mut sound = BTreeMap::new();
        for name in self.disk.list(&self.components())? {
            let path = self.components().join(&name);
            let Some(named) = name.strip_suffix(".wasm").filter(|own| digest::is_whole(own)) else {
                self.set_aside(&path, "its name is not that of a component")?;
                continue;
            };
            let bytes = self.disk.read(&path)?;
            if digest::of(&bytes) == named {
                sound.insert(named.to_owned(), bytes.len() as u64);
            } else {
                self.set_aside(&path, "its contents are not those of its name")?;
            }
        }
        Ok(sound)
    }

    /// Moves a file out of the way.
    fn set_aside(&mut self, path: &Path, reason: &str) -> Result<(), Error> {
        let folder = self.folder.join("damaged");
        self.disk.create_folder(&folder)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let taken: BTreeSet<String> = self.disk.list(&folder)?.into_iter().collect();
        let mut names = (0_u32..).map(|number| match number {
            0 => name.to_string(),
            number => format!("{name}.{number}"),
        });
        let free = names.find(|name| !taken.contains(name));
        let target: PathBuf = folder.join(free.expect("numbers outnumber files"));
        self.disk.rename(path, &target)?;
        let file = target.display().to_string();
        tracing::error!(file, reason, "a file of the policy store is damaged and was set aside");
        self.damaged.push(Damaged { file, reason: reason.to_owned() });
        Ok(())
    }

    /// Gives a component that was found a name: its own, if it can be told.
    fn adopt(&mut self, found: &str, size: u64, describe: Describe<'_>) -> Result<(), Error> {
        let about = describe(&self.bytes(found)?).unwrap_or_default();
        let is_name = names::check_own(&about.name).is_ok();
        let name = if is_name { about.name.clone() } else { NAMELESS.to_owned() };
        tracing::warn!(name, digest = found, "a component without a name was found and named");
        let version = Stored {
            digest: found.to_owned(),
            size,
            uploaded_ms: 0,
            by: RECOVERY.to_owned(),
            notes: vec!["found when the state of the store was lost".to_owned()],
            about,
        };
        self.state.add(&name, version);
        Ok(())
    }

    fn remove_orphan(&self, orphan: &str) {
        tracing::info!(digest = orphan, "a component that nothing refers to is removed");
        self.disk.remove_or_warn(&self.component(orphan));
    }
}
