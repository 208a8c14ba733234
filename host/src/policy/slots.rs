//! How many sandboxes there may be at a time, and for whom.
//!
//! Who comes when all are in use waits, up to a moment. No version of a policy
//! gets more than half of them, so that one that spins in all its sandboxes
//! leaves the other half to its neighbours.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Counts sandboxes.
pub(super) struct Slots {
    state: Mutex<State>,
    /// Signalled when a slot becomes free.
    freed: Condvar,
    /// Signalled when the first slot is taken, and at the end.
    busy: Condvar,
}

struct State {
    free: u32,
    total: u32,
    closed: bool,
}

/// The slots that one version of a policy holds; changed under the lock of
/// [`Slots`] only.
#[derive(Debug, Default)]
pub(super) struct Share(AtomicU32);

impl Slots {
    pub(super) fn new(total: u32) -> Self {
        let state = Mutex::new(State { free: total, total, closed: false });
        Self { state, freed: Condvar::new(), busy: Condvar::new() }
    }

    /// A slot, as soon as one is free and the share is not used up; none if
    /// that takes too long.
    pub(super) fn take(slots: &Arc<Self>, share: &Arc<Share>, until: Instant) -> Option<Slot> {
        let mut state = slots.lock();
        let most = state.total.div_ceil(2);
        while state.free == 0 || share.0.load(Ordering::Relaxed) >= most {
            let patience = until.saturating_duration_since(Instant::now());
            if patience.is_zero() {
                return None;
            }
            let waited = slots.freed.wait_timeout(state, patience);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if state.free == state.total {
            slots.busy.notify_one();
        }
        state.free -= 1;
        share.0.fetch_add(1, Ordering::Relaxed);
        Some(Slot { slots: Arc::clone(slots), share: Arc::clone(share) })
    }

    /// Waits until a slot is in use; false at the end.
    pub(super) fn wait_until_busy(&self) -> bool {
        let idle = |state: &mut State| state.free == state.total && !state.closed;
        let waited = self.busy.wait_while(self.lock(), idle);
        !waited.unwrap_or_else(PoisonError::into_inner).closed
    }

    /// The end: nobody waits until it is busy any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.busy.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one sandbox; returned on drop.
pub(super) struct Slot {
    slots: Arc<Slots>,
    share: Arc<Share>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.slots.lock();
        state.free += 1;
        self.share.0.fetch_sub(1, Ordering::Relaxed);
        drop(state);
        // All: the one that is woken may be one whose share is used up.
        self.slots.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn now() -> Instant {
        Instant::now()
    }

    #[test]
    fn one_version_gets_half_of_the_slots_and_its_neighbours_the_rest() {
        let slots = Arc::new(Slots::new(4));
        let (greedy, neighbour) = (Arc::default(), Arc::default());
        let first = Slots::take(&slots, &greedy, now()).expect("all are free");
        let _second = Slots::take(&slots, &greedy, now()).expect("half of four");
        assert!(Slots::take(&slots, &greedy, now()).is_none());
        let _third = Slots::take(&slots, &neighbour, now()).expect("two are left");
        drop(first);
        assert!(Slots::take(&slots, &greedy, now()).is_some());
    }

    #[test]
    fn a_single_slot_serves_everybody_in_turn() {
        let slots = Arc::new(Slots::new(1));
        let (one, other) = (Arc::default(), Arc::default());
        let held = Slots::take(&slots, &one, now()).expect("it is free");
        assert!(Slots::take(&slots, &other, now()).is_none());
        let later = || now() + Duration::from_secs(60);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| Slots::take(&slots, &other, later()).is_some());
            drop(held);
            assert!(waiting.join().expect("it does not panic"));
        });
    }
}
