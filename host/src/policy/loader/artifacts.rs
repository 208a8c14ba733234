//! Machine code on disk, so that a start compiles nothing anew.
//!
//! A file is named after the bytes it was compiled from and after all that its
//! code depends on: the compiler's version and settings, and the processor's
//! features. Machine code is trusted like this program itself, so only files
//! are read that nobody but this user can have written, and of these only
//! whole ones. The folder has a bounded size; what was not used longest goes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{Hash as _, Hasher};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use crate::policy::version::hex;

/// End of the names of files with machine code.
const EXTENSION: &str = "cwasm";
/// Beginning of the names of files that are being written.
const UNFINISHED: &str = ".unfinished-";
/// Nobody writes as long as this: what is older was left by a crash.
const LONGEST_WRITING: Duration = Duration::from_secs(3600);
/// Bytes of the checksum at the end of every file.
const CHECKSUM: usize = 32;

/// A folder of machine code.
pub(super) struct Artifacts {
    folder: PathBuf,
    most_bytes: u64,
    /// Stands for compiler, settings and processor.
    key: String,
    written: AtomicU64,
}

impl Artifacts {
    /// The machine code for an engine in a folder, which need not exist.
    pub(super) fn new(folder: PathBuf, most_bytes: u64, engine: &wasmtime::Engine) -> Self {
        // The engine's settings include the features of the processor, as
        // they were detected here.
        let mut hasher = StableHasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let key = hex(&hasher.0.finalize()[..8]);
        Self { folder, most_bytes, key, written: AtomicU64::new(0) }
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}-{}.{EXTENSION}", self.key))
    }

    /// The machine code that was made of the bytes with this digest.
    pub(super) fn find(&self, digest: &str) -> Option<Vec<u8>> {
        let path = self.path(digest);
        match self.read(&path) {
            Ok(code) => Some(code),
            Err(Unusable::Missing) => None,
            Err(Unusable::Folder(reason)) => {
                self.complain(&reason);
                None
            }
            Err(Unusable::File(reason)) => {
                let file = path.display();
                tracing::warn!(%file, %reason, "compiling anew what was kept of a policy");
                self.remove(digest);
                None
            }
        }
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Unusable> {
        require_own_folder(&self.folder)?;
        let no_links = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let opened = OpenOptions::new().read(true).custom_flags(no_links).open(path);
        let mut file = opened.map_err(|error| Unusable::of_file(&error))?;
        let about = file.metadata().map_err(|error| Unusable::of_file(&error))?;
        if !about.is_file() {
            return Err(Unusable::File("it is no file".to_owned()));
        }
        require_own(&about).map_err(Unusable::File)?;
        if about.len() > self.most_bytes {
            return Err(Unusable::File("it is too large".to_owned()));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0));
        file.read_to_end(&mut bytes).map_err(|error| Unusable::of_file(&error))?;
        let checksum = bytes.len().checked_sub(CHECKSUM).map(|at| bytes.split_off(at));
        if checksum.as_deref() != Some(&checksum_of(path, &bytes)[..]) {
            return Err(Unusable::File("it is damaged".to_owned()));
        }
        // For who goes first; where the file system has no such times, the
        // order is that of writing.
        let _ = file.set_modified(SystemTime::now());
        Ok(bytes)
    }

    /// Keeps machine code. Failing is no more than a line in the log.
    pub(super) fn keep(&self, digest: &str, code: &[u8]) {
        let path = self.path(digest);
        let kept = self.write(&path, code).and_then(|()| self.trim(&path));
        if let Err(error) = kept {
            self.complain(&error.to_string());
        }
    }

    fn write(&self, path: &Path, code: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        require_own_folder(&self.folder).map_err(Unusable::into_io)?;
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.folder.join(format!("{UNFINISHED}{}-{number}", std::process::id()));
        let written = self.write_whole(&unfinished, path, code);
        if written.is_err() {
            // Perhaps it was not even made.
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    fn write_whole(&self, unfinished: &Path, path: &Path, code: &[u8]) -> io::Result<()> {
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(unfinished)?;
        file.write_all(code)?;
        file.write_all(&checksum_of(path, code))?;
        file.sync_all()?;
        fs::rename(unfinished, path)?;
        File::open(&self.folder)?.sync_all()
    }

    /// Forgets what was made of the bytes with this digest.
    pub(super) fn remove(&self, digest: &str) {
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                self.complain(&format!("{}: {error}", path.display()));
            }
            _ => {}
        }
    }

    /// Removes what was not used longest until the rest fits, and what was
    /// never finished; not the file just written.
    fn trim(&self, newest: &Path) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let (path, about) = (entry.path(), entry.metadata()?);
            let modified = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let is_unfinished = entry.file_name().to_string_lossy().starts_with(UNFINISHED);
            if is_unfinished && modified.elapsed().is_ok_and(|age| age > LONGEST_WRITING) {
                fs::remove_file(&path)?;
            } else if path.extension().is_some_and(|end| end == EXTENSION) {
                files.push((modified, path, about.len()));
            }
        }
        files.sort();
        let mut bytes: u64 = files.iter().map(|(.., size)| size).sum();
        for (_, path, size) in files.iter().filter(|(_, path, _)| path != newest) {
            if bytes <= self.most_bytes {
                break;
            }
            fs::remove_file(path)?;
            bytes -= size;
        }
        Ok(())
    }

    fn complain(&self, reason: &str) {
        let folder = self.folder.display();
        tracing::warn!(%folder, %reason, "compiled policies are not kept");
    }
}

/// Why there is no machine code.
enum Unusable {
    /// There is none.
    Missing,
    /// The folder is not to be trusted.
    Folder(String),
    /// The file is not.
    File(String),
}

impl Unusable {
    fn of_file(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::File(error.to_string()),
        }
    }

    fn into_io(self) -> io::Error {
        match self {
            Self::Missing => io::ErrorKind::NotFound.into(),
            Self::Folder(reason) | Self::File(reason) => io::Error::other(reason),
        }
    }
}

fn require_own_folder(folder: &Path) -> Result<(), Unusable> {
    let about = match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unusable::Missing),
        about => about.map_err(|error| Unusable::Folder(error.to_string()))?,
    };
    if !about.is_dir() {
        return Err(Unusable::Folder("it is no folder".to_owned()));
    }
    require_own(&about).map_err(Unusable::Folder)
}

/// Refuses what anybody but this user may have written.
fn require_own(about: &fs::Metadata) -> Result<(), String> {
    let own = rustix::process::geteuid().as_raw();
    if about.uid() != own {
        return Err(format!("it belongs to user {}, not to {own}", about.uid()));
    }
    if about.mode() & 0o022 != 0 {
        return Err(format!("others may write to it (mode {:o})", about.mode() & 0o777));
    }
    Ok(())
}

/// Of the code and the name, so that a renamed file is a damaged one.
fn checksum_of(path: &Path, code: &[u8]) -> [u8; CHECKSUM] {
    let name = path.file_name().unwrap_or_default();
    let hasher = Sha256::new().chain_update(name.as_encoded_bytes()).chain_update(code);
    hasher.finalize().into()
}

/// The same in every process, unlike the standard library's.
struct StableHasher(Sha256);

impl Hasher for StableHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest: [u8; CHECKSUM] = self.0.clone().finalize().into();
        u64::from_le_bytes(*digest.first_chunk().expect("32 are more than 8"))
    }
}
