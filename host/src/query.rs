//! A query from its text to its answer.
//!
//! In comes what the API read from the request; out goes a value with what
//! the user must know about it. Nothing here knows HTTP or JSON.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

pub use promql::value::Value;

mod coalesce;
mod run;
mod stats;

pub use coalesce::Coalesce;
pub use run::{Engine, Limits};

/// One query, with parameters already checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// The expression as it was sent.
    pub text: String,
    /// First evaluation time, in milliseconds.
    pub start_ms: i64,
    /// Last evaluation time, in milliseconds, not before the first.
    pub end_ms: i64,
    /// Distance of evaluation times, in milliseconds; 0 for an instant query.
    pub step_ms: i64,
    /// What the client is willing to wait; the configured limit holds
    /// besides.
    pub timeout: Option<Duration>,
    /// At most so many series in the answer (0: all). The API cuts and warns.
    pub limit: usize,
    /// How far back a sample still counts, in milliseconds, if the client
    /// chose it.
    pub lookback_ms: Option<i64>,
    /// Which statistics the answer carries.
    pub stats: Stats,
}

/// How much the client wants to know about the evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stats {
    /// Nothing.
    #[default]
    None,
    /// Timings and sample counts.
    Basic,
    /// Also the counts of every step, where [`Limits::per_step_stats`] allows
    /// it.
    All,
}

/// What a query came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The value.
    pub value: Value,
    /// Texts for `warnings`, already cut to Prometheus's number of them.
    pub warnings: Vec<String>,
    /// Texts for `infos`, cut likewise.
    pub infos: Vec<String>,
    /// Set if the request asked for statistics.
    pub stats: Option<Statistics>,
}

/// How an evaluation went, with Prometheus's names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Where the time went.
    pub timings: Timings,
    /// What was looked at.
    pub samples: SampleCounts,
}

/// Seconds per part of an evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timings {
    /// Fetching and evaluating.
    pub eval_total: f64,
    /// Sorting the result.
    pub result_sort: f64,
    /// Fetching.
    pub query_preparation: f64,
    /// Evaluating.
    pub inner_eval: f64,
    /// Waiting for a free place.
    pub exec_queue: f64,
    /// Everything.
    pub exec_total: f64,
}

/// Samples looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleCounts {
    /// Samples that steps looked at; one sample counts in every window.
    pub total: i64,
    /// The same by step, as (milliseconds, samples); with [`Stats::All`].
    pub total_per_step: Vec<(i64, i64)>,
    /// Of these, samples that no earlier step has read.
    pub read: i64,
    /// The same by step; with [`Stats::All`].
    pub read_per_step: Vec<(i64, i64)>,
    /// Most samples held at any moment. Here that includes all that was
    /// fetched, which Prometheus reads bit by bit.
    pub peak: i64,
}

/// Why there is no outcome. Texts are Prometheus's where it has one.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The expression does not parse or type-check; `1:5: parse error: …`.
    #[error("{0}")]
    Parse(String),
    /// The question is refused for another reason.
    #[error("{0}")]
    BadData(String),
    /// Evaluation failed, or a limit on it was passed.
    #[error("{0}")]
    Execution(String),
    /// The query's deadline passed.
    #[error("{0}")]
    Timeout(String),
    /// Nobody waits for the answer any more.
    #[error("{0}")]
    Canceled(String),
    /// A fault of our own.
    #[error("{0}")]
    Internal(String),
    /// A required server group gave no answer.
    #[error("{0}")]
    Unavailable(String),
    /// Too many queries run and wait already.
    #[error("{0}")]
    TooManyRequests(String),
    /// What was named does not exist.
    #[error("{0}")]
    NotFound(String),
}

impl Error {
    /// A fixed word for metrics: Prometheus's error type.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Parse(_) | Self::BadData(_) => "bad_data",
            Self::Execution(_) => "execution",
            Self::Timeout(_) => "timeout",
            Self::Canceled(_) => "canceled",
            Self::Internal(_) => "internal",
            Self::Unavailable(_) | Self::TooManyRequests(_) => "unavailable",
            Self::NotFound(_) => "not_found",
        }
    }
}

/// The future of an outcome: [`Run`] is used as an object.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Outcome, Error>> + Send + 'a>>;

/// What answers queries. Dropping the future gives the query up.
pub trait Run: Send + Sync + 'static {
    /// Answers one query.
    fn run(&self, request: Request) -> Running<'_>;
}
