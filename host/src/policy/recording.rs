//! Merge inputs in files: what the replicas of a server group answered, as it
//! was merged, to run policies on later.
//!
//! The format is described in `docs/recordings.md`, which is normative. Samples
//! come back bit for bit, stale markers, payloads of NaNs and native histograms
//! included. A file may be damaged, cut or hostile: what is readable before the
//! damage is read, and memory is bounded whatever a file claims.

mod decode;
mod encode;
mod folder;
mod reader;
mod settings;
mod varint;
mod writer;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

use promql::SeriesBatch;

use super::{Binding, Options};

pub use folder::Folder;
pub use reader::{Reader, files};
pub use writer::{Outcome, Writer, Written};

/// The first bytes of a file. The line ends tell a copy that was taken for
/// text, as in PNG.
pub(super) const MAGIC: [u8; 8] = *b"PWREC\r\n\x1a";
/// The version of the format that is written, the only one that is read.
pub(super) const VERSION: u8 = 1;
/// How the names of files end.
pub const EXTENSION: &str = "pwrec";
/// Bytes in front of a frame's payload.
pub(super) const FRAME_HEAD: usize = 12;
/// Most bytes of a frame's payload, compressed or not.
pub(super) const MAX_PAYLOAD: usize = 128 << 20;
/// Most bytes that the series of one frame may take in memory: what the queue
/// of a writer lets through, several times over.
pub(super) const MAX_MEMORY: usize = 512 << 20;

/// The input of one merge, and who merged it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Name or number of the server group.
    pub group: String,
    /// What answered when this was recorded.
    pub policy: Recorded,
    /// The query's evaluation time in milliseconds.
    pub evaluation_ms: i64,
    /// First timestamp wanted, in milliseconds.
    pub start_ms: i64,
    /// Last timestamp wanted, in milliseconds.
    pub end_ms: i64,
    /// First and last timestamp that the replicas were asked for: wider than
    /// what is wanted by as much as the policy that answered looks around.
    pub asked_ms: (i64, i64),
    /// What the replicas are called; as many as there are replicas, or fewer.
    pub names: Vec<String>,
    /// What each replica answered, in the configured order, with the group's
    /// labels.
    pub replicas: Vec<SeriesBatch>,
}

/// A policy as it was bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Its name.
    pub name: String,
    /// SHA-256 of its component; empty for the native rule.
    pub digest: String,
    /// Its settings, as JSON or empty.
    pub settings: String,
    /// The settings of the built-in rule for the group, as JSON.
    pub builtin: String,
}

impl Entry {
    /// An input without a group around it, all of it wanted.
    #[must_use]
    pub fn of(replicas: Vec<SeriesBatch>) -> Self {
        let all = (i64::MIN, i64::MAX);
        Self { start_ms: all.0, end_ms: all.1, asked_ms: all, replicas, ..Self::default() }
    }

    /// How it is to be merged.
    #[must_use]
    pub const fn options(&self) -> Options<'static> {
        Options {
            evaluation_ms: self.evaluation_ms,
            start_ms: self.start_ms,
            end_ms: self.end_ms,
            kind_of: None,
            deadline: None,
            keeps_lone: false,
        }
    }

    /// The replicas' answers.
    #[must_use]
    pub fn views(&self) -> Vec<&SeriesBatch> {
        self.replicas.iter().collect()
    }

    /// How people know a replica: its name, or its number.
    #[must_use]
    pub fn replica(&self, number: usize) -> String {
        self.names
            .get(number)
            .filter(|name| !name.is_empty())
            .cloned()
            .unwrap_or_else(|| number.to_string())
    }

    /// Samples of all replicas.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.replicas.iter().map(SeriesBatch::samples).sum()
    }

    /// About how many bytes it holds.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.replicas.iter().map(SeriesBatch::heap_bytes).sum()
    }
}

impl Recorded {
    /// How a binding is remembered.
    #[must_use]
    pub fn of(binding: &Binding) -> Self {
        Self {
            name: binding.name().to_owned(),
            digest: binding
                .version()
                .map(|version| version.digest().to_owned())
                .unwrap_or_default(),
            settings: binding.spec().map(|spec| spec.settings.clone()).unwrap_or_default(),
            builtin: settings::to_json(binding.fallback()),
        }
    }
}

/// Why a recording cannot be read or written on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be opened, listed or made.
    #[error("{}", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A folder without a recording.
    #[error("{}: holds no file that ends with .{EXTENSION}", path.display())]
    NoFiles {
        /// The folder.
        path: PathBuf,
    },
    /// A file of something else.
    #[error("{}: is no recording of merge inputs", path.display())]
    NotARecording {
        /// The file.
        path: PathBuf,
    },
    /// A recording in another format.
    #[error("{}: is a recording in version {found} of the format; version {VERSION} is read here", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u8,
    },
    /// What follows cannot be read.
    #[error("{}: damaged at byte {offset}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the frame begins that cannot be read.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// An entry that no reader would take.
    #[error("too large to be recorded: {0} bytes")]
    TooLarge(usize),
    /// The disk does not take it.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}
