//! Series over the steps of a grid: what every operator takes and gives.

use std::collections::HashMap;
use std::sync::Arc;

use super::SAME_LABELS;
use crate::labels::METRIC_NAME;
use crate::plan::Grid;
use crate::query::Error;
use crate::series::{STALE_NAN_BITS, is_stale};
use crate::{Histogram, Labels};

/// Stands for "no float at this step". The stale marker never is a result:
/// selectors take it out, and arithmetic on NaN gives a quiet one.
pub(super) const ABSENT: f64 = f64::from_bits(STALE_NAN_BITS);

/// True for a value, false for [`ABSENT`].
#[inline]
pub(super) const fn is_present(value: f64) -> bool {
    !is_stale(value)
}

/// One series over the steps of a grid.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    /// The metric name is to be removed when the query ends.
    pub(crate) drop_name: bool,
    /// One per step, [`ABSENT`] where there is none.
    pub(crate) floats: Vec<f64>,
    /// In ascending steps; no step has both.
    pub(crate) histograms: Vec<(usize, Arc<Histogram>)>,
}

/// A sample.
#[derive(Clone, Debug)]
pub(crate) enum Sample {
    Float(f64),
    Histogram(Arc<Histogram>),
}

impl Series {
    /// A series without samples.
    pub(crate) fn new(labels: Labels, steps: usize) -> Self {
        Self { labels, drop_name: false, floats: vec![ABSENT; steps], histograms: Vec::new() }
    }

    /// Sets the sample of a step; histograms come in ascending steps.
    pub(crate) fn set(&mut self, step: usize, sample: Sample) {
        match sample {
            Sample::Float(value) => self.floats[step] = value,
            Sample::Histogram(histogram) => self.histograms.push((step, histogram)),
        }
    }

    /// The histogram of a step.
    pub(crate) fn histogram(&self, step: usize) -> Option<&Arc<Histogram>> {
        if self.histograms.is_empty() {
            return None;
        }
        let place = self.histograms.partition_point(|(own, _)| *own < step);
        self.histograms.get(place).filter(|(own, _)| *own == step).map(|(_, h)| h)
    }

    /// The float of a step.
    pub(crate) fn float(&self, step: usize) -> Option<f64> {
        Some(self.floats[step]).filter(|value| is_present(*value))
    }

    /// The sample of a step.
    pub(crate) fn sample(&self, step: usize) -> Option<Sample> {
        match self.float(step) {
            Some(value) => Some(Sample::Float(value)),
            None => self.histogram(step).map(|h| Sample::Histogram(Arc::clone(h))),
        }
    }

    /// True if the step has a sample.
    pub(crate) fn has(&self, step: usize) -> bool {
        is_present(self.floats[step]) || self.histogram(step).is_some()
    }

    /// True without samples.
    pub(crate) fn is_empty(&self) -> bool {
        self.histograms.is_empty() && !self.floats.iter().any(|value| is_present(*value))
    }

    /// Bytes of the samples, labels not counted.
    pub(crate) fn bytes(&self) -> usize {
        const PER_WEIGHT: usize = 16;
        let weights = self.histograms.iter().map(|(_, histogram)| histogram.weight());
        size_of_val(self.floats.as_slice()) + PER_WEIGHT * weights.sum::<usize>()
    }

    /// What the series weighs in the sample limit.
    pub(crate) fn weight(&self) -> usize {
        let floats = self.floats.iter().filter(|value| is_present(**value)).count();
        floats + self.histograms.iter().map(|(_, histogram)| histogram.weight()).sum::<usize>()
    }
}

/// Series over one grid.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) grid: Grid,
    pub(crate) series: Vec<Series>,
}

impl Block {
    pub(crate) fn empty(grid: Grid) -> Self {
        Self { grid, series: Vec::new() }
    }

    /// A block of the series that have samples.
    pub(crate) fn of(grid: Grid, mut series: Vec<Series>) -> Self {
        series.retain(|series| !series.is_empty());
        Self { grid, series }
    }

    /// A scalar: one value at every step.
    pub(crate) fn scalar(grid: Grid, floats: Vec<f64>) -> Self {
        let series =
            Series { labels: Labels::empty(), drop_name: false, floats, histograms: Vec::new() };
        Self { grid, series: vec![series] }
    }

    /// The values of a scalar.
    pub(crate) fn into_scalar(self) -> Vec<f64> {
        let steps = self.grid.steps();
        match self.series.into_iter().next() {
            Some(series) => series.floats,
            None => vec![f64::NAN; steps],
        }
    }

    pub(crate) fn weight(&self) -> usize {
        self.series.iter().map(Series::weight).sum()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.series.iter().map(Series::bytes).sum()
    }

    /// The single step of this block, repeated at every step of `grid`.
    pub(crate) fn repeated(mut self, grid: Grid) -> Self {
        let steps = grid.steps();
        for series in &mut self.series {
            let value = series.floats.first().copied().unwrap_or(ABSENT);
            series.floats = vec![value; steps];
            if let Some((_, histogram)) = series.histograms.pop() {
                series.histograms = (0..steps).map(|step| (step, Arc::clone(&histogram))).collect();
            }
        }
        self.grid = grid;
        self
    }

    /// Makes one series of those with the same labels.
    ///
    /// # Errors
    /// When two have samples at the same step.
    pub(crate) fn merge_same_labels(mut self) -> Result<Self, Error> {
        if !self.has_same_labels() {
            return Ok(self);
        }
        let mut places: HashMap<Labels, usize> = HashMap::with_capacity(self.series.len());
        let mut merged: Vec<Series> = Vec::with_capacity(self.series.len());
        for series in std::mem::take(&mut self.series) {
            match places.get(&series.labels) {
                Some(place) => merged[*place].absorb(series)?,
                None => {
                    places.insert(series.labels.clone(), merged.len());
                    merged.push(series);
                }
            }
        }
        self.series = merged;
        Ok(self)
    }

    /// True if two series have the same labels.
    pub(crate) fn has_same_labels(&self) -> bool {
        if self.series.len() < 2 {
            return false;
        }
        let mut seen = std::collections::HashSet::with_capacity(self.series.len());
        !self.series.iter().all(|series| seen.insert(&series.labels))
    }
}

impl Series {
    fn absorb(&mut self, other: Self) -> Result<(), Error> {
        let clash = || Error::Execution(SAME_LABELS.to_owned());
        for (step, (own, new)) in self.floats.iter_mut().zip(&other.floats).enumerate() {
            if !is_present(*new) {
                continue;
            }
            if is_present(*own) || self.histograms.binary_search_by_key(&step, |h| h.0).is_ok() {
                return Err(clash());
            }
            *own = *new;
        }
        for (step, histogram) in other.histograms {
            if is_present(self.floats[step]) {
                return Err(clash());
            }
            match self.histograms.binary_search_by_key(&step, |h| h.0) {
                Ok(_) => return Err(clash()),
                Err(place) => self.histograms.insert(place, (step, histogram)),
            }
        }
        Ok(())
    }
}

/// True for the labels that tell what a metric is: its name, type and unit.
pub(super) fn is_metadata(name: &str) -> bool {
    matches!(name, METRIC_NAME | "__type__" | "__unit__")
}

/// The labels without name, type and unit.
pub(super) fn without_metadata(labels: &Labels) -> Labels {
    labels.filtered(|name| !is_metadata(name))
}
