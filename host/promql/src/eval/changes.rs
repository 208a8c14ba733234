//! `changes` and `resets`: pairs of neighbouring samples are looked at once
//! per series and counted per window.

use super::block::{Sample, Series};
use super::over_time::Kernel;
use super::range::View;
use super::rate::{restarted, stamp};
use crate::ast::Extended;
use crate::query::Error;

/// A sample of either kind, by its place in its column.
#[derive(Clone, Copy)]
enum Place {
    Float(usize),
    Histogram(usize),
}

impl Kernel<'_, '_> {
    pub(super) fn changes(&mut self) -> Result<Series, Error> {
        let samples = self.samples;
        self.count_pairs(|before, after| match (before, after) {
            (Place::Float(a), Place::Float(b)) => {
                let (a, b) = (samples.floats[a], samples.floats[b]);
                a != b && !(a.is_nan() && b.is_nan())
            }
            (Place::Histogram(a), Place::Histogram(b)) => {
                !samples.histograms[b].same_data(&samples.histograms[a])
            }
            _ => true,
        })
    }

    pub(super) fn resets(&mut self) -> Result<Series, Error> {
        let (samples, use_starts) = (self.samples, self.context.starts);
        let starts = |starts: &'_ [i64]| if use_starts { starts.to_vec() } else { Vec::new() };
        let (float_starts, histogram_starts) =
            (starts(&samples.float_starts), starts(&samples.histogram_starts));
        self.count_pairs(|before, after| match (before, after) {
            (Place::Float(a), Place::Float(b)) => {
                let stamp = |place| stamp(&samples.float_times, &float_starts, place);
                samples.floats[b] < samples.floats[a] || restarted(stamp(a), stamp(b))
            }
            (Place::Histogram(a), Place::Histogram(b)) => {
                let stamp = |place| stamp(&samples.histogram_times, &histogram_starts, place);
                restarted(stamp(a), stamp(b))
                    || samples.histograms[b].detect_reset(&samples.histograms[a])
            }
            _ => true,
        })
    }

    /// Counts, per window, the neighbours that `differ`.
    fn count_pairs(&mut self, differ: impl Fn(Place, Place) -> bool) -> Result<Series, Error> {
        let (context, samples) = (self.context, self.samples);
        let mut places: Vec<(i64, Place)> = samples
            .float_times
            .iter()
            .enumerate()
            .map(|(place, time)| (*time, Place::Float(place)))
            .collect();
        places.extend(
            samples
                .histogram_times
                .iter()
                .enumerate()
                .map(|(place, time)| (*time, Place::Histogram(place))),
        );
        places.sort_by_key(|(time, _)| *time);
        // How many neighbours up to each sample differ.
        let mut counts = Vec::with_capacity(places.len());
        let mut count = 0usize;
        for (place, (_, current)) in places.iter().enumerate() {
            count += usize::from(place > 0 && differ(places[place - 1].1, *current));
            counts.push(count);
        }
        context.slide(samples, |view: &View| {
            let samples_in_window = view.window.floats.len() + view.window.histograms.len();
            let end = view.window.floats.end + view.window.histograms.end;
            let mut first = end - samples_in_window;
            if context.extended == Some(Extended::Anchored) {
                // The newest sample at or before the range is where it starts.
                let inside = places.partition_point(|(time, _)| *time <= view.start);
                if inside >= end {
                    return Ok(None);
                }
                first = first.max(inside.saturating_sub(1));
            }
            Ok(Some(Sample::Float((counts[end - 1] - counts[first]) as f64)))
        })
    }
}
