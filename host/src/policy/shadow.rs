//! A candidate that runs beside the active policy, on the merges of live
//! queries, and is compared with it.
//!
//! A query hands over what its replicas answered and where the merged samples
//! came from, both moved and not copied, and goes on. One thread of low
//! priority for the whole process merges again with the candidate; what it
//! cannot keep up with is dropped and counted. So a candidate can neither
//! change, slow nor fail a query, and holds one sandbox at most.

mod report;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::compare::{self, Answered, Comparison, Example, MAX_EXAMPLES, Window};
use super::recording::Entry;
use super::worker::Worker;
use super::{Binding, Fault};

pub use super::worker::Bounds;
pub use report::Report;

/// What may wait to be compared: some large queries, or many small ones.
impl Default for Bounds {
    fn default() -> Self {
        Self { entries: 1024, bytes: 128 << 20 }
    }
}

/// The thread that all shadows of a process share.
#[derive(Debug)]
pub struct Pool {
    worker: Worker<Job>,
}

/// A merge to be compared; nobody's, if the shadow is gone by then.
#[derive(Debug)]
struct Job {
    shadow: Weak<Shadow>,
    entry: Arc<Entry>,
    active: Answered,
}

impl Pool {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there can be no thread more.
    pub fn start(bounds: Bounds) -> io::Result<Arc<Self>> {
        let worker = Worker::start("policy-shadow", bounds, |job: Job| {
            if let Some(shadow) = job.shadow.upgrade() {
                shadow.compare(&job.entry, &job.active);
            }
        })?;
        Ok(Arc::new(Self { worker }))
    }

    /// Waits until everything handed over so far is compared, but not longer
    /// than this.
    pub fn settle(&self, longest: Duration) {
        self.worker.settle(longest);
    }
}

/// What happened to a merge that was to be compared, for metrics.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// It was compared, or the candidate failed.
    Compared(&'a Comparison),
    /// Too much was waiting, or the candidate is parked.
    Dropped,
}

/// Hears of every merge, mostly on the pool's thread.
pub type Listener = dyn Fn(Event<'_>) + Send + Sync;

/// A candidate for one server group, and how it compares so far.
pub struct Shadow {
    candidate: Arc<Binding>,
    pool: Arc<Pool>,
    state: Mutex<State>,
    /// Apart from the state, for the thread may hold that while it has no
    /// processor.
    dropped: AtomicU64,
    listener: Box<Listener>,
}

#[derive(Default)]
struct State {
    comparison: Comparison,
    /// The newest.
    examples: VecDeque<Example>,
}

impl std::fmt::Debug for Shadow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shadow").field("candidate", &self.candidate).finish_non_exhaustive()
    }
}

impl Shadow {
    /// A candidate without a merge so far.
    #[must_use]
    pub fn new(candidate: Arc<Binding>, pool: &Arc<Pool>, listener: Box<Listener>) -> Arc<Self> {
        let (pool, state) = (Arc::clone(pool), Mutex::default());
        Arc::new(Self { candidate, pool, state, dropped: AtomicU64::new(0), listener })
    }

    /// The candidate.
    #[must_use]
    pub const fn candidate(&self) -> &Arc<Binding> {
        &self.candidate
    }

    /// Takes a merge that the active policy has answered, or drops it. Never
    /// waits.
    pub fn observe(self: &Arc<Self>, entry: Arc<Entry>, active: Answered) {
        let bytes = entry.heap_bytes() + active.heap_bytes();
        let job = Job { shadow: Arc::downgrade(self), entry, active };
        let taken = !self.candidate.is_parked() && self.pool.worker.offer(job, bytes);
        if !taken {
            self.drop_one();
        }
    }

    fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        (self.listener)(Event::Dropped);
    }

    /// How the candidate compares so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let state = self.state();
        let mut comparison = state.comparison.clone();
        comparison.examples = state.examples.iter().cloned().collect();
        let dropped = self.dropped.load(Ordering::Relaxed);
        Report { comparison, dropped, parked: self.candidate.is_parked() }
    }

    fn compare(&self, entry: &Entry, active: &Answered) {
        let answered = compare::answer(&self.candidate, entry);
        if matches!(answered.fault, Some(Fault::Parked(_) | Fault::Busy)) {
            return self.drop_one();
        }
        let window = Window::of(entry, &[&self.candidate]);
        let comparison = compare::between(entry, window, active, &answered);
        (self.listener)(Event::Compared(&comparison));
        self.state().add(comparison);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Counters are whole whatever panicked between two of them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, mut comparison: Comparison) {
        for example in std::mem::take(&mut comparison.examples) {
            if self.examples.len() == MAX_EXAMPLES {
                self.examples.pop_front();
            }
            self.examples.push_back(example);
        }
        self.comparison.add(comparison);
    }
}
