//! What a query evaluates to.

use crate::SeriesBatch;
use crate::annotations::Annotations;

/// The result of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// One number.
    Scalar {
        /// The evaluation time, in milliseconds.
        time_ms: i64,
        /// The number.
        value: f64,
    },
    /// A string.
    String {
        /// The evaluation time, in milliseconds.
        time_ms: i64,
        /// The string.
        text: String,
    },
    /// Series with one sample each, at the evaluation time, in the order the
    /// query gives them.
    Vector(SeriesBatch),
    /// Series with samples, sorted by labels.
    Matrix(SeriesBatch),
}

/// A result, and what the user must know about it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The result.
    pub value: Value,
    /// Warnings and infos.
    pub annotations: Annotations,
}
