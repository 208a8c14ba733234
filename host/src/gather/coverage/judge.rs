//! Where one replica's data is the merged data.
//!
//! In: for each replica, how many samples the series have in each bucket, how
//! it looks at the present moment, and which series there are. Out: stretches
//! of time and the replica whose samples the default rule takes there, all of
//! them and no other's. Pure; what is not known is not claimed.
//!
//! **Why it holds.** In the stretch and a bucket (or what the rule looks at)
//! around it, every series of the selector has in the replica the number of
//! samples that its scrape interval gives, so nothing is missing that another
//! replica could fill; no other replica has more of them, so none scrapes
//! more often and the rule finds no gap wider than the spacing; and no other
//! replica has other series. Replicas before it in the order have nothing at
//! all there, or are no better: the rule prefers the first.
//!
//! **What it takes on trust.** That scrapes of one series keep their distance
//! within a bucket that has its full number; that out of the settled past
//! nothing changes later; and that two replicas which share timestamps to the
//! millisecond do not also have scrapes that are late by more than a sixteenth
//! of the interval (the rule takes such a sample for one that the other lacks).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use guest_merge::{AntiAffinity, Rule, Settings};

use super::counts::Counts;
use super::grid::Grid;
use super::listing::Listing;

/// Ages of the newest samples are sums of roots: equal ones differ by less.
const SAME_AGE: f64 = 1e-12;

/// What the merge rule needs, so that whole means whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How far around a moment the rule looks, in milliseconds.
    reach_ms: i64,
    /// Series of a longer interval may be interleaved although nothing is
    /// missing, in milliseconds.
    longest_interval_ms: i64,
}

impl Terms {
    /// The terms of the default rule; none of others, which do not take the
    /// samples of one replica as they are.
    #[must_use]
    pub fn of(settings: &Settings) -> Option<Self> {
        if settings.rule != Rule::Fill || settings.prefer_max {
            return None;
        }
        Some(match settings.anti_affinity {
            // A gap is never filled if it is narrower than twice the distance;
            // a late scrape makes a gap a quarter wider.
            AntiAffinity::Static(ms) => Self { reach_ms: ms, longest_interval_ms: 2 * ms * 4 / 5 },
            // The spacing is that of at least three gaps within the window.
            AntiAffinity::Inferred { .. } => Self {
                reach_ms: settings.spacing_window_ms,
                longest_interval_ms: settings.spacing_window_ms * 2 / 5,
            },
        })
    }

    /// How many buckets around a stretch must be as good as those in it.
    #[must_use]
    pub fn margin(&self, grid: Grid) -> i64 {
        (self.reach_ms / grid.width_ms + i64::from(self.reach_ms % grid.width_ms > 0)).max(1)
    }
}

/// The last bucket's width up to the present moment.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    /// Samples that the series have there.
    pub counts: Counts,
    /// Sum over the series of the root of the seconds since the last sample.
    pub age: Option<f64>,
}

/// What is known of a group's replicas.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// How time is cut.
    pub grid: Grid,
    /// The first of the buckets that are known.
    pub first: i64,
    /// By replica, then by bucket; all of one length.
    pub counts: &'a [Vec<Counts>],
    /// By replica, if the buckets reach to the present, and when it was.
    pub recent: Option<(i64, &'a [Recent])>,
    /// By replica: all series that there were, over all of the buckets.
    pub listings: &'a [&'a Listing],
    /// Buckets in which all replicas are known to have the same series, and
    /// the digest of these.
    pub same_series: &'a BTreeMap<i64, u128>,
}

/// A stretch of time and the replica whose samples it consists of, both ends
/// included, in milliseconds.
pub type Stretch = (i64, i64, usize);

/// Buckets in a row with the same verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The buckets.
    pub buckets: RangeInclusive<i64>,
    /// Whose samples are taken.
    pub replica: usize,
    /// How many samples its series have, in each bucket.
    counts: Counts,
    /// It is known to have all series that there are.
    has_all: bool,
}

/// Who has everything in a bucket.
struct Verdict {
    replica: usize,
    counts: Counts,
    has_all: bool,
}

impl Evidence<'_> {
    /// The stretches within the window, ascending, each as long as it can be.
    #[must_use]
    pub fn stretches(&self, terms: &Terms, window: (i64, i64)) -> Vec<Stretch> {
        let (start, end) = window;
        let rows = self.rows();
        let stretches = rows.into_iter().filter_map(|row| {
            let row = if row.has_all { row } else { self.proven(row)? };
            let (from, to) = self.inside(&row, terms)?;
            let (from, to) = (from.max(start), to.min(end));
            (from <= to).then_some((from, to, row.replica))
        });
        stretches.collect()
    }

    /// The longest rows of buckets in which the replicas agree on numbers, and
    /// for which it matters whether they have the same series in the first
    /// bucket and the last.
    #[must_use]
    pub fn doubtful(&self, terms: &Terms, most: usize) -> Vec<Row> {
        let mut rows = self.rows();
        rows.retain(|row| !row.has_all && length(row) > 2 * terms.margin(self.grid));
        rows.sort_by_key(|row| (std::cmp::Reverse(length(row)), *row.buckets.start()));
        rows.truncate(most);
        rows
    }

    /// True if the listings, though made before the last buckets, hold for
    /// them: from bucket `since` on, every replica has all of its series, or
    /// nothing.
    #[must_use]
    pub fn goes_on_since(&self, since: i64) -> bool {
        let Some(steady) = self.steady() else { return false };
        let is_known = |counts: &Counts| counts.is_empty() || *counts == steady;
        let mut new = self.buckets().filter(|bucket| *bucket >= since);
        let recent = self
            .recent
            .is_none_or(|(_, recent)| recent.iter().all(|recent| is_known(&recent.counts)));
        recent
            && new.all(|bucket| {
                (0..self.counts.len()).all(|replica| is_known(self.at(replica, bucket)))
            })
    }

    fn buckets(&self) -> RangeInclusive<i64> {
        let known = self.counts.first().map_or(0, Vec::len);
        self.first..=self.first + i64::try_from(known).unwrap_or(0) - 1
    }

    fn at(&self, replica: usize, bucket: i64) -> &Counts {
        let place = usize::try_from(bucket - self.first).expect("a known bucket");
        &self.counts[replica][place]
    }

    /// The counts of a bucket without holes, where all replicas that have any
    /// agree on them, and they are those of all series that there ever were.
    fn steady(&self) -> Option<Counts> {
        let mut steady: Option<&Counts> = None;
        for counts in self.counts {
            let Some(own) = most_frequent(counts) else { continue };
            if steady.is_some_and(|other| other != own) {
                return None;
            }
            steady = Some(own);
        }
        let steady = steady.filter(|own| own.is_full(self.grid.width_ms))?;
        let most = self.listings.iter().map(|listing| listing.len()).max()?;
        (steady.series() == most as u64).then(|| steady.clone())
    }

    /// The replica that has every series' every sample in a bucket, by the
    /// listings.
    fn by_listing(&self, steady: &Counts, bucket: i64) -> Option<Verdict> {
        let replicas = 0..self.counts.len();
        let first = replicas.clone().find(|replica| !self.at(*replica, bucket).is_empty());
        let first = first?;
        let listing = self.listings.get(first)?;
        let is_whole = self.at(first, bucket) == steady && listing.keeps_all();
        let others_add_nothing =
            replicas.skip(first + 1).all(|other| self.at(other, bucket).are_at_most(steady))
                && self.listings.iter().all(|other| other.is_within(listing));
        let verdict = || Verdict { replica: first, counts: steady.clone(), has_all: true };
        (is_whole && others_add_nothing).then(verdict)
    }

    /// The first replica, where all have the same full numbers, or nothing.
    fn by_agreement(&self, bucket: i64) -> Option<Verdict> {
        let counts = self.at(0, bucket);
        let agree = (1..self.counts.len()).all(|other| self.at(other, bucket) == counts);
        let full = counts.is_empty() || counts.is_full(self.grid.width_ms);
        let kept = self.listings.iter().all(|listing| listing.keeps_all());
        let verdict = || Verdict { replica: 0, counts: counts.clone(), has_all: counts.is_empty() };
        (agree && full && kept).then(verdict)
    }

    fn rows(&self) -> Vec<Row> {
        let steady = self.steady();
        let mut rows: Vec<Row> = Vec::new();
        let mut open = false;
        for bucket in self.buckets() {
            let listed = steady.as_ref().and_then(|steady| self.by_listing(steady, bucket));
            let verdict = listed.or_else(|| self.by_agreement(bucket));
            let was_open = std::mem::replace(&mut open, verdict.is_some());
            let Some(Verdict { replica, counts, has_all }) = verdict else { continue };
            let goes_on =
                |row: &Row| (row.replica, row.has_all, &row.counts) == (replica, has_all, &counts);
            match rows.last_mut() {
                Some(row) if was_open && goes_on(row) => {
                    row.buckets = *row.buckets.start()..=bucket;
                }
                _ => rows.push(Row { buckets: bucket..=bucket, replica, counts, has_all }),
            }
        }
        rows
    }

    /// The part of a row between two buckets in which all replicas have the
    /// same series. Where one series takes the place of another in between, a
    /// bucket has a part of either, unless that falls on a border of buckets:
    /// then the two buckets differ.
    fn proven(&self, row: Row) -> Option<Row> {
        let mut known = self.same_series.range(row.buckets.clone());
        let (first, digest) = known.next()?;
        let (last, same) = known.next_back()?;
        (digest == same).then(|| Row { buckets: *first..=*last, ..row })
    }

    /// The part of a row that nothing outside of it has a say in.
    fn inside(&self, row: &Row, terms: &Terms) -> Option<(i64, i64)> {
        let width = self.grid.width_ms;
        let interval = row.counts.longest_interval_ms(width);
        if self.counts.len() > 1 && interval > terms.longest_interval_ms {
            return None;
        }
        let margin = terms.margin(self.grid);
        let from = self.grid.end(row.buckets.start() - 1 + margin) + 1;
        let reaches_present = row.buckets.end() == self.buckets().end();
        let live = self.recent.filter(|_| reaches_present);
        let to = live
            .and_then(|(now, recent)| live_end(row, now, recent, interval))
            .unwrap_or_else(|| self.grid.end(row.buckets.end() - margin));
        (from <= to).then_some((from, to))
    }
}

/// How far towards the present the row goes on, if it does.
fn live_end(row: &Row, now: i64, recent: &[Recent], interval: i64) -> Option<i64> {
    let own = recent.get(row.replica)?;
    let goes_on = own.counts == row.counts;
    let others = || recent.iter().enumerate().filter(|(index, _)| *index != row.replica);
    let add_nothing = others().all(|(index, other)| {
        if index < row.replica {
            other.counts.is_empty()
        } else {
            other.counts.are_at_most(&own.counts)
        }
    });
    if !goes_on || !add_nothing {
        return None;
    }
    // Another replica's newer sample is taken if it is half an interval away.
    let newest = others().all(|(_, other)| other.counts.is_empty() || same_age(own, other));
    Some(if newest { i64::MAX } else { now - interval * 3 / 2 })
}

fn same_age(one: &Recent, other: &Recent) -> bool {
    match (one.age, other.age) {
        (Some(a), Some(b)) => {
            one.counts == other.counts && (a - b).abs() <= SAME_AGE * a.abs().max(b.abs())
        }
        _ => false,
    }
}

fn length(row: &Row) -> i64 {
    row.buckets.end() - row.buckets.start() + 1
}

/// The counts of most buckets, of those that are not empty; of equals the
/// richest.
fn most_frequent(counts: &[Counts]) -> Option<&Counts> {
    let mut tally: Vec<(&Counts, usize)> = Vec::new();
    for one in counts.iter().filter(|counts| !counts.is_empty()) {
        match tally.iter_mut().find(|(own, _)| *own == one) {
            Some((_, times)) => *times += 1,
            None => tally.push((one, 1)),
        }
    }
    tally.into_iter().max_by_key(|(own, times)| (*times, own.samples())).map(|(own, _)| own)
}

#[cfg(test)]
mod tests;
