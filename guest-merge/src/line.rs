//! A merged timeline sample by sample, for rules that swap sides.

use alloc::vec::Vec;

use crate::columns::{Batch, Plan};

/// Where a sample comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Sample `index` of `replica`.
    Replica { replica: usize, index: usize },
    /// No replica has a sample with this value at this moment.
    Synthesised,
}

/// One sample of a merge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) time: i64,
    /// The value's bits; zero where no rule looks at values.
    pub(crate) value: u64,
    pub(crate) origin: Origin,
}

/// The merge of the replicas so far, with buffers for the next.
#[derive(Default)]
pub(crate) struct Line {
    merged: Vec<Sample>,
    other: Vec<Sample>,
    next: Vec<Sample>,
}

impl Line {
    /// Folds the replicas of a series, in order, with `merge(a, b, out)`, in
    /// which `a` is the merge so far, and emits the result.
    pub(crate) fn fold(
        &mut self,
        batch: &Batch<'_>,
        series: usize,
        with_values: bool,
        plan: &mut Plan,
        mut merge: impl FnMut(&[Sample], &[Sample], &mut Vec<Sample>),
    ) {
        self.merged.clear();
        for replica in 0..batch.replicas() {
            load(batch, series, replica, with_values, &mut self.other);
            self.next.clear();
            if self.merged.is_empty() || self.other.is_empty() {
                self.next.extend_from_slice(&self.merged);
                self.next.extend_from_slice(&self.other);
            } else {
                merge(&self.merged, &self.other, &mut self.next);
            }
            core::mem::swap(&mut self.merged, &mut self.next);
        }
        for sample in &self.merged {
            match sample.origin {
                Origin::Replica { replica, index } => plan.take(replica, index, 1),
                Origin::Synthesised => plan.synthesise(sample.time, sample.value),
            }
        }
        plan.finish_series();
    }
}

fn load(
    batch: &Batch<'_>,
    series: usize,
    replica: usize,
    with_values: bool,
    out: &mut Vec<Sample>,
) {
    out.clear();
    let times = batch.times(series, replica).iter().enumerate();
    let sample = |index: usize, time: i64, value: u64| Sample {
        time,
        value,
        origin: Origin::Replica { replica, index },
    };
    if with_values {
        let values = batch.values(series, replica);
        out.extend(times.map(|(index, time)| sample(index, *time, values[index])));
    } else {
        out.extend(times.map(|(index, time)| sample(index, *time, 0)));
    }
}
