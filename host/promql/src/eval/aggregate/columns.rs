//! Folds of float columns: a group's series are taken one after the other,
//! each over all steps.

use crate::ast::AggregateOp;
use crate::eval::block::{ABSENT, Series, is_present};
use crate::eval::mean::Mean;
use crate::eval::quantile::quantile;
use crate::kahan;

/// Folds the floats of a group's series; histograms are not looked at.
pub(super) fn fold(op: AggregateOp, param: &[f64], members: &[&Series], steps: usize) -> Series {
    let mut series = Series::new(crate::Labels::empty(), steps);
    series.floats = match op {
        AggregateOp::Sum => sum(members, steps),
        AggregateOp::Avg => average(members, steps),
        AggregateOp::Count => each(members, steps, |_| 1.0, |count, _| *count += 1.0),
        AggregateOp::Group => each(members, steps, |_| 1.0, |_, _| {}),
        AggregateOp::Max => extreme(members, steps, |best, value| best < value),
        AggregateOp::Min => extreme(members, steps, |best, value| best > value),
        AggregateOp::Stdvar => variance(members, steps),
        AggregateOp::Stddev => {
            let mut floats = variance(members, steps);
            floats.iter_mut().filter(|f| is_present(**f)).for_each(|f| *f = f.sqrt());
            floats
        }
        AggregateOp::Quantile => quantiles(param, members, steps),
        // The others select series, or count values: they are not folds.
        AggregateOp::Topk
        | AggregateOp::Bottomk
        | AggregateOp::Limitk
        | AggregateOp::LimitRatio
        | AggregateOp::CountValues => vec![ABSENT; steps],
    };
    series
}

/// Starts from the first value of each step, and adds the others.
fn each(
    members: &[&Series],
    steps: usize,
    first: impl Fn(f64) -> f64,
    mut add: impl FnMut(&mut f64, f64),
) -> Vec<f64> {
    let mut folded = vec![ABSENT; steps];
    for member in members {
        for (own, value) in folded.iter_mut().zip(&member.floats) {
            if !is_present(*value) {
                continue;
            }
            if is_present(*own) {
                add(own, *value);
            } else {
                *own = first(*value);
            }
        }
    }
    folded
}

fn extreme(members: &[&Series], steps: usize, beaten: impl Fn(f64, f64) -> bool) -> Vec<f64> {
    each(
        members,
        steps,
        |value| value,
        |best, value| {
            if beaten(*best, value) || best.is_nan() {
                *best = value;
            }
        },
    )
}

fn sum(members: &[&Series], steps: usize) -> Vec<f64> {
    let mut sums = vec![ABSENT; steps];
    let mut lost = vec![0.0; steps];
    for member in members {
        for ((sum, lost), value) in sums.iter_mut().zip(&mut lost).zip(&member.floats) {
            if !is_present(*value) {
                continue;
            }
            if is_present(*sum) {
                kahan::add(*value, sum, lost);
            } else {
                *sum = *value;
            }
        }
    }
    for (sum, lost) in sums.iter_mut().zip(lost) {
        if is_present(*sum) {
            *sum += lost;
        }
    }
    sums
}

fn average(members: &[&Series], steps: usize) -> Vec<f64> {
    let mut means: Vec<Option<Mean>> = vec![None; steps];
    for member in members {
        for (mean, value) in means.iter_mut().zip(&member.floats) {
            if !is_present(*value) {
                continue;
            }
            match mean {
                Some(mean) => mean.add(*value),
                None => *mean = Some(Mean::of(*value)),
            }
        }
    }
    means.into_iter().map(|mean| mean.map_or(ABSENT, Mean::finish)).collect()
}

/// Welford's running variance.
fn variance(members: &[&Series], steps: usize) -> Vec<f64> {
    let mut counts = vec![0.0; steps];
    let mut means = vec![0.0; steps];
    let mut squares = vec![0.0; steps];
    for member in members {
        for (step, value) in member.floats.iter().enumerate() {
            if !is_present(*value) {
                continue;
            }
            counts[step] += 1.0;
            if counts[step] == 1.0 {
                means[step] = *value;
                squares[step] = if value.is_finite() { 0.0 } else { f64::NAN };
                continue;
            }
            let delta = value - means[step];
            means[step] += delta / counts[step];
            squares[step] += delta * (value - means[step]);
        }
    }
    let variance = |(square, count): (f64, f64)| if count > 0.0 { square / count } else { ABSENT };
    squares.into_iter().zip(counts).map(variance).collect()
}

fn quantiles(param: &[f64], members: &[&Series], steps: usize) -> Vec<f64> {
    let mut values = Vec::with_capacity(members.len());
    (0..steps)
        .map(|step| {
            values.clear();
            let at_step = members.iter().map(|member| member.floats[step]);
            values.extend(at_step.filter(|value| is_present(*value)));
            if values.is_empty() { ABSENT } else { quantile(param[step], &mut values) }
        })
        .collect()
}
