//! Folds of float columns: a group's series are added one after the other,
//! each over all steps.

use crate::ast::AggregateOp;
use crate::eval::block::{ABSENT, is_present};
use crate::eval::mean::Mean;
use crate::eval::quantile::quantile;
use crate::kahan;

/// What has been made of a group's floats so far, at every step.
pub(super) enum Fold {
    /// Of additions, and what rounding lost of them.
    Sum {
        sums: Vec<f64>,
        lost: Vec<f64>,
    },
    Average(Vec<Option<Mean>>),
    Count(Vec<f64>),
    /// 1 where there is anything.
    Group(Vec<f64>),
    /// The largest value.
    Max(Vec<f64>),
    Min(Vec<f64>),
    Variance {
        moments: Moments,
        root: bool,
    },
    /// All values.
    Quantile(Vec<Vec<f64>>),
    /// Of operators that select series, or count values: they do not fold.
    None(usize),
}

impl Fold {
    /// A fold of nothing.
    pub(super) fn new(op: AggregateOp, steps: usize) -> Self {
        let nothing = || vec![ABSENT; steps];
        match op {
            AggregateOp::Sum => Self::Sum { sums: nothing(), lost: vec![0.0; steps] },
            AggregateOp::Avg => Self::Average(vec![None; steps]),
            AggregateOp::Count => Self::Count(nothing()),
            AggregateOp::Group => Self::Group(nothing()),
            AggregateOp::Max => Self::Max(nothing()),
            AggregateOp::Min => Self::Min(nothing()),
            AggregateOp::Stdvar => Self::Variance { moments: Moments::new(steps), root: false },
            AggregateOp::Stddev => Self::Variance { moments: Moments::new(steps), root: true },
            AggregateOp::Quantile => Self::Quantile(vec![Vec::new(); steps]),
            AggregateOp::Topk
            | AggregateOp::Bottomk
            | AggregateOp::Limitk
            | AggregateOp::LimitRatio
            | AggregateOp::CountValues => Self::None(steps),
        }
    }

    /// Adds the floats of a series.
    pub(super) fn add(&mut self, floats: &[f64]) {
        match self {
            Self::Sum { sums, lost } => sum(sums, lost, floats),
            Self::Average(means) => average(means, floats),
            Self::Count(counts) => each(counts, floats, |_| 1.0, |count, _| *count += 1.0),
            Self::Group(ones) => each(ones, floats, |_| 1.0, |_, _| {}),
            Self::Max(best) => extreme(best, floats, |best, value| best < value),
            Self::Min(best) => extreme(best, floats, |best, value| best > value),
            Self::Variance { moments, .. } => moments.add(floats),
            Self::Quantile(values) => {
                for (values, value) in values.iter_mut().zip(floats) {
                    values.extend(Some(*value).filter(|value| is_present(*value)));
                }
            }
            Self::None(_) => {}
        }
    }

    /// The result of each step; `param` is that of quantiles.
    pub(super) fn finish(self, param: &[f64]) -> Vec<f64> {
        match self {
            Self::Sum { mut sums, lost } => {
                for (sum, lost) in sums.iter_mut().zip(lost) {
                    if is_present(*sum) {
                        *sum += lost;
                    }
                }
                sums
            }
            Self::Average(means) => {
                means.into_iter().map(|mean| mean.map_or(ABSENT, Mean::finish)).collect()
            }
            Self::Count(floats) | Self::Group(floats) | Self::Max(floats) | Self::Min(floats) => {
                floats
            }
            Self::Variance { moments, root } => moments.finish(root),
            Self::Quantile(all) => {
                let quantile = |(values, q): (&mut Vec<f64>, &f64)| {
                    if values.is_empty() { ABSENT } else { quantile(*q, values) }
                };
                all.into_iter()
                    .zip(param)
                    .map(|(mut values, q)| quantile((&mut values, q)))
                    .collect()
            }
            Self::None(steps) => vec![ABSENT; steps],
        }
    }
}

/// Starts from the first value of each step, and adds the others.
fn each(
    folded: &mut [f64],
    floats: &[f64],
    first: impl Fn(f64) -> f64,
    mut add: impl FnMut(&mut f64, f64),
) {
    for (own, value) in folded.iter_mut().zip(floats) {
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

fn extreme(folded: &mut [f64], floats: &[f64], beaten: impl Fn(f64, f64) -> bool) {
    let add = |best: &mut f64, value| {
        if beaten(*best, value) || best.is_nan() {
            *best = value;
        }
    };
    each(folded, floats, |value| value, add);
}

fn sum(sums: &mut [f64], lost: &mut [f64], floats: &[f64]) {
    for ((sum, lost), value) in sums.iter_mut().zip(lost).zip(floats) {
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

fn average(means: &mut [Option<Mean>], floats: &[f64]) {
    for (mean, value) in means.iter_mut().zip(floats) {
        if !is_present(*value) {
            continue;
        }
        match mean {
            Some(mean) => mean.add(*value),
            None => *mean = Some(Mean::of(*value)),
        }
    }
}

/// Welford's running variance.
pub(super) struct Moments {
    counts: Vec<f64>,
    means: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    fn new(steps: usize) -> Self {
        let zeros = || vec![0.0; steps];
        Self { counts: zeros(), means: zeros(), squares: zeros() }
    }

    fn add(&mut self, floats: &[f64]) {
        let Self { counts, means, squares } = self;
        for (step, value) in floats.iter().enumerate() {
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

    fn finish(self, root: bool) -> Vec<f64> {
        let variance = |(square, count): (f64, f64)| match (count > 0.0, root) {
            (false, _) => ABSENT,
            (true, false) => square / count,
            (true, true) => (square / count).sqrt(),
        };
        self.squares.into_iter().zip(self.counts).map(variance).collect()
    }
}
