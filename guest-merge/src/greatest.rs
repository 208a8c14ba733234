//! Of samples near one moment, the one with the greatest value.
//!
//! In comes a merge; every sample that it left out is compared with the one
//! that stands nearest to it. Samples are only selected: the timestamp stays
//! with its value.

use alloc::vec::Vec;

use crate::columns::{Batch, Plan};
use crate::fill::Run;

/// Buffers that series after series uses.
#[derive(Default)]
pub(crate) struct Scratch {
    moments: Vec<Moment>,
}

/// A moment of the merge, and the sample that stands for it.
struct Moment {
    time: i64,
    replica: usize,
    index: usize,
    value: f64,
}

/// Emits the runs of a merge with every sample replaced by the greatest of
/// those that are nearest to it.
///
/// NaN neither wins nor loses. The result ascends strictly: every sample
/// stays on its side of the middle between two moments, a sample exactly in
/// the middle counts to the earlier one.
pub(crate) fn plan_series(
    batch: &Batch<'_>,
    series: usize,
    runs: &[Run],
    scratch: &mut Scratch,
    plan: &mut Plan,
) {
    let moments = &mut scratch.moments;
    moments.clear();
    for run in runs {
        let times = batch.times(series, run.replica);
        let values = batch.values(series, run.replica);
        moments.extend((run.start..run.start + run.length).map(|index| Moment {
            time: times[index],
            replica: run.replica,
            index,
            value: f64::from_bits(values[index]),
        }));
    }
    let times: Vec<i64> = moments.iter().map(|moment| moment.time).collect();
    for replica in 0..batch.replicas() {
        let own = batch.times(series, replica).iter().zip(batch.values(series, replica));
        let mut nearest = 0;
        for (index, (time, bits)) in own.enumerate() {
            while nearest + 1 < times.len() && is_nearer(*time, times[nearest + 1], times[nearest])
            {
                nearest += 1;
            }
            let value = f64::from_bits(*bits);
            if value > moments[nearest].value {
                let time = times[nearest];
                moments[nearest] = Moment { time, replica, index, value };
            }
        }
    }
    for moment in &*moments {
        plan.take(moment.replica, moment.index, 1);
    }
}

/// True if `time` is nearer to `one` than to `two`.
const fn is_nearer(time: i64, one: i64, two: i64) -> bool {
    time.abs_diff(one) < time.abs_diff(two)
}
