//! Stale markers for samples that came as JSON.
//!
//! A range selector over the query API leaves stale markers out, so a series
//! that ended would seem to live on for the whole lookback. In: the raw
//! samples, and the same selector evaluated by the server on the query's own
//! grid. Out: the raw samples with a marker wherever the server no longer saw
//! the series though a sample lay within the lookback.

use std::collections::HashMap;

use promql::{SeriesBatch, SeriesRef};

use crate::storage::Lookups;

/// Puts the markers back. A server writes one at the scrape that no longer
/// found the series: an interval after the last sample. That moment is taken,
/// as far as it agrees with what was seen.
#[must_use]
pub fn restore(raw: &SeriesBatch, seen: &SeriesBatch, grid: Lookups) -> SeriesBatch {
    let index: HashMap<_, _> = seen.iter().map(|series| (series.labels, series)).collect();
    let mut restored = SeriesBatch::new();
    for series in raw.iter() {
        let seen = index.get(series.labels).copied();
        let markers = markers(&times(series), &seen.map(times).unwrap_or_default(), grid);
        restored.push_series_with_markers(series, &markers);
    }
    restored
}

/// Gaps between samples that tell the scrape interval.
const GAPS: usize = 5;

/// Timestamps of floats and histograms, ascending.
fn times(series: SeriesRef<'_>) -> Vec<i64> {
    let mut times = [series.float_times, series.histogram_times].concat();
    times.sort_unstable();
    times
}

/// When the series must have been marked stale.
fn markers(samples: &[i64], seen: &[i64], grid: Lookups) -> Vec<i64> {
    let mut markers = Vec::new();
    let (mut next_sample, mut next_seen) = (0, 0);
    // The last moment at which the newest sample so far was surely alive.
    let mut alive = i64::MIN;
    let mut marked = false;
    let mut step = grid.start_ms;
    while step <= grid.end_ms {
        while next_sample < samples.len() && samples[next_sample] <= step {
            alive = alive.max(samples[next_sample]);
            marked = false;
            next_sample += 1;
        }
        while next_seen < seen.len() && seen[next_seen] < step {
            next_seen += 1;
        }
        let is_seen = seen.get(next_seen) == Some(&step);
        let newest = next_sample.checked_sub(1).map(|last| samples[last]);
        let in_lookback = newest.is_some_and(|time| time > step.saturating_sub(grid.lookback_ms));
        if is_seen {
            alive = step;
        } else if in_lookback && !marked {
            markers.push((alive + 1).max(next_scrape(&samples[..next_sample]).min(step)));
            marked = true;
        }
        step = match step.checked_add(grid.step_ms) {
            Some(next) if grid.step_ms > 0 => next,
            _ => break,
        };
    }
    markers
}

/// When the scrape after these samples was due, judged by the last few gaps.
fn next_scrape(samples: &[i64]) -> i64 {
    let Some(last) = samples.last() else { return i64::MIN };
    let recent = &samples[samples.len().saturating_sub(GAPS + 1)..];
    let interval = recent.windows(2).map(|pair| pair[1] - pair[0]).min();
    last.saturating_add(interval.unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql::Labels;

    fn grid(start_ms: i64, end_ms: i64, step_ms: i64) -> Lookups {
        Lookups { start_ms, end_ms, step_ms, lookback_ms: 300 }
    }

    #[test]
    fn a_series_that_the_server_always_saw_gets_no_marker() {
        let steps: Vec<i64> = (0..=10).map(|n| 100 + n * 60).collect();
        let samples = [90, 150, 210, 270, 330, 390, 450];
        assert_eq!(markers(&samples, &steps, grid(100, 700, 60)), [0_i64; 0]);
    }

    #[test]
    fn a_series_that_ended_is_marked_after_its_last_sighting() {
        // Seen at 100 and 160, gone at 220 although 300 ms have not passed.
        assert_eq!(markers(&[90, 150], &[100, 160], grid(100, 700, 60)), [210]);
        // Never seen on the grid: marked right after the last sample.
        assert_eq!(markers(&[90], &[], grid(100, 700, 60)), [91]);
    }

    #[test]
    fn a_series_that_came_back_can_end_again() {
        let seen = [100, 280];
        assert_eq!(markers(&[90, 270], &seen, grid(100, 400, 60)), [101, 340]);
    }

    #[test]
    fn falling_out_of_the_lookback_is_no_staleness() {
        let seen = [100, 160, 220, 280, 340];
        assert_eq!(markers(&[90], &seen, grid(100, 700, 60)), [0_i64; 0]);
    }

    #[test]
    fn a_single_evaluation_needs_no_step() {
        assert_eq!(markers(&[90], &[], grid(100, 100, 0)), [91]);
        assert_eq!(markers(&[90], &[100], grid(100, 100, 0)), [0_i64; 0]);
    }

    #[test]
    fn markers_stand_between_the_samples_they_separate() {
        let mut raw = SeriesBatch::new();
        raw.extend_floats(&[90, 270], &[1.0, 2.0]);
        raw.finish_series(Labels::empty());
        let restored = restore(&raw, &SeriesBatch::new(), grid(100, 100, 0));
        assert_eq!(restored.series(0).float_times, [90, 91, 270]);
        assert!(promql::series::is_stale(restored.series(0).float_values[1]));
    }
}
