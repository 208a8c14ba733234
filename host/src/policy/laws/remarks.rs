//! What is no law but worth knowing before a policy is bound.

use std::time::Instant;

use super::answer::Taken;
use super::case::Case;
use super::generate::Generator;
use super::lab::{self, Lab, Patience};
use super::{Budget, picked};
use crate::policy::Limits;

/// Batches that a remark is based on.
const BATCHES: usize = 24;
const SEED: u64 = 7;

/// Remarks about a policy that keeps the laws. What cannot be asked in time
/// is not remarked on.
pub(super) fn about(lab: &mut Lab<'_>, limits: &Limits, budget: Budget) -> Vec<String> {
    lab.patience = Patience::of(budget.patience);
    let order = order(lab);
    let holes = holes(lab);
    let cost = cost(lab, limits);
    order.into_iter().chain(holes).chain(cost).collect()
}

/// Whether another order of the replicas gives other samples.
fn order(lab: &mut Lab<'_>) -> Option<String> {
    let mut generator = Generator::new(SEED, None);
    let (mut tried, mut differ) = (0, 0);
    while tried < BATCHES {
        let case = generator.case();
        if case.replicas < 2 || case.samples() == 0 {
            continue;
        }
        let mut reversed = case.clone();
        reversed.series.iter_mut().for_each(|series| series.replicas.reverse());
        let own = lab.plan(&case).ok()?.taken(&case);
        let other = lab.plan(&reversed).ok()?.taken(&reversed);
        tried += 1;
        differ += usize::from(moments(&own) != moments(&other));
    }
    (differ > 0).then(|| {
        format!(
            "the order of the replicas matters: in {differ} of {tried} batches, the opposite \
             order gave samples at other moments or with other values"
        )
    })
}

/// Moments and values, wherever they are from.
fn moments(taken: &[Vec<Taken>]) -> Vec<Vec<(i64, u64)>> {
    let of_series =
        |taken: &Vec<Taken>| taken.iter().map(|taken| (taken.time, taken.bits)).collect();
    taken.iter().map(of_series).collect()
}

/// Whether holes stay that another replica could fill.
fn holes(lab: &mut Lab<'_>) -> Option<String> {
    let mut generator = Generator::new(SEED, None);
    let (mut wanted, mut given) = (0, 0);
    for _ in 0..BATCHES {
        let (case, start, end) = generator.hole();
        let is_inside = |time: i64| (start..=end).contains(&time);
        let whole = &case.series[0].replicas[1];
        wanted += whole.iter().filter(|sample| is_inside(sample.time)).count();
        let taken = lab.plan(&case).ok()?.taken(&case);
        given += taken[0].iter().filter(|taken| is_inside(taken.time)).count();
    }
    (given < wanted).then(|| {
        format!(
            "it leaves holes: of {wanted} samples that one of two replicas missed, it took {given} \
             from the other"
        )
    })
}

/// What a batch of the size that queries send costs.
fn cost(lab: &mut Lab<'_>, limits: &Limits) -> Vec<String> {
    let mut remarks = Vec::new();
    for case in picked::large() {
        let Some(nanoseconds) = fastest(lab, &case) else {
            return remarks;
        };
        let (series, samples) = (case.series.len(), case.samples());
        let each = nanoseconds as f64 / samples as f64;
        let milliseconds = nanoseconds as f64 / 1e6;
        remarks.push(format!(
            "a batch of {samples} samples of {series} series takes {milliseconds:.2} ms, \
             {each:.1} ns a sample"
        ));
        if milliseconds > limits.deadline_ms as f64 / 2.0 {
            remarks.push(format!(
                "that is close to, or beyond, its deadline of {} ms: give it a longer one",
                limits.deadline_ms
            ));
        }
    }
    remarks
}

/// The least of a few attempts on one instance.
fn fastest(lab: &mut Lab<'_>, case: &Case) -> Option<u128> {
    let mut guest = lab.instance(lab::clock_after(case)).ok()?;
    let mut least = None;
    for _ in 0..3 {
        let started = Instant::now();
        lab.ask(&mut guest, case).ok()?;
        let taken = started.elapsed().as_nanos();
        least = Some(least.map_or(taken, |least: u128| least.min(taken)));
    }
    least
}
