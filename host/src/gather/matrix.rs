//! Answers of `query` and `query_range`.
//!
//! In: a whole, uncompressed body, and the query's budget. Out: columns. The
//! usual shape goes through a scanner made for it (`fast`), everything else
//! through serde_json (`general`), with the same result: what the scanner
//! does not know it leaves to the general decoder, errors included.
//!
//! JSON knows no stale markers and no counter-reset hints, and of histograms
//! only the populated buckets: schema and zero threshold are worked out from
//! the bounds, so that printing them again gives the same text, and the samples
//! of a series are made to agree. Custom buckets whose bounds happen to be those
//! of an exponential schema are taken for it, and what no sample shows, such as
//! the bound between two buckets that are always empty, is lost.

mod fast;
mod general;
mod grid;
mod histogram;
mod schemas;
mod series;
mod value;

use promql::SeriesBatch;
use promql::budget::Budget;

use super::reply::{Error, Meter, Reply};

/// The data of a query's answer.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryData {
    /// Series in the answer's order, each label set once, none without samples.
    Matrix(SeriesBatch),
    /// The same, with one sample per series.
    Vector(SeriesBatch),
    /// A number.
    Scalar {
        /// Evaluation time, in milliseconds.
        time_ms: i64,
        /// The number.
        value: f64,
    },
    /// A text.
    String {
        /// Evaluation time, in milliseconds.
        time_ms: i64,
        /// The text.
        text: String,
    },
}

/// Decodes the answer of `query` or `query_range`.
///
/// Samples come out in strictly ascending time: of repeated ones the first
/// stays, and a label set that occurs twice is merged. Samples and bytes are
/// charged to the budget, a histogram as as many samples as Prometheus counts
/// for it.
///
/// # Errors
/// When the body is no such answer, or over the budget.
pub fn decode(body: &[u8], budget: &Budget) -> Result<Reply<QueryData>, Error> {
    let meter = Meter::new(budget);
    if let Some(reply) = fast::decode(body, &meter)? {
        return Ok(reply);
    }
    meter.refund();
    general::decode(body, &meter)
}

#[cfg(test)]
mod tests;
