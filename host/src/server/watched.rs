//! A value that is made of files, and made anew when one of them changes.
//!
//! Whoever needs the value asks for the current one; that costs a look at each
//! file's length, times and number. Files that make no good value change
//! nothing: the last good one stays, and the log says why, once for every
//! change.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What came of reading: the files that were looked at, and the value.
#[derive(Debug)]
pub struct Reading<T> {
    /// Every file that the outcome depends on, those included that are
    /// missing.
    pub files: Vec<PathBuf>,
    /// The value, or what is wrong, for the operator.
    pub value: Result<T, String>,
}

/// Readings in a row that may name other files than the one before.
const MOST_READINGS: usize = 8;

type Read<T> = Box<dyn Fn() -> Reading<T> + Send + Sync>;

/// See the module's text.
pub struct Watched<T> {
    read: Read<T>,
    state: Mutex<State<T>>,
}

impl<T> std::fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}

struct State<T> {
    value: Arc<T>,
    seen: Vec<(PathBuf, Stamp)>,
}

/// What tells a file from the one that was there before; none if there is no
/// file.
type Stamp = Option<[i64; 6]>;

impl<T> Watched<T> {
    /// Reads for the first time. Blocks.
    ///
    /// # Errors
    /// When that gives no value.
    pub fn new(read: impl Fn() -> Reading<T> + Send + Sync + 'static) -> Result<Self, String> {
        let (seen, value) = settle(&read);
        let state = State { value: Arc::new(value?), seen };
        Ok(Self { read: Box::new(read), state: Mutex::new(state) })
    }

    /// The value of the files as they are now. Blocks.
    #[must_use]
    pub fn current(&self) -> Arc<T> {
        // What is behind the lock is replaced whole, also by a panic.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.seen.iter().any(|(path, stamp)| stamp_of(path) != *stamp) {
            let (seen, value) = settle(&self.read);
            let names: Vec<String> =
                seen.iter().map(|(path, _)| path.display().to_string()).collect();
            let files = names.join(", ");
            state.seen = seen;
            match value {
                Ok(value) => {
                    state.value = Arc::new(value);
                    tracing::info!(files, "read again");
                }
                Err(error) => tracing::error!(files, error, "what was read before stays in force"),
            }
        }
        Arc::clone(&state.value)
    }
}

/// Reads, and stamps the files as they were before: a change in between is
/// seen the next time. Which files there are is known only afterwards, so the
/// first reading, and one that names others, is done again.
fn settle<T>(read: &dyn Fn() -> Reading<T>) -> (Vec<(PathBuf, Stamp)>, Result<T, String>) {
    let mut files = read().files;
    for _ in 0..MOST_READINGS {
        let seen: Vec<(PathBuf, Stamp)> = files.into_iter().map(stamped).collect();
        let Reading { files: now, value } = read();
        if seen.iter().map(|(path, _)| path).eq(&now) {
            return (seen, value);
        }
        files = now;
    }
    let seen = files.into_iter().map(stamped).collect();
    (seen, Err("the files change faster than they can be read".to_owned()))
}

fn stamped(path: PathBuf) -> (PathBuf, Stamp) {
    let stamp = stamp_of(&path);
    (path, stamp)
}

fn stamp_of(path: &Path) -> Stamp {
    let file = fs::metadata(path).ok()?;
    let [device, inode, length] = [file.dev(), file.ino(), file.len()].map(u64::cast_signed);
    Some([device, inode, length, file.mtime(), file.mtime_nsec(), file.ctime_nsec()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(path: &Path) -> Result<Watched<u32>, String> {
        let path = path.to_owned();
        Watched::new(move || Reading {
            files: vec![path.clone()],
            value: fs::read_to_string(&path)
                .map_err(|error| error.to_string())
                .and_then(|text| text.parse().map_err(|_| format!("{text} is no number"))),
        })
    }

    #[test]
    fn a_change_is_seen_and_a_bad_file_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("number");
        assert!(watched(&path).is_err());
        fs::write(&path, "1").expect("written");
        let number = watched(&path).expect("a number");
        assert_eq!(*number.current(), 1);
        fs::write(&path, "12").expect("written");
        assert_eq!(*number.current(), 12);
        fs::write(&path, "twelve").expect("written");
        assert_eq!(*number.current(), 12);
        fs::remove_file(&path).expect("removed");
        assert_eq!(*number.current(), 12);
        fs::write(&path, "3").expect("written");
        assert_eq!(*number.current(), 3);
    }

    #[test]
    fn a_file_that_takes_the_place_of_another_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, other) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&path, "1").expect("written");
        fs::write(&other, "2").expect("written");
        let number = watched(&path).expect("a number");
        fs::rename(&other, &path).expect("renamed");
        assert_eq!(*number.current(), 2);
    }
}
