//! The series that matching puts out.
//!
//! Matching goes group by group, but an instant query's elements come in the
//! order in which the elements of the *many* side come.

use std::collections::HashMap;

use crate::Labels;
use crate::eval::SAME_LABELS;
use crate::eval::block::{Sample, Series, is_present};
use crate::plan::Grid;
use crate::query::Error;

/// Output series by labels, in the order they first appear.
pub(super) struct Output {
    pub(super) grid: Grid,
    /// Series of the same labels stay apart until the query ends.
    keep_apart: bool,
    places: HashMap<Labels, usize>,
    series: Vec<Series>,
    /// Place, among all elements that meet, of the one being put out.
    pub(super) rank: usize,
    ranks: Vec<usize>,
}

impl Output {
    pub(super) fn new(grid: Grid, delayed_name_removal: bool) -> Self {
        let keep_apart = delayed_name_removal && grid.is_instant();
        let (places, series, ranks) = (HashMap::new(), Vec::new(), Vec::new());
        Self { grid, keep_apart, places, series, rank: 0, ranks }
    }

    /// The series, those of an instant query in the order of their ranks.
    pub(super) fn into_series(self) -> Vec<Series> {
        if !self.grid.is_instant() || self.ranks.is_sorted() {
            return self.series;
        }
        let mut ranked: Vec<(usize, Series)> = self.ranks.into_iter().zip(self.series).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, series)| series).collect()
    }

    fn place(&mut self, labels: Labels, drop_name: bool) -> usize {
        let steps = self.grid.steps();
        let next = self.series.len();
        if self.keep_apart {
            let mut series = Series::new(labels, steps);
            series.drop_name = drop_name;
            self.series.push(series);
            self.ranks.push(self.rank);
            return next;
        }
        *self.places.entry(labels).or_insert_with_key(|labels| {
            let mut series = Series::new(labels.clone(), steps);
            series.drop_name = drop_name;
            self.series.push(series);
            self.ranks.push(self.rank);
            next
        })
    }

    /// Adds a sample.
    ///
    /// # Errors
    /// When the labels have one at that step.
    pub(super) fn push(
        &mut self,
        labels: Labels,
        drop_name: bool,
        step: usize,
        sample: Sample,
    ) -> Result<(), Error> {
        let place = self.place(labels, drop_name);
        let series = &mut self.series[place];
        if is_present(series.floats[step]) || series.histograms.last().is_some_and(|h| h.0 == step)
        {
            return Err(Error::Execution(SAME_LABELS.to_owned()));
        }
        match sample {
            Sample::Float(value) => series.floats[step] = value,
            Sample::Histogram(histogram) => {
                let at = series.histograms.partition_point(|(own, _)| *own < step);
                series.histograms.insert(at, (step, histogram));
            }
        }
        Ok(())
    }

    /// Adds the samples of a column; errors as [`Self::push`].
    pub(super) fn push_column(
        &mut self,
        labels: Labels,
        drop_name: bool,
        floats: Vec<f64>,
    ) -> Result<(), Error> {
        let place = self.place(labels, drop_name);
        let series = &mut self.series[place];
        for (step, value) in floats.into_iter().enumerate() {
            if !is_present(value) {
                continue;
            }
            if series.has(step) {
                return Err(Error::Execution(SAME_LABELS.to_owned()));
            }
            series.floats[step] = value;
        }
        Ok(())
    }
}
