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
        taken = Filling { series, replica, interval_ms, filled: Vec::new() }.over(&taken);
    }
    for Run { replica, start, end } in taken {
        plan.take(replica, start, end - start);
    }
}

/// Samples in a row, from `start` up to, without, `end`.
#[derive(Clone, Copy)]
struct Run {
    replica: usize,
    start: usize,
    end: usize,
}

/// The runs that are taken already, and between them those of a replica that
/// fills their holes.
struct Filling<'a> {
    series: &'a Series<'a>,
    replica: usize,
    interval_ms: i64,
    filled: Vec<Run>,
}

impl Filling<'_> {
    fn over(mut self, taken: &[Run]) -> Vec<Run> {
        let mut before = None;
        for &Run { replica, mut start, end } in taken {
            let times = &self.series.times(replica)[..end];
            for index in start..end {
                if self.is_hole(before, times[index]) {
                    self.take(Run { replica, start, end: index });
                    start = index;
                    self.fit(before, Some(times[index]));
                }
                before = Some(times[index]);
            }
            self.take(Run { replica, start, end });
        }
        self.fit(before, None);
        self.filled
    }

    fn is_hole(&self, before: Option<i64>, after: i64) -> bool {
        let distance = before.map_or(i64::MAX, |before| after.saturating_sub(before));
        distance > self.interval_ms + self.interval_ms / 2
    }

    /// Takes what fits between two borders.
    fn fit(&mut self, before: Option<i64>, after: Option<i64>) {
        let half = (self.interval_ms + 1) / 2;
        let times = self.series.times(self.replica);
        let start = before.map_or(0, |before| {
            times.partition_point(|time| time.saturating_sub(before) < half)
        });
        let end = after.map_or(times.len(), |after| {
            times.partition_point(|time| after.saturating_sub(*time) >= half)
        });
        self.take(Run { replica: self.replica, start, end });
    }

    fn take(&mut self, run: Run) {
        if run.end > run.start {
            self.filled.push(run);
        }
    }
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
