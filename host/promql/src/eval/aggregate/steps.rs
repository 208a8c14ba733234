//! Folds of groups that have histograms.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::columns::Fold;
use crate::annotations::{Note, Operation};
use crate::ast::AggregateOp;
use crate::eval::Evaluator;
use crate::eval::block::{ABSENT, Sample, Series, is_present};
use crate::eval::mean::HistogramMean;
use crate::histogram::{Compensation, IncompatibleSchemas};
use crate::plan::Aggregate;
use crate::query::Error;
use crate::{CounterResetHint, Histogram};

/// A sum or a mean of histograms.
enum HistogramFold {
    Sum(Histogram, Option<Compensation>),
    Mean(HistogramMean),
}

impl HistogramFold {
    fn of(op: AggregateOp, first: &Histogram) -> Self {
        match op {
            AggregateOp::Avg => Self::Mean(HistogramMean::of(first)),
            _ => Self::Sum(first.clone(), None),
        }
    }

    fn add(&mut self, histogram: &Histogram) -> Result<bool, IncompatibleSchemas> {
        match self {
            Self::Sum(sum, lost) => Ok(sum.add_compensated(histogram, lost)?.bounds_reconciled),
            Self::Mean(mean) => mean.add(histogram),
        }
    }

    fn finish(self) -> Histogram {
        let mut result = match self {
            Self::Sum(mut sum, lost) => {
                if let Some(lost) = &lost {
                    sum.compensate(lost);
                }
                sum
            }
            Self::Mean(mean) => mean.finish(),
        };
        result.compact();
        result
    }
}

impl Evaluator<'_> {
    /// Folds a group of which some samples may be histograms.
    pub(super) fn fold_group(
        &mut self,
        aggregate: &Aggregate,
        param: &[f64],
        members: &[&Series],
        steps: usize,
    ) -> Result<Series, Error> {
        let mut fold = Fold::new(aggregate.op, steps);
        for member in members {
            self.budget.check()?;
            fold.add(&member.floats);
        }
        let mut series = Series::new(crate::Labels::empty(), 0);
        series.floats = fold.finish(param);
        let with_histograms: BTreeSet<usize> =
            members.iter().flat_map(|member| &member.histograms).map(|(step, _)| *step).collect();
        match aggregate.op {
            AggregateOp::Sum | AggregateOp::Avg => {
                for step in with_histograms {
                    self.budget.check()?;
                    series.floats[step] = ABSENT;
                    if let Some(result) = self.fold_histograms(aggregate, members, step) {
                        series.set(step, Sample::Histogram(Arc::new(result)));
                    }
                }
            }
            AggregateOp::Count => {
                for (step, _) in members.iter().flat_map(|member| &member.histograms) {
                    let count = &mut series.floats[*step];
                    *count = if is_present(*count) { *count + 1.0 } else { 1.0 };
                }
            }
            AggregateOp::Group => {
                with_histograms.into_iter().for_each(|step| series.floats[step] = 1.0);
            }
            op => {
                if !with_histograms.is_empty() {
                    let note = Note::HistogramIgnoredInAggregation(op.as_str());
                    self.note(note, aggregate.input_position);
                }
            }
        }
        Ok(series)
    }

    fn fold_histograms(
        &mut self,
        aggregate: &Aggregate,
        members: &[&Series],
        step: usize,
    ) -> Option<Histogram> {
        let position = aggregate.input_position;
        let (mut has_float, mut fold) = (false, None::<HistogramFold>);
        let (mut reset, mut not_reset) = (false, false);
        for member in members {
            let histogram = match member.sample(step) {
                None => continue,
                Some(Sample::Float(_)) => {
                    has_float = true;
                    continue;
                }
                Some(Sample::Histogram(histogram)) => histogram,
            };
            reset |= histogram.counter_reset_hint == CounterResetHint::Reset;
            not_reset |= histogram.counter_reset_hint == CounterResetHint::NotReset;
            if has_float && fold.is_none() {
                continue;
            }
            let Some(fold) = &mut fold else {
                fold = Some(HistogramFold::of(aggregate.op, &histogram));
                continue;
            };
            match fold.add(&histogram) {
                Ok(false) => {}
                Ok(true) => self.note(Note::BoundsReconciled(Operation::Aggregation), position),
                Err(IncompatibleSchemas) => {
                    let metric = member.labels.metric_name().to_owned();
                    self.note(Note::MixedSchemas(metric), position);
                    if has_float {
                        self.note(Note::MixedFloatsHistogramsAggregation, position);
                    }
                    return None;
                }
            }
        }
        if has_float {
            self.note(Note::MixedFloatsHistogramsAggregation, position);
            return None;
        }
        if reset && not_reset {
            self.note(Note::ResetCollision(Operation::Aggregation), position);
        }
        fold.map(HistogramFold::finish)
    }
}
