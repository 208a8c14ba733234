//! What range functions compute from one window.

use std::sync::Arc;

use super::best::Best;
use super::block::{Sample, Series};
use super::data::Samples;
use super::mean::{HistogramMean, Mean};
use super::range::{Context, View};
use super::{quantile, rate};
use crate::annotations::{Annotations, Note, Operation};
use crate::functions::FunctionId;
use crate::histogram::IncompatibleSchemas;
use crate::query::Error;
use crate::{CounterResetHint, Histogram, kahan};

/// A range function at work on one series.
pub(super) struct Kernel<'k, 's> {
    pub(super) context: &'k Context,
    pub(super) samples: &'k Samples<'s>,
    pub(super) notes: &'k mut Annotations,
}

impl<'k, 's> Kernel<'k, 's> {
    pub(super) fn new(
        context: &'k Context,
        samples: &'k Samples<'s>,
        notes: &'k mut Annotations,
    ) -> Self {
        Self { context, samples, notes }
    }

    /// The function's value at every step.
    pub(super) fn run(&mut self) -> Result<Series, Error> {
        use FunctionId as F;
        let (context, samples) = (self.context, self.samples);
        let one = |_: &View| Ok(Some(Sample::Float(1.0)));
        match context.id {
            F::Rate => self.rate(rate::Kind { counter: true, per_second: true }),
            F::Increase => self.rate(rate::Kind { counter: true, per_second: false }),
            F::Delta => self.rate(rate::Kind { counter: false, per_second: false }),
            F::Irate => context.slide(samples, |view| Ok(self.instant_rate(view, true))),
            F::Idelta => context.slide(samples, |view| Ok(self.instant_rate(view, false))),
            F::Changes => self.changes(),
            F::Resets => self.resets(),
            F::AbsentOverTime | F::PresentOverTime => context.slide(samples, one),
            F::AvgOverTime => context.slide(samples, |view| Ok(self.average(view))),
            F::SumOverTime => context.slide(samples, |view| Ok(self.sum(view))),
            F::CountOverTime => context.slide(samples, |view| {
                let count = view.window.floats.len() + view.window.histograms.len();
                Ok(Some(Sample::Float(count as f64)))
            }),
            F::FirstOverTime => context.slide(samples, |view| Ok(self.first(view))),
            F::LastOverTime => context.slide(samples, |view| Ok(self.last(view))),
            F::TsOfFirstOverTime => context.slide(samples, |view| Ok(self.first_time(view))),
            F::TsOfLastOverTime => context.slide(samples, |view| Ok(self.last_time(view))),
            F::MaxOverTime => self.extremes(|a, b| a < b),
            F::MinOverTime => self.extremes(|a, b| a > b),
            F::TsOfMaxOverTime => self.time_of(|new, best| new >= best),
            F::TsOfMinOverTime => self.time_of(|new, best| new <= best),
            F::MadOverTime => {
                self.floats(|kernel, view| Some(quantile::median_deviation(&kernel.values(view))))
            }
            F::StddevOverTime => self.floats(|kernel, view| Some(kernel.variance(view).sqrt())),
            F::StdvarOverTime => self.floats(|kernel, view| Some(kernel.variance(view))),
            F::QuantileOverTime => self.floats(Self::quantile),
            F::Deriv => self.floats(Self::derivative),
            F::PredictLinear => self.floats(Self::prediction),
            F::DoubleExponentialSmoothing => context.slide(samples, |view| self.smoothing(view)),
            _ => Err(Error::Unsupported(context.id.function().name)),
        }
    }

    /// The metric's name, for notes.
    pub(super) fn metric(&self) -> String {
        self.samples.labels.metric_name().to_owned()
    }

    pub(super) fn note(&mut self, note: Note) {
        self.notes.add(note, self.context.position);
    }

    pub(super) fn values(&self, view: &View) -> Vec<f64> {
        self.samples.floats[view.window.floats.clone()].to_vec()
    }

    /// A function of the floats alone, which says so where histograms are
    /// ignored; those that need two floats are not called with one.
    fn floats(
        &mut self,
        function: impl Fn(&mut Self, &View) -> Option<f64>,
    ) -> Result<Series, Error> {
        let (context, samples) = (self.context, self.samples);
        let needs_two = matches!(context.id, FunctionId::Deriv | FunctionId::PredictLinear);
        context.slide(samples, |view| {
            if view.window.floats.is_empty() {
                return Ok(None);
            }
            if !view.window.histograms.is_empty() {
                self.note(Note::HistogramIgnoredInRange(self.metric()));
            }
            if needs_two && view.window.floats.len() < 2 {
                return Ok(None);
            }
            Ok(function(self, view).map(Sample::Float))
        })
    }

    /// True, and said so, if the window mixes floats and histograms.
    fn mixed(&mut self, view: &View) -> bool {
        let mixed = !view.window.floats.is_empty() && !view.window.histograms.is_empty();
        if mixed {
            self.note(Note::MixedFloatsHistograms(self.metric()));
        }
        mixed
    }

    fn sum(&mut self, view: &View) -> Option<Sample> {
        if self.mixed(view) {
            return None;
        }
        let floats = &self.samples.floats[view.window.floats.clone()];
        if floats.is_empty() {
            return self.histograms(view, sum_of_histograms);
        }
        let (mut sum, mut compensation) = (0.0, 0.0);
        for value in floats {
            kahan::add(*value, &mut sum, &mut compensation);
        }
        Some(Sample::Float(if sum.is_infinite() { sum } else { sum + compensation }))
    }

    fn average(&mut self, view: &View) -> Option<Sample> {
        if self.mixed(view) {
            return None;
        }
        let floats = &self.samples.floats[view.window.floats.clone()];
        match floats.split_first() {
            None => self.histograms(view, mean_of_histograms),
            Some((first, rest)) => {
                let mut mean = Mean::of(*first);
                rest.iter().for_each(|value| mean.add(*value));
                Some(Sample::Float(mean.finish()))
            }
        }
    }

    /// An aggregation of the window's histograms.
    fn histograms(&mut self, view: &View, fold: Fold) -> Option<Sample> {
        let histograms = &self.samples.histograms[view.window.histograms.clone()];
        let has = |hint| histograms.iter().any(|h| h.counter_reset_hint == hint);
        let collision = has(CounterResetHint::Reset) && has(CounterResetHint::NotReset);
        match fold(histograms) {
            Err(_) => {
                self.note(Note::MixedSchemas(self.metric()));
                None
            }
            Ok((result, reconciled)) => {
                if collision {
                    self.note(Note::ResetCollision(Operation::Aggregation));
                }
                if reconciled {
                    self.note(Note::BoundsReconciled(Operation::Aggregation));
                }
                Some(Sample::Histogram(Arc::new(result)))
            }
        }
    }

    fn first(&self, view: &View) -> Option<Sample> {
        let Samples { float_times, histogram_times, .. } = self.samples;
        let float = Some(view.window.floats.start).filter(|_| !view.window.floats.is_empty());
        let other =
            Some(view.window.histograms.start).filter(|_| !view.window.histograms.is_empty());
        match (float, other) {
            (Some(f), Some(h)) if float_times[f] >= histogram_times[h] => self.histogram(h),
            (Some(f), _) => Some(Sample::Float(self.samples.floats[f])),
            (None, h) => self.histogram(h?),
        }
    }

    fn last(&self, view: &View) -> Option<Sample> {
        let Samples { float_times, histogram_times, .. } = self.samples;
        let last = |range: &std::ops::Range<usize>| {
            if range.is_empty() { None } else { Some(range.end - 1) }
        };
        match (last(&view.window.floats), last(&view.window.histograms)) {
            (Some(f), Some(h)) if histogram_times[h] >= float_times[f] => self.histogram(h),
            (Some(f), _) => Some(Sample::Float(self.samples.floats[f])),
            (None, h) => self.histogram(h?),
        }
    }

    fn histogram(&self, place: usize) -> Option<Sample> {
        Some(Sample::Histogram(Arc::clone(&self.samples.histograms[place])))
    }

    fn first_time(&self, view: &View) -> Option<Sample> {
        let floats = self.samples.float_times[view.window.floats.clone()].first();
        let histograms = self.samples.histogram_times[view.window.histograms.clone()].first();
        let time = floats.into_iter().chain(histograms).min()?;
        Some(Sample::Float(*time as f64 / 1000.0))
    }

    fn last_time(&self, view: &View) -> Option<Sample> {
        let floats = self.samples.float_times[view.window.floats.clone()].last();
        let histograms = self.samples.histogram_times[view.window.histograms.clone()].last();
        // Prometheus starts from 0 here.
        let time = *floats.unwrap_or(&0).max(histograms.unwrap_or(&0));
        Some(Sample::Float(time as f64 / 1000.0))
    }

    /// The float that no other beats, the first of equal ones; NaN only if
    /// there is nothing else.
    fn extremes(&mut self, beaten: impl Fn(f64, f64) -> bool) -> Result<Series, Error> {
        let (context, samples) = (self.context, self.samples);
        let mut best = Best::new(&samples.floats, beaten);
        context.slide(samples, |view| {
            let floats = &view.window.floats;
            if floats.is_empty() {
                return Ok(None);
            }
            if !view.window.histograms.is_empty() {
                self.note(Note::HistogramIgnoredInRange(self.metric()));
            }
            Ok(Some(Sample::Float(best.of(floats))))
        })
    }

    /// When the float that no other beats was last seen.
    fn time_of(&mut self, beats: impl Fn(f64, f64) -> bool) -> Result<Series, Error> {
        self.floats(|kernel, view| {
            let mut best = view.window.floats.start;
            for place in view.window.floats.clone() {
                let (new, old) = (kernel.samples.floats[place], kernel.samples.floats[best]);
                if beats(new, old) || old.is_nan() {
                    best = place;
                }
            }
            Some(kernel.samples.float_times[best] as f64 / 1000.0)
        })
    }

    fn variance(&self, view: &View) -> f64 {
        let (mut mean, mut mean_lost) = (0.0, 0.0);
        let (mut squares, mut squares_lost) = (0.0, 0.0);
        let mut count = 0.0;
        for value in &self.samples.floats[view.window.floats.clone()] {
            count += 1.0;
            let delta = value - (mean + mean_lost);
            kahan::add(delta / count, &mut mean, &mut mean_lost);
            let rest = value - (mean + mean_lost);
            kahan::add(delta * rest, &mut squares, &mut squares_lost);
        }
        (squares + squares_lost) / count
    }

    fn quantile(&mut self, view: &View) -> Option<f64> {
        let q = self.context.scalars[0][view.step];
        if !(0.0..=1.0).contains(&q) {
            self.note(Note::InvalidQuantile(q));
        }
        Some(quantile::quantile(q, &mut self.values(view)))
    }

    fn derivative(&mut self, view: &View) -> Option<f64> {
        // A time near the values avoids rounding.
        let origin = self.samples.float_times[view.window.floats.start];
        Some(self.regression(view, origin).0)
    }

    fn prediction(&mut self, view: &View) -> Option<f64> {
        let duration = self.context.scalars[0][view.step];
        let (slope, intercept) = self.regression(view, view.time);
        Some(slope * duration + intercept)
    }

    /// Slope and value at `origin` of the line nearest to the floats.
    fn regression(&self, view: &View, origin: i64) -> (f64, f64) {
        let range = view.window.floats.clone();
        let (times, values) =
            (&self.samples.float_times[range.clone()], &self.samples.floats[range]);
        if values.iter().skip(1).all(|value| *value == values[0]) {
            if values[0].is_infinite() {
                return (f64::NAN, f64::NAN);
            }
            return (0.0, values[0]);
        }
        // x, y, x·y and x², each with its compensation.
        let mut sums = [(0.0, 0.0); 4];
        for (time, y) in times.iter().zip(values) {
            let x = (time - origin) as f64 / 1e3;
            for ((sum, lost), term) in sums.iter_mut().zip([x, *y, x * y, x * x]) {
                kahan::add(term, sum, lost);
            }
        }
        let [x, y, xy, xx] = sums.map(|(sum, lost)| sum + lost);
        let n = values.len() as f64;
        let covariance = xy - x * y / n;
        let variance = xx - x * x / n;
        let slope = covariance / variance;
        (slope, y / n - slope * x / n)
    }

    fn smoothing(&mut self, view: &View) -> Result<Option<Sample>, Error> {
        let smoothing = self.context.scalars[0][view.step];
        let trend = self.context.scalars[1][view.step];
        for (factor, name, short) in [(smoothing, "smoothing", "sf"), (trend, "trend", "tf")] {
            if factor <= 0.0 || factor >= 1.0 {
                return Err(Error::Execution(format!(
                    "invalid {name} factor. Expected: 0 < {short} < 1, got: {factor:.6}"
                )));
            }
        }
        let values = self.values(view);
        if !values.is_empty() && !view.window.histograms.is_empty() {
            self.note(Note::HistogramIgnoredInRange(self.metric()));
        }
        if values.len() < 2 {
            return Ok(None);
        }
        let (mut before, mut level, mut slope) = (0.0, values[0], values[1] - values[0]);
        for (place, value) in values.iter().enumerate().skip(1) {
            if place > 1 {
                slope = trend * (level - before) + (1.0 - trend) * slope;
            }
            let next = smoothing * value + (1.0 - smoothing) * (level + slope);
            (before, level) = (level, next);
        }
        Ok(Some(Sample::Float(level)))
    }
}

type Folded = Result<(Histogram, bool), IncompatibleSchemas>;
type Fold = fn(&[Arc<Histogram>]) -> Folded;

fn sum_of_histograms(histograms: &[Arc<Histogram>]) -> Folded {
    let mut sum = histograms[0].as_ref().clone();
    let (mut lost, mut reconciled) = (None, false);
    for histogram in &histograms[1..] {
        reconciled |= sum.add_compensated(histogram, &mut lost)?.bounds_reconciled;
    }
    if let Some(lost) = &lost {
        sum.compensate(lost);
    }
    Ok((sum, reconciled))
}

fn mean_of_histograms(histograms: &[Arc<Histogram>]) -> Folded {
    let mut mean = HistogramMean::of(&histograms[0]);
    let mut reconciled = false;
    for histogram in &histograms[1..] {
        reconciled |= mean.add(histogram)?;
    }
    Ok((mean.finish(), reconciled))
}
