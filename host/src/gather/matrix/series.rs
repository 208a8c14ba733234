//! What both decoders build series with.

use promql::budget::Exceeded;
use promql::{Histogram, Labels, SeriesBatch};

use super::schemas;
use crate::gather::columns::{Columns, merge_repeated};
use crate::gather::reply::Meter;
use crate::gather::weight::{FLOAT_BYTES, SERIES_BYTES, bytes_of, histogram_samples};

/// Series of an answer, charged one by one.
#[derive(Debug)]
pub(super) struct Assembler<'a> {
    pub(super) columns: Columns,
    batch: SeriesBatch,
    meter: &'a Meter<'a>,
    /// What the histograms of the current series count for and hold.
    histogram_samples: usize,
    histogram_bytes: usize,
}

impl<'a> Assembler<'a> {
    pub(super) fn new(meter: &'a Meter<'a>) -> Self {
        Self {
            columns: Columns::new(),
            batch: SeriesBatch::new(),
            meter,
            histogram_samples: 0,
            histogram_bytes: 0,
        }
    }

    pub(super) fn push_histogram(&mut self, time: i64, histogram: Histogram) {
        let bytes = bytes_of(&histogram);
        self.histogram_samples += histogram_samples(bytes);
        self.histogram_bytes += bytes;
        self.columns.push_histogram(time, histogram);
    }

    pub(super) fn finish_series(&mut self, labels: Labels) -> Result<(), Exceeded> {
        let floats = self.columns.floats();
        let samples = floats + std::mem::take(&mut self.histogram_samples);
        let bytes = floats * FLOAT_BYTES
            + std::mem::take(&mut self.histogram_bytes)
            + labels.heap_bytes()
            + SERIES_BYTES;
        self.meter.charge(samples, bytes)?;
        schemas::reconcile(self.columns.histograms_mut(), |bytes| self.meter.charge(0, bytes))?;
        self.columns.finish_into(labels, &mut self.batch);
        Ok(())
    }

    /// Forgets the samples of the current series.
    pub(super) fn discard(&mut self) {
        self.columns.clear();
        self.histogram_samples = 0;
        self.histogram_bytes = 0;
    }

    pub(super) fn finish(self) -> SeriesBatch {
        merge_repeated(self.batch)
    }
}
