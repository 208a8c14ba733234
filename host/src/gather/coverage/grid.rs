//! Buckets of time: the grid on which samples are counted.
//!
//! In: a window. Out: a bucket width and numbered buckets. The grid is the
//! same for everybody, so that what was learned for one query serves the next.

/// More buckets than this in a window bring little and cost a point each.
const MOST_BUCKETS: i64 = 48;

/// Widths in milliseconds. Multiples of all common scrape intervals, so that
/// a bucket without holes has the same number of samples every time; wide
/// enough to hold several at an interval of a minute.
const WIDTHS: [i64; 9] = [
    300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 43_200_000, 86_400_000,
];

/// Buckets end so much before the multiples of their width: scrapes and rules
/// that run on the full second, a little early or late, then do not fall now
/// on one side of a border and now on the other.
const OFFSET_MS: i64 = 1_237;

/// Buckets of one width; bucket `n` is what lies after `end(n - 1)` and not
/// after `end(n)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// In milliseconds.
    pub width_ms: i64,
}

impl Grid {
    /// How far buckets end before the multiples of their width.
    pub const OFFSET_MS: i64 = OFFSET_MS;

    /// The grid for a window of so many milliseconds.
    #[must_use]
    pub fn for_window(length_ms: i64) -> Self {
        let fits = |width: &&i64| length_ms / **width <= MOST_BUCKETS;
        let widest = WIDTHS[WIDTHS.len() - 1];
        Self { width_ms: *WIDTHS.iter().find(fits).unwrap_or(&widest) }
    }

    /// The bucket that a moment lies in.
    #[must_use]
    pub const fn at(self, time_ms: i64) -> i64 {
        let after = time_ms.saturating_add(OFFSET_MS);
        after.div_euclid(self.width_ms) + if after.rem_euclid(self.width_ms) == 0 { 0 } else { 1 }
    }

    /// The last moment of a bucket.
    #[must_use]
    pub const fn end(self, bucket: i64) -> i64 {
        self.asked_at(bucket).saturating_sub(OFFSET_MS)
    }

    /// The evaluation time at which a bucket is asked for, with
    /// [`Self::OFFSET_MS`] as the selector's offset.
    #[must_use]
    pub const fn asked_at(self, bucket: i64) -> i64 {
        bucket.saturating_mul(self.width_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_moment_lies_in_its_bucket(time in -10_i64.pow(13)..10_i64.pow(13), days in 0_i64..90) {
            let grid = Grid::for_window(days * 86_400_000);
            let bucket = grid.at(time);
            prop_assert!(grid.end(bucket - 1) < time && time <= grid.end(bucket));
        }
    }

    #[test]
    fn windows_have_a_few_dozen_buckets() {
        for (hours, width_s) in [(0, 300), (1, 300), (3, 300), (6, 600), (24, 1_800), (168, 14_400)]
        {
            assert_eq!(Grid::for_window(hours * 3_600_000).width_ms, width_s * 1_000, "{hours} h");
        }
    }
}
