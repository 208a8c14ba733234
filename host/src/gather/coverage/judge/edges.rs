//! Where a row of clean buckets reaches the beginning or the end of the data.
//!
//! In: how the samples after the very first moment of all replicas look, or
//! those up to the end of the window asked for. Out: what must be asked to
//! know that, and whether a row goes on so far.
//!
//! **Why it holds.** *Beginning:* before the bucket of the first sample nobody
//! has any, and in it nobody has one before the first moment. A bucket's
//! width from that moment on is steady, so every series has begun within one
//! interval and misses nothing until the row's first bucket ends; and after
//! the longest interval the newest samples are equally old, so the series
//! began at the same moments in all replicas, and none has a sample that
//! another could fill in. *End:* the same, for the last width of a bucket.

use std::collections::BTreeMap;

use super::{Counts, Evidence, Recent, Row, Terms, live_end, same_age};

/// Servers look back further than two of these for a newest sample.
pub(super) const LONGEST_AGE_MS: i64 = 120_000;
/// Moments at which a first sample is looked for, at most, for every series.
const MOST_MOMENTS: i64 = 1_000;

/// What is known of moments other than the ends of buckets.
#[derive(Clone, Debug, Default)]
pub struct Edges {
    /// For the first bucket that is not empty: how the data begins in it, by
    /// replica; nothing if the replicas' first moments are not the same.
    pub heads: BTreeMap<i64, Vec<Head>>,
    /// By replica, how it looks at a moment that is not the present.
    pub tails: BTreeMap<i64, Vec<Recent>>,
}

/// How the data of one replica begins, seen from the first moment of all.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// Samples in a bucket's width from that moment on; and the sum over the
    /// series of the root of the seconds from it to the newest sample that
    /// there is after the row's longest interval.
    pub onset: Recent,
    /// Samples from that moment on to the end of the bucket that it is in.
    pub inside: Counts,
}

/// A bucket in which the data begins, and may begin well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The bucket; those before are empty.
    pub bucket: i64,
    /// No series has samples closer than this, in milliseconds.
    pub shortest_ms: i64,
    /// Nor any further apart than this.
    pub longest_ms: i64,
    /// The most samples that a series has in it: in the replica where that is
    /// least, and in the one where it is most.
    pub most_samples: (u32, u32),
}

impl Start {
    /// From how long before the bucket's end to how long before it the first
    /// sample must lie and be the newest, in milliseconds: a series of `n`
    /// samples has begun at most `n` and at least `n - 1` intervals before.
    #[must_use]
    pub fn before_end(&self, width_ms: i64) -> (i64, i64) {
        let (least, most) = (i64::from(self.most_samples.0), i64::from(self.most_samples.1));
        let from = (most + 1).saturating_mul(self.longest_ms).min(width_ms);
        let to = (least - 2).max(0).saturating_mul(self.shortest_ms);
        (from, to.min(from - self.shortest_ms).max(0))
    }
}

impl Edges {
    /// Bytes held on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let heads = self.heads.values().flatten();
        let heads = heads.map(|head| head.inside.heap_bytes() + head.onset.counts.heap_bytes());
        let tails = self.tails.values().flatten().map(|tail| tail.counts.heap_bytes());
        let replicas = self.heads.values().map(Vec::len).sum::<usize>()
            + self.tails.values().map(Vec::len).sum::<usize>();
        heads.chain(tails).sum::<usize>() + replicas * size_of::<Head>()
    }
}

impl Evidence<'_> {
    /// Where it should be asked how the data begins, as far as that matters
    /// and is not known.
    #[must_use]
    pub fn open_start(&self, terms: &Terms) -> Option<Start> {
        let bucket = self.first_moment().filter(|at| !self.edges.heads.contains_key(at))?;
        let rows = self.rows();
        let row = rows.iter().find(|row| has_samples(row))?;
        let most = || {
            let counts = (0..self.counts.len()).map(|replica| self.at(replica, bucket));
            counts.filter(|counts| !counts.is_empty()).map(Counts::most_samples)
        };
        let start = Start {
            bucket,
            shortest_ms: row.counts.shortest_interval_ms(self.grid.width_ms),
            longest_ms: row.counts.longest_interval_ms(self.grid.width_ms),
            most_samples: (most().min()?, most().max()?),
        };
        let may_begin = follows(row, bucket)
            && start.longest_ms <= terms.longest_interval_ms.min(LONGEST_AGE_MS)
            && self.grid.width_ms / start.shortest_ms <= MOST_MOMENTS;
        may_begin.then_some(start)
    }

    /// The window's end, if it should be asked how it looks there: a row ends
    /// shortly before.
    #[must_use]
    pub fn open_end(&self, terms: &Terms, (_, end): (i64, i64)) -> Option<i64> {
        if self.recent.is_some() || self.edges.tails.contains_key(&end) {
            return None;
        }
        let longest = terms.longest_interval_ms.min(LONGEST_AGE_MS);
        let is_short = |row: &Row| {
            has_samples(row)
                && self.touches(row, end)
                && self.end_of(row, terms) < end
                && row.counts.longest_interval_ms(self.grid.width_ms) <= longest
        };
        self.rows().iter().any(is_short).then_some(end)
    }

    /// True if with this row all data begins, and there is nothing before it
    /// that it lacks.
    pub(super) fn begins_with(&self, row: &Row) -> bool {
        let Some(bucket) = self.first_moment() else { return false };
        let Some(heads) = self.edges.heads.get(&bucket) else { return false };
        let Some(own) = heads.get(row.replica) else { return false };
        let fits = |(index, head): (usize, &Head)| {
            let here = self.at(index, bucket);
            let is_nothing = here.is_empty() && head.onset.counts.is_empty();
            let begins_so = head.inside == *here
                && !here.is_empty()
                && (index == row.replica || same_age(&own.onset, &head.onset));
            is_nothing || index >= row.replica && begins_so
        };
        has_samples(row)
            && follows(row, bucket)
            && own.onset.counts == row.counts
            && heads.len() == self.counts.len()
            && heads.iter().enumerate().all(fits)
    }

    /// How far towards the window's end the row goes on beyond its buckets.
    pub(super) fn goes_on_to(&self, row: &Row, end: i64) -> Option<i64> {
        let tails = self.edges.tails.get(&end)?;
        // Unlike at the present, something may come after.
        let (_, last) = self.buckets().into_inner();
        let is_first = (0..row.replica).all(|before| {
            (*row.buckets.start()..=last).all(|bucket| self.at(before, bucket).is_empty())
        });
        let interval = row.counts.longest_interval_ms(self.grid.width_ms);
        let knows = has_samples(row) && self.touches(row, end) && is_first;
        knows.then(|| live_end(row, end, tails, interval)).flatten()
    }

    /// The first bucket in which anybody has samples, if those before are
    /// known to be empty.
    fn first_moment(&self) -> Option<i64> {
        let is_empty = |bucket: &i64| {
            (0..self.counts.len()).all(|replica| self.at(replica, *bucket).is_empty())
        };
        let first = self.buckets().find(|bucket| !is_empty(bucket));
        first.filter(|bucket| *bucket > self.first)
    }

    /// True if a bucket's width before this moment begins in the row.
    fn touches(&self, row: &Row, moment: i64) -> bool {
        let at = self.grid.at(moment);
        (*row.buckets.start()..=row.buckets.end() + 1).contains(&at)
    }
}

/// True if it is known that the row's replica has all series, and there are.
fn has_samples(row: &Row) -> bool {
    row.has_all && !row.counts.is_empty()
}

fn follows(row: &Row, bucket: i64) -> bool {
    (bucket..=bucket + 1).contains(row.buckets.start())
}
