//! Whether one sample of another replica is taken, from what is near it.
//!
//! In come two timelines and a position in both; out comes a verdict that
//! depends only on samples within a bounded distance.

use core::ops::Range;

use crate::settings::Settings;

/// Gaps looked at on each side, in each of the two timelines.
const GAPS: usize = 5;
/// Fewer gaps than this say nothing about the spacing.
const FEW_GAPS: usize = 3;
/// Between the replicas' own timestamps, in parts of the spacing, lies at
/// least this much if both sample on one grid.
const GRID_PARTS: i64 = 16;

/// A fixed distance.
pub(super) struct Static {
    distance_ms: i64,
}

impl Static {
    pub(super) fn new(distance_ms: i64) -> Self {
        // At distance zero the merge is the union, each timestamp once.
        Self { distance_ms: distance_ms.max(1) }
    }

    /// True if no base sample is nearer than the distance.
    pub(super) fn takes(&self, base: &[i64], filler: &[i64], at: usize, index: usize) -> bool {
        let time = filler[index];
        let far = |other: &i64| time.abs_diff(*other) >= self.distance_ms.unsigned_abs();
        at.checked_sub(1).is_none_or(|left| far(&base[left])) && base.get(at).is_none_or(far)
    }
}

/// What becomes of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It fills a hole.
    Take,
    /// It would fill a hole, if scrapes were on time: it is this far from the
    /// next sample of the base, in milliseconds, a little less than half the
    /// spacing. Taken if it is the best of a hole that nothing else fills.
    Nearly(i64),
    /// The base has data there.
    Leave,
}

/// Half the spacing of the samples nearby.
pub(super) struct Inferred<'a> {
    base: &'a [i64],
    filler: &'a [i64],
    window_ms: i64,
    rescue_ms: i64,
    fallback_ms: i64,
    /// Whether any timestamp occurs in both, once that was asked.
    shares: Option<bool>,
    shortest: Shortest,
}

/// A bound of the gaps nearby that moves along with the position: none of
/// them is shorter. So most samples of replicas that scrape in turns, for
/// which nothing is missing, need no look at all gaps.
struct Shortest {
    bound: i64,
    /// Samples of the base and the filler whose gaps it covers.
    covered: [usize; 2],
}

impl Shortest {
    /// Takes in the gaps up to sample `end` (without) of one timeline.
    fn cover(&mut self, which: usize, times: &[i64], end: usize) {
        let end = end.min(times.len());
        let covered = &mut self.covered[which];
        while *covered < end {
            if let Some(before) = covered.checked_sub(1) {
                self.bound = self.bound.min(times[*covered].saturating_sub(times[before]));
            }
            *covered += 1;
        }
    }
}

impl<'a> Inferred<'a> {
    pub(super) fn new(
        settings: &Settings,
        fallback_ms: i64,
        base: &'a [i64],
        filler: &'a [i64],
    ) -> Self {
        Self {
            base,
            filler,
            window_ms: settings.spacing_window_ms,
            rescue_ms: settings.rescue_ms(),
            fallback_ms: fallback_ms.max(1),
            shares: None,
            shortest: Shortest { bound: i64::MAX, covered: [0; 2] },
        }
    }

    /// Judges filler sample `index`, before which `at` base samples lie and
    /// whose timestamp the base lacks.
    ///
    /// The spacing is the lower octile of the gaps nearby, of both timelines:
    /// holes, even many, do not pass for spacing, nor does one scrape out of
    /// turn. With
    /// near the distance to the nearest base sample, and width the gap of the
    /// base around it, the sample is taken if spacing <= 2·near and
    /// spacing < width/1.5: never closer than half the spacing, never into a
    /// gap that is only a late scrape. The octile is at most x if more than an
    /// eighth of the gaps is, so nothing needs sorting.
    pub(super) fn judge(&mut self, at: usize, index: usize) -> Verdict {
        let time = self.filler[index];
        let left = at.checked_sub(1).map(|left| time.saturating_sub(self.base[left]));
        let right = self.base.get(at).map(|right| right.saturating_sub(time));
        let left = left.filter(|distance| *distance <= self.window_ms);
        let right = right.filter(|distance| *distance <= self.window_ms);
        let (near, width) = match (left, right) {
            (None, None) => return Verdict::Take,
            (Some(near), None) | (None, Some(near)) => (near, i64::MAX / 2),
            (Some(left), Some(right)) => {
                if self.is_plainly_no_hole(at, index, left + right) {
                    return Verdict::Leave;
                }
                (left.min(right), left + right)
            }
        };
        let of_base = around(self.base, at, at, time, self.window_ms);
        let of_filler = around(self.filler, index, index + 1, time, self.window_ms);
        let covered = [of_base.end, of_filler.end];
        let around = Around { base: &self.base[of_base], filler: &self.filler[of_filler] };
        let gaps = around.gaps();
        self.shortest = Shortest { bound: gaps.shortest(), covered };
        if gaps.count < FEW_GAPS {
            let taken = near >= self.fallback_ms || self.on_one_grid(&around, &gaps);
            return if taken { Verdict::Take } else { Verdict::Leave };
        }
        let is_hole = (2 * width - 1) / 3;
        if gaps.spacing_is_at_most(is_hole.min(2 * near)) || self.on_one_grid(&around, &gaps) {
            Verdict::Take
        } else if width <= self.rescue_ms && gaps.spacing_is_at_most(is_hole.min(8 * near / 3)) {
            Verdict::Nearly(near)
        } else {
            Verdict::Leave
        }
    }

    /// True if all that [`Self::judge`] does could only say that the gap of
    /// the base, `width` wide, is none to fill.
    fn is_plainly_no_hole(&mut self, at: usize, index: usize, width: i64) -> bool {
        let (base, filler) = (self.base, self.filler);
        self.shortest.cover(0, base, at + GAPS + 1);
        self.shortest.cover(1, filler, index + GAPS + 1);
        // With the gap of the base, these make the three that are needed.
        let near = |one: usize, two: usize| match (filler.get(one), filler.get(two)) {
            (Some(one), Some(two)) => two.saturating_sub(*one) <= self.window_ms,
            _ => false,
        };
        let are_enough = index > 0 && near(index - 1, index) && near(index, index + 1);
        are_enough
            && self.shortest.bound > (2 * width - 1) / 3
            && !*self.shares.get_or_insert_with(|| share(base, filler))
    }

    /// True if both replicas evidently sample at the same moments, as rule
    /// evaluations and step grids do: a timestamp nearby is in both, and no
    /// two timestamps nearby are closer than scrapes can be. A sample that the
    /// base lacks is then one that it missed, however near its neighbours.
    fn on_one_grid(&mut self, around: &Around<'_>, gaps: &Gaps) -> bool {
        let (base, filler) = (self.base, self.filler);
        if !*self.shares.get_or_insert_with(|| share(base, filler)) {
            return false;
        }
        around
            .closest_of_a_grid()
            .is_some_and(|closest| gaps.spacing_is_at_most(closest.saturating_mul(GRID_PARTS)))
    }
}

/// True if any timestamp occurs in both.
fn share(one: &[i64], two: &[i64]) -> bool {
    let (mut i, mut j) = (0, 0);
    while let (Some(a), Some(b)) = (one.get(i), two.get(j)) {
        if a == b {
            return true;
        }
        // Without a branch: interleaved timelines are not predictable.
        i += usize::from(a < b);
        j += usize::from(b < a);
    }
    false
}

/// The part of `times` around `time`: up to [`GAPS`] gaps before sample
/// `before` and after sample `after - 1`, within the window.
fn around(times: &[i64], before: usize, after: usize, time: i64, window_ms: i64) -> Range<usize> {
    let first = time.saturating_sub(window_ms);
    let last = time.saturating_add(window_ms);
    // Where the position is between two samples, the gap that it is in counts
    // besides: one sample more on both sides.
    let reach = GAPS + usize::from(before == after);
    let low = before.saturating_sub(reach);
    let high = times.len().min(after + reach);
    let low = low + times[low..before].iter().take_while(|t| **t < first).count();
    let high = high - times[after..high].iter().rev().take_while(|t| **t > last).count();
    low..high
}

/// What is near a sample, in both timelines.
struct Around<'a> {
    base: &'a [i64],
    filler: &'a [i64],
}

/// Gaps between consecutive samples of one timeline.
struct Gaps {
    lengths: [i64; 4 * GAPS + 1],
    count: usize,
}

impl Around<'_> {
    fn gaps(&self) -> Gaps {
        let mut gaps = Gaps { lengths: [0; 4 * GAPS + 1], count: 0 };
        for times in [self.base, self.filler] {
            for pair in times.windows(2) {
                gaps.lengths[gaps.count] = pair[1].saturating_sub(pair[0]);
                gaps.count += 1;
            }
        }
        gaps
    }

    /// The shortest distance between any two timestamps, if one of them is in
    /// both timelines.
    fn closest_of_a_grid(&self) -> Option<i64> {
        let (mut i, mut j) = (0, 0);
        let mut last: Option<i64> = None;
        let mut closest = i64::MAX;
        let mut shared = false;
        while let Some(next) = earlier(self.base.get(i), self.filler.get(j)) {
            let in_base = self.base.get(i) == Some(&next);
            let in_filler = self.filler.get(j) == Some(&next);
            shared |= in_base && in_filler;
            i += usize::from(in_base);
            j += usize::from(in_filler);
            if let Some(last) = last {
                closest = closest.min(next.saturating_sub(last));
            }
            last = Some(next);
        }
        shared.then_some(closest)
    }
}

fn earlier(one: Option<&i64>, two: Option<&i64>) -> Option<i64> {
    match (one, two) {
        (Some(one), Some(two)) => Some(*one.min(two)),
        (one, two) => one.or(two).copied(),
    }
}

impl Gaps {
    fn shortest(&self) -> i64 {
        self.lengths[..self.count].iter().copied().min().unwrap_or(i64::MAX)
    }

    /// True if the lower octile is at most `limit`.
    fn spacing_is_at_most(&self, limit: i64) -> bool {
        let lengths = &self.lengths[..self.count];
        let short: usize = lengths.iter().map(|gap| usize::from(*gap <= limit)).sum();
        short > self.count / 8
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn timeline() -> impl Strategy<Value = Vec<i64>> {
        let gap = prop_oneof![
            8 => Just(15_000_i64),
            2 => 14_000_i64..16_000,
            1 => 1_i64..15_000,
            1 => 15_000_i64..400_000,
        ];
        (0_i64..15_000, prop::collection::vec(gap, 1..60)).prop_map(|(start, gaps)| {
            let mut time = start;
            let mut next = |gap: i64| {
                time += gap;
                time
            };
            gaps.into_iter().map(&mut next).collect()
        })
    }

    proptest! {
        #[test]
        fn the_moving_bound_changes_no_verdict(
            base in timeline(),
            filler in timeline(),
            window_ms in prop::sample::select(&[20_000_i64, 60_000, 300_000][..]),
        ) {
            let settings = Settings { spacing_window_ms: window_ms, ..Settings::DEFAULT };
            let mut with = Inferred::new(&settings, 10_000, &base, &filler);
            let mut without = Inferred::new(&settings, 10_000, &base, &filler);
            for (index, time) in filler.iter().enumerate() {
                let at = base.partition_point(|own| own < time);
                if base.get(at) != Some(time) {
                    without.shortest.bound = i64::MIN;
                    prop_assert_eq!(with.judge(at, index), without.judge(at, index));
                }
            }
        }
    }
}
