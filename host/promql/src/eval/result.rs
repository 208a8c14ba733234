//! From the last block to the result of the query.

use std::sync::Arc;

use super::block::{self, Block};
use super::{Evaluator, SAME_LABELS};
use crate::SeriesBatch;
use crate::ast::ValueType;
use crate::plan::{Grid, Node};
use crate::query::Error;
use crate::value::Value;

impl Evaluator<'_> {
    /// The value of the whole query.
    pub(crate) fn result(
        &mut self,
        plan: &Node,
        grid: Grid,
        instant: bool,
        value_type: ValueType,
    ) -> Result<Value, Error> {
        let time_ms = grid.start_ms;
        let mut node = plan;
        while let (Node::Invariant(inner), true) = (node, instant) {
            node = inner;
        }
        match node {
            Node::String(bytes) => {
                let text = String::from_utf8_lossy(bytes).into_owned();
                return Ok(Value::String { time_ms, text });
            }
            Node::Range(range) => {
                let batch = self.range_vector(range, grid)?;
                return Ok(Value::Matrix(sorted(batch)));
            }
            _ => {}
        }
        let block = self.eval(node, grid)?;
        if instant && value_type == ValueType::Scalar {
            let value = block.into_scalar().first().copied().unwrap_or(f64::NAN);
            return Ok(Value::Scalar { time_ms, value });
        }
        let mut block = self.without_dropped_names(block)?;
        if instant {
            return Ok(Value::Vector(batch(block)));
        }
        block.series.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(Value::Matrix(batch(block)))
    }

    /// Removes the names whose removal was put off.
    pub(super) fn without_dropped_names(&self, mut block: Block) -> Result<Block, Error> {
        if !self.settings.delayed_name_removal {
            return Ok(block);
        }
        for series in block.series.iter_mut().filter(|series| series.drop_name) {
            series.labels = block::without_metadata(&series.labels);
        }
        if block.grid.is_instant() && block.has_same_labels() {
            return Err(Error::Execution(SAME_LABELS.to_owned()));
        }
        block.merge_same_labels()
    }
}

fn batch(block: Block) -> SeriesBatch {
    let floats = block.series.iter().flat_map(|series| &series.floats);
    let floats = floats.filter(|value| block::is_present(**value)).count();
    let mut batch = SeriesBatch::with_capacity(block.series.len(), floats);
    let times: Vec<i64> = block.grid.times().collect();
    for series in block.series {
        if series.floats.iter().all(|value| block::is_present(*value)) {
            batch.extend_floats(&times, &series.floats);
        } else {
            let samples = times.iter().zip(&series.floats);
            for (time, value) in samples.filter(|(_, value)| block::is_present(**value)) {
                batch.push_float(*time, *value);
            }
        }
        for (step, histogram) in series.histograms {
            let histogram = Arc::try_unwrap(histogram).unwrap_or_else(|h| h.as_ref().clone());
            batch.push_histogram(times[step], histogram);
        }
        if batch.pending() > 0 {
            batch.finish_series(series.labels);
        }
    }
    batch
}

fn sorted(batch: SeriesBatch) -> SeriesBatch {
    let order = batch.sorted();
    if order.is_sorted() {
        return batch;
    }
    let mut out = SeriesBatch::new();
    for place in order {
        out.push_series(batch.labels()[place].clone(), batch.series(place));
    }
    out
}
