//! A plan as decisions that can be compared: runs that follow each other
//! directly are one.

use guest_merge::Plan;

use super::case::{Case, Series};
use crate::policy::{Run, plan};

/// What was decided for every series of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer(pub(super) Vec<Decision>);

/// What was decided for one series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Decision {
    /// In order of time.
    pub(super) runs: Vec<Run>,
    /// Samples that no replica has: timestamp and value bits.
    pub(super) made: Vec<(i64, u64)>,
}

/// One sample of a merged series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Taken {
    pub(super) time: i64,
    /// [`Run::SYNTHESISED`] if no replica has it.
    pub(super) replica: u32,
    pub(super) bits: u64,
}

impl Answer {
    /// Of a checked plan.
    pub(super) fn of(plan: &Plan) -> Self {
        Self((0..plan.ends.len()).map(|index| Decision::of(plan, index)).collect())
    }

    /// Everything that was taken, series after series.
    pub(super) fn taken(&self, case: &Case) -> Vec<Vec<Taken>> {
        self.0.iter().zip(&case.series).map(|(decision, series)| decision.taken(series)).collect()
    }
}

impl Decision {
    fn of(plan: &Plan, index: usize) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for run in plan::runs(plan, index) {
            match runs.last_mut() {
                Some(last)
                    if last.replica == run.replica && last.start + last.length == run.start =>
                {
                    last.length += run.length;
                }
                _ => runs.push(run),
            }
        }
        let made = plan::synthesised_range(plan, index);
        let times = plan.synthesised_times[made.clone()].iter().copied();
        let values = plan.synthesised_values[made].iter().copied();
        Self { runs, made: times.zip(values).collect() }
    }

    /// The samples of the merged series, in order of time.
    pub(super) fn taken(&self, series: &Series) -> Vec<Taken> {
        let of_run = |run: &Run| {
            let start = run.start as usize;
            let own = &series.replicas[run.replica as usize][start..start + run.length as usize];
            let replica = run.replica;
            own.iter().map(move |sample| Taken { time: sample.time, replica, bits: sample.bits })
        };
        let mut taken: Vec<Taken> = self.runs.iter().flat_map(of_run).collect();
        if !self.made.is_empty() {
            let made = self.made.iter();
            taken.extend(made.map(|(time, bits)| Taken {
                time: *time,
                replica: Run::SYNTHESISED,
                bits: *bits,
            }));
            taken.sort_unstable();
        }
        taken
    }
}
