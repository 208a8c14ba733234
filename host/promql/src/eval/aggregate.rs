//! Aggregations: series are added to their groups one after the other, each
//! over all steps, and where nobody else needs them as they are computed;
//! histograms go step by step.

mod columns;
mod count_values;
mod select_k;
mod steps;

use std::collections::HashMap;

use self::columns::Fold;
use super::Evaluator;
use super::block::{Block, Series};
use super::each::Passed;
use crate::Labels;
use crate::annotations::Note;
use crate::ast::AggregateOp;
use crate::labels::METRIC_NAME;
use crate::plan::{Aggregate, Grid, Node};
use crate::query::Error;

/// The groups' labels, in the order of their first series.
#[derive(Default)]
struct Groups {
    labels: Vec<Labels>,
    places: HashMap<Labels, usize>,
}

impl Groups {
    /// The group of a series.
    fn of(&mut self, aggregate: &Aggregate, labels: &Labels) -> usize {
        let labels = group_labels(&aggregate.grouping, aggregate.without, labels);
        let next = self.labels.len();
        *self.places.entry(labels).or_insert_with_key(|labels| {
            self.labels.push(labels.clone());
            next
        })
    }
}

/// The labels of the group that a series belongs to.
pub(super) fn group_labels(grouping: &[String], without: bool, labels: &Labels) -> Labels {
    if !without && grouping.is_empty() {
        return Labels::empty();
    }
    let named = |name: &str| grouping.iter().any(|own| own == name);
    labels.filtered(|name| if without { name != METRIC_NAME && !named(name) } else { named(name) })
}

impl Evaluator<'_> {
    pub(super) fn aggregate(&mut self, aggregate: &Aggregate, grid: Grid) -> Result<Block, Error> {
        if aggregate.op == AggregateOp::CountValues {
            return self.count_values(aggregate, grid);
        }
        let param = match &aggregate.param {
            Some(param) => self.scalar(param, grid)?,
            None => Vec::new(),
        };
        if aggregate.op.selects() {
            return self.select_k(aggregate, &param, grid);
        }
        let series = match self.fold_passing(aggregate, &param, grid)? {
            Some(series) => series,
            None => {
                let input = self.eval(&aggregate.input, grid)?;
                self.release(&input);
                self.fold(aggregate, &param, &input)?
            }
        };
        if aggregate.op == AggregateOp::Quantile {
            self.check_quantile(aggregate, &param);
        }
        Ok(Block::of(grid, series))
    }

    /// Folds series that nobody keeps; nothing if they must be kept.
    fn fold_passing(
        &mut self,
        aggregate: &Aggregate,
        param: &[f64],
        grid: Grid,
    ) -> Result<Option<Vec<Series>>, Error> {
        let mut groups = Groups::default();
        let mut folds: Vec<(Fold, bool)> = Vec::new();
        let passed = self.pass(&aggregate.input, grid, &mut |series| {
            let group = groups.of(aggregate, &series.labels);
            if group == folds.len() {
                folds.push((Fold::new(aggregate.op, grid.steps()), false));
            }
            let (fold, drop_name) = &mut folds[group];
            fold.add(&series.floats);
            *drop_name |= series.drop_name;
            Ok(())
        })?;
        let finish = |((fold, drop_name), labels): ((Fold, bool), Labels)| Series {
            labels,
            drop_name,
            floats: fold.finish(param),
            histograms: Vec::new(),
        };
        let series = folds.into_iter().zip(groups.labels).map(finish);
        Ok((passed == Passed::Yes).then(|| series.collect()))
    }

    fn fold(
        &mut self,
        aggregate: &Aggregate,
        param: &[f64],
        input: &Block,
    ) -> Result<Vec<Series>, Error> {
        let mut groups = Groups::default();
        let mut members: Vec<Vec<&Series>> = Vec::new();
        for series in &input.series {
            let group = groups.of(aggregate, &series.labels);
            if group == members.len() {
                members.push(Vec::new());
            }
            members[group].push(series);
        }
        let mut out = Vec::with_capacity(members.len());
        for (labels, members) in groups.labels.into_iter().zip(members) {
            self.budget.check()?;
            let mut series = self.fold_group(aggregate, param, &members, input.grid.steps())?;
            series.labels = labels;
            series.drop_name = members.iter().any(|member| member.drop_name);
            out.push(series);
        }
        Ok(out)
    }

    /// False if all ratios are zero.
    fn check_ratio(&mut self, aggregate: &Aggregate, ratios: &[f64]) -> Result<bool, Error> {
        let (min, max) = extremes(ratios);
        if max == 0.0 && min == 0.0 {
            return Ok(false);
        }
        if max.is_nan() {
            return Err(Error::Execution("Ratio value is NaN".to_owned()));
        }
        let position = aggregate.param_position;
        if max > 1.0 {
            self.note(Note::InvalidRatio { got: max, capped: 1.0 }, position);
        }
        if min < -1.0 {
            self.note(Note::InvalidRatio { got: min, capped: -1.0 }, position);
        }
        Ok(true)
    }

    fn check_quantile(&mut self, aggregate: &Aggregate, quantiles: &[f64]) {
        let position = aggregate.param_position;
        let (min, max) = extremes(quantiles);
        if max.is_nan() {
            self.note(Note::InvalidQuantile(f64::NAN), position);
        }
        if max > 1.0 {
            self.note(Note::InvalidQuantile(max), position);
        }
        if min < 0.0 {
            self.note(Note::InvalidQuantile(min), position);
        }
    }
}

/// Smallest and largest number; NaN twice if there is one.
fn extremes(values: &[f64]) -> (f64, f64) {
    if values.iter().any(|value| value.is_nan()) {
        return (f64::NAN, f64::NAN);
    }
    values.iter().fold((f64::MAX, f64::MIN), |(min, max), value| (min.min(*value), max.max(*value)))
}

/// False if every k selects nothing.
fn check_k(values: &[f64]) -> Result<bool, Error> {
    let (min, max) = extremes(values);
    let error = |text: String| Err(Error::Execution(text));
    if max < 1.0 {
        return Ok(false);
    }
    if max.is_nan() {
        return error("Parameter value is NaN".to_owned());
    }
    let text = |value: f64| crate::annotations::general(value);
    // The borders of an i64, which are floats themselves.
    if min <= i64::MIN as f64 {
        return error(format!("Scalar value {} underflows int64", text(min)));
    }
    if max >= i64::MAX as f64 {
        return error(format!("Scalar value {} overflows int64", text(max)));
    }
    Ok(true)
}

/// The value of an aggregation's string parameter.
pub(super) fn string_param(aggregate: &Aggregate) -> &[u8] {
    match &aggregate.param {
        Some(Node::String(text)) => text,
        _ => &[],
    }
}
