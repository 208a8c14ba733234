//! Replicas in an order of preference: the first one that has data is taken,
//! and its holes are filled from the next.
//!
//! A hole is a distance of two samples of more than one and a half intervals,
//! or what lies before the first and after the last sample. What fills it
//! stays half an interval away from its borders, so that the filled series is
//! nowhere denser than a scraped one. Whether a sample is taken depends on
//! what lies within one and a half intervals of it, and on nothing else.

use crate::{Plan, Series};

/// How far a decision looks: the span to declare.
pub const fn span_ms(interval_ms: i64) -> u64 {
    interval_ms.unsigned_abs().saturating_mul(3).div_ceil(2)
}

/// Takes the replicas of `order`, each in the holes of those before it.
pub fn in_order(
    series: &Series<'_>,
    order: impl IntoIterator<Item = usize>,
    interval_ms: i64,
    plan: &mut Plan,
) {
    let mut taken = Vec::new();
    for replica in order {
        taken = fill_holes(&taken, series.times(replica), replica, interval_ms);
    }
    for sample in taken {
        plan.take(sample.replica, sample.index, 1);
    }
}

/// A sample that is taken.
#[derive(Clone, Copy)]
struct Taken {
    time: i64,
    replica: usize,
    index: usize,
}

/// `taken`, and of the replica's samples those that lie in its holes.
fn fill_holes(taken: &[Taken], times: &[i64], replica: usize, interval_ms: i64) -> Vec<Taken> {
    let mut filled = Vec::with_capacity(taken.len() + times.len());
    let mut next = 0; // of `taken`: the first one later than the sample
    for (index, &time) in times.iter().enumerate() {
        while next < taken.len() && taken[next].time <= time {
            filled.push(taken[next]);
            next += 1;
        }
        let before = next.checked_sub(1).map(|last| taken[last].time);
        let after = taken.get(next).map(|sample| sample.time);
        if fits(before, time, after, interval_ms) {
            filled.push(Taken { time, replica, index });
        }
    }
    filled.extend(&taken[next..]);
    filled
}

/// Whether there is a hole between two neighbours, and a sample fits into it.
fn fits(before: Option<i64>, time: i64, after: Option<i64>, interval_ms: i64) -> bool {
    let distance = |from: Option<i64>, to: Option<i64>| match (from, to) {
        (Some(from), Some(to)) => to.saturating_sub(from),
        _ => i64::MAX,
    };
    let is_hole = distance(before, after).saturating_mul(2) > interval_ms.saturating_mul(3);
    let is_apart = |distance: i64| distance.saturating_mul(2) >= interval_ms;
    is_hole && is_apart(distance(before, Some(time))) && is_apart(distance(Some(time), after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn filled(replicas: &[&[i64]]) -> Vec<(usize, i64)> {
        let order = 0..replicas.len();
        testing::times(replicas, |series, plan| in_order(series, order.clone(), 10, plan))
    }

    #[test]
    fn a_distance_of_one_and_a_half_intervals_is_no_hole() {
        assert_eq!(filled(&[&[0, 15], &[7]]), [(0, 0), (0, 15)]);
        assert_eq!(filled(&[&[0, 16], &[8]]), [(0, 0), (1, 8), (0, 16)]);
    }

    #[test]
    fn what_fills_a_hole_is_half_an_interval_from_its_borders() {
        let answer = filled(&[&[0, 40], &[4, 14, 24, 34], &[5]]);
        assert_eq!(answer, [(0, 0), (1, 14), (1, 24), (1, 34), (0, 40)]);
    }

    #[test]
    fn before_the_first_and_after_the_last_sample_is_a_hole() {
        assert_eq!(filled(&[&[20], &[0, 10, 30]]), [(1, 0), (1, 10), (0, 20), (1, 30)]);
        assert_eq!(filled(&[&[], &[], &[1, 2]]), [(2, 1), (2, 2)]);
    }

    #[test]
    fn the_ends_of_time_are_no_special_places() {
        let answer = filled(&[&[i64::MIN, i64::MAX], &[i64::MIN + 1, 0, i64::MAX - 1]]);
        assert_eq!(answer, [(0, i64::MIN), (1, 0), (0, i64::MAX)]);
    }
}
