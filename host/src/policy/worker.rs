//! A thread for work that nobody waits for.
//!
//! In come pieces of work, at most so many and so many bytes at a time; what
//! exceeds that is refused at once, so that whoever offers it never waits.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

/// How little the thread gets of a processor that others want (`nice`).
const NICENESS: i32 = 15;

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Pieces of work.
    pub entries: usize,
    /// Bytes that they hold, the one in work included.
    pub bytes: usize,
}

/// The thread, and the queue in front of it. The thread ends with the last of
/// its work after this is dropped.
#[derive(Debug)]
pub(super) struct Worker<T> {
    sender: SyncSender<Piece<T>>,
    waiting: Arc<AtomicUsize>,
    bounds: Bounds,
}

#[derive(Debug)]
enum Piece<T> {
    Work(T, usize),
    /// Answered when all before it is done.
    Mark(SyncSender<()>),
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
        let (sender, receiver) = sync_channel(bounds.entries.max(1));
        let waiting = Arc::new(AtomicUsize::new(0));
        let held = Arc::clone(&waiting);
        let run = move || {
            lower_priority();
            for piece in receiver {
                match piece {
                    Piece::Work(piece, bytes) => {
                        if catch_unwind(AssertUnwindSafe(|| work(piece))).is_err() {
                            tracing::error!("background work on a merge panicked");
                        }
                        held.fetch_sub(bytes, Ordering::Relaxed);
                    }
                    // Who asked may have gone.
                    Piece::Mark(done) => drop(done.send(())),
                }
            }
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { sender, waiting, bounds })
    }

    /// Takes a piece of work, or refuses it; never waits.
    pub(super) fn offer(&self, piece: T, bytes: usize) -> bool {
        let before = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        let taken = before.saturating_add(bytes) <= self.bounds.bytes
            && self.sender.try_send(Piece::Work(piece, bytes)).is_ok();
        if !taken {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        }
        taken
    }

    /// Waits until all that was taken so far is done.
    pub(super) fn settle(&self) {
        let (done, wait) = sync_channel(1);
        if self.sender.send(Piece::Mark(done)).is_ok() {
            // An error means that the thread is gone, and its work with it.
            let _ = wait.recv();
        }
    }
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
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

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
        worker.settle();
        assert!(worker.offer(5, 100));
        open.send(()).expect("the worker listens");
        worker.settle();
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
        let taken = (0..10).filter(|_| worker.offer((), 1)).count();
        assert!((2..=3).contains(&taken), "{taken} of ten were taken, one may be in work");
        drop(open);
        worker.settle();
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
        worker.settle();
        assert_eq!(*done.lock().expect("no panic while held"), [0, 2]);
        assert_eq!(worker.waiting.load(Ordering::Relaxed), 0);
    }
}
