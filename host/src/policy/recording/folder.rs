//! A folder of recordings that does not grow beyond a bound.
//!
//! In come frames; out come files of which the oldest goes when there is no
//! room for the next frame. Files of a group begin with its name; other files
//! of the folder are left alone.

use std::collections::VecDeque;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{EXTENSION, Error, MAGIC, VERSION};

/// In how many files the bytes lie, at least: what is lost with the oldest.
const FILES: u64 = 8;
/// Largest file; large ones are no use to anybody.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// The files of one server group in a folder.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    group: String,
    max_bytes: u64,
    /// Path and length, oldest first; known from the first frame on.
    files: Option<VecDeque<(PathBuf, u64)>>,
    /// The newest of them, unless it is to be closed.
    open: Option<File>,
}

impl Folder {
    /// The files of a group; nothing is touched before the first frame.
    #[must_use]
    pub fn new(dir: &Path, group: &str, max_bytes: u64) -> Self {
        Self { dir: dir.to_owned(), group: file_name(group), max_bytes, files: None, open: None }
    }

    /// Appends a frame, and removes what is oldest until there is room for it.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if there never is; what the system says.
    pub(super) fn append(&mut self, frame: &[u8]) -> Result<(), Error> {
        let length = frame.len() as u64;
        let head = MAGIC.len() as u64 + 1;
        if head + length > self.max_bytes {
            return Err(Error::TooLarge(frame.len()));
        }
        let mut files = match self.files.take() {
            Some(files) => files,
            None => self.find()?,
        };
        let result = self.append_to(&mut files, frame);
        self.files = Some(files);
        if result.is_err() {
            // It may end within a frame, and nobody reads beyond that.
            self.open = None;
        }
        result
    }

    fn append_to(
        &mut self,
        files: &mut VecDeque<(PathBuf, u64)>,
        frame: &[u8],
    ) -> Result<(), Error> {
        let length = frame.len() as u64;
        let most = (self.max_bytes / FILES).min(MAX_FILE_BYTES);
        let newest = files.back().map_or(0, |(_, bytes)| *bytes);
        if self.open.is_some() && newest + length > most {
            self.open = None;
        }
        let head = if self.open.is_some() { 0 } else { MAGIC.len() as u64 + 1 };
        self.make_room(files, head + length)?;
        let mut file = match self.open.take() {
            Some(file) => file,
            None => self.begin(files)?,
        };
        let (path, bytes) = files.back_mut().expect("a file is open");
        let written = file.write_all(frame);
        written.map_err(|source| Error::Write { path: path.clone(), source })?;
        *bytes += length;
        self.open = Some(file);
        Ok(())
    }

    /// Removes the oldest files until so many bytes more fit.
    fn make_room(
        &mut self,
        files: &mut VecDeque<(PathBuf, u64)>,
        length: u64,
    ) -> Result<(), Error> {
        let mut total: u64 = files.iter().map(|(_, bytes)| bytes).sum();
        while total + length > self.max_bytes
            && let Some((path, bytes)) = files.pop_front()
        {
            if files.is_empty() {
                self.open = None;
            }
            match std::fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(Error::Write { path, source }),
            }
            total -= bytes;
        }
        Ok(())
    }

    /// A new file that begins as all do.
    fn begin(&self, files: &mut VecDeque<(PathBuf, u64)>) -> Result<File, Error> {
        let newest = files.back().and_then(|(path, _)| self.stamp_of(path));
        let now = jiff::Timestamp::now().as_millisecond();
        // Later than the newest, whatever the clock says: names are in order.
        let mut stamp = newest.map_or(now, |newest| now.max(newest + 1));
        loop {
            let path = self.dir.join(format!("{}-{stamp:013}.{EXTENSION}", self.group));
            let mut options = OpenOptions::new();
            match options.append(true).create_new(true).mode(0o600).open(&path) {
                Ok(mut file) => {
                    let head = [&MAGIC[..], &[VERSION]].concat();
                    files.push_back((path.clone(), head.len() as u64));
                    file.write_all(&head).map_err(|source| Error::Write { path, source })?;
                    return Ok(file);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => stamp += 1,
                Err(source) => return Err(Error::Write { path, source }),
            }
        }
    }

    /// The group's files, by name; makes the folder if there is none.
    fn find(&self) -> Result<VecDeque<(PathBuf, u64)>, Error> {
        let failed = |source| Error::Open { path: self.dir.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir).map_err(failed)?;
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            if self.stamp_of(&path).is_some() {
                found.push((path, entry.metadata().map_err(failed)?.len()));
            }
        }
        found.sort();
        Ok(found.into())
    }

    /// The time in the name of one of the group's files, in milliseconds.
    fn stamp_of(&self, path: &Path) -> Option<i64> {
        let name = path.file_name()?.to_str()?;
        let rest = name.strip_prefix(&self.group)?.strip_prefix('-')?;
        let digits = rest.strip_suffix(EXTENSION)?.strip_suffix('.')?;
        let plain = digits.len() >= 13 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| plain)
    }
}

/// A group's name as the beginning of a file's: what is no letter, digit or
/// `-` becomes `_`.
fn file_name(group: &str) -> String {
    const LONGEST: usize = 100;
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    group.chars().take(LONGEST).map(plain).collect()
}
