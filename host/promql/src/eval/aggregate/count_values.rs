//! `count_values`: how often each value occurs.

use std::collections::HashMap;

use super::{group_labels, string_param};
use crate::eval::Evaluator;
use crate::eval::block::{Block, Sample, Series, is_present};
use crate::plan::{Aggregate, Grid};
use crate::query::Error;
use crate::{Labels, number, quote};

impl Evaluator<'_> {
    pub(super) fn count_values(
        &mut self,
        aggregate: &Aggregate,
        grid: Grid,
    ) -> Result<Block, Error> {
        let bytes = string_param(aggregate);
        let label = std::str::from_utf8(bytes).ok().filter(|label| !label.is_empty());
        let Some(label) = label else {
            let quoted = quote::quote(bytes);
            return Err(Error::Execution(format!("invalid label name {quoted}")));
        };
        let mut grouping = aggregate.grouping.clone();
        if !aggregate.without {
            grouping.push(label.to_owned());
        }
        let input = self.eval(&aggregate.input, grid)?;
        self.release(&input);
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut out: Vec<Series> = Vec::new();
        for step in 0..grid.steps() {
            self.budget.check()?;
            for series in &input.series {
                let value = match series.sample(step) {
                    None => continue,
                    Some(Sample::Float(value)) => float_text(value),
                    Some(Sample::Histogram(histogram)) => histogram.to_string(),
                };
                let mut labels = series.labels.to_builder();
                labels.set(label, &value);
                let labels = group_labels(&grouping, aggregate.without, &labels.build());
                let place = *places.entry(labels).or_insert_with_key(|labels| {
                    out.push(Series::new(labels.clone(), grid.steps()));
                    out.len() - 1
                });
                let count = &mut out[place].floats[step];
                *count = if is_present(*count) { *count + 1.0 } else { 1.0 };
            }
        }
        Ok(Block { grid, series: out })
    }
}

/// A float without exponent.
pub(in crate::eval) fn float_text(value: f64) -> String {
    let mut out = Vec::new();
    number::write_float(&mut out, value);
    String::from_utf8_lossy(&out).into_owned()
}
