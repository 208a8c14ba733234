//! Who may compile now, who waits, and who is sent away.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::policy::Error;

/// A few at a time, and a bounded number that waits for them.
pub(super) struct Queue {
    state: Mutex<State>,
    freed: Condvar,
    most_waiting: usize,
}

struct State {
    free: usize,
    waiting: usize,
}

impl Queue {
    pub(super) const fn new(at_once: usize, most_waiting: usize) -> Self {
        let state = Mutex::new(State { free: at_once, waiting: 0 });
        Self { state, freed: Condvar::new(), most_waiting }
    }

    /// Waits for a turn; it lasts until the guard is dropped.
    ///
    /// # Errors
    /// [`Error::Busy`] at once, if too many wait.
    pub(super) fn wait(&self) -> Result<Turn<'_>, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.free == 0 {
            if state.waiting >= self.most_waiting {
                return Err(Error::Busy(state.waiting));
            }
            state.waiting += 1;
            let freed = self.freed.wait_while(state, |state| state.free == 0);
            state = freed.unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        state.free -= 1;
        Ok(Turn(self))
    }
}

/// The right to compile.
pub(super) struct Turn<'a>(&'a Queue);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).free += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_when_too_many_wait_is_sent_away() {
        let queue = Queue::new(1, 0);
        let turn = queue.wait().expect("nobody is there");
        assert!(matches!(queue.wait(), Err(Error::Busy(0))));
        drop(turn);
        assert!(queue.wait().is_ok());
    }

    #[test]
    fn those_that_wait_get_their_turn() {
        let queue = Queue::new(1, 8);
        let turn = queue.wait().expect("nobody is there");
        std::thread::scope(|scope| {
            let waiting: Vec<_> =
                (0..8).map(|_| scope.spawn(|| queue.wait().map(drop).is_ok())).collect();
            drop(turn);
            assert!(waiting.into_iter().all(|own| own.join().expect("no panic")));
        });
    }
}
