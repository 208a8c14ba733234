//! `topk`, `bottomk`, `limitk`, `limit_ratio`: some of a group's series, as
//! they are.
//!
//! Each series is offered to its group at all steps before the next one is:
//! what each step chooses is then known, and nothing else is kept.

use std::sync::Arc;

use super::{Groups, check_k};
use crate::annotations::Note;
use crate::ast::AggregateOp;
use crate::eval::Evaluator;
use crate::eval::block::{Block, Sample, Series, is_present};
use crate::eval::each::Passed;
use crate::eval::{go_sort, heap};
use crate::plan::{Aggregate, Grid};
use crate::query::Error;
use crate::{Histogram, Labels};

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
        grid: Grid,
    ) -> Result<Block, Error> {
        let mut selection = Selection::new(aggregate, param);
        let passed = self.pass(&aggregate.input, grid, &mut |series| {
            selection.offer(series);
            Ok(())
        })?;
        if passed == Passed::No {
            let input = self.eval(&aggregate.input, grid)?;
            self.release(&input);
            for series in input.series {
                self.budget.check()?;
                selection.offer(series);
            }
        }
        let any = match aggregate.op {
            AggregateOp::LimitRatio => self.check_ratio(aggregate, param)?,
            _ => check_k(param)?,
        };
        if !any {
            return Ok(Block::empty(grid));
        }
        if selection.ignored_histograms {
            let note = Note::HistogramIgnoredInAggregation(aggregate.op.as_str());
            self.note(note, aggregate.position);
        }
        self.selected(selection, grid)
    }

    /// The series that any step has chosen, in the order in which steps did.
    fn selected(&mut self, mut selection: Selection<'_>, grid: Grid) -> Result<Block, Error> {
        let mut chosen: Vec<Option<Series>> = vec![None; selection.offered.len()];
        let mut order = Vec::new();
        for step in 0..grid.steps() {
            self.budget.check()?;
            for group in 0..selection.groups.labels.len() {
                for Candidate { value, series } in selection.take(group, step) {
                    let from = &selection.offered[series];
                    let out = chosen[series].get_or_insert_with(|| {
                        order.push(series);
                        let mut out = Series::new(from.labels.clone(), grid.steps());
                        out.drop_name = from.drop_name;
                        out
                    });
                    out.set(step, from.sample(step, value));
                }
            }
        }
        let series = order.into_iter().filter_map(|place| chosen[place].take()).collect();
        Ok(Block { grid, series })
    }
}

/// What each step has chosen so far.
struct Selection<'a> {
    aggregate: &'a Aggregate,
    /// By step.
    limits: Vec<Limit>,
    less: Less,
    groups: Groups,
    /// By group and step.
    kept: Vec<Vec<Vec<Candidate>>>,
    offered: Vec<Offered>,
    ignored_histograms: bool,
}

/// What is remembered of a series that was offered.
struct Offered {
    labels: Labels,
    drop_name: bool,
    histograms: Vec<(usize, Arc<Histogram>)>,
}

impl Offered {
    /// The sample of a step at which it was chosen.
    fn sample(&self, step: usize, value: f64) -> Sample {
        match self.histograms.binary_search_by_key(&step, |(own, _)| *own) {
            Ok(place) => Sample::Histogram(Arc::clone(&self.histograms[place].1)),
            Err(_) => Sample::Float(value),
        }
    }
}

impl<'a> Selection<'a> {
    fn new(aggregate: &'a Aggregate, param: &[f64]) -> Self {
        let bottom = aggregate.op == AggregateOp::Bottomk;
        Self {
            aggregate,
            limits: param.iter().map(|param| Limit::new(aggregate.op, *param)).collect(),
            less: if bottom { descending } else { ascending },
            groups: Groups::default(),
            kept: Vec::new(),
            offered: Vec::new(),
            ignored_histograms: false,
        }
    }

    fn ranks(&self) -> bool {
        matches!(self.aggregate.op, AggregateOp::Topk | AggregateOp::Bottomk)
    }

    fn offer(&mut self, series: Series) {
        let group = self.groups.of(self.aggregate, &series.labels);
        if group == self.kept.len() {
            self.kept.push(vec![Vec::new(); self.limits.len()]);
        }
        if self.aggregate.op == AggregateOp::LimitRatio {
            self.offer_part(group, &series);
        } else {
            self.offer_floats(group, &series.floats);
            self.offer_histograms(group, &series);
        }
        let Series { labels, drop_name, histograms, .. } = series;
        self.offered.push(Offered { labels, drop_name, histograms });
    }

    fn offer_floats(&mut self, group: usize, floats: &[f64]) {
        let (less, series) = (self.less, self.offered.len());
        let descends = self.aggregate.op == AggregateOp::Bottomk;
        let ranks = self.ranks();
        let steps = self.kept[group].iter_mut().zip(&self.limits);
        for ((kept, limit), value) in steps.zip(floats.iter().copied()) {
            let Limit::Count(k) = *limit else { continue };
            if !is_present(value) {
                continue;
            }
            if kept.len() < k {
                heap::push(kept, Candidate { value, series }, less);
                continue;
            }
            let first = kept[0].value;
            let better = if descends { first > value } else { first < value };
            if ranks && (better || (first.is_nan() && !value.is_nan())) {
                heap::replace_first(kept, Candidate { value, series }, less);
            }
        }
    }

    /// Histograms have no rank; `limitk` takes them as they come.
    fn offer_histograms(&mut self, group: usize, series: &Series) {
        let (less, ranks, place) = (self.less, self.ranks(), self.offered.len());
        for (step, _) in &series.histograms {
            let Limit::Count(k) = self.limits[*step] else { continue };
            if ranks {
                self.ignored_histograms = true;
            } else if self.kept[group][*step].len() < k {
                let candidate = Candidate { value: 0.0, series: place };
                heap::push(&mut self.kept[group][*step], candidate, less);
            }
        }
    }

    /// Takes a fixed part of all series: those whose hash is low for positive
    /// ratios, high for negative ones.
    fn offer_part(&mut self, group: usize, series: &Series) {
        let offset = series.labels.hash_stringlabels() as f64 / u64::MAX as f64;
        for (step, limit) in self.limits.iter().enumerate() {
            let Limit::Ratio(ratio) = *limit else { continue };
            let within = if ratio >= 0.0 { offset < ratio } else { offset >= 1.0 + ratio };
            if within && series.has(step) {
                let value = series.float(step).unwrap_or(0.0);
                let candidate = Candidate { value, series: self.offered.len() };
                heap::push(&mut self.kept[group][step], candidate, self.less);
            }
        }
    }

    /// The candidates of one group at one step, in the order they are given.
    fn take(&mut self, group: usize, step: usize) -> Vec<Candidate> {
        let mut kept = std::mem::take(&mut self.kept[group][step]);
        let less = self.less;
        if self.ranks() {
            go_sort::sort(&mut kept, |a, b| less(b, a));
        }
        kept
    }
}

/// How many are kept at a step.
#[derive(Clone, Copy)]
enum Limit {
    None,
    Count(usize),
    Ratio(f64),
}

impl Limit {
    fn new(op: AggregateOp, param: f64) -> Self {
        if op == AggregateOp::LimitRatio {
            return if param == 0.0 { Self::None } else { Self::Ratio(param.clamp(-1.0, 1.0)) };
        }
        match usize::try_from(param as i64) {
            Ok(k @ 1..) => Self::Count(k),
            _ => Self::None,
        }
    }
}
