//! How many samples the series of a selector have in one bucket.

use std::sync::Arc;

use promql::SeriesBatch;

use super::grid::Grid;
use crate::gather::Error;

/// The label that the probe counts under.
pub(super) const LABEL: &str = "n";
/// The same for another window in the same answer.
pub(super) const OTHER_LABEL: &str = "m";

/// With fewer samples a bucket tells nothing about the spacing.
const FEWEST_SAMPLES: u32 = 4;
/// Scrape intervals of so many milliseconds or more are whole seconds.
const WHOLE_SECONDS_FROM: i64 = 5_000;
/// Shorter ones are multiples of this many milliseconds.
const SHORT_UNIT_MS: i64 = 50;

/// How many series have how many samples in a bucket, as (samples, series) in
/// ascending order of samples. Series without samples do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(Arc<[(u32, u32)]>);

impl Counts {
    /// Counts of series by their samples, in any order.
    #[must_use]
    pub fn new(mut pairs: Vec<(u32, u32)>) -> Self {
        pairs.retain(|(samples, series)| *samples > 0 && *series > 0);
        pairs.sort_unstable();
        Self(pairs.into())
    }

    /// True if no series has samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of series.
    #[must_use]
    pub fn series(&self) -> u64 {
        self.0.iter().map(|(_, series)| u64::from(*series)).sum()
    }

    /// Number of samples.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.0.iter().map(|(samples, series)| u64::from(*samples) * u64::from(*series)).sum()
    }

    /// True if every series has as many samples as a scrape interval, and no
    /// hole, can give a bucket so wide. A hole that repeats in every bucket
    /// would pass for steady, but hardly ever for an interval.
    #[must_use]
    pub fn is_full(&self, width_ms: i64) -> bool {
        !self.is_empty() && self.0.iter().all(|(samples, _)| is_interval(*samples, width_ms))
    }

    /// The longest interval of any series, in milliseconds, if buckets so wide
    /// are full.
    #[must_use]
    pub fn longest_interval_ms(&self, width_ms: i64) -> i64 {
        self.0.first().map_or(0, |(samples, _)| width_ms / i64::from(*samples))
    }

    /// The shortest interval of any series, in milliseconds, at least one.
    #[must_use]
    pub fn shortest_interval_ms(&self, width_ms: i64) -> i64 {
        self.0.last().map_or(width_ms, |(samples, _)| width_ms / i64::from(*samples)).max(1)
    }

    /// True if these can be the other's counts with samples missing: series by
    /// series, the richest first, there are no more.
    #[must_use]
    pub fn are_at_most(&self, other: &Self) -> bool {
        let (mut own, mut more) = (self.0.iter().rev().copied(), other.0.iter().rev().copied());
        let (mut left, mut right) = (own.next(), more.next());
        while let Some((samples, series)) = left {
            let Some((limit, room)) = right else { return false };
            if samples > limit {
                return false;
            }
            let paired = series.min(room);
            left = if series > paired { Some((samples, series - paired)) } else { own.next() };
            right = if room > paired { Some((limit, room - paired)) } else { more.next() };
        }
        true
    }

    /// The most samples that any series has.
    #[must_use]
    pub fn most_samples(&self) -> u32 {
        self.0.last().map_or(0, |(samples, _)| *samples)
    }

    /// Bytes held on the heap, shared or not.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        size_of_val(&*self.0) + 2 * size_of::<usize>()
    }

    /// The counts of buckets `first..=last` out of the answer to
    /// `count_values` of `count_over_time` at the times that the grid says.
    ///
    /// # Errors
    /// When the answer holds anything else.
    pub(super) fn of_answer(
        answer: &SeriesBatch,
        grid: Grid,
        (first, last): (i64, i64),
    ) -> Result<Vec<Self>, Error> {
        let length = usize::try_from(last - first + 1).unwrap_or(0);
        let mut pairs: Vec<Vec<(u32, u32)>> = vec![Vec::new(); length];
        for series in answer.iter() {
            let samples = whole(series.labels.get(LABEL).and_then(|text| text.parse().ok()))?;
            for (time, value) in series.float_times.iter().zip(series.float_values) {
                let bucket = time.div_euclid(grid.width_ms) - first;
                let place = usize::try_from(bucket).ok().and_then(|place| pairs.get_mut(place));
                let place = place.filter(|_| time.rem_euclid(grid.width_ms) == 0);
                let place =
                    place.ok_or_else(|| Error::Decode("a count at another time".to_owned()))?;
                place.push((samples, whole(Some(*value))?));
            }
        }
        Ok(shared(pairs.into_iter().map(Self::new)))
    }

    /// The counts in the answer to one evaluation that stand there under a
    /// label; and what stands there under a `name` instead of a number.
    ///
    /// # Errors
    /// When anything else stands under the label.
    pub(super) fn of_instant(
        answer: &SeriesBatch,
        label: &str,
        name: &str,
    ) -> Result<(Self, Option<f64>), Error> {
        let (mut pairs, mut other) = (Vec::new(), None);
        for series in answer.iter() {
            let value = series.float_values.first().copied();
            match series.labels.get(label) {
                Some(own) if own == name => other = value,
                Some(own) => pairs.push((whole(own.parse().ok())?, whole(value)?)),
                None => {}
            }
        }
        Ok((Self::new(pairs), other))
    }
}

/// Neighbours that are equal share their memory.
fn shared(counts: impl Iterator<Item = Counts>) -> Vec<Counts> {
    let mut all: Vec<Counts> = Vec::new();
    for one in counts {
        let same = all.last().filter(|last| **last == one).cloned();
        all.push(same.unwrap_or(one));
    }
    all
}

fn whole(value: Option<f64>) -> Result<u32, Error> {
    let number = value.filter(|value| value.fract() == 0.0 && (0.0..4e9).contains(value));
    number
        .map(|value| value as u32)
        .ok_or_else(|| Error::Decode("a number of samples that is none".to_owned()))
}

fn is_interval(samples: u32, width_ms: i64) -> bool {
    let count = i64::from(samples);
    if samples < FEWEST_SAMPLES || width_ms % count != 0 {
        return false;
    }
    let interval = width_ms / count;
    let unit = if interval >= WHOLE_SECONDS_FROM { 1_000 } else { SHORT_UNIT_MS };
    interval % unit == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql::Labels;
    use proptest::prelude::*;

    const WIDTH: i64 = 300_000;

    #[test]
    fn full_buckets_are_those_of_a_scrape_interval() {
        let full = |samples| Counts::new(vec![(samples, 3)]).is_full(WIDTH);
        for samples in [300, 60, 30, 20, 10, 5, 1_200] {
            assert!(full(samples), "{samples}");
        }
        for samples in [21, 19, 18, 17, 16, 9, 3, 1, 299, 59] {
            assert!(!full(samples), "{samples}");
        }
        assert!(!Counts::default().is_full(WIDTH));
    }

    #[test]
    fn one_sample_more_here_and_one_less_there_does_not_cancel() {
        let steady = Counts::new(vec![(20, 10)]);
        let shifted = Counts::new(vec![(19, 1), (20, 8), (21, 1)]);
        assert_ne!(steady, shifted);
        assert!(!shifted.are_at_most(&steady) && !steady.are_at_most(&shifted));
    }

    proptest! {
        #[test]
        fn dominance_is_that_of_sorted_lists(
            one in prop::collection::vec(1_u32..6, 0..8),
            other in prop::collection::vec(1_u32..6, 0..8),
        ) {
            let counts = |list: &[u32]| {
                let of = |n: u32| list.iter().filter(|own| **own == n).count() as u32;
                Counts::new((1..6).map(|n| (n, of(n))).collect())
            };
            let sorted = |list: &[u32]| {
                let mut list = list.to_vec();
                list.sort_unstable_by(|a, b| b.cmp(a));
                list
            };
            let (left, right) = (sorted(&one), sorted(&other));
            let expected = left.len() <= right.len() && left.iter().zip(&right).all(|(a, b)| a <= b);
            prop_assert_eq!(counts(&one).are_at_most(&counts(&other)), expected);
        }
    }

    fn answer(series: &[(&str, &[(i64, f64)])]) -> SeriesBatch {
        let mut batch = SeriesBatch::new();
        for (label, samples) in series {
            for (time, value) in *samples {
                batch.push_float(*time, *value);
            }
            batch.finish_series(Labels::from_pairs([(LABEL, label)]));
        }
        batch
    }

    #[test]
    fn answers_become_counts_by_bucket() {
        let grid = Grid { width_ms: WIDTH };
        let found = Counts::of_answer(
            &answer(&[("20", &[(WIDTH, 7.0), (3 * WIDTH, 7.0)]), ("5", &[(WIDTH, 1.0)])]),
            grid,
            (1, 3),
        );
        let expected =
            [Counts::new(vec![(20, 7), (5, 1)]), Counts::default(), Counts::new(vec![(20, 7)])];
        assert_eq!(found.expect("an answer"), expected);
        for bad in [
            answer(&[("20", &[(WIDTH + 1, 7.0)])]),
            answer(&[("20", &[(4 * WIDTH, 7.0)])]),
            answer(&[("x", &[(WIDTH, 7.0)])]),
            answer(&[("20", &[(WIDTH, 0.5)])]),
        ] {
            assert!(Counts::of_answer(&bad, grid, (1, 3)).is_err(), "{bad:?}");
        }
    }
}
