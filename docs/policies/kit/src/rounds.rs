//! Replicas that vote.
//!
//! Replicas scrape one target at different moments, so time is cut into
//! rounds, as long as the distance of two scrapes. In every round each replica
//! that has samples gives one vote, the value of its last one, and the samples
//! of the replica that wins are taken. Rounds begin at multiples of their
//! length, so a decision depends on its own round and on nothing else.

use crate::{Plan, Series};

/// What a replica has in a round.
#[derive(Clone, Copy, Debug)]
pub struct Vote {
    /// Its number.
    pub replica: usize,
    /// The value of its last sample there.
    pub value: f64,
    start: usize,
    length: usize,
}

/// How far a decision looks: the span to declare.
pub const fn span_ms(interval_ms: i64) -> u64 {
    interval_ms.unsigned_abs() - 1
}

/// Takes in every round the samples of the vote that `elect` returns; it is
/// given one vote or more, by replica.
pub fn elect(
    series: &Series<'_>,
    interval_ms: i64,
    plan: &mut Plan,
    elect: impl Fn(&[Vote]) -> Vote,
) {
    let mut next = vec![0; series.replicas()];
    let mut votes = Vec::with_capacity(series.replicas());
    while let Some(last) = end_of_round(series, &next, interval_ms) {
        votes.clear();
        for (replica, start) in next.iter_mut().enumerate() {
            let times = &series.times(replica)[*start..];
            let length = times.iter().take_while(|time| **time <= last).count();
            if length > 0 {
                let value = series.value(replica, *start + length - 1);
                votes.push(Vote { replica, value, start: *start, length });
                *start += length;
            }
        }
        let elected = elect(&votes);
        plan.take(elected.replica, elected.start, elected.length);
    }
}

/// The last moment of the round that the earliest sample left belongs to.
fn end_of_round(series: &Series<'_>, next: &[usize], interval_ms: i64) -> Option<i64> {
    let left = next.iter().enumerate();
    let first = left.filter_map(|(replica, start)| series.times(replica).get(*start)).min()?;
    Some(first.saturating_add(interval_ms - 1 - first.rem_euclid(interval_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn highest(replicas: &[&[(i64, f64)]]) -> Vec<(i64, f64)> {
        testing::samples(replicas, |series, plan| {
            elect(series, 10, plan, |votes| {
                let by_value = |one: &&Vote, other: &&Vote| one.value.total_cmp(&other.value);
                *votes.iter().max_by(by_value).expect("one vote or more")
            });
        })
    }

    #[test]
    fn each_round_is_decided_by_itself() {
        let one = [(1, 1.0), (11, 9.0), (21, 1.0)];
        let other = [(4, 2.0), (14, 2.0), (39, 2.0)];
        assert_eq!(highest(&[&one, &other]), [(4, 2.0), (11, 9.0), (21, 1.0), (39, 2.0)]);
    }

    #[test]
    fn all_samples_of_the_elected_are_taken_and_the_last_one_votes() {
        let one = [(0, 5.0), (9, 1.0)];
        let other = [(0, 1.0), (8, 2.0)];
        assert_eq!(highest(&[&one, &other]), [(0, 1.0), (8, 2.0)]);
    }

    #[test]
    fn rounds_go_on_before_the_epoch_and_to_the_ends_of_time() {
        let one = [(i64::MIN, 1.0), (-10, 1.0), (-1, 2.0), (0, 3.0), (i64::MAX, 1.0)];
        let other = [(-5, 1.0)];
        assert_eq!(highest(&[&one, &other]), one);
    }
}
