//! `rate`, `increase`, `delta`, `irate`, `idelta`
//! (prometheus/promql/functions.go, `extrapolatedRate`).

mod histograms;

use std::sync::Arc;

use super::block::{Sample, Series};
use super::over_time::Kernel;
use super::range::View;
use crate::annotations::Note;
use crate::query::Error;

/// Which of the functions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// Falls are resets.
    pub(super) counter: bool,
    /// Divided by the range.
    pub(super) per_second: bool,
}

/// A sample's start timestamp and time, in milliseconds; 0 is no start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) start: i64,
    pub(super) time: i64,
}

/// True if a start timestamp says that counting began anew after the
/// previous sample.
pub(super) fn restarted(previous: Stamp, current: Stamp) -> bool {
    // No start, an invalid one, or OpenTelemetry's "unknown".
    if current.start == 0 || current.start >= current.time {
        return false;
    }
    if current.start != previous.time {
        return current.start > previous.time;
    }
    // A delta series, unless the previous start was unknown as well.
    previous.start <= previous.time && previous.start != 0 && previous.start != previous.time
}

/// True if a sample claims to count from before the previous sample, and the
/// previous sample does not agree.
fn overlaps(previous: Stamp, current: Stamp) -> bool {
    current.start != 0 && current.start < previous.time && current.start != previous.start
}

/// The stamp of a sample; start timestamps may be missing.
pub(super) fn stamp(times: &[i64], starts: &[i64], place: usize) -> Stamp {
    Stamp { start: starts.get(place).copied().unwrap_or(0), time: times[place] }
}

/// Pairs of neighbours that matter, found once per series: each is named by
/// its later sample, ascending.
#[derive(Default)]
struct Pairs {
    resets: Vec<usize>,
    overlaps: Vec<usize>,
}

impl Pairs {
    /// Those whose two samples lie in `range`.
    fn within<'p>(pairs: &'p [usize], range: &std::ops::Range<usize>) -> &'p [usize] {
        if pairs.is_empty() {
            return pairs;
        }
        let from = pairs.partition_point(|place| *place <= range.start);
        let to = pairs.partition_point(|place| *place < range.end);
        &pairs[from.min(to)..to]
    }
}

/// What extrapolation starts from.
struct Sampled<'t> {
    /// Times of the samples, at least one.
    times: &'t [i64],
    /// When counting began, if that is known to matter.
    began: Option<i64>,
    /// How many sampled intervals before the first sample a counter was zero.
    to_zero: Option<f64>,
}

impl Kernel<'_, '_> {
    pub(super) fn rate(&mut self, kind: Kind) -> Result<Series, Error> {
        let (context, samples) = (self.context, self.samples);
        if context.extended.is_some() {
            return context.slide(samples, |view| Ok(self.extended_rate(view, kind)));
        }
        let (mut floats, mut histograms) = (Pairs::default(), Pairs::default());
        if kind.counter {
            floats = self.float_pairs();
            histograms = self.histogram_pairs();
        }
        if samples.histograms.is_empty() {
            return context.slide(samples, |view| Ok(self.float_rate(view, kind, &floats)));
        }
        context.slide(samples, |view| {
            if view.window.histograms.is_empty() {
                return Ok(self.float_rate(view, kind, &floats));
            }
            if !view.window.floats.is_empty() {
                self.note(Note::MixedFloatsHistograms(self.metric()));
                return Ok(None);
            }
            Ok(self.histogram_rate(view, kind, &histograms))
        })
    }

    fn starts<'s>(&self, starts: &'s [i64]) -> &'s [i64] {
        if self.context.starts { starts } else { &[] }
    }

    fn float_pairs(&self) -> Pairs {
        let samples = self.samples;
        let starts = self.starts(&samples.float_starts);
        let values = &samples.floats;
        let mut pairs = Pairs::default();
        for place in 1..values.len() {
            let falls = values[place] < values[place - 1];
            if starts.is_empty() {
                if falls {
                    pairs.resets.push(place);
                }
                continue;
            }
            let previous = stamp(&samples.float_times, starts, place - 1);
            let current = stamp(&samples.float_times, starts, place);
            if falls || restarted(previous, current) {
                pairs.resets.push(place);
            }
            if overlaps(previous, current) {
                pairs.overlaps.push(place);
            }
        }
        pairs
    }

    fn histogram_pairs(&self) -> Pairs {
        let samples = self.samples;
        let starts = self.starts(&samples.histogram_starts);
        let mut pairs = Pairs::default();
        for place in 1..samples.histograms.len() {
            let previous = stamp(&samples.histogram_times, starts, place - 1);
            let current = stamp(&samples.histogram_times, starts, place);
            if restarted(previous, current)
                || samples.histograms[place].detect_reset(&samples.histograms[place - 1])
            {
                pairs.resets.push(place);
            }
            if overlaps(previous, current) {
                pairs.overlaps.push(place);
            }
        }
        pairs
    }

    fn histogram_rate(&mut self, view: &View, kind: Kind, pairs: &Pairs) -> Option<Sample> {
        let (samples, histograms) = (self.samples, &view.window.histograms);
        let mut increase = None;
        if histograms.len() > 1 {
            increase = Some(self.histogram_increase(view, kind, pairs)?);
        }
        let times = &samples.histogram_times[histograms.clone()];
        let starts = self.starts(&samples.histogram_starts);
        let began = self.began(starts.get(histograms.start), view, times[0], kind);
        let first = &samples.histograms[histograms.start];
        if began.is_some() {
            match &mut increase {
                None => increase = Some(first.as_ref().clone()),
                Some(sum) => self.add(sum, first)?,
            }
        }
        let mut increase = increase?;
        let to_zero =
            (increase.count > 0.0 && first.count >= 0.0).then(|| first.count / increase.count);
        let factor = self.factor(view, kind, &Sampled { times, began, to_zero })?;
        increase.multiply(factor);
        Some(Sample::Histogram(Arc::new(increase)))
    }

    #[inline]
    fn float_rate(&mut self, view: &View, kind: Kind, pairs: &Pairs) -> Option<Sample> {
        let (samples, floats) = (self.samples, &view.window.floats);
        let times = &samples.float_times[floats.clone()];
        let values = &samples.floats[floats.clone()];
        let (first, last) = (*values.first()?, *values.last()?);
        let mut increase = last - first;
        if !Pairs::within(&pairs.overlaps, floats).is_empty() {
            self.note(Note::StartTimeOverlap { metric: self.metric(), count: 1 });
        }
        for reset in Pairs::within(&pairs.resets, floats) {
            increase += samples.floats[reset - 1];
        }
        let starts = self.starts(&samples.float_starts);
        let began = self.began(starts.get(floats.start), view, times[0], kind);
        if began.is_some() {
            increase += first;
        }
        let to_zero = (increase > 0.0 && first >= 0.0).then(|| first / increase);
        let factor = self.factor(view, kind, &Sampled { times, began, to_zero })?;
        Some(Sample::Float(increase * factor))
    }

    /// When counting began, if that is known to be within the range and
    /// before the first sample.
    fn began(&self, start: Option<&i64>, view: &View, first: i64, kind: Kind) -> Option<i64> {
        let start = *start?;
        (kind.counter && start != 0 && start > view.start && start < first).then_some(start)
    }

    /// What the increase between the first and the last sample is multiplied
    /// with: it is extended to the borders of the range where these are
    /// near, else by half the distance of samples.
    #[inline]
    fn factor(&self, view: &View, kind: Kind, sampled: &Sampled<'_>) -> Option<f64> {
        let Sampled { times, began, to_zero } = *sampled;
        let (first, last) = (times[0], times[times.len() - 1]);
        let mut to_start = (first - view.start) as f64 / 1000.0;
        let mut to_end = (view.end - last) as f64 / 1000.0;
        let mut sampled = (last - first) as f64 / 1000.0;
        let spacing = if times.len() > 1 { sampled / (times.len() - 1) as f64 } else { 0.0 };
        let threshold = spacing * 1.1;
        if let Some(began) = began {
            to_start = 0.0;
            sampled = (last - began) as f64 / 1000.0;
        } else if times.len() == 1 {
            return None;
        } else {
            if to_start >= threshold {
                to_start = spacing / 2.0;
            }
            if let Some(intervals) = to_zero.filter(|_| kind.counter) {
                let to_zero = sampled * intervals;
                if to_zero < to_start {
                    to_start = to_zero;
                }
            }
        }
        if to_end >= threshold {
            to_end = spacing / 2.0;
        }
        let mut factor = 1.0;
        if sampled != 0.0 {
            factor = (sampled + to_start + to_end) / sampled;
        }
        if kind.per_second {
            factor /= self.context.range_seconds;
        }
        Some(factor)
    }

    /// The difference of the last two samples, per second if it is a rate.
    pub(super) fn instant_rate(&mut self, view: &View, rate: bool) -> Option<Sample> {
        let samples = self.samples;
        let (floats, histograms) = (&view.window.floats, &view.window.histograms);
        // The last two of each column, then the last two of all.
        let mut last: Vec<(Stamp, Sample)> = Vec::with_capacity(4);
        let starts = self.starts(&samples.float_starts);
        for place in floats.start.max(floats.end.saturating_sub(2))..floats.end {
            let stamp = stamp(&samples.float_times, starts, place);
            last.push((stamp, Sample::Float(samples.floats[place])));
        }
        let starts = self.starts(&samples.histogram_starts);
        for place in histograms.start.max(histograms.end.saturating_sub(2))..histograms.end {
            let stamp = stamp(&samples.histogram_times, starts, place);
            last.push((stamp, Sample::Histogram(Arc::clone(&samples.histograms[place]))));
        }
        last.sort_by_key(|(stamp, _)| stamp.time);
        let (newest, newest_sample) = last.pop()?;
        let (before, before_sample) = last.pop()?;
        let elapsed = (newest.time - before.time) as f64 / 1000.0;
        if elapsed == 0.0 {
            return None;
        }
        let restart = restarted(before, newest);
        match (before_sample, newest_sample) {
            (Sample::Float(before), Sample::Float(newest)) => {
                let reset = rate && (newest < before || restart);
                let change = if reset { newest } else { newest - before };
                Some(Sample::Float(if rate { change / elapsed } else { change }))
            }
            (Sample::Histogram(before), Sample::Histogram(newest)) => {
                self.instant_histogram_rate(&before, &newest, rate.then_some(elapsed), restart)
            }
            _ => {
                self.note(Note::MixedFloatsHistograms(self.metric()));
                None
            }
        }
    }
}
