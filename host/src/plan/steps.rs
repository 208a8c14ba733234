//! Evaluation times, and which of them look at which samples.
//!
//! In: what an expression's selectors read, and where one replica has all of
//! it. Out: the steps that this replica may answer.

use promql::query::Select;

use super::ways::{Stretch, Way};

/// More changes between ways than this are not worth it: all is raw then.
const MOST_STRETCHES: usize = 16;

/// Evaluation times: `start`, `start + step`, … up to `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Steps {
    /// The first, in milliseconds.
    pub start_ms: i64,
    /// None is later, in milliseconds.
    pub end_ms: i64,
    /// Between two, in milliseconds; 0 is an instant query at `start`.
    pub step_ms: i64,
}

/// What one selector reads for an evaluation at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The samples from so long before to so long after (negative: before),
    /// in milliseconds.
    Around {
        /// How long before the first sample may lie.
        before_ms: i64,
        /// How long after the last.
        after_ms: i64,
    },
    /// The same samples at every time, from and to.
    Fixed(i64, i64),
}

impl Reach {
    /// What is read, by what is read for the first and for the last of the
    /// evaluation times `start_ms` and `end_ms`. Subqueries look at moments on
    /// a grid of at most `grid_ms`.
    #[must_use]
    pub fn of(first: &Select, last: &Select, (start_ms, end_ms): (i64, i64), grid_ms: i64) -> Self {
        let same = (first.start_ms, first.end_ms) == (last.start_ms, last.end_ms);
        if same && start_ms != end_ms {
            return Self::Fixed(first.start_ms, first.end_ms);
        }
        let before =
            start_ms.saturating_sub(first.start_ms).max(end_ms.saturating_sub(last.start_ms));
        let after = first.end_ms.saturating_sub(start_ms).max(last.end_ms.saturating_sub(end_ms));
        Self::Around {
            before_ms: before.saturating_add(grid_ms),
            after_ms: after.saturating_add(grid_ms),
        }
    }

    /// The window that evaluations at these times read.
    #[must_use]
    pub const fn window(self, steps: &Steps) -> (i64, i64) {
        match self {
            Self::Fixed(from, to) => (from, to),
            Self::Around { before_ms, after_ms } => {
                (steps.start_ms.saturating_sub(before_ms), steps.end_ms.saturating_add(after_ms))
            }
        }
    }

    /// The evaluation times that read nothing outside a window.
    const fn times_within(self, (from, to): (i64, i64)) -> Option<(i64, i64)> {
        match self {
            Self::Fixed(first, last) => {
                if first >= from && last <= to {
                    Some((i64::MIN, i64::MAX))
                } else {
                    None
                }
            }
            Self::Around { before_ms, after_ms } => {
                Some((from.saturating_add(before_ms), to.saturating_sub(after_ms)))
            }
        }
    }
}

impl Steps {
    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        match self.step_ms {
            ..=0 => 1,
            step if self.end_ms >= self.start_ms => {
                (self.end_ms.abs_diff(self.start_ms)) / step.unsigned_abs() + 1
            }
            _ => 0,
        }
    }

    /// True if this is one of them.
    #[must_use]
    pub const fn has(&self, time_ms: i64) -> bool {
        match self.step_ms {
            ..=0 => time_ms == self.start_ms,
            step => {
                time_ms >= self.start_ms
                    && time_ms <= self.end_ms
                    && time_ms.abs_diff(self.start_ms).is_multiple_of(step.unsigned_abs())
            }
        }
    }

    /// The same times in rows of at most so many (above zero), in order.
    #[must_use]
    pub fn pieces(&self, longest: u64) -> Vec<Self> {
        let (count, longest) = (self.count(), longest.max(1));
        if count <= longest {
            return vec![*self];
        }
        // As even as they can be, so that none is a leftover.
        let pieces = count.div_ceil(longest);
        let border = |piece: u64| count * piece / pieces;
        (0..pieces).map(|piece| self.between(border(piece), border(piece + 1))).collect()
    }

    /// True if a server that moves range queries to multiples of their step
    /// leaves this one where it is.
    #[must_use]
    pub const fn is_aligned(&self) -> bool {
        self.step_ms <= 0 || self.start_ms.rem_euclid(self.step_ms) == 0
    }

    /// Evaluation time `number`.
    fn time(&self, number: u64) -> i64 {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        self.start_ms.saturating_add(self.step_ms.saturating_mul(number))
    }

    /// Number of the first step that is not before a time.
    fn first_from(&self, time_ms: i64) -> u64 {
        if time_ms <= self.start_ms {
            return 0;
        }
        let distance = time_ms.abs_diff(self.start_ms);
        if self.step_ms <= 0 { 1 } else { distance.div_ceil(self.step_ms.unsigned_abs()) }
    }

    /// Number of steps up to a time.
    fn count_to(&self, time_ms: i64) -> u64 {
        if time_ms < self.start_ms {
            return 0;
        }
        let distance = time_ms.abs_diff(self.start_ms);
        let count = if self.step_ms <= 0 { 1 } else { distance / self.step_ms.unsigned_abs() + 1 };
        count.min(self.count())
    }

    /// Steps `from..to`, not none of them.
    fn between(&self, from: u64, to: u64) -> Self {
        Self { start_ms: self.time(from), end_ms: self.time(to - 1), step_ms: self.step_ms }
    }
}

/// Where (both ends included, in milliseconds) which replica has all of a
/// selector's samples, ascending.
pub type Whole = (i64, i64, usize);

/// Divides steps: a replica answers those for which, of every selector, it has
/// all that is read; the rest is raw. For each selector, its reach and where
/// (both ends included, in milliseconds) which replica has all of it.
#[must_use]
pub fn stretches(steps: Steps, selectors: &[(Reach, &[Whole])]) -> Vec<Stretch> {
    let all_raw = || vec![Stretch { steps, way: Way::Raw }];
    let Some(((reach, whole), others)) = selectors.split_first() else { return all_raw() };
    let mut found = times(*reach, whole);
    for (reach, whole) in others {
        found = common(&found, &times(*reach, whole));
    }
    let (mut divided, mut done) = (Vec::new(), 0);
    for (first, last, replica) in found {
        let (from, to) = (steps.first_from(first).max(done), steps.count_to(last));
        if from >= to {
            continue;
        }
        if from > done {
            divided.push(Stretch { steps: steps.between(done, from), way: Way::Raw });
        }
        divided.push(Stretch { steps: steps.between(from, to), way: Way::Push(replica) });
        done = to;
    }
    if done == 0 || divided.len() > MOST_STRETCHES {
        return all_raw();
    }
    if done < steps.count() {
        divided.push(Stretch { steps: steps.between(done, steps.count()), way: Way::Raw });
    }
    divided
}

/// When which replica has all that one selector reads, ascending.
fn times(reach: Reach, whole: &[Whole]) -> Vec<Whole> {
    let within = |(from, to, replica): &Whole| {
        let (first, last) = reach.times_within((*from, *to))?;
        (first <= last).then_some((first, last, *replica))
    };
    let mut found: Vec<_> = whole.iter().filter_map(within).collect();
    if let Reach::Fixed(..) = reach {
        found.truncate(1);
    }
    found
}

/// When both have it, the same replica.
fn common(one: &[Whole], two: &[Whole]) -> Vec<Whole> {
    let mut both = Vec::new();
    for (from, to, replica) in one {
        for (start, end, other) in two {
            let (first, last) = ((*from).max(*start), (*to).min(*end));
            if replica == other && first <= last {
                both.push((first, last, *replica));
            }
        }
    }
    both.sort_unstable();
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: Steps = Steps { start_ms: 100, end_ms: 200, step_ms: 10 };

    fn show(selectors: &[(Reach, &[Whole])]) -> Vec<(i64, i64, Way)> {
        let found = stretches(STEPS, selectors);
        found.iter().map(|own| (own.steps.start_ms, own.steps.end_ms, own.way)).collect()
    }

    const LAST_20: Reach = Reach::Around { before_ms: 20, after_ms: 0 };

    #[test]
    fn steps_are_cut_where_the_whole_replica_changes() {
        let whole = [(0, 150, 0), (121, 500, 1)];
        assert_eq!(
            show(&[(LAST_20, &whole)]),
            [(100, 150, Way::Push(0)), (160, 200, Way::Push(1))]
        );
        let whole = [(85, 141, 0), (145, 500, 1)];
        assert_eq!(
            show(&[(LAST_20, &whole)]),
            [
                (100, 100, Way::Raw),
                (110, 140, Way::Push(0)),
                (150, 160, Way::Raw),
                (170, 200, Way::Push(1))
            ]
        );
    }

    #[test]
    fn every_selector_must_be_whole_in_the_same_replica() {
        let (one, two) = ([(0, 500, 0)], [(0, 150, 0), (150, 500, 1)]);
        assert_eq!(
            show(&[(LAST_20, &one), (LAST_20, &two)]),
            [(100, 150, Way::Push(0)), (160, 200, Way::Raw)]
        );
        assert_eq!(show(&[(LAST_20, &one), (LAST_20, &[])]), [(100, 200, Way::Raw)]);
        assert_eq!(show(&[]), [(100, 200, Way::Raw)]);
    }

    #[test]
    fn a_fixed_window_holds_for_all_steps_or_for_none() {
        let fixed = Reach::Fixed(10, 20);
        assert_eq!(show(&[(fixed, &[(0, 30, 1)])]), [(100, 200, Way::Push(1))]);
        assert_eq!(show(&[(fixed, &[(15, 300, 1)])]), [(100, 200, Way::Raw)]);
        assert_eq!(
            show(&[(fixed, &[(0, 30, 1)]), (LAST_20, &[(100, 300, 1)])]),
            [(100, 110, Way::Raw), (120, 200, Way::Push(1))]
        );
    }

    #[test]
    fn windows_at_the_ends_of_all_times_do_not_overflow() {
        let select =
            |start_ms, end_ms| Select { matchers: vec![], start_ms, end_ms, lookups: None };
        let all = select(i64::MIN, i64::MAX);
        let ends = (i64::MIN, i64::MAX);
        let steps = Steps { start_ms: i64::MIN, end_ms: i64::MAX, step_ms: 1 };
        let reach = Reach::of(&all, &select(0, 0), ends, 5);
        assert_eq!(reach.window(&steps), (i64::MIN, i64::MAX));
        assert_eq!(stretches(steps, &[(reach, &[(0, 1, 0)])]).len(), 1);
    }

    #[test]
    fn an_instant_query_is_one_step() {
        let steps = Steps { start_ms: 100, end_ms: 100, step_ms: 0 };
        let whole = [(80, 100, 0)];
        let found = stretches(steps, &[(LAST_20, &whole)]);
        assert_eq!(found, [Stretch { steps, way: Way::Push(0) }]);
        let found = stretches(steps, &[(LAST_20, &[(81, 100, 0)])]);
        assert_eq!(found, [Stretch { steps, way: Way::Raw }]);
    }
}
