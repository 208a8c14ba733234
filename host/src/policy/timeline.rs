//! When a series has samples, floats and histograms together.

use std::collections::BTreeMap;
use std::ops::Range;

use promql::{Histogram, SeriesBatch, SeriesRef};

/// The timestamps of one series in one replica, and the series behind them.
#[derive(Clone, Copy)]
pub(super) struct Timeline<'a> {
    /// Strictly ascending, in milliseconds.
    pub(super) times: &'a [i64],
    /// None: the replica lacks the series.
    pub(super) series: Option<SeriesRef<'a>>,
}

/// One sample's value.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Float(f64),
    Histogram(&'a Histogram),
}

impl Value<'_> {
    /// The number that stands for the sample where values are compared: of a
    /// histogram its observations, of a stale one the stale marker.
    pub(super) const fn number(self) -> f64 {
        match self {
            Value::Float(value) => value,
            Value::Histogram(histogram) if promql::series::is_stale(histogram.sum) => histogram.sum,
            Value::Histogram(histogram) => histogram.count,
        }
    }
}

impl<'a> Timeline<'a> {
    pub(super) const EMPTY: Timeline<'static> = Timeline { times: &[], series: None };

    /// The float samples and the histogram samples of a range of samples.
    pub(super) fn split(&self, range: &Range<usize>) -> (Range<usize>, Range<usize>) {
        let Some(series) = self.series else {
            return (0..0, 0..0);
        };
        if series.histogram_times.is_empty() {
            return (range.clone(), 0..0);
        }
        if series.float_times.is_empty() {
            return (0..0, range.clone());
        }
        let before = |times: &[i64], index: usize| match self.times.get(index) {
            Some(end) => times.partition_point(|time| time < end),
            None => times.len(),
        };
        let within = |times| before(times, range.start)..before(times, range.end);
        (within(series.float_times), within(series.histogram_times))
    }

    /// The value of sample `index`.
    pub(super) fn value(&self, index: usize) -> Option<Value<'a>> {
        let series = self.series?;
        let (floats, histograms) = self.split(&(index..index + 1));
        match series.float_values.get(floats) {
            Some([value]) => Some(Value::Float(*value)),
            _ => series.histogram_values.get(histograms.start).map(Value::Histogram),
        }
    }
}

/// The timeline of a series with floats only or histograms only.
pub(super) const fn of_one_kind(series: SeriesRef<'_>) -> Option<Timeline<'_>> {
    if series.histogram_times.is_empty() {
        Some(Timeline { times: series.float_times, series: Some(series) })
    } else if series.float_times.is_empty() {
        Some(Timeline { times: series.histogram_times, series: Some(series) })
    } else {
        None
    }
}

/// True if any series of the batch has a histogram.
pub(super) fn has_histograms(batch: &SeriesBatch) -> bool {
    batch.iter().any(|series| !series.histogram_times.is_empty())
}

/// All timestamps of a series.
pub(super) fn union(series: SeriesRef<'_>) -> Vec<i64> {
    let mut times = [series.float_times, series.histogram_times].concat();
    times.sort_unstable();
    times
}

/// Appends the union of series with one label set to `out`: every timestamp
/// once, of equal ones the first series'.
pub(super) fn join(all: &[SeriesRef<'_>], out: &mut SeriesBatch) {
    let mut samples = BTreeMap::new();
    for series in all {
        let floats = series.float_times.iter().zip(series.float_values);
        for (time, value) in floats {
            samples.entry(*time).or_insert(Value::Float(*value));
        }
        let histograms = series.histogram_times.iter().zip(series.histogram_values);
        for (time, value) in histograms {
            samples.entry(*time).or_insert(Value::Histogram(value));
        }
    }
    for (time, value) in samples {
        match value {
            Value::Float(value) => out.push_float(time, value),
            Value::Histogram(value) => out.push_histogram(time, value.clone()),
        }
    }
    out.finish_series(all[0].labels.clone());
}
