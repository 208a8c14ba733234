//! Custom buckets with different bounds: both are mapped to the bounds they
//! share.

use super::side::{Sign, SpanBuilder, Walk};
use super::{Histogram, Span};
use crate::kahan;

/// The bounds that both have, ascending.
pub(super) fn shared_bounds(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut shared = Vec::new();
    let mut rest = b.iter().peekable();
    for bound in a {
        while rest.next_if(|other| *other < bound).is_some() {}
        if rest.next_if(|other| *other == bound).is_some() {
            shared.push(*bound);
        }
    }
    shared
}

/// Buckets over shared bounds, with a compensation each.
pub(super) struct Mapped {
    bounds: Vec<f64>,
    counts: Vec<f64>,
    compensation: Vec<f64>,
}

impl Mapped {
    pub(super) fn new(bounds: Vec<f64>) -> Self {
        let places = bounds.len() + 1;
        Self { bounds, counts: vec![0.0; places], compensation: vec![0.0; places] }
    }

    /// Adds a histogram's buckets, and a compensation of each if given.
    pub(super) fn add(&mut self, histogram: &Histogram, sign: Sign, compensation: Option<&[f64]>) {
        let walk = Walk::new(&histogram.positive_spans, &histogram.positive_buckets);
        for (place, (index, count)) in walk.enumerate() {
            let target = usize::try_from(index)
                .ok()
                .and_then(|index| histogram.custom_values.get(index))
                .map_or(self.bounds.len(), |upper| self.bounds.partition_point(|b| b < upper));
            let (sum, own) = (&mut self.counts[target], &mut self.compensation[target]);
            kahan::add(sign.of(count), sum, own);
            if let Some(extra) = compensation.and_then(|all| all.get(place)) {
                kahan::add(*extra, sum, own);
            }
        }
    }

    /// Spans, counts, compensation and bounds, without empty buckets.
    pub(super) fn finish(self) -> (Vec<Span>, Vec<f64>, Vec<f64>, Vec<f64>) {
        let mut builder = SpanBuilder::default();
        let (mut counts, mut compensation) = (Vec::new(), Vec::new());
        for (index, (count, own)) in self.counts.into_iter().zip(self.compensation).enumerate() {
            if count != 0.0 || own != 0.0 {
                builder.push(i32::try_from(index).unwrap_or(i32::MAX));
                counts.push(count);
                compensation.push(own);
            }
        }
        (builder.finish(), counts, compensation, self.bounds)
    }
}

/// True if any bucket over the shared bounds holds less than before.
pub(super) fn any_decrease(current: &Histogram, previous: &Histogram) -> bool {
    let bounds = shared_bounds(&current.custom_values, &previous.custom_values);
    let sums = |histogram: &Histogram| {
        let mut sums = vec![0.0; bounds.len() + 1];
        for (index, count) in Walk::new(&histogram.positive_spans, &histogram.positive_buckets) {
            let target = usize::try_from(index)
                .ok()
                .and_then(|index| histogram.custom_values.get(index))
                .map_or(bounds.len(), |upper| bounds.partition_point(|b| b < upper));
            sums[target] += count;
        }
        sums
    };
    sums(current).iter().zip(sums(previous)).any(|(current, previous)| *current < previous)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_bounds_are_those_of_both() {
        assert_eq!(shared_bounds(&[1.0, 2.0, 3.0], &[0.0, 2.0, 3.0, 4.0]), [2.0, 3.0]);
        assert!(shared_bounds(&[], &[1.0]).is_empty());
    }
}
