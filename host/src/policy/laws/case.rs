//! One batch as the kit handles it: nested, so that parts can be taken away.

use promql::SeriesBatch;

use crate::policy::choose::Timelines;
use crate::policy::columns::Columns;
use crate::policy::matching::Matching;
use crate::policy::{Kind, Options, stale};

/// A sample of one replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) time: i64,
    /// The value's bits, as the contract has them.
    pub(super) bits: u64,
}

/// One series in all replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Series {
    pub(super) kind: Kind,
    /// As many as the case has replicas; timestamps strictly ascending.
    pub(super) replicas: Vec<Vec<Sample>>,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Case {
    /// Above zero.
    pub(super) replicas: usize,
    /// At least one.
    pub(super) series: Vec<Series>,
}

impl Series {
    /// The replica that alone has samples.
    pub(super) fn lone(&self) -> Option<usize> {
        let mut present = (0..self.replicas.len()).filter(|r| !self.replicas[*r].is_empty());
        present.next().filter(|_| present.next().is_none())
    }

    /// Whether all replicas have the same samples, and there are some.
    pub(super) fn is_unanimous(&self) -> bool {
        let (first, others) = self.replicas.split_first().expect("a case has replicas");
        !first.is_empty() && others.iter().all(|other| other == first)
    }
}

impl Case {
    /// A case of one series.
    pub(super) fn of(series: Series) -> Self {
        Self { replicas: series.replicas.len(), series: vec![series] }
    }

    /// The case with other series.
    pub(super) fn with(&self, series: Vec<Series>) -> Self {
        Self { replicas: self.replicas, series }
    }

    /// Number of samples.
    pub(super) fn samples(&self) -> usize {
        self.timelines().map(Vec::len).sum()
    }

    /// Every replica of every series.
    pub(super) fn timelines(&self) -> impl Iterator<Item = &Vec<Sample>> {
        self.series.iter().flat_map(|series| &series.replicas)
    }

    /// The same, to be changed.
    pub(super) fn timelines_mut(&mut self) -> impl Iterator<Item = &mut Vec<Sample>> {
        self.series.iter_mut().flat_map(|series| &mut series.replicas)
    }

    /// The timestamps that occur, ascending.
    pub(super) fn times(&self) -> Vec<i64> {
        let mut times: Vec<i64> = self.timelines().flatten().map(|sample| sample.time).collect();
        times.sort_unstable();
        times.dedup();
        times
    }

    /// In the contract's form.
    pub(super) fn columns(&self, with_values: bool) -> Columns {
        let mut columns = Columns::new(self.replicas);
        columns.kinds = self.series.iter().map(|series| series.kind).collect();
        for timeline in self.timelines() {
            columns.timestamps.extend(timeline.iter().map(|sample| sample.time));
            if with_values {
                columns.values.extend(timeline.iter().map(|sample| sample.bits));
            }
            let end = u32::try_from(columns.timestamps.len());
            columns.offsets.push(end.expect("a case has few samples"));
        }
        columns
    }

    fn of_columns(columns: &Columns) -> Self {
        let series = |index: usize| Series {
            kind: columns.kinds[index],
            replicas: (0..columns.replicas)
                .map(|replica| {
                    let at = index * columns.replicas + replica;
                    let range = columns.offsets[at] as usize..columns.offsets[at + 1] as usize;
                    range
                        .map(|at| Sample { time: columns.timestamps[at], bits: columns.values[at] })
                        .collect()
                })
                .collect(),
        };
        Self { replicas: columns.replicas, series: (0..columns.series()).map(series).collect() }
    }
}

/// Most samples of a case made of recorded answers, whole series only.
const RECORDED_SAMPLES: usize = 4000;

/// What the replicas of one merge answered, as cases of a few series each.
pub(super) fn recorded(replicas: &[&SeriesBatch]) -> Vec<Case> {
    if replicas.is_empty() {
        return Vec::new();
    }
    let clean: Vec<_> = replicas.iter().map(|batch| stale::without_markers(batch)).collect();
    let views: Vec<&SeriesBatch> = clean.iter().map(AsRef::as_ref).collect();
    let matching = Matching::new(&views);
    let timelines = Timelines::new(&matching, &Options::everything(0));
    let mut cases = Vec::new();
    let mut columns = Columns::new(matching.replicas());
    for index in 0..matching.len() {
        let samples = timelines.samples(index);
        if columns.series() > 0 && columns.timestamps.len() + samples > RECORDED_SAMPLES {
            cases.push(Case::of_columns(&columns));
            columns.clear();
        }
        columns.push(&matching, &timelines, index, true);
    }
    if columns.series() > 0 {
        cases.push(Case::of_columns(&columns));
    }
    cases
}
