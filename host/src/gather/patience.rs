//! How long a group waits for a replica that another one has overtaken.
//!
//! In: who has answered so far, and how prompt the others were before. Out: a
//! moment. A replica is given a long grace; one that let it pass is given a
//! short one for a while, which a healthy server does not notice: it answers
//! about when the others do. From time to time one question waits long again.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::replica::lock;

/// How much longer than the first complete answer of a group the others may
/// take. A server that hangs then costs a warning and not the query.
const GRACE: Duration = Duration::from_secs(10);
/// The same for a server that has let the long one pass lately, at least …
const SHORT_GRACE: Duration = Duration::from_millis(500);
/// … and so many times what the first complete answer took.
const SHORT_GRACE_FACTOR: u32 = 3;
/// For so long the grace is short, the first time; each time twice as long …
const PAUSE: Duration = Duration::from_secs(15);
/// … up to so many times twice.
const MOST_DOUBLINGS: u32 = 4;

/// Whether a replica has hung of late.
#[derive(Debug, Default)]
pub(super) struct Promptness(Mutex<Option<Hung>>);

/// A replica that hung.
#[derive(Clone, Copy, Debug)]
struct Hung {
    times: u32,
    until: Instant,
}

impl Hung {
    fn pause(self) -> Duration {
        PAUSE * 2_u32.pow(self.times.min(MOST_DOUBLINGS))
    }
}

impl Promptness {
    /// True while the replica is not worth a wait.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        lock(&self.0).is_some_and(|hung| now < hung.until)
    }

    /// Whether a question may wait long for the replica. Where it hung, only
    /// one may when the pause is over: what it comes to decides for others.
    pub(super) fn is_trusted(&self, now: Instant) -> bool {
        let mut state = lock(&self.0);
        let Some(hung) = state.as_mut() else { return true };
        let is_over = now >= hung.until;
        if is_over {
            hung.until = now + hung.pause();
        }
        is_over
    }

    /// It gave no answer although it was waited for long.
    pub(super) fn hung(&self, now: Instant) {
        let mut state = lock(&self.0);
        let times = state.map_or(0, |hung| hung.times.saturating_add(1));
        let mut hung = Hung { times, until: now };
        hung.until += hung.pause();
        *state = Some(hung);
    }

    /// It answered.
    pub(super) fn answered(&self) {
        *lock(&self.0) = None;
    }
}

/// A question that several replicas are asked at once.
pub(super) struct Wait {
    asked: Instant,
    deadline: Instant,
    /// Until when replicas are waited for, and those in doubt, once one has
    /// answered.
    until: Option<(Instant, Instant)>,
}

impl Wait {
    pub(super) const fn new(asked: Instant, deadline: Instant) -> Self {
        Self { asked, deadline, until: None }
    }

    /// A replica has answered.
    pub(super) fn answered(&mut self, now: Instant) {
        if self.until.is_some() {
            return;
        }
        let long = longest(now, self.deadline);
        let short = (now - self.asked) * SHORT_GRACE_FACTOR;
        self.until = Some((now + long, now + short.max(SHORT_GRACE).min(long)));
    }

    /// Until when it is waited; `trusted` says whether a replica that is still
    /// to answer is worth a long wait.
    pub(super) fn until(&self, trusted: bool) -> Instant {
        match self.until {
            None => self.deadline,
            Some((long, _)) if trusted => long,
            Some((_, short)) => short,
        }
    }
}

/// How long a question may take that is not the whole of a query: never so
/// long that what follows would come too late.
pub(super) fn longest(now: Instant, deadline: Instant) -> Duration {
    GRACE.min(share(now, deadline))
}

/// Half of what is left of the time.
pub(super) fn share(now: Instant, deadline: Instant) -> Duration {
    deadline.saturating_duration_since(now) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_replica_that_hung_is_trusted_by_one_question_at_a_time() {
        let (promptness, now) = (Promptness::default(), Instant::now());
        assert!(promptness.is_trusted(now) && !promptness.is_late(now));
        promptness.hung(now);
        assert!(promptness.is_late(now) && !promptness.is_trusted(now + PAUSE - SECOND));
        let later = now + PAUSE;
        assert!(!promptness.is_late(later));
        assert!(promptness.is_trusted(later) && !promptness.is_trusted(later));
        promptness.hung(later);
        assert!(!promptness.is_trusted(later + PAUSE) && promptness.is_trusted(later + 2 * PAUSE));
        promptness.answered();
        assert!(promptness.is_trusted(later) && !promptness.is_late(later));
    }

    #[test]
    fn pauses_are_bounded() {
        let (promptness, mut now) = (Promptness::default(), Instant::now());
        for _ in 0..40 {
            promptness.hung(now);
            now += PAUSE * 2_u32.pow(MOST_DOUBLINGS);
            assert!(promptness.is_trusted(now));
        }
    }

    #[test]
    fn nobody_is_given_up_before_another_has_answered() {
        let asked = Instant::now();
        let deadline = asked + 120 * SECOND;
        let mut wait = Wait::new(asked, deadline);
        assert_eq!((wait.until(true), wait.until(false)), (deadline, deadline));
        wait.answered(asked + SECOND);
        assert_eq!(wait.until(true), asked + 11 * SECOND);
        assert_eq!(wait.until(false), asked + 4 * SECOND);
        // The first answer counts.
        wait.answered(asked + 5 * SECOND);
        assert_eq!(wait.until(true), asked + 11 * SECOND);
    }

    #[test]
    fn the_wait_leaves_half_of_the_time() {
        let asked = Instant::now();
        let mut wait = Wait::new(asked, asked + 8 * SECOND);
        wait.answered(asked + 4 * SECOND);
        assert_eq!((wait.until(true), wait.until(false)), (asked + 6 * SECOND, asked + 6 * SECOND));
        let mut quick = Wait::new(asked, asked + 60 * SECOND);
        quick.answered(asked);
        assert_eq!(quick.until(false), asked + SHORT_GRACE);
    }
}
