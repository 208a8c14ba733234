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
    /// How many samples were looked at, if the query was to count them.
    pub samples: Option<SampleCounts>,
}

/// How many samples an evaluation looked at, by evaluation time, the earliest
/// first (prometheus/util/stats/query_stats.go, `QuerySamples`).
///
/// A histogram counts as the floats that it weighs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleCounts {
    /// What an instant query at that time would look at: a sample counts in
    /// every window that it is in.
    pub total: Vec<u64>,
    /// Of these, what no earlier time has read.
    pub read: Vec<u64>,
}
