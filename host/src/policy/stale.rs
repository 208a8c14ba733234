//! Stale markers in a merge: the host's business, not the policy's.
//!
//! A replica whose scrape failed marks a series as ended although another
//! replica goes on scraping it. Such a marker must not hide the other's data.
//! So markers are taken out before the policy sees timelines, and put back
//! where no other replica goes on with the series.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use promql::series::{has_stale, is_stale};
use promql::{Labels, SeriesBatch, SeriesRef};

use super::Options;

/// Gaps between samples that tell a replica's scrape interval.
const GAPS: usize = 5;

/// The batch without stale markers, borrowed if it has none.
pub(super) fn without_markers(batch: &SeriesBatch) -> Cow<'_, SeriesBatch> {
    if !batch.iter().any(has_marker) {
        return Cow::Borrowed(batch);
    }
    let mut clean = SeriesBatch::new();
    for series in batch.iter() {
        for (time, value) in series.float_times.iter().zip(series.float_values) {
            if !is_stale(*value) {
                clean.push_float(*time, *value);
            }
        }
        for (time, value) in series.histogram_times.iter().zip(series.histogram_values) {
            if !is_stale(value.sum) {
                clean.push_histogram(*time, value.clone());
            }
        }
        clean.finish_series(series.labels.clone());
    }
    Cow::Owned(clean)
}

/// Puts the markers of `replicas` that still hold into the merged series.
pub(super) fn restore(
    merged: &SeriesBatch,
    replicas: &[&SeriesBatch],
    options: &Options<'_>,
) -> SeriesBatch {
    let marked: HashSet<&Labels> = replicas
        .iter()
        .flat_map(|batch| batch.iter())
        .filter(|series| has_marker(*series))
        .map(|series| series.labels)
        .collect();
    let mut views: HashMap<&Labels, Vec<SeriesRef<'_>>> = HashMap::new();
    for series in replicas.iter().flat_map(|batch| batch.iter()) {
        if marked.contains(series.labels) {
            views.entry(series.labels).or_default().push(series);
        }
    }
    let mut restored = SeriesBatch::new();
    for series in merged.iter() {
        match views.get(series.labels) {
            None => restored.push_series(series.labels.clone(), series),
            Some(views) => {
                let mut markers = surviving(views, options.end_ms);
                markers.retain(|time| (options.start_ms..=options.end_ms).contains(time));
                restored.push_series_with_markers(series, &markers);
            }
        }
    }
    restored
}

fn has_marker(series: SeriesRef<'_>) -> bool {
    has_stale(series.float_values)
        || series.histogram_values.iter().any(|value| is_stale(value.sum))
}

/// Times of the markers that no other replica contradicts, ascending.
fn surviving(views: &[SeriesRef<'_>], end: i64) -> Vec<i64> {
    let mut markers = Vec::new();
    for (index, view) in views.iter().enumerate() {
        let others = || views.iter().enumerate().filter(move |(other, _)| *other != index);
        for time in marker_times(*view) {
            if !others().any(|(_, other)| goes_on(*other, time, end)) {
                markers.push(time);
            }
        }
    }
    markers.sort_unstable();
    markers.dedup();
    markers
}

fn marker_times(series: SeriesRef<'_>) -> impl Iterator<Item = i64> {
    let floats = series.float_times.iter().zip(series.float_values);
    let floats = floats.filter(|(_, value)| is_stale(**value)).map(|(time, _)| *time);
    let histograms = series.histogram_times.iter().zip(series.histogram_values);
    let histograms = histograms.filter(|(_, value)| is_stale(value.sum)).map(|(time, _)| *time);
    floats.chain(histograms)
}

/// Whether a replica goes on with the series at this moment: it has a sample
/// then, or one before and one after with no scrape missed between them. At
/// the end of the data, where the next one may be still to come, the one
/// before is enough.
fn goes_on(series: SeriesRef<'_>, time: i64, end: i64) -> bool {
    let floats = around(series.float_times, time, |index| is_stale(series.float_values[index]));
    let histograms =
        around(series.histogram_times, time, |index| is_stale(series.histogram_values[index].sum));
    let before = [floats.before, histograms.before].into_iter().flatten().max_by_key(|e| e.time);
    let after = [floats.after, histograms.after].into_iter().flatten().min_by_key(|e| e.time);
    let Some(before) = before.filter(|event| !event.stale) else { return false };
    if before.time == time {
        return true;
    }
    let due = before.time.saturating_add(floats.interval.max(histograms.interval) * 3 / 2);
    match after {
        Some(event) => !event.stale && event.time <= due,
        None => due > end,
    }
}

/// A sample or a marker.
#[derive(Clone, Copy)]
struct Event {
    time: i64,
    stale: bool,
}

/// What a column has around a moment.
struct Around {
    /// The newest at the moment or before it.
    before: Option<Event>,
    /// The oldest after it.
    after: Option<Event>,
    /// The scrape interval by the last gaps before; 0 where there is none.
    interval: i64,
}

fn around(times: &[i64], time: i64, is_stale: impl Fn(usize) -> bool) -> Around {
    let next = times.partition_point(|own| *own <= time);
    let event = |index: usize| Event { time: times[index], stale: is_stale(index) };
    Around {
        before: next.checked_sub(1).map(event),
        after: (next < times.len()).then(|| event(next)),
        interval: interval(&times[..next]),
    }
}

/// The least of the last gaps; 0 where there is none.
fn interval(times: &[i64]) -> i64 {
    let recent = &times[times.len().saturating_sub(GAPS + 1)..];
    recent.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql::series::STALE_NAN_BITS;

    const MARKER: f64 = f64::from_bits(STALE_NAN_BITS);

    fn batch(samples: &[(i64, f64)]) -> SeriesBatch {
        let mut batch = SeriesBatch::new();
        for (time, value) in samples {
            batch.push_float(*time, *value);
        }
        batch.finish_series(Labels::empty());
        batch
    }

    fn restored(merged: &[(i64, f64)], replicas: &[&SeriesBatch]) -> Vec<(i64, bool)> {
        let restored = restore(&batch(merged), replicas, &Options::everything(0));
        let series = restored.series(0);
        let samples = series.float_times.iter().zip(series.float_values);
        samples.map(|(time, value)| (*time, is_stale(*value))).collect()
    }

    #[test]
    fn a_failed_scrape_of_one_replica_does_not_end_the_series() {
        let failed = batch(&[(0, 1.0), (15, 1.0), (30, MARKER), (45, 1.0)]);
        let aligned = batch(&[(0, 1.0), (15, 1.0), (30, 1.0), (45, 1.0)]);
        let offset = batch(&[(7, 1.0), (22, 1.0), (37, 1.0)]);
        let merged = [(0, 1.0), (15, 1.0), (30, 1.0), (45, 1.0)];
        for other in [&aligned, &offset] {
            let times = restored(&merged, &[&failed, other]);
            assert_eq!(times, [(0, false), (15, false), (30, false), (45, false)]);
        }
    }

    #[test]
    fn a_series_that_ended_everywhere_keeps_its_markers() {
        let one = batch(&[(0, 1.0), (15, 1.0), (30, MARKER)]);
        let other = batch(&[(7, 1.0), (22, 1.0), (37, MARKER)]);
        let times = restored(&[(0, 1.0), (15, 1.0), (22, 1.0)], &[&one, &other]);
        assert_eq!(times, [(0, false), (15, false), (22, false), (30, true), (37, true)]);
        let times = restored(&[(0, 1.0), (15, 1.0)], &[&one, &one]);
        assert_eq!(times, [(0, false), (15, false), (30, true)]);
    }

    #[test]
    fn a_replica_in_a_hole_keeps_nothing_alive() {
        let ended = batch(&[(0, 1.0), (15, 1.0), (30, 1.0), (45, MARKER)]);
        for holed in [
            batch(&[(0, 1.0), (15, 1.0)]),
            // Its hole begins with the scrape that would have failed.
            batch(&[(0, 1.0), (15, 1.0), (30, 1.0), (900, 1.0)]),
        ] {
            let times = restored(&[(0, 1.0), (15, 1.0), (30, 1.0)], &[&ended, &holed]);
            assert_eq!(times.last(), Some(&(45, true)));
        }
    }

    #[test]
    fn a_batch_without_markers_is_not_copied() {
        let plain = batch(&[(0, 1.0), (15, f64::NAN)]);
        assert!(matches!(without_markers(&plain), Cow::Borrowed(_)));
        let clean = without_markers(&batch(&[(0, 1.0), (15, MARKER)])).into_owned();
        assert_eq!(clean.series(0).float_times, [0]);
    }
}
