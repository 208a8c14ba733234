//! Functions over range vectors: windows that slide over each series once.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops;
use std::sync::Arc;

use super::block::{self, ABSENT, Block, Sample, Series};
use super::data::Samples;
use super::each::Work;
use super::over_time::Kernel;
use super::{BATCH, Evaluator, Held, SAME_LABELS, Tally};
use crate::annotations::Note;
use crate::ast::Extended;
use crate::budget::Budget;
use crate::functions::FunctionId;
use crate::plan::{Call, Grid, Node, Range, Reference, Source};
use crate::query::Error;
use crate::{CounterResetHint, Labels};

/// The samples of a window, as indexes into a series' columns.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) floats: ops::Range<usize>,
    pub(super) histograms: ops::Range<usize>,
}

/// The samples after `after` and not after `until`.
pub(super) fn window(samples: &Samples<'_>, after: i64, until: i64) -> Window {
    let within = |times: &[i64]| {
        let start = times.partition_point(|time| *time <= after);
        start..times.partition_point(|time| *time <= until).max(start)
    };
    Window { floats: within(&samples.float_times), histograms: within(&samples.histogram_times) }
}

/// One evaluation over a window.
pub(super) struct View {
    pub(super) step: usize,
    /// The evaluation time.
    pub(super) time: i64,
    /// The range: samples after `start`, up to `end`. A window of an extended
    /// selector also holds samples outside.
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) window: Window,
}

/// What a range function knows besides the samples.
pub(super) struct Context {
    pub(super) id: FunctionId,
    pub(super) grid: Grid,
    pub(super) range_ms: i64,
    pub(super) range_seconds: f64,
    pub(super) reference: Reference,
    pub(super) extended: Option<Extended>,
    pub(super) lookback_ms: i64,
    /// Where the first argument starts: notes point there.
    pub(super) position: usize,
    /// Values of the scalar arguments at each step.
    pub(super) scalars: Vec<Vec<f64>>,
    /// Start timestamps are to be taken into account.
    pub(super) starts: bool,
    /// Looked at from time to time.
    budget: Budget,
}

impl Context {
    /// The samples that the function is given at an evaluation time: those
    /// after the first moment, up to the second.
    pub(super) fn borders(&self, time: i64) -> (i64, i64) {
        let (before, after) = match self.extended {
            None => (0, 0),
            Some(Extended::Anchored) => (self.lookback_ms, 0),
            Some(Extended::Smoothed) => (self.lookback_ms, self.lookback_ms),
        };
        let end = self.reference.from(time);
        let start = end.saturating_sub(self.range_ms);
        (start.saturating_sub(before), end.saturating_add(after))
    }

    /// Applies `function` to the window of every step that has samples.
    pub(super) fn slide(
        &self,
        samples: &Samples<'_>,
        mut function: impl FnMut(&View) -> Result<Option<Sample>, Error>,
    ) -> Result<Series, Error> {
        let mut series = Series::new(Labels::empty(), self.grid.steps());
        let mut window = Window { floats: 0..0, histograms: 0..0 };
        let mut unchecked = 0;
        for (step, time) in self.grid.times().enumerate() {
            let end = self.reference.from(time);
            let start = end.saturating_sub(self.range_ms);
            let (open, until) = self.borders(time);
            slide(&mut window.floats, &samples.float_times, open, until);
            slide(&mut window.histograms, &samples.histogram_times, open, until);
            unchecked += 1 + window.floats.len() + window.histograms.len();
            if unchecked >= BATCH {
                self.budget.check()?;
                unchecked = 0;
            }
            if window.floats.is_empty() && window.histograms.is_empty() {
                continue;
            }
            let view = View { step, time, start, end, window: window.clone() };
            if let Some(sample) = function(&view)? {
                series.set(step, sample);
            }
        }
        Ok(series)
    }
}

/// Moves a window forward; both borders only ever grow.
fn slide(window: &mut ops::Range<usize>, times: &[i64], after: i64, until: i64) {
    while times.get(window.end).is_some_and(|time| *time <= until) {
        window.end += 1;
    }
    while window.start < window.end && times[window.start] <= after {
        window.start += 1;
    }
}

impl Evaluator<'_> {
    /// A function whose argument `place` is a range vector.
    pub(super) fn range_call(
        &mut self,
        call: &Call,
        place: usize,
        grid: Grid,
    ) -> Result<Block, Error> {
        let Node::Range(range) = &call.args[place] else {
            return Ok(Block::empty(grid));
        };
        check_extended(call, extended(range))?;
        let (inside, read) = self.subquery(range, grid)?;
        self.tally.subquery(read, range);
        let context = self.context(call, place, range, grid)?;
        let mut all = Vec::new();
        let mut held = Held::new(self.budget);
        let mut keep = |series| {
            all.push(series);
            Ok(())
        };
        match &range.source {
            Source::Samples { select, .. } => {
                self.each_range(&context, *select, &mut held, &mut keep)?;
            }
            Source::Subquery { .. } => {
                let samples = inside.iter().map(|samples| samples.float_times.len()).sum();
                let work = Work { series: inside.len(), samples, steps: grid.steps() };
                let one = |evaluator: &mut Self, place: usize| {
                    evaluator.tally.subquery_windows(&context, &inside[place]);
                    evaluator.range_series(&context, &inside[place])
                };
                self.each(work, one, &mut held, &mut keep)?;
            }
        }
        if context.id == FunctionId::AbsentOverTime {
            return Ok(absent_over_time(range, grid, &all));
        }
        let block = Block { grid, series: all };
        if !self.settings.delayed_name_removal && block.has_same_labels() {
            return Err(Error::Execution(SAME_LABELS.to_owned()));
        }
        Ok(block)
    }

    /// What a function of `range`, its argument `place`, knows.
    fn context(
        &mut self,
        call: &Call,
        place: usize,
        range: &Range,
        grid: Grid,
    ) -> Result<Context, Error> {
        let mut scalars = Vec::new();
        for (_, arg) in call.args.iter().enumerate().filter(|(index, _)| *index != place) {
            scalars.push(self.scalar(arg, grid)?);
        }
        let id = call.function.id;
        let uses_starts = matches!(
            id,
            FunctionId::Rate | FunctionId::Irate | FunctionId::Increase | FunctionId::Resets
        );
        Ok(Context {
            id,
            grid,
            range_ms: range.range_ms,
            range_seconds: seconds(range.range_ms),
            reference: range.reference,
            extended: extended(range),
            lookback_ms: self.settings.lookback_ms,
            position: call.positions[0],
            scalars,
            starts: uses_starts && self.settings.start_timestamps,
            budget: self.budget.clone(),
        })
    }

    /// Gives on what the function makes of each series of a selector.
    fn each_range(
        &mut self,
        context: &Context,
        select: usize,
        held: &mut Held<'_>,
        sink: &mut dyn FnMut(Series) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let data = self.data;
        let data = &data[select];
        let work =
            Work { series: data.len(), samples: data.samples(), steps: context.grid.steps() };
        let one = |evaluator: &mut Self, place: usize| {
            let samples = data.series(place).without_stale();
            evaluator.tally.selector_windows(context, &samples);
            evaluator.range_series(context, &samples)
        };
        self.each(work, one, held, sink)
    }

    /// As [`Self::range_call`] of a selector, for who does not keep the series.
    pub(super) fn pass_range_call(
        &mut self,
        call: &Call,
        place: usize,
        grid: Grid,
        sink: &mut dyn FnMut(Series) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Node::Range(range) = &call.args[place] else { return Ok(()) };
        let Source::Samples { select, .. } = &range.source else { return Ok(()) };
        check_extended(call, extended(range))?;
        let context = self.context(call, place, range, grid)?;
        let mut held = Held::passing(self.budget);
        let (mut seen, mut same) = (HashSet::new(), false);
        self.each_range(&context, *select, &mut held, &mut |series| {
            same |= !seen.insert(series.labels.clone());
            sink(series)
        })?;
        if same && !self.settings.delayed_name_removal {
            return Err(Error::Execution(SAME_LABELS.to_owned()));
        }
        Ok(())
    }

    /// One output series, if it has samples.
    fn range_series(
        &mut self,
        context: &Context,
        samples: &Samples<'_>,
    ) -> Result<Option<Series>, Error> {
        let mut kernel = Kernel::new(context, samples, &mut self.annotations);
        let mut series = kernel.run()?;
        if series.is_empty() {
            return Ok(None);
        }
        series.labels = samples.labels.clone();
        series.drop_name = samples.drop_name;
        // These two give samples as they were written.
        let keeps = matches!(context.id, FunctionId::FirstOverTime | FunctionId::LastOverTime);
        if !keeps || samples.drop_name {
            self.drop_name(&mut series);
        }
        if matches!(context.id, FunctionId::Rate | FunctionId::Increase) {
            self.note_non_counter(context, &samples.labels, &series);
        }
        Ok(Some(series))
    }

    fn note_non_counter(&mut self, context: &Context, labels: &Labels, series: &Series) {
        let name = labels.metric_name();
        if name.is_empty() || !series.floats.iter().any(|value| block::is_present(*value)) {
            return;
        }
        if self.settings.type_and_unit {
            let kind = labels.value("__type__");
            if kind != "counter" && kind != "histogram" {
                let (metric, kind) = (name.to_owned(), kind.to_owned());
                self.note(Note::PossibleNonCounterLabel { metric, kind }, context.position);
            }
        } else if !["_total", "_sum", "_count", "_bucket"].iter().any(|end| name.ends_with(end)) {
            self.note(Note::PossibleNonCounter(name.to_owned()), context.position);
        }
    }

    /// The samples of a subquery, and what was counted inside; nothing for a
    /// selector.
    fn subquery(
        &mut self,
        range: &Range,
        grid: Grid,
    ) -> Result<(Vec<Samples<'static>>, Tally), Error> {
        let Some((block, counted)) = self.subquery_block(range, grid)? else {
            return Ok((Vec::new(), Tally::off()));
        };
        Ok((subquery_samples(block), counted))
    }

    /// What a subquery yields, at its own times, and what was counted inside.
    fn subquery_block(
        &mut self,
        range: &Range,
        grid: Grid,
    ) -> Result<Option<(Block, Tally)>, Error> {
        let Source::Subquery { node, step_ms } = &range.source else { return Ok(None) };
        let default = self.settings.subquery_step_ms;
        let inside = crate::plan::subquery_grid(range, *step_ms, grid, default);
        self.has_room(node, inside)?;
        let outside = self.tally.enter(inside);
        let block = self.eval(node, inside)?;
        let counted = self.tally.leave(outside);
        self.release(&block);
        Ok(Some((block, counted)))
    }

    /// The range vector that an instant query of a bare selector or subquery
    /// gives: samples at their own times.
    pub(crate) fn range_vector(
        &mut self,
        range: &Range,
        grid: Grid,
    ) -> Result<crate::SeriesBatch, Error> {
        let end = range.reference.from(grid.start_ms);
        let start = end.saturating_sub(range.range_ms);
        let mut batch = crate::SeriesBatch::new();
        let Source::Samples { select, extended, .. } = &range.source else {
            let Some((block, counted)) = self.subquery_block(range, grid)? else {
                return Ok(batch);
            };
            self.tally.every_step(counted);
            for samples in subquery_samples(self.without_dropped_names(block)?) {
                push_window(&mut batch, &samples, start, end);
            }
            return Ok(batch);
        };
        let lookback = self.settings.lookback_ms;
        let data = self.data;
        for samples in data[*select].iter() {
            let samples = samples.without_stale();
            let Some(extended) = *extended else {
                push_window(&mut batch, &samples, start, end);
                continue;
            };
            let smoothed = extended == Extended::Smoothed;
            let after = if smoothed { lookback } else { 0 };
            let open = start.saturating_sub(lookback);
            let window = window(&samples, open, end.saturating_add(after));
            if !window.histograms.is_empty() {
                let name = if smoothed { "smoothed" } else { "anchored" };
                return Err(Error::Execution(format!(
                    "{name} modifier is not supported with histograms"
                )));
            }
            let points = super::rate_extended::extend(&samples, &window, (start, end), smoothed);
            if !points.is_empty() {
                points.iter().for_each(|(time, value)| batch.push_float(*time, *value));
                batch.finish_series(samples.labels.clone());
            }
        }
        self.tally.range_vector(&batch);
        Ok(batch)
    }
}

/// As Go's `Duration.Seconds`: whole seconds and the rest apart.
fn seconds(ms: i64) -> f64 {
    (ms / 1000) as f64 + (ms % 1000) as f64 / 1000.0
}

fn extended(range: &Range) -> Option<Extended> {
    match &range.source {
        Source::Samples { extended, .. } => *extended,
        Source::Subquery { .. } => None,
    }
}

fn push_window(batch: &mut crate::SeriesBatch, samples: &Samples<'_>, start: i64, end: i64) {
    let window = window(samples, start, end);
    if window.floats.is_empty() && window.histograms.is_empty() {
        return;
    }
    let floats = window.floats;
    batch.extend_floats(&samples.float_times[floats.clone()], &samples.floats[floats]);
    for place in window.histograms {
        let histogram = samples.histograms[place].as_ref().clone();
        batch.push_histogram(samples.histogram_times[place], histogram);
    }
    batch.finish_series(samples.labels.clone());
}

/// A series of a subquery's inside as samples. Hints about resets are not
/// kept: samples between those that are seen may be left out or repeated.
fn subquery_samples(block: Block) -> Vec<Samples<'static>> {
    let grid = block.grid;
    block.series.into_iter().map(|series| series_samples(series, grid)).collect()
}

fn series_samples(series: Series, grid: Grid) -> Samples<'static> {
    let present =
        |(step, value): (usize, &f64)| block::is_present(*value).then(|| (grid.time(step), *value));
    let (float_times, floats): (Vec<i64>, Vec<f64>) =
        series.floats.iter().enumerate().filter_map(present).unzip();
    let (histogram_times, histograms): (Vec<i64>, Vec<_>) = series
        .histograms
        .into_iter()
        .map(|(step, mut histogram)| {
            use CounterResetHint::{NotReset, Reset, Unknown};
            if matches!(histogram.counter_reset_hint, Reset | NotReset) {
                Arc::make_mut(&mut histogram).counter_reset_hint = Unknown;
            }
            (grid.time(step), histogram)
        })
        .unzip();
    Samples {
        labels: series.labels,
        drop_name: series.drop_name,
        float_times: Cow::Owned(float_times),
        floats: Cow::Owned(floats),
        float_starts: Cow::Owned(Vec::new()),
        histogram_times: Cow::Owned(histogram_times),
        histograms: Cow::Owned(histograms),
        histogram_starts: Cow::Owned(Vec::new()),
    }
}

fn check_extended(call: &Call, extended: Option<Extended>) -> Result<(), Error> {
    use FunctionId::{Changes, Delta, Increase, Rate, Resets};
    let (name, allowed): (_, &[FunctionId]) = match extended {
        None => return Ok(()),
        Some(Extended::Anchored) => ("anchored", &[Changes, Delta, Increase, Rate, Resets]),
        Some(Extended::Smoothed) => ("smoothed", &[Delta, Increase, Rate]),
    };
    if allowed.contains(&call.function.id) {
        return Ok(());
    }
    let names: Vec<&str> = allowed.iter().map(|id| id.function().name).collect();
    Err(Error::Execution(format!(
        "{name} modifier can only be used with: {} - not with {}",
        names.join(", "),
        call.function.name
    )))
}

/// 1 at the steps at which no series has samples.
fn absent_over_time(range: &Range, grid: Grid, all: &[Series]) -> Block {
    let floats: Vec<f64> = (0..grid.steps())
        .map(|step| if all.iter().any(|series| series.has(step)) { ABSENT } else { 1.0 })
        .collect();
    let labels = match &range.source {
        Source::Samples { matchers, .. } => super::functions::absent_labels(matchers),
        Source::Subquery { .. } => Labels::empty(),
    };
    let series = Series { labels, drop_name: true, floats, histograms: Vec::new() };
    Block::of(grid, vec![series])
}
