//! `anchored` and `smoothed`: values at the borders of a range are the last
//! ones before them, or interpolated, instead of extrapolated.

use std::ops;
use std::sync::Arc;

use super::Evaluator;
use super::block::Sample;
use super::data::Samples;
use super::over_time::Kernel;
use super::range::{View, Window};
use super::rate::Kind;
use crate::annotations::{Annotations, Note, Operation};
use crate::ast::Extended;
use crate::histogram::IncompatibleSchemas;
use crate::{CounterResetHint, Histogram};

/// How a border's value is found.
#[derive(Clone, Copy)]
struct Border {
    time: i64,
    /// Interpolated; else the sample's own value.
    smoothed: bool,
    /// A fall between two samples is a reset: counting began at zero.
    counter: bool,
}

/// A point of a series.
#[derive(Clone, Copy)]
struct Point {
    time: i64,
    value: f64,
}

fn interpolate(before: Point, after: Point, border: Border) -> f64 {
    let start = if border.counter && after.value < before.value { 0.0 } else { before.value };
    let (elapsed, whole) = (border.time - before.time, after.time - before.time);
    start + (after.value - start) * elapsed as f64 / whole as f64
}

fn interpolate_histograms(
    (before_time, before): (i64, &Histogram),
    (after_time, after): (i64, &Histogram),
    border: Border,
    notes: &mut dyn FnMut(Note),
) -> Result<Histogram, IncompatibleSchemas> {
    if border.time == before_time {
        return Ok(before.clone());
    }
    if border.time == after_time {
        return Ok(after.clone());
    }
    let fraction = (border.time - before_time) as f64 / (after_time - before_time) as f64;
    let mut result = after.clone();
    if border.counter && after.detect_reset(before) {
        result.multiply(fraction);
        return Ok(result);
    }
    if result.subtract(before)?.bounds_reconciled {
        notes(Note::BoundsReconciled(Operation::Subtraction));
    }
    result.multiply(fraction);
    if result.add(before)?.bounds_reconciled {
        notes(Note::BoundsReconciled(Operation::Addition));
    }
    Ok(result)
}

/// First and last sample that matter for a range, as indexes into `times`,
/// if there is anything to measure.
fn ends(
    times: &[i64],
    window: &ops::Range<usize>,
    (start, end): (i64, i64),
    smoothed: bool,
) -> Option<(usize, usize)> {
    let mut last = window.end.checked_sub(1)?;
    let among = &times[window.start..last];
    let first = window.start + among.partition_point(|time| *time <= start).saturating_sub(1);
    if smoothed {
        last = window.start + among.partition_point(|time| *time < end);
    }
    (times[last] > start && !(smoothed && times[first] > end)).then_some((first, last))
}

/// The points of an extended selector on its own: the values at the borders,
/// and the samples between.
pub(super) fn extend(
    samples: &Samples<'_>,
    window: &Window,
    (start, end): (i64, i64),
    smoothed: bool,
) -> Vec<(i64, f64)> {
    let times = &samples.float_times;
    let Some(mut last) = window.floats.end.checked_sub(1).filter(|_| !window.floats.is_empty())
    else {
        return Vec::new();
    };
    let among = &times[window.floats.start..last];
    let first =
        window.floats.start + among.partition_point(|time| *time <= start).saturating_sub(1);
    if smoothed {
        last = window.floats.start + among.partition_point(|time| *time < end);
    }
    if times[last] <= start {
        return Vec::new();
    }
    let left = left_value(samples, first, Border { time: start, smoothed, counter: false });
    let right = right_value(
        samples,
        (window.floats.start, last),
        Border { time: end, smoothed, counter: false },
    );
    let inside = (first..=last).filter(|place| times[*place] > start && times[*place] < end);
    std::iter::once((start, left))
        .chain(inside.map(|place| (times[place], samples.floats[place])))
        .chain(std::iter::once((end, right)))
        .collect()
}

fn point(samples: &Samples<'_>, place: usize) -> Point {
    Point { time: samples.float_times[place], value: samples.floats[place] }
}

fn left_value(samples: &Samples<'_>, first: usize, border: Border) -> f64 {
    let before = point(samples, first);
    if border.smoothed && before.time < border.time {
        interpolate(before, point(samples, first + 1), border)
    } else {
        before.value
    }
}

fn right_value(samples: &Samples<'_>, (lowest, last): (usize, usize), border: Border) -> f64 {
    let after = point(samples, last);
    if border.smoothed && last > lowest && after.time > border.time {
        interpolate(point(samples, last - 1), after, border)
    } else {
        after.value
    }
}

impl Kernel<'_, '_> {
    pub(super) fn extended_rate(&mut self, view: &View, kind: Kind) -> Option<Sample> {
        let (floats, histograms) = (&view.window.floats, &view.window.histograms);
        if !floats.is_empty() && !histograms.is_empty() {
            self.note(Note::MixedFloatsHistograms(self.metric()));
            return None;
        }
        if floats.is_empty() {
            return self.extended_histogram_rate(view, kind);
        }
        let smoothed = self.context.extended == Some(Extended::Smoothed);
        let samples = self.samples;
        let range = (view.start, view.end);
        let (first, last) = ends(&samples.float_times, floats, range, smoothed)?;
        let border = |time| Border { time, smoothed, counter: kind.counter };
        let left = left_value(samples, first, border(view.start));
        let right = right_value(samples, (floats.start, last), border(view.end));
        let mut increase = right - left;
        if kind.counter {
            let mut correction = 0.0;
            let mut before = left;
            let inside = first..=last;
            let inside =
                inside.filter(|place| samples.float_times[*place] > view.start || *place != first);
            let inside =
                inside.filter(|place| samples.float_times[*place] < view.end || *place != last);
            let values = inside.map(|place| samples.floats[place]);
            for value in values.chain(std::iter::once(right)) {
                if value < before {
                    correction += before;
                }
                before = value;
            }
            increase += correction;
        }
        if kind.per_second {
            increase /= self.context.range_seconds;
        }
        Some(Sample::Float(increase))
    }

    fn extended_histogram_rate(&mut self, view: &View, kind: Kind) -> Option<Sample> {
        use CounterResetHint::Gauge;
        let samples = self.samples;
        let smoothed = self.context.extended == Some(Extended::Smoothed);
        let times = &samples.histogram_times;
        let window = &view.window.histograms;
        let (first, last) = ends(times, window, (view.start, view.end), smoothed)?;
        let points = &samples.histograms;
        for point in &points[first..=last] {
            if point.uses_custom_buckets() != points[first].uses_custom_buckets() {
                self.note(Note::MixedSchemas(self.metric()));
                return None;
            }
            if kind.counter && point.counter_reset_hint == Gauge {
                self.note(Note::HistogramNotCounter(self.metric()));
            }
        }
        let border = |time| Border { time, smoothed, counter: kind.counter };
        let left = if smoothed && times[first] < view.start {
            self.between(first, border(view.start))?
        } else {
            points[first].as_ref().clone()
        };
        let right = if smoothed && last > window.start && times[last] > view.end {
            self.between(last - 1, border(view.end))?
        } else {
            points[last].as_ref().clone()
        };
        let gauge = |h: &Histogram| h.counter_reset_hint == Gauge;
        if !kind.counter && (!gauge(&left) || !gauge(&right)) {
            self.note(Note::HistogramNotGauge(self.metric()));
        }
        let mut increase = right.clone();
        self.subtract(&mut increase, &left)?;
        if kind.counter {
            let skip_first = smoothed && times[first] < view.start;
            let correction = self.reset_correction((first, last), &left, &right, skip_first)?;
            if let Some(correction) = correction {
                self.add(&mut increase, &correction)?;
            }
        }
        if kind.per_second {
            increase.divide(self.context.range_seconds);
        }
        increase.counter_reset_hint = Gauge;
        increase.compact();
        Some(Sample::Histogram(Arc::new(increase)))
    }

    /// The histogram between sample `before` and the next.
    fn between(&mut self, before: usize, border: Border) -> Option<Histogram> {
        let samples = self.samples;
        let at =
            |place: usize| (samples.histogram_times[place], samples.histograms[place].as_ref());
        let mut notes = Vec::new();
        let result = interpolate_histograms(at(before), at(before + 1), border, &mut |note| {
            notes.push(note);
        });
        notes.into_iter().for_each(|note| self.note(note));
        if result.is_err() {
            self.note(Note::MixedSchemas(self.metric()));
        }
        result.ok()
    }

    /// What counted before resets within the range; `None` outside if it
    /// cannot be added up.
    fn reset_correction(
        &mut self,
        (first, last): (usize, usize),
        left: &Histogram,
        right: &Histogram,
        interpolated: bool,
    ) -> Option<Option<Histogram>> {
        let points = &self.samples.histograms;
        let mut from = first + 1;
        let mut before = left;
        if interpolated && first < last && points[first + 1].detect_reset(&points[first]) {
            // The left border lies between the two, and accounts for it.
            before = &points[first + 1];
            from += 1;
        }
        if from > last {
            return Some(None);
        }
        let mut correction: Option<Histogram> = None;
        let inside = points[from..last].iter().map(AsRef::as_ref);
        for point in inside.chain(std::iter::once(right)) {
            if point.detect_reset(before) {
                match &mut correction {
                    None => correction = Some(before.clone()),
                    Some(sum) => self.add(sum, before)?,
                }
            }
            before = point;
        }
        Some(correction)
    }
}

impl Evaluator<'_> {
    /// The value of a smoothed instant selector.
    pub(super) fn smoothed_sample(
        &mut self,
        samples: &Samples<'_>,
        window: &Window,
        moment: i64,
        position: usize,
    ) -> Option<Sample> {
        let (floats, histograms) = (&window.floats, &window.histograms);
        let metric = || samples.labels.metric_name().to_owned();
        if !floats.is_empty() && !histograms.is_empty() {
            self.note(Note::MixedFloatsHistograms(metric()), position);
            return None;
        }
        let border = Border { time: moment, smoothed: true, counter: false };
        if !floats.is_empty() {
            let times = &samples.float_times[floats.clone()];
            let next = floats.start + times.partition_point(|time| *time < moment);
            if next < floats.end && samples.float_times[next] == moment {
                return Some(Sample::Float(samples.floats[next]));
            }
            let before = next.checked_sub(1).filter(|before| *before >= floats.start)?;
            if next == floats.end {
                return Some(Sample::Float(samples.floats[before]));
            }
            let value = interpolate(point(samples, before), point(samples, next), border);
            return Some(Sample::Float(value));
        }
        let times = &samples.histogram_times;
        let within = &times[histograms.clone()];
        let next = histograms.start + within.partition_point(|time| *time < moment);
        if next < histograms.end && times[next] == moment {
            return Some(Sample::Histogram(Arc::clone(&samples.histograms[next])));
        }
        let before = next.checked_sub(1).filter(|before| *before >= histograms.start)?;
        if next == histograms.end {
            // A hint speaks of the sample before, not of the value.
            let mut carried = samples.histograms[before].as_ref().clone();
            carried.counter_reset_hint = CounterResetHint::Unknown;
            return Some(Sample::Histogram(Arc::new(carried)));
        }
        let (one, two) = (&samples.histograms[before], &samples.histograms[next]);
        if one.uses_custom_buckets() != two.uses_custom_buckets() {
            self.note(Note::MixedSchemas(metric()), position);
            return None;
        }
        let gauge = |h: &Histogram| h.counter_reset_hint == CounterResetHint::Gauge;
        let border = Border { counter: !gauge(one) || !gauge(two), ..border };
        let annotations: &mut Annotations = &mut self.annotations;
        let result =
            interpolate_histograms((times[before], one), (times[next], two), border, &mut |note| {
                annotations.add(note, position);
            });
        if result.is_err() {
            self.note(Note::MixedSchemas(metric()), position);
        }
        result.ok().map(|histogram| Sample::Histogram(Arc::new(histogram)))
    }
}
