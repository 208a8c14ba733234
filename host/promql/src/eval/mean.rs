//! Means of floats and of histograms.

use crate::histogram::{Compensation, IncompatibleSchemas};
use crate::{Histogram, kahan};

/// A mean that survives sums beyond the largest float: it is the compensated
/// sum divided, and once that would overflow, the running mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mean {
    count: f64,
    sum: f64,
    lost: f64,
    running: bool,
}

impl Mean {
    pub(super) fn of(value: f64) -> Self {
        Self { count: 1.0, sum: value, lost: 0.0, running: false }
    }

    pub(super) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if !self.running {
            let (mut sum, mut lost) = (self.sum, self.lost);
            kahan::add(value, &mut sum, &mut lost);
            if !sum.is_infinite() {
                (self.sum, self.lost) = (sum, lost);
                return;
            }
            self.running = true;
            self.sum /= self.count - 1.0;
            self.lost /= self.count - 1.0;
        }
        let weight = (self.count - 1.0) / self.count;
        self.sum *= weight;
        self.lost *= weight;
        kahan::add(value / self.count, &mut self.sum, &mut self.lost);
    }

    pub(super) fn finish(self) -> f64 {
        if self.running {
            self.sum + self.lost
        } else {
            self.sum / self.count + self.lost / self.count
        }
    }
}

/// As [`Mean`], of histograms.
#[derive(Clone, Debug)]
pub(super) struct HistogramMean {
    count: f64,
    sum: Histogram,
    lost: Option<Compensation>,
    running: bool,
}

impl HistogramMean {
    pub(super) fn of(first: &Histogram) -> Self {
        Self { count: 1.0, sum: first.clone(), lost: None, running: false }
    }

    /// Returns true if custom bounds had to be reconciled.
    pub(super) fn add(&mut self, value: &Histogram) -> Result<bool, IncompatibleSchemas> {
        self.count += 1.0;
        if !self.running {
            let (mut sum, mut lost) = (self.sum.clone(), self.lost.clone());
            let combined = sum.add_compensated(value, &mut lost)?;
            if !sum.has_overflow() {
                (self.sum, self.lost) = (sum, lost);
                return Ok(combined.bounds_reconciled);
            }
            self.running = true;
            self.sum.divide(self.count - 1.0);
            if let Some(lost) = &mut self.lost {
                lost.divide(self.count - 1.0);
            }
        }
        let weight = (self.count - 1.0) / self.count;
        if let Some(lost) = &mut self.lost {
            lost.multiply(weight);
        }
        let mut part = value.clone();
        part.divide(self.count);
        self.sum.multiply(weight);
        Ok(self.sum.add_compensated(&part, &mut self.lost)?.bounds_reconciled)
    }

    pub(super) fn finish(mut self) -> Histogram {
        if !self.running {
            self.sum.divide(self.count);
            if let Some(lost) = &mut self.lost {
                lost.divide(self.count);
            }
        }
        if let Some(lost) = &self.lost {
            self.sum.compensate(lost);
        }
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_of_huge_values_does_not_overflow() {
        let mut mean = Mean::of(f64::MAX);
        mean.add(f64::MAX);
        mean.add(f64::MAX);
        assert!((mean.finish() / f64::MAX - 1.0).abs() < 1e-15);
    }

    #[test]
    fn small_values_are_not_lost_between_large_ones() {
        let mut mean = Mean::of(1.0);
        [1e100, 1.0, -1e100].into_iter().for_each(|value| mean.add(value));
        assert_eq!(mean.finish(), 0.5);
    }

    #[test]
    fn a_mean_of_histograms_divides_every_field() {
        let one = Histogram { count: 2.0, sum: 4.0, zero_count: 2.0, ..Histogram::default() };
        let two = Histogram { count: 4.0, sum: 2.0, zero_count: 4.0, ..Histogram::default() };
        let mut mean = HistogramMean::of(&one);
        assert_eq!(mean.add(&two), Ok(false));
        let mean = mean.finish();
        assert_eq!((mean.count, mean.sum, mean.zero_count), (3.0, 3.0, 3.0));
    }
}
