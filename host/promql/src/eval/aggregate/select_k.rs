//! `topk`, `bottomk`, `limitk`, `limit_ratio`: some of a group's series, as
//! they are.

use super::Groups;
use crate::annotations::Note;
use crate::ast::AggregateOp;
use crate::eval::block::{Block, Sample, Series};
use crate::eval::{Evaluator, go_sort, heap};
use crate::plan::Aggregate;
use crate::query::Error;

/// A candidate: a value, and whose it is.
#[derive(Clone, Copy)]
struct Candidate {
    value: f64,
    series: usize,
}

type Less = fn(&Candidate, &Candidate) -> bool;

fn ascending(a: &Candidate, b: &Candidate) -> bool {
    a.value.is_nan() || a.value < b.value
}

fn descending(a: &Candidate, b: &Candidate) -> bool {
    a.value.is_nan() || a.value > b.value
}

impl Evaluator<'_> {
    pub(super) fn select_k(
        &mut self,
        aggregate: &Aggregate,
        param: &[f64],
        input: &Block,
        groups: &Groups,
    ) -> Result<Block, Error> {
        let steps = input.grid.steps();
        let members = groups.members();
        let mut chosen: Vec<Option<Series>> = vec![None; input.series.len()];
        let mut order = Vec::new();
        for (step, param) in param.iter().enumerate().take(steps) {
            self.budget.check()?;
            let Some(limit) = Limit::new(aggregate.op, *param, input.series.len()) else {
                continue;
            };
            for members in &members {
                for candidate in self.select(aggregate, &limit, members, (&input.series, step)) {
                    let from = &input.series[candidate.series];
                    let out = chosen[candidate.series].get_or_insert_with(|| {
                        order.push(candidate.series);
                        let mut out = Series::new(from.labels.clone(), steps);
                        out.drop_name = from.drop_name;
                        out
                    });
                    if let Some(sample) = from.sample(step) {
                        out.set(step, sample);
                    }
                }
            }
        }
        let series = order.into_iter().filter_map(|place| chosen[place].take()).collect();
        Ok(Block { grid: input.grid, series })
    }

    /// The candidates of one group at one step, in the order they are given.
    fn select(
        &mut self,
        aggregate: &Aggregate,
        limit: &Limit,
        members: &[usize],
        (series, step): (&[Series], usize),
    ) -> Vec<Candidate> {
        let mut kept: Vec<Candidate> = Vec::new();
        let less: Less = if aggregate.op == AggregateOp::Bottomk { descending } else { ascending };
        let ranks = matches!(aggregate.op, AggregateOp::Topk | AggregateOp::Bottomk);
        for place in members {
            let value = match series[*place].sample(step) {
                None => continue,
                Some(Sample::Float(value)) => value,
                Some(Sample::Histogram(_)) if ranks => {
                    let note = Note::HistogramIgnoredInAggregation(aggregate.op.as_str());
                    self.note(note, aggregate.position);
                    continue;
                }
                Some(Sample::Histogram(_)) => 0.0,
            };
            let candidate = Candidate { value, series: *place };
            match limit {
                Limit::Ratio(ratio) => {
                    if in_ratio(*ratio, &series[*place]) {
                        heap::push(&mut kept, candidate, less);
                    }
                }
                Limit::Count(k) if kept.len() < *k => heap::push(&mut kept, candidate, less),
                Limit::Count(_) => {
                    let first = kept[0].value;
                    let better = match aggregate.op {
                        AggregateOp::Topk => first < value,
                        AggregateOp::Bottomk => first > value,
                        _ => break,
                    };
                    if better || (first.is_nan() && !value.is_nan()) {
                        heap::replace_first(&mut kept, candidate, less);
                    }
                }
            }
        }
        if ranks {
            go_sort::sort(&mut kept, |a, b| less(b, a));
        }
        kept
    }
}

/// How many are kept.
enum Limit {
    Count(usize),
    Ratio(f64),
}

impl Limit {
    /// `None` if nothing is kept.
    fn new(op: AggregateOp, param: f64, series: usize) -> Option<Self> {
        if op == AggregateOp::LimitRatio {
            return (param != 0.0).then(|| Self::Ratio(param.clamp(-1.0, 1.0)));
        }
        let k = usize::try_from(param as i64).unwrap_or(0).min(series);
        (k > 0).then_some(Self::Count(k))
    }
}

/// Takes a fixed part of all series: those whose hash is low for positive
/// ratios, high for negative ones.
fn in_ratio(ratio: f64, series: &Series) -> bool {
    let offset = series.labels.hash_stringlabels() as f64 / u64::MAX as f64;
    if ratio >= 0.0 { offset < ratio } else { offset >= 1.0 + ratio }
}
