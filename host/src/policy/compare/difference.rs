//! Where two answers to one input differ.

use promql::Histogram;

use super::report::{Comparison, Example, Kind, Largest, Sample};
use super::samples::{Samples, Series, Taken};
use super::{EXAMPLES_OF_A_SERIES, MAX_EXAMPLES, Window};
use crate::policy::matching::Matching;
use crate::policy::recording::Entry;
use crate::policy::timeline::Value;
use crate::policy::{Provenance, Run};

/// What is as different as can be: numbers of opposite signs, a number and
/// none, a float and a histogram.
const UNLIKE: f64 = 2.0;

/// Goes through two answers.
pub(super) struct Walk<'a> {
    pub(super) entry: &'a Entry,
    pub(super) window: Window,
    pub(super) matching: &'a Matching<'a>,
    pub(super) comparison: &'a mut Comparison,
}

impl Walk<'_> {
    /// Compares every series that either answer has.
    pub(super) fn all(&mut self, active: &Provenance, candidate: &Provenance) {
        let before = self.comparison.series_differing;
        let mut active = Series::all(active).peekable();
        let mut candidate = Series::all(candidate).peekable();
        loop {
            let sets = [active.peek(), candidate.peek()].map(|own| own.map(|own| own.set));
            let Some(set) = sets.into_iter().flatten().min() else { break };
            let one = active.next_if(|own| own.set == set).unwrap_or(Series::none(set));
            let other = candidate.next_if(|own| own.set == set).unwrap_or(Series::none(set));
            self.series(one, other);
        }
        self.comparison.merges += 1;
        self.comparison.merges_differing += u64::from(self.comparison.series_differing > before);
    }

    fn series(&mut self, active: Series<'_>, candidate: Series<'_>) {
        let window = self.window;
        let samples = |series| {
            Samples::new(self.matching, series).filter(move |own| window.contains(own.time))
        };
        let count = if window.is_whole { active.len() } else { samples(active).count() as u64 };
        self.comparison.series += 1;
        self.comparison.samples += count;
        // Most decisions are equal, and then no sample is looked at.
        if active.has_runs_of(&candidate) {
            return;
        }
        let mut room = EXAMPLES_OF_A_SERIES;
        let mut differs = false;
        let (mut one, mut other) = (samples(active).peekable(), samples(candidate).peekable());
        loop {
            let times = [one.peek(), other.peek()].map(|own| own.map(|own| own.time));
            let Some(time) = times.into_iter().flatten().min() else { break };
            let pair = (one.next_if(|own| own.time == time), other.next_if(|own| own.time == time));
            if let Some((kind, relative)) = tell(&pair) {
                differs = true;
                self.note(active.set, time, (kind, relative, pair), &mut room);
            }
        }
        self.comparison.series_differing += u64::from(differs);
    }

    fn note(
        &mut self,
        set: usize,
        time: i64,
        (kind, relative, (active, candidate)): (
            Kind,
            Option<f64>,
            (Option<Taken<'_>>, Option<Taken<'_>>),
        ),
        room: &mut usize,
    ) {
        let comparison = &mut *self.comparison;
        *match kind {
            Kind::OnlyActive => &mut comparison.samples_only_active,
            Kind::OnlyCandidate => &mut comparison.samples_only_candidate,
            Kind::OtherValue => &mut comparison.samples_other_value,
        } += 1;
        let largest = comparison.largest.as_ref().map(|largest| largest.relative);
        let is_largest = relative.is_some_and(|own| largest.is_none_or(|largest| own > largest));
        let is_shown = *room > 0 && comparison.examples.len() < MAX_EXAMPLES;
        if !is_largest && !is_shown {
            return;
        }
        let sample = |taken: Taken<'_>| Sample {
            value: taken.text(),
            replica: match taken.replica {
                Run::SYNTHESISED => "synthesised".to_owned(),
                number => self.entry.replica(number as usize),
            },
        };
        let example = Example {
            kind,
            server_group: self.entry.group.clone(),
            series: self.matching.labels(set).to_string(),
            time: rfc3339(time),
            time_ms: time,
            active: active.map(sample),
            candidate: candidate.map(sample),
        };
        if is_shown {
            *room -= 1;
            comparison.examples.push(example.clone());
        }
        if let Some(relative) = relative.filter(|_| is_largest) {
            comparison.largest = Some(Largest { relative, example });
        }
    }
}

/// What is to be said of the samples of two answers at one moment.
fn tell(pair: &(Option<Taken<'_>>, Option<Taken<'_>>)) -> Option<(Kind, Option<f64>)> {
    match pair {
        (Some(_), None) => Some((Kind::OnlyActive, None)),
        (None, Some(_)) => Some((Kind::OnlyCandidate, None)),
        (Some(one), Some(other)) => {
            // The same sample of the same replica is itself.
            let is_one = one.replica == other.replica && one.replica != Run::SYNTHESISED;
            let relative = if is_one { 0.0 } else { apart(one.value, other.value) };
            (relative > 0.0).then_some((Kind::OtherValue, Some(relative)))
        }
        (None, None) => None,
    }
}

/// How far two values are apart: 0 if they are equal, at most 2.
fn apart(one: Value<'_>, other: Value<'_>) -> f64 {
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => relative(one, other),
        (Value::Histogram(one), Value::Histogram(other)) if one.same_data(other) => 0.0,
        (Value::Histogram(one), Value::Histogram(other)) => histograms_apart(one, other),
        _ => UNLIKE,
    }
}

/// `|a − b| / max(|a|, |b|)`; two NaNs are equal, and what has no such
/// quotient is unlike.
pub(super) fn relative(one: f64, other: f64) -> f64 {
    if one == other || (one.is_nan() && other.is_nan()) {
        return 0.0;
    }
    // Divided first: the difference of large numbers may be none.
    let most = one.abs().max(other.abs());
    let quotient = (one / most - other / most).abs();
    if quotient.is_finite() { quotient } else { UNLIKE }
}

/// The largest difference of their numbers; those that are not equal and show
/// none in these have other buckets.
fn histograms_apart(one: &Histogram, other: &Histogram) -> f64 {
    let totals =
        [(one.count, other.count), (one.sum, other.sum), (one.zero_count, other.zero_count)];
    let totals = totals.map(|(one, other)| relative(one, other));
    let most = totals.into_iter().fold(0.0, f64::max);
    if most > 0.0 { most } else { UNLIKE }
}

/// As far as years have four digits.
fn rfc3339(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| format!("{ms} ms"), |stamp| stamp.to_string())
}
