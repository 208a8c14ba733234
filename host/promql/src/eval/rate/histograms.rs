//! Rates of native histograms.

use std::sync::Arc;

use super::{Kind, Pairs, restarted, stamp};
use crate::annotations::{Note, Operation};
use crate::eval::block::Sample;
use crate::eval::over_time::Kernel;
use crate::eval::range::View;
use crate::{CounterResetHint, Histogram};

impl Kernel<'_, '_> {
    /// The increase from the first to the last histogram; nothing, and said
    /// so, if they cannot be subtracted.
    pub(super) fn histogram_increase(
        &mut self,
        view: &View,
        kind: Kind,
        pairs: &Pairs,
    ) -> Option<Histogram> {
        let mut notes = Vec::new();
        let result = self.subtract_histograms(view, kind, pairs, &mut notes);
        notes.into_iter().for_each(|note| self.note(note));
        result
    }

    fn subtract_histograms(
        &self,
        view: &View,
        kind: Kind,
        pairs: &Pairs,
        notes: &mut Vec<Note>,
    ) -> Option<Histogram> {
        use CounterResetHint::Gauge;
        let range = view.window.histograms.clone();
        let points = &self.samples.histograms[range.clone()];
        let (first, last) = (&points[0], &points[points.len() - 1]);
        let is_gauge = |h: &Histogram| h.counter_reset_hint == Gauge;
        if kind.counter && (is_gauge(first) || is_gauge(last)) {
            notes.push(Note::HistogramNotCounter(self.metric()));
        }
        let resets = Pairs::within(&pairs.resets, &range);
        // Before a reset the first histogram does not matter, and so its
        // layout does not either.
        let after_reset;
        let mut start = first.as_ref();
        if resets.first() == Some(&(range.start + 1)) {
            let second = &points[1];
            after_reset = Histogram {
                schema: second.schema,
                custom_values: second.custom_values.clone(),
                ..Histogram::default()
            };
            start = &after_reset;
        }
        let custom = start.uses_custom_buckets();
        if last.uses_custom_buckets() != custom {
            notes.push(Note::MixedSchemas(self.metric()));
            return None;
        }
        let mut schema = last.schema.min(start.schema);
        if kind.counter {
            for point in &points[1..points.len() - 1] {
                if is_gauge(point) {
                    notes.push(Note::HistogramNotCounter(self.metric()));
                }
                schema = schema.min(point.schema);
                if point.uses_custom_buckets() != custom {
                    *notes = vec![Note::MixedSchemas(self.metric())];
                    return None;
                }
            }
        }
        let mut increase = last.at_schema(schema);
        let Ok(combined) = increase.subtract(start) else {
            *notes = vec![Note::MixedSchemas(self.metric())];
            return None;
        };
        if combined.bounds_reconciled {
            notes.push(Note::BoundsReconciled(Operation::Subtraction));
        }
        if kind.counter {
            if !Pairs::within(&pairs.overlaps, &range).is_empty() {
                notes.push(Note::StartTimeOverlap { metric: self.metric(), count: 1 });
            }
            for reset in resets {
                let mut before = self.samples.histograms[reset - 1].as_ref();
                if *reset == range.start + 1 {
                    if !self.restarted_at(*reset) && !points[1].detect_reset(start) {
                        continue;
                    }
                    before = start;
                }
                let Ok(combined) = increase.add(before) else {
                    *notes = vec![Note::MixedSchemas(self.metric())];
                    return None;
                };
                if combined.bounds_reconciled {
                    notes.push(Note::BoundsReconciled(Operation::Addition));
                }
            }
        } else if !is_gauge(first) || !is_gauge(last) {
            notes.push(Note::HistogramNotGauge(self.metric()));
        }
        increase.counter_reset_hint = Gauge;
        increase.compact();
        Some(increase)
    }

    /// True if start timestamps tell of a reset before histogram `place`.
    fn restarted_at(&self, place: usize) -> bool {
        let times = &self.samples.histogram_times;
        let starts = self.starts(&self.samples.histogram_starts);
        restarted(stamp(times, starts, place - 1), stamp(times, starts, place))
    }

    /// Adds a histogram; nothing, and said so, if it cannot be added.
    pub(in crate::eval) fn add(&mut self, sum: &mut Histogram, other: &Histogram) -> Option<()> {
        match sum.add(other) {
            Err(_) => {
                self.note(Note::MixedSchemas(self.metric()));
                None
            }
            Ok(combined) => {
                if combined.bounds_reconciled {
                    self.note(Note::BoundsReconciled(Operation::Addition));
                }
                Some(())
            }
        }
    }

    /// Subtracts a histogram; nothing, and said so, if it cannot be.
    pub(in crate::eval) fn subtract(
        &mut self,
        sum: &mut Histogram,
        other: &Histogram,
    ) -> Option<()> {
        match sum.subtract(other) {
            Err(_) => {
                self.note(Note::MixedSchemas(self.metric()));
                None
            }
            Ok(combined) => {
                if combined.bounds_reconciled {
                    self.note(Note::BoundsReconciled(Operation::Subtraction));
                }
                Some(())
            }
        }
    }

    pub(super) fn instant_histogram_rate(
        &mut self,
        before: &Histogram,
        newest: &Histogram,
        per_seconds: Option<f64>,
        restart: bool,
    ) -> Option<Sample> {
        use CounterResetHint::Gauge;
        let gauges = [before, newest].map(|h| h.counter_reset_hint == Gauge);
        let rate = per_seconds.is_some();
        if rate && gauges.contains(&true) {
            self.note(Note::HistogramNotCounter(self.metric()));
        }
        if !rate && gauges.contains(&false) {
            self.note(Note::HistogramNotGauge(self.metric()));
        }
        let mut change = newest.clone();
        if !rate || (!restart && !newest.detect_reset(before)) {
            self.subtract(&mut change, before)?;
        }
        change.counter_reset_hint = Gauge;
        change.compact();
        if let Some(seconds) = per_seconds {
            change.divide(seconds);
        }
        Some(Sample::Histogram(Arc::new(change)))
    }
}
