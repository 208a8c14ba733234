//! The samples of one series of an answer, in order of time.

use promql::Histogram;

use crate::policy::matching::Matching;
use crate::policy::timeline::Value;
use crate::policy::{Provenance, Run};

/// A series of an answer: its label set's number and its runs.
#[derive(Clone, Copy)]
pub(super) struct Series<'a> {
    pub(super) set: usize,
    pub(super) runs: &'a [Run],
    /// The synthesised samples of these runs.
    made: &'a [(i64, u64)],
}

impl<'a> Series<'a> {
    pub(super) const fn none(set: usize) -> Self {
        Self { set, runs: &[], made: &[] }
    }

    /// All series of an answer, in the order of the label sets.
    pub(super) fn all(answer: &'a Provenance) -> impl Iterator<Item = Self> {
        let mut made = answer.made.as_slice();
        answer.sets.iter().enumerate().map(move |(index, set)| {
            let runs = answer.series(index);
            let is_made = |run: &&Run| run.replica == Run::SYNTHESISED;
            let count = runs.iter().filter(is_made).map(|run| run.length as usize).sum();
            let (own, rest) = made.split_at(count);
            made = rest;
            Self { set: *set as usize, runs, made: own }
        })
    }

    /// Number of samples.
    pub(super) fn len(&self) -> u64 {
        self.runs.iter().map(|run| u64::from(run.length)).sum()
    }

    /// Whether both have the same samples, as far as runs tell.
    pub(super) fn has_runs_of(&self, other: &Self) -> bool {
        self.runs == other.runs && self.made.is_empty() && other.made.is_empty()
    }
}

/// A sample and where it is from.
#[derive(Clone, Copy)]
pub(super) struct Taken<'a> {
    pub(super) time: i64,
    /// The replica, or [`Run::SYNTHESISED`].
    pub(super) replica: u32,
    pub(super) value: Value<'a>,
}

impl Taken<'_> {
    /// As people read it.
    pub(super) fn text(&self) -> String {
        match self.value {
            Value::Float(value) => promql::number::format_float(value),
            Value::Histogram(histogram) => Histogram::to_string(histogram),
        }
    }
}

/// Goes through the samples of a series.
pub(super) struct Samples<'a> {
    matching: &'a Matching<'a>,
    series: Series<'a>,
    /// The current run, and the sample in it.
    run: usize,
    at: u32,
    /// Synthesised samples used so far.
    made: usize,
}

impl<'a> Samples<'a> {
    pub(super) const fn new(matching: &'a Matching<'a>, series: Series<'a>) -> Self {
        Self { matching, series, run: 0, at: 0, made: 0 }
    }
}

impl<'a> Iterator for Samples<'a> {
    type Item = Taken<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let run = *self.series.runs.get(self.run)?;
        let index = (run.start + self.at) as usize;
        self.at += 1;
        if self.at == run.length {
            (self.run, self.at) = (self.run + 1, 0);
        }
        let replica = run.replica;
        if replica == Run::SYNTHESISED {
            let (time, bits) = *self.series.made.get(self.made)?;
            self.made += 1;
            return Some(Taken { time, replica, value: Value::Float(f64::from_bits(bits)) });
        }
        let timeline = self.matching.timeline(self.series.set, replica as usize);
        let (time, value) = (*timeline.times.get(index)?, timeline.value(index)?);
        Some(Taken { time, replica, value })
    }
}
