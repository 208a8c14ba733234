//! The smallest probe that still breaks a law.
//!
//! Parts are taken away and times and values made plainer, one edit after the
//! other, as long as the law stays broken. Every edit that is kept makes the
//! probe cheaper by [`cost`], so this ends; and it ends when the time is over.

mod edit;

use std::time::Duration;

use super::lab::{Lab, Patience};
use super::law::{self, Broken, Stop};
use super::probe::Probe;
use crate::policy::Kind;

/// Shrinks until nothing more can go, or until the time is over.
pub(super) fn shrink(lab: &mut Lab<'_>, broken: Broken, time: Duration) -> Broken {
    lab.patience = Patience::of(time);
    shrink_by(broken, lab.patience, lab.terms.needs_samples, |law, probe| {
        match law::check(law, lab, probe) {
            Err(Stop::Broken(broken)) if broken.law == law => Some(*broken),
            _ => None,
        }
    })
}

/// The same, where `still` finds what is broken.
pub(super) fn shrink_by(
    mut broken: Broken,
    patience: Patience,
    with_values: bool,
    mut still: impl FnMut(law::Law, &Probe) -> Option<Broken>,
) -> Broken {
    if !with_values {
        // Nobody has seen them.
        broken.probe.forget_values();
    }
    while let Some(smaller) = step(&broken, patience, with_values, &mut still) {
        broken = smaller;
    }
    broken
}

fn step(
    broken: &Broken,
    patience: Patience,
    with_values: bool,
    still: &mut impl FnMut(law::Law, &Probe) -> Option<Broken>,
) -> Option<Broken> {
    let now = cost(&broken.probe);
    for edit in edit::edits(&broken.probe, with_values) {
        if patience.is_over() {
            return None;
        }
        let Some(probe) = edit.apply(&broken.probe) else {
            continue;
        };
        if cost(&probe) < now
            && let Some(smaller) = still(broken.law, &probe)
        {
            return Some(smaller);
        }
    }
    None
}

/// How much there is to read: the most important first.
fn cost(probe: &Probe) -> [u64; 7] {
    let mut cost = [0; 7];
    cost[0] = probe.earlier.iter().map(|repeated| repeated.times as u64).sum();
    for case in probe.cases() {
        cost[1] += case.samples() as u64;
        cost[2] += case.series.len() as u64;
        cost[3] += case.replicas as u64;
        cost[4] += case.series.iter().filter(|series| series.kind != Kind::Unknown).count() as u64;
        for sample in case.timelines().flatten() {
            cost[5] += value_cost(sample.bits);
            cost[6] += digits(sample.time);
        }
    }
    let borders = probe.window.map_or([None; 2], |(start, end)| [start, end]);
    cost[4] += borders.iter().flatten().count() as u64;
    cost[6] += borders.into_iter().flatten().map(digits).sum::<u64>();
    cost
}

fn value_cost(bits: u64) -> u64 {
    let value = f64::from_bits(bits);
    match bits {
        0 => 0,
        _ if value.is_nan() => 8,
        _ if value == value.trunc() && value.abs() < 10.0 => 1 + u64::from(value != 1.0),
        _ => 5,
    }
}

/// Digits, those before the trailing zeros twice.
fn digits(time: i64) -> u64 {
    let text = time.to_string();
    (text.len() + text.trim_end_matches('0').len()) as u64
}
