//! A thread for work that nobody waits for.
//!
//! In come pieces of work, at most so many and so many bytes at a time; what
//! exceeds that is refused at once, so that whoever offers it never waits.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How little the thread gets of a processor that others want (`nice`).
const NICENESS: i32 = 15;

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Pieces of work, the one in work included.
    pub entries: usize,
    /// Bytes that they hold.
    pub bytes: usize,
}

/// The thread, and the queue in front of it. The thread ends with the last of
/// its work after this is dropped.
#[derive(Debug)]
pub(super) struct Worker<T> {
    sender: Sender<(T, usize)>,
    waiting: Arc<Waiting>,
    bounds: Bounds,
}

/// What is not done yet. Who offers work touches no lock here, for the thread
/// may hold it while it has no processor.
#[derive(Debug, Default)]
struct Waiting {
    pieces: AtomicUsize,
    bytes: AtomicUsize,
    lock: Mutex<()>,
    none: Condvar,
}

impl Waiting {
    fn add(&self, bytes: usize, bounds: &Bounds) -> bool {
        let pieces = self.pieces.fetch_add(1, Ordering::SeqCst);
        let held = self.bytes.fetch_add(bytes, Ordering::SeqCst);
        let fits = pieces < bounds.entries && held.saturating_add(bytes) <= bounds.bytes;
        if !fits {
            self.remove(bytes);
        }
        fits
    }

    fn remove(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::SeqCst);
        self.pieces.fetch_sub(1, Ordering::SeqCst);
    }

    fn done(&self, bytes: usize) {
        self.remove(bytes);
        if self.pieces.load(Ordering::SeqCst) == 0 {
            let _held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
            self.none.notify_all();
        }
    }
}

impl<T: Send + 'static> Worker<T> {
    /// Starts a thread of low priority that does `work`. A panic costs the
    /// piece that it is about.
    ///
    /// # Errors
    /// When there can be no thread more.
    pub(super) fn start(
        name: &str,
        bounds: Bounds,
        mut work: impl FnMut(T) + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, receiver) = channel::<(T, usize)>();
        let waiting = Arc::new(Waiting::default());
        let held = Arc::clone(&waiting);
        let run = move || {
            IS_BACKGROUND.set(true);
            lower_priority();
            for (piece, bytes) in receiver {
                if catch_unwind(AssertUnwindSafe(|| work(piece))).is_err() {
                    tracing::error!("background work on a merge panicked");
                }
                held.done(bytes);
            }
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { sender, waiting, bounds })
    }

    /// Takes a piece of work, or refuses it; never waits.
    pub(super) fn offer(&self, piece: T, bytes: usize) -> bool {
        if !self.waiting.add(bytes, &self.bounds) {
            return false;
        }
        let is_sent = self.sender.send((piece, bytes)).is_ok();
        if !is_sent {
            self.waiting.remove(bytes);
        }
        is_sent
    }

    /// Waits until all that was taken is done, but not longer than this.
    pub(super) fn settle(&self, longest: Duration) {
        let lock = self.waiting.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = |(): &mut ()| self.waiting.pieces.load(Ordering::SeqCst) > 0;
        // Whether it is done or not is the same to who waits.
        let _done = self.waiting.none.wait_timeout_while(lock, longest, busy);
    }
}

thread_local! {
    static IS_BACKGROUND: Cell<bool> = const { Cell::new(false) };
}

/// True on threads that wait for processors that others want.
pub(super) fn is_background() -> bool {
    IS_BACKGROUND.get()
}

/// Of this thread alone, which is what Linux takes the process for here.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "background work keeps its priority");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_exceeds_a_bound_is_refused_at_once_and_room_comes_back() {
        let (open, gate) = channel::<()>();
        let done = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&done);
        let bounds = Bounds { entries: 2, bytes: 100 };
        let worker = Worker::start("test", bounds, move |piece: u32| {
            gate.recv().expect("the test holds the sender");
            seen.lock().expect("no panic while held").push(piece);
        });
        let worker = worker.expect("a thread");
        assert!(!worker.offer(0, 101), "too large");
        assert!(worker.offer(1, 60));
        assert!(!worker.offer(2, 60), "too many bytes");
        assert!(worker.offer(3, 40));
        assert!(!worker.offer(4, 1), "too many bytes");
        for _ in 0..2 {
            open.send(()).expect("the worker listens");
        }
        worker.settle(LONG);
        assert!(worker.offer(5, 100));
        open.send(()).expect("the worker listens");
        worker.settle(LONG);
        assert_eq!(*done.lock().expect("no panic while held"), [1, 3, 5]);
    }

    #[test]
    fn pieces_are_bounded_by_number_too() {
        let (open, gate) = channel::<()>();
        let bounds = Bounds { entries: 2, bytes: 100 };
        let worker = Worker::start("test", bounds, move |()| {
            // An error means that the gate is open for good.
            let _ = gate.recv();
        });
        let worker = worker.expect("a thread");
        assert_eq!((0..10).filter(|_| worker.offer((), 1)).count(), 2);
        drop(open);
        worker.settle(LONG);
    }

    #[test]
    fn a_panic_costs_one_piece() {
        let done = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&done);
        let worker = Worker::start("test", Bounds { entries: 9, bytes: 9 }, move |piece: u32| {
            assert_ne!(piece, 1, "this piece fails, as it shall");
            seen.lock().expect("no panic while held").push(piece);
        });
        let worker = worker.expect("a thread");
        (0..3).for_each(|piece| assert!(worker.offer(piece, 1)));
        worker.settle(LONG);
        assert_eq!(*done.lock().expect("no panic while held"), [0, 2]);
        assert_eq!(worker.waiting.bytes.load(Ordering::SeqCst), 0);
    }
}
