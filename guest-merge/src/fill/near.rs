//! Whether one sample of another replica is taken, from what is near it.
//!
//! In come two timelines and a position in both; out comes a verdict that
//! depends only on samples within a bounded distance.

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
            (Some(left), Some(right)) => (left.min(right), left + right),
        };
        let around = Around {
            base: around(self.base, at, at, time, self.window_ms),
            filler: around(self.filler, index, index + 1, time, self.window_ms),
        };
        let gaps = around.gaps();
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
fn around(times: &[i64], before: usize, after: usize, time: i64, window_ms: i64) -> &[i64] {
    let first = time.saturating_sub(window_ms);
    let last = time.saturating_add(window_ms);
    // Where the position is between two samples, the gap that it is in counts
    // besides: one sample more on both sides.
    let reach = GAPS + usize::from(before == after);
    let low = before.saturating_sub(reach);
    let high = times.len().min(after + reach);
    let low = low + times[low..before].iter().take_while(|t| **t < first).count();
    let high = high - times[after..high].iter().rev().take_while(|t| **t > last).count();
    &times[low..high]
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
    /// True if the lower octile is at most `limit`.
    fn spacing_is_at_most(&self, limit: i64) -> bool {
        let lengths = &self.lengths[..self.count];
        let short: usize = lengths.iter().map(|gap| usize::from(*gap <= limit)).sum();
        short > self.count / 8
    }
}
