//! Functions over range vectors: windows that slide over each series once.

use std::borrow::Cow;
use std::ops;
use std::sync::Arc;

use super::block::{self, ABSENT, Block, Sample, Series};
use super::data::Samples;
use super::over_time::Kernel;
use super::{Evaluator, Held, SAME_LABELS};
use crate::annotations::Note;
use crate::ast::Extended;
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
}

impl Context {
    /// Applies `function` to the window of every step that has samples.
    pub(super) fn slide(
        &self,
        samples: &Samples<'_>,
        mut function: impl FnMut(&View) -> Result<Option<Sample>, Error>,
    ) -> Result<Series, Error> {
        let (before, after) = match self.extended {
            None => (0, 0),
            Some(Extended::Anchored) => (self.lookback_ms, 0),
            Some(Extended::Smoothed) => (self.lookback_ms, self.lookback_ms),
        };
        let mut series = Series::new(Labels::empty(), self.grid.steps());
        let mut window = Window { floats: 0..0, histograms: 0..0 };
        for (step, time) in self.grid.times().enumerate() {
            let end = self.reference.from(time);
            let start = end.saturating_sub(self.range_ms);
            let (open, until) = (start.saturating_sub(before), end.saturating_add(after));
            slide(&mut window.floats, &samples.float_times, open, until);
            slide(&mut window.histograms, &samples.histogram_times, open, until);
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
        let extended = match &range.source {
            Source::Samples { extended, .. } => *extended,
            Source::Subquery { .. } => None,
        };
        check_extended(call, extended)?;
        let inside = self.subquery(range, grid)?;
        let mut scalars = Vec::new();
        for (_, arg) in call.args.iter().enumerate().filter(|(index, _)| *index != place) {
            scalars.push(self.scalar(arg, grid)?);
        }
        let id = call.function.id;
        let uses_starts = matches!(
            id,
            FunctionId::Rate | FunctionId::Irate | FunctionId::Increase | FunctionId::Resets
        );
        let context = Context {
            id,
            grid,
            range_ms: range.range_ms,
            range_seconds: seconds(range.range_ms),
            reference: range.reference,
            extended,
            lookback_ms: self.settings.lookback_ms,
            position: call.positions[0],
            scalars,
            starts: uses_starts && self.settings.start_timestamps,
        };
        let mut all = Vec::new();
        let mut held = Held::new(self.budget);
        match &range.source {
            Source::Samples { select, .. } => {
                let data = self.data;
                for samples in data[*select].iter() {
                    let series = self.range_series(&context, &samples.without_stale())?;
                    hold(series, &mut held, &mut all)?;
                }
            }
            Source::Subquery { .. } => {
                for samples in inside {
                    let series = self.range_series(&context, &samples)?;
                    hold(series, &mut held, &mut all)?;
                }
            }
        }
        if id == FunctionId::AbsentOverTime {
            return Ok(absent_over_time(range, grid, &all));
        }
        let block = Block { grid, series: all };
        if !self.settings.delayed_name_removal && block.has_same_labels() {
            return Err(Error::Execution(SAME_LABELS.to_owned()));
        }
        Ok(block)
    }

    /// One output series, if it has samples.
    fn range_series(
        &mut self,
        context: &Context,
        samples: &Samples<'_>,
    ) -> Result<Option<Series>, Error> {
        self.budget.check()?;
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

    /// The samples of a subquery; nothing for a selector.
    fn subquery(&mut self, range: &Range, grid: Grid) -> Result<Vec<Samples<'static>>, Error> {
        let Some(block) = self.subquery_block(range, grid)? else { return Ok(Vec::new()) };
        Ok(subquery_samples(block))
    }

    /// What a subquery yields, at its own times.
    fn subquery_block(&mut self, range: &Range, grid: Grid) -> Result<Option<Block>, Error> {
        let Source::Subquery { node, step_ms } = &range.source else { return Ok(None) };
        let default = self.settings.subquery_step_ms;
        let inside = crate::plan::subquery_grid(range, *step_ms, grid, default);
        let block = self.eval(node, inside)?;
        self.release(&block);
        Ok(Some(block))
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
            let Some(block) = self.subquery_block(range, grid)? else { return Ok(batch) };
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
        Ok(batch)
    }
}

/// As Go's `Duration.Seconds`: whole seconds and the rest apart.
fn seconds(ms: i64) -> f64 {
    (ms / 1000) as f64 + (ms % 1000) as f64 / 1000.0
}

fn hold(series: Option<Series>, held: &mut Held<'_>, all: &mut Vec<Series>) -> Result<(), Error> {
    if let Some(series) = series {
        held.add(&series)?;
        all.push(series);
    }
    Ok(())
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
