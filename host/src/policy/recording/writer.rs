//! Recording of live queries: never waits, never fails a query.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Entry, Error, Folder, encode};
use crate::policy::worker::{Bounds, Worker};

/// What may wait for the disk: some large queries, or many small ones.
const BOUNDS: Bounds = Bounds { entries: 256, bytes: 64 << 20 };

/// How long the end of a process waits for the disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of a merge that was to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is in a file; so many bytes.
    Recorded(u64),
    /// Too much was waiting for the disk.
    QueueFull,
    /// It alone is larger than all recordings together may be.
    TooLarge,
    /// The disk did not take it.
    Failed,
}

/// Hears of every outcome.
pub type Written = dyn Fn(Outcome) + Send + Sync;

/// Records the merges of one server group.
pub struct Writer {
    worker: Worker<Arc<Entry>>,
    /// Of the merges so far, one in `1 / sample` is recorded.
    sample: f64,
    seen: AtomicU64,
    written: Arc<Written>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("sample", &self.sample).finish_non_exhaustive()
    }
}

impl Writer {
    /// Records a fraction (0 to 1) of a group's merges in at most so many
    /// bytes of a folder. `written` is called for every merge of that
    /// fraction, mostly on the writer's thread.
    ///
    /// # Errors
    /// When there can be no thread more.
    pub fn start(
        dir: &Path,
        group: &str,
        max_bytes: u64,
        sample: f64,
        written: Arc<Written>,
    ) -> io::Result<Self> {
        let mut folder = Folder::new(dir, group, max_bytes);
        let (tell, title) = (Arc::clone(&written), group.to_owned());
        let mut is_failing = false;
        let worker = Worker::start("merge-recorder", BOUNDS, move |entry: Arc<Entry>| {
            let result = record(&mut folder, &entry);
            // Said once, until it works again.
            if let Err(error @ (Error::Open { .. } | Error::Write { .. })) = &result
                && !std::mem::replace(&mut is_failing, true)
            {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::warn!(group = %title, %error, cause, "merges are not recorded");
            }
            is_failing &= result.is_err();
            tell(match result {
                Ok(bytes) => Outcome::Recorded(bytes),
                Err(Error::TooLarge(_)) => Outcome::TooLarge,
                Err(_) => Outcome::Failed,
            });
        })?;
        Ok(Self { worker, sample: sample.clamp(0.0, 1.0), seen: AtomicU64::new(0), written })
    }

    /// Whether the next merge is to be recorded: of n merges every one whose
    /// number makes `n · sample` reach the next whole number.
    #[must_use]
    pub fn wants_next(&self) -> bool {
        let before = self.seen.fetch_add(1, Ordering::Relaxed) as f64;
        ((before + 1.0) * self.sample).floor() > (before * self.sample).floor()
    }

    /// Takes a merge, or drops it if too much is waiting. Never waits.
    pub fn record(&self, entry: Arc<Entry>) {
        let bytes = entry.heap_bytes();
        if !self.worker.offer(entry, bytes) {
            (self.written)(Outcome::QueueFull);
        }
    }

    /// Waits until everything taken so far is in its file, for a disk that
    /// works; a few seconds at most.
    pub fn settle(&self) {
        self.worker.settle(PATIENCE);
    }
}

/// What was taken is written, also by a process that ends.
impl Drop for Writer {
    fn drop(&mut self) {
        self.settle();
    }
}

fn record(folder: &mut Folder, entry: &Entry) -> Result<u64, Error> {
    let frame = encode::frame(entry)?;
    folder.append(&frame)?;
    Ok(frame.len() as u64)
}
