//! Aggregations: groups are found once per query, then every group is folded
//! column by column; histograms and `topk` and the like go step by step.

mod columns;
mod count_values;
mod select_k;
mod steps;

use std::collections::HashMap;

use super::Evaluator;
use super::block::{Block, Series};
use crate::Labels;
use crate::annotations::Note;
use crate::ast::AggregateOp;
use crate::labels::METRIC_NAME;
use crate::plan::{Aggregate, Grid, Node};
use crate::query::Error;

/// Which group each series belongs to, and the groups' labels in the order of
/// their first series.
pub(super) struct Groups {
    pub(super) labels: Vec<Labels>,
    pub(super) of_series: Vec<usize>,
}

impl Groups {
    fn new(aggregate: &Aggregate, series: &[Series]) -> Self {
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut groups = Self { labels: Vec::new(), of_series: Vec::with_capacity(series.len()) };
        for one in series {
            let labels = group_labels(&aggregate.grouping, aggregate.without, &one.labels);
            let next = groups.labels.len();
            let place = *places.entry(labels).or_insert_with_key(|labels| {
                groups.labels.push(labels.clone());
                next
            });
            groups.of_series.push(place);
        }
        groups
    }

    /// The series of each group.
    fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.labels.len()];
        for (series, group) in self.of_series.iter().enumerate() {
            members[*group].push(series);
        }
        members
    }
}

/// The labels of the group that a series belongs to.
pub(super) fn group_labels(grouping: &[String], without: bool, labels: &Labels) -> Labels {
    if !without && grouping.is_empty() {
        return Labels::empty();
    }
    let named = |name: &str| grouping.iter().any(|own| own == name);
    let keep = |name: &str| if without { name != METRIC_NAME && !named(name) } else { named(name) };
    Labels::from_pairs(labels.iter().filter(|(name, _)| keep(name)))
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
        let input = self.eval(&aggregate.input, grid)?;
        self.release(&input);
        let groups = Groups::new(aggregate, &input.series);
        match aggregate.op {
            AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk => {
                if !check_k(&param)? {
                    return Ok(Block::empty(grid));
                }
                self.select_k(aggregate, &param, &input, &groups)
            }
            AggregateOp::LimitRatio => {
                if !self.check_ratio(aggregate, &param)? {
                    return Ok(Block::empty(grid));
                }
                self.select_k(aggregate, &param, &input, &groups)
            }
            AggregateOp::Quantile => {
                self.check_quantile(aggregate, &param);
                Ok(self.fold(aggregate, &param, &input, &groups))
            }
            _ => Ok(self.fold(aggregate, &param, &input, &groups)),
        }
    }

    fn fold(
        &mut self,
        aggregate: &Aggregate,
        param: &[f64],
        input: &Block,
        groups: &Groups,
    ) -> Block {
        let floats_only = input.series.iter().all(|series| series.histograms.is_empty());
        let mut out = Vec::with_capacity(groups.labels.len());
        for (labels, members) in groups.labels.iter().zip(groups.members()) {
            let members: Vec<&Series> = members.iter().map(|place| &input.series[*place]).collect();
            let mut series = if floats_only {
                columns::fold(aggregate.op, param, &members, input.grid.steps())
            } else {
                self.fold_steps(aggregate, param, &members, input.grid.steps())
            };
            series.labels = labels.clone();
            series.drop_name = members.iter().any(|member| member.drop_name);
            out.push(series);
        }
        Block::of(input.grid, out)
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
