//! The contract's flat lists: what a policy is given and what it answers.

use alloc::vec::Vec;
use core::fmt;

/// Some series, each answered by the same number of replicas, as columns;
/// the record `batch` of `wit/merge.wit`, without the kinds, which no rule
/// here looks at.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    replicas: usize,
    offsets: &'a [u32],
    timestamps: &'a [i64],
    values: &'a [u64],
}

/// Why a batch cannot be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(&'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl<'a> Batch<'a> {
    /// Borrows the lists; [`crate::plan`] checks them.
    #[must_use]
    pub const fn new(
        replicas: usize,
        offsets: &'a [u32],
        timestamps: &'a [i64],
        values: &'a [u64],
    ) -> Self {
        Self { replicas, offsets, timestamps, values }
    }

    /// Number of series.
    #[must_use]
    pub const fn series(&self) -> usize {
        match self.offsets.len().saturating_sub(1).checked_div(self.replicas) {
            Some(series) => series,
            None => 0,
        }
    }

    /// Number of replicas.
    #[must_use]
    pub const fn replicas(&self) -> usize {
        self.replicas
    }

    /// Checks everything that the accessors below rely on.
    pub(crate) fn check(&self, needs_values: bool) -> Result<(), Malformed> {
        if self.replicas == 0 || self.offsets.len() != self.series() * self.replicas + 1 {
            return Err(Malformed("the number of offsets does not fit the number of replicas"));
        }
        let ends_fit = self.offsets.first() == Some(&0)
            && self.offsets.last().map(|end| *end as usize) == Some(self.timestamps.len());
        if !ends_fit || !self.offsets.is_sorted() {
            return Err(Malformed("the offsets do not cover the timestamps"));
        }
        if needs_values && self.values.len() != self.timestamps.len() {
            return Err(Malformed("the settings need values, one per timestamp"));
        }
        Ok(())
    }

    fn range(&self, series: usize, replica: usize) -> core::ops::Range<usize> {
        let at = series * self.replicas + replica;
        self.offsets[at] as usize..self.offsets[at + 1] as usize
    }

    /// Timestamps of one replica of one series.
    pub(crate) fn times(&self, series: usize, replica: usize) -> &'a [i64] {
        &self.timestamps[self.range(series, replica)]
    }

    /// Value bits of one replica of one series, one per timestamp.
    pub(crate) fn values(&self, series: usize, replica: usize) -> &'a [u64] {
        &self.values[self.range(series, replica)]
    }
}

/// What to take; the record `plan` of `wit/merge.wit`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Triples (replica, start, length).
    pub runs: Vec<u32>,
    /// One per series: triples up to and including it.
    pub ends: Vec<u32>,
    /// Timestamps of samples that no replica has.
    pub synthesised_times: Vec<i64>,
    /// Their values' bits.
    pub synthesised_values: Vec<u64>,
    /// Empty, or one per series: synthesised samples up to and including it.
    pub synthesised_ends: Vec<u32>,
}

/// An index or a count of the contract. A batch's indexes are `u32` there, so
/// every number derived from one fits.
#[expect(clippy::cast_possible_truncation, reason = "bounded by the batch's u32 offsets")]
pub(crate) const fn index(value: usize) -> u32 {
    value as u32
}

impl Plan {
    /// Takes samples of a replica; continues the series' last run if they
    /// follow it directly.
    pub(crate) fn take(&mut self, replica: usize, start: usize, length: usize) {
        if length == 0 {
            return;
        }
        let first_of_series = 3 * self.ends.last().copied().unwrap_or(0) as usize;
        if let [.., last, begin, count] = &mut self.runs[first_of_series..]
            && *last == index(replica)
            && *begin + *count == index(start)
        {
            *count += index(length);
            return;
        }
        self.runs.extend([index(replica), index(start), index(length)]);
    }

    /// Adds a sample that no replica has.
    pub(crate) fn synthesise(&mut self, time: i64, value: u64) {
        // Series before this one had none, unless the list is there already.
        self.synthesised_ends.resize(self.ends.len(), index(self.synthesised_times.len()));
        self.synthesised_times.push(time);
        self.synthesised_values.push(value);
    }

    /// Closes the series being planned.
    pub(crate) fn finish_series(&mut self) {
        self.ends.push(index(self.runs.len() / 3));
        if !self.synthesised_times.is_empty() {
            self.synthesised_ends.resize(self.ends.len(), index(self.synthesised_times.len()));
        }
    }
}
