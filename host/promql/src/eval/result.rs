//! From the last block to the result of the query.

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
                return Ok(Value::Matrix(sorted(&batch)));
            }
            _ => {}
        }
        let block = self.eval(node, grid)?;
        if instant && value_type == ValueType::Scalar {
            let value = block.into_scalar().first().copied().unwrap_or(f64::NAN);
            return Ok(Value::Scalar { time_ms, value });
        }
        let block = self.without_dropped_names(block)?;
        if instant {
            return Ok(Value::Vector(batch(&block)));
        }
        Ok(Value::Matrix(sorted(&batch(&block))))
    }

    /// Removes the names whose removal was put off.
    fn without_dropped_names(&self, mut block: Block) -> Result<Block, Error> {
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

fn batch(block: &Block) -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for series in &block.series {
        let times = block.grid.times().zip(&series.floats);
        for (time, value) in times.filter(|(_, value)| block::is_present(**value)) {
            batch.push_float(time, *value);
        }
        for (step, histogram) in &series.histograms {
            batch.push_histogram(block.grid.time(*step), histogram.as_ref().clone());
        }
        if batch.pending() > 0 {
            batch.finish_series(series.labels.clone());
        }
    }
    batch
}

fn sorted(batch: &SeriesBatch) -> SeriesBatch {
    let order = batch.sorted();
    if order.is_sorted() {
        return batch.clone();
    }
    let mut out = SeriesBatch::new();
    for place in order {
        out.push_series(batch.labels()[place].clone(), batch.series(place));
    }
    out
}
