//! Instant-vector selectors: the newest sample within the lookback window.

use std::sync::Arc;

use super::block::{Block, Sample, Series};
use super::data::Samples;
use super::each::Work;
use super::{BATCH, Evaluator, Held, range};
use crate::plan::{Grid, Instant, Reference};
use crate::query::Error;
use crate::series::is_stale;

/// A sample found, and where it came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// The sample's own time.
    pub(super) time: i64,
    /// Its start timestamp, 0 if unknown.
    pub(super) start: i64,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Float(usize),
    Histogram(usize),
}

impl Found {
    /// The sample.
    pub(super) fn sample(self, samples: &Samples<'_>) -> Sample {
        match self.place {
            Place::Float(place) => Sample::Float(samples.floats[place]),
            Place::Histogram(place) => Sample::Histogram(Arc::clone(&samples.histograms[place])),
        }
    }
}

/// Looks up samples at ascending moments.
pub(super) struct Cursor<'a> {
    samples: &'a Samples<'a>,
    lookback_ms: i64,
    floats: usize,
    histograms: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(samples: &'a Samples<'a>, lookback_ms: i64) -> Self {
        Self { samples, lookback_ms, floats: 0, histograms: 0 }
    }

    /// The sample that counts at `moment`, which is not before any asked for
    /// earlier: the newest at or before it, if it is neither stale nor as old
    /// as the lookback window is long.
    #[inline]
    pub(super) fn at(&mut self, moment: i64) -> Option<Found> {
        let samples = self.samples;
        advance(&samples.float_times, &mut self.floats, moment);
        advance(&samples.histogram_times, &mut self.histograms, moment);
        let float = self.floats.checked_sub(1).map(|place| samples.float_times[place]);
        let histogram = self.histograms.checked_sub(1).map(|place| samples.histogram_times[place]);
        let start = |starts: &[i64], place: usize| starts.get(place).copied().unwrap_or(0);
        let (stale, found) = if float >= histogram {
            let place = self.floats.checked_sub(1)?;
            let start = start(&samples.float_starts, place);
            let time = samples.float_times[place];
            let found = Found { time, start, place: Place::Float(place) };
            (is_stale(samples.floats[place]), found)
        } else {
            let place = self.histograms.checked_sub(1)?;
            let start = start(&samples.histogram_starts, place);
            let time = samples.histogram_times[place];
            let found = Found { time, start, place: Place::Histogram(place) };
            (is_stale(samples.histograms[place].sum), found)
        };
        let young = found.time > moment.saturating_sub(self.lookback_ms);
        (young && !stale).then_some(found)
    }
}

/// Moves `next` behind the last time that is not after `moment`.
fn advance(times: &[i64], next: &mut usize, moment: i64) {
    while times.get(*next).is_some_and(|time| *time <= moment) {
        *next += 1;
    }
}

impl Evaluator<'_> {
    pub(super) fn instant(&mut self, selector: &Instant, grid: Grid) -> Result<Block, Error> {
        let data = self.data;
        let data = &data[selector.select];
        if selector.smoothed {
            return self.smoothed(selector, data, grid);
        }
        let mut all = Vec::with_capacity(data.len());
        let mut held = Held::new(self.budget);
        self.each_instant(selector, grid, &mut held, &mut |series| {
            all.push(series);
            Ok(())
        })?;
        Ok(Block { grid, series: all })
    }

    /// Gives on the series that have samples, unless they are interpolated.
    pub(super) fn each_instant(
        &mut self,
        selector: &Instant,
        grid: Grid,
        held: &mut Held<'_>,
        sink: &mut dyn FnMut(Series) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let data = self.data;
        let data = &data[selector.select];
        let work = Work { series: data.len(), samples: data.samples(), steps: grid.steps() };
        let one = |evaluator: &mut Self, place: usize| {
            let series = evaluator.instant_series(&data.series(place), selector.reference, grid)?;
            evaluator.tally.series(&series);
            Ok(Some(series).filter(|series| !series.is_empty()))
        };
        self.each(work, one, held, sink)
    }

    fn instant_series(
        &self,
        samples: &Samples<'_>,
        reference: Reference,
        grid: Grid,
    ) -> Result<Series, Error> {
        let mut series = Series::new(samples.labels.clone(), grid.steps());
        if samples.histograms.is_empty() {
            self.newest_floats(samples, reference, grid, &mut series.floats)?;
            return Ok(series);
        }
        let mut cursor = Cursor::new(samples, self.settings.lookback_ms);
        for (step, time) in grid.times().enumerate() {
            if step % BATCH == BATCH - 1 {
                self.budget.check()?;
            }
            if let Some(found) = cursor.at(reference.from(time)) {
                series.set(step, found.sample(samples));
            }
        }
        Ok(series)
    }

    /// As [`Cursor::at`] at every step, where there are only floats.
    fn newest_floats(
        &self,
        samples: &Samples<'_>,
        reference: Reference,
        grid: Grid,
        found: &mut [f64],
    ) -> Result<(), Error> {
        let (times, values) = (&*samples.float_times, &*samples.floats);
        let (mut next, mut newest) = (0, None);
        for (step, own) in found.iter_mut().enumerate() {
            if step % BATCH == BATCH - 1 {
                self.budget.check()?;
            }
            let moment = reference.from(grid.time(step));
            while let Some(time) = times.get(next).filter(|time| **time <= moment) {
                newest = Some((*time, next));
                next += 1;
            }
            let oldest = moment.saturating_sub(self.settings.lookback_ms);
            // The stale marker stands for no value here, too.
            if let Some((_, place)) = newest.filter(|(time, _)| *time > oldest) {
                *own = values[place];
            }
        }
        Ok(())
    }

    /// Values interpolated between the samples before and after each moment.
    fn smoothed(
        &mut self,
        selector: &Instant,
        data: &super::Data,
        grid: Grid,
    ) -> Result<Block, Error> {
        let lookback = self.settings.lookback_ms;
        let mut all = Vec::with_capacity(data.len());
        for samples in data.iter() {
            self.budget.check()?;
            let samples = samples.without_stale();
            let mut series = Series::new(samples.labels.clone(), grid.steps());
            for (step, time) in grid.times().enumerate() {
                let moment = selector.reference.from(time);
                let window = range::window(
                    &samples,
                    moment.saturating_sub(lookback),
                    moment.saturating_add(lookback),
                );
                if let Some(sample) =
                    self.smoothed_sample(&samples, &window, moment, selector.position)
                {
                    series.set(step, sample);
                }
            }
            all.push(series);
        }
        Ok(Block::of(grid, all))
    }
}
