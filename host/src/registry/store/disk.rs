//! The steps that a change is made of: each is atomic, and durable when it
//! returns.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::registry::Error;

/// The end of names of files that are being written.
pub(super) const TEMPORARY: &str = ".new";
/// The end of the name of the file that was replaced last.
pub(super) const PREVIOUS: &str = ".previous";

/// Only for us: settings of policies may be secrets.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// The file system. In tests it can fail at any step.
#[derive(Debug, Default)]
pub(super) struct Disk {
    #[cfg(test)]
    pub(super) faults: super::tests::Faults,
}

/// An error of the store at a path.
pub(super) fn error(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::Store { path: path.display().to_string(), reason: reason.to_string() }
}

/// The path with another ending.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl Disk {
    /// A step that changes something.
    fn step(&self) -> io::Result<()> {
        #[cfg(test)]
        self.faults.step()?;
        Ok(())
    }

    /// Whether there is such a folder.
    pub(super) fn exists(&self, folder: &Path) -> Result<bool, Error> {
        match fs::metadata(folder) {
            Ok(found) if found.is_dir() => Ok(true),
            Ok(_) => Err(error(folder, "not a folder")),
            Err(reason) if reason.kind() == ErrorKind::NotFound => Ok(false),
            Err(reason) => Err(error(folder, reason)),
        }
    }

    /// Makes a folder, and those it is in.
    pub(super) fn create_folder(&self, folder: &Path) -> Result<(), Error> {
        let make = || {
            let is_missing = |own: &&Path| *own != Path::new("") && !own.exists();
            let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
            self.step()?;
            DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
            missing.into_iter().try_for_each(|made| self.sync_folder_of(made))
        };
        make().map_err(|reason| error(folder, reason))
    }

    /// Takes the folder for this process, until the file is dropped.
    pub(super) fn lock(&self, folder: &Path) -> Result<File, Error> {
        let path = folder.join("lock");
        let open = || {
            self.step()?;
            OpenOptions::new().create(true).truncate(false).write(true).mode(FILE_MODE).open(&path)
        };
        let file = open().map_err(|reason| error(&path, reason))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                Err(Error::Taken { folder: folder.display().to_string() })
            }
            Err(TryLockError::Error(reason)) => Err(error(&path, reason)),
        }
    }

    /// Whether there is a file of this size.
    pub(super) fn has(&self, path: &Path, size: u64) -> bool {
        fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() == size)
    }

    /// The contents of a file.
    pub(super) fn read(&self, path: &Path) -> Result<Vec<u8>, Error> {
        fs::read(path).map_err(|reason| error(path, reason))
    }

    /// The same; none if there is no file.
    pub(super) fn read_if_there(&self, path: &Path) -> Result<Option<Vec<u8>>, Error> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(reason) if reason.kind() == ErrorKind::NotFound => Ok(None),
            Err(reason) => Err(error(path, reason)),
        }
    }

    /// Names of the files in a folder, sorted.
    pub(super) fn list(&self, folder: &Path) -> Result<Vec<String>, Error> {
        let names = || {
            let mut names = Vec::new();
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    names.push(entry.file_name().to_string_lossy().into_owned());
                }
            }
            names.sort_unstable();
            Ok(names)
        };
        names().map_err(|reason: io::Error| error(folder, reason))
    }

    /// Writes a file as a whole.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let temporary = with_ending(path, TEMPORARY);
        let write = || {
            self.write_temporary(&temporary, bytes)?;
            self.step()?;
            fs::rename(&temporary, path)?;
            self.sync_folder_of(path)
        };
        write().map_err(|reason| {
            self.clear(&temporary);
            error(path, reason)
        })
    }

    /// Writes a file in place of another, which is kept beside it.
    pub(super) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let temporary = with_ending(path, TEMPORARY);
        let previous = with_ending(path, PREVIOUS);
        let prepare = || {
            self.write_temporary(&temporary, bytes)?;
            self.keep(path, &previous)
        };
        let swap = || {
            self.step()?;
            fs::rename(&temporary, path)
        };
        let swapped = prepare().and_then(|()| swap());
        swapped.map_err(|reason| {
            self.clear(&temporary);
            error(path, reason)
        })?;
        self.sync_folder_of(path).map_err(|reason| {
            self.undo(path, &previous);
            error(path, reason)
        })
    }

    fn write_temporary(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.step()?;
        let mut options = OpenOptions::new();
        let mut file =
            options.create(true).truncate(true).write(true).mode(FILE_MODE).open(path)?;
        self.step()?;
        file.write_all(bytes)?;
        self.step()?;
        file.sync_all()
    }

    /// Makes `previous` a second name of the file.
    fn keep(&self, path: &Path, previous: &Path) -> io::Result<()> {
        let beside = with_ending(previous, TEMPORARY);
        // A second name of the file that an earlier failure left must not be
        // written to.
        match fs::remove_file(&beside) {
            Err(reason) if reason.kind() != ErrorKind::NotFound => return Err(reason),
            _ => self.step()?,
        }
        match fs::hard_link(path, &beside) {
            Ok(()) => {}
            Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(()),
            // Not every file system has links.
            Err(_) => fs::copy(path, &beside).map(|_| ())?,
        }
        self.step()?;
        fs::rename(&beside, previous)
    }

    /// Puts back what was replaced: the new file may not outlive a crash, so
    /// it must not be used.
    fn undo(&self, path: &Path, previous: &Path) {
        let undone = self.step().and_then(|()| match fs::rename(previous, path) {
            Err(reason) if reason.kind() == ErrorKind::NotFound => fs::remove_file(path),
            other => other,
        });
        if let Err(reason) = undone {
            tracing::error!(path = %path.display(), %reason, "a change of the policy store can neither be completed nor undone");
        }
    }

    /// Moves a file.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<(), Error> {
        let rename = || {
            self.step()?;
            fs::rename(from, to)?;
            self.sync_folder_of(from)?;
            self.sync_folder_of(to)
        };
        rename().map_err(|reason| error(from, reason))
    }

    /// Removes a file whose absence nothing depends on.
    pub(super) fn remove_or_warn(&self, path: &Path) {
        let removed = self.step().and_then(|()| fs::remove_file(path));
        if let Err(reason) = removed
            && reason.kind() != ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %reason, "cannot be removed");
        }
    }

    /// What is left of a write that failed.
    fn clear(&self, temporary: &Path) {
        if temporary.exists() {
            self.remove_or_warn(temporary);
        }
    }

    fn sync_folder_of(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(path);
        // The parent of a name alone is here.
        let folder = if folder == Path::new("") { Path::new(".") } else { folder };
        self.step()?;
        File::open(folder)?.sync_all()
    }
}
