//! What the API needs from below: fetched and merged data.
//!
//! Two things implement it: the fleet of server groups (`gather`), and the
//! in-memory servers of the demo. Nothing above this line knows which.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Instant;

use promql::ast::Expr;
use promql::matcher::Matcher;
pub use promql::query::{Lookups, Select};
use promql::{Labels, SeriesBatch, budget::Budget};

use crate::plan::{Explained, Plan, Read, Steps};

mod given_up;
mod pinned;
mod trace;

pub use given_up::GivenUp;
pub use pinned::Pinned;
pub use trace::{Asked, MOST_SERIES, Origin, Run, Source, Trace, Traced, TracedSeries};

/// A boxed future: the trait below is used as an object.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<Answer<T>, Error>> + Send + 'a>>;

/// The future of a plan.
pub type Planning<'a> = Pin<Box<dyn Future<Output = Plan> + Send + 'a>>;

/// The warning of a result cut by `limit`; the text is Prometheus's.
pub const TRUNCATED: &str = "results truncated due to limit";

/// Data, and what the user must know about how it came about.
#[derive(Debug, Default)]
pub struct Answer<T> {
    /// The data.
    pub data: T,
    /// Texts for the answer's `warnings`, without repeats, in a fixed order.
    pub warnings: Vec<String>,
    /// Texts for the answer's `infos`.
    pub infos: Vec<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A required server group gave no answer; the text says which and why.
    #[error("{0}")]
    Unavailable(String),
    /// The servers refused the question itself (their `bad_data`).
    #[error("{0}")]
    BadData(String),
    /// Evaluation failed downstream or here (their `execution`).
    #[error("{0}")]
    Execution(String),
    /// The query's deadline passed.
    #[error("{0}")]
    Timeout(String),
    /// Over the query's budget.
    #[error(transparent)]
    Exceeded(#[from] promql::budget::Exceeded),
    /// A fault of our own.
    #[error("{0}")]
    Internal(String),
}

/// What accompanies every call of one request.
#[derive(Clone, Debug)]
pub struct Context {
    /// When the answer is no longer wanted.
    pub deadline: Instant,
    /// What it may cost.
    pub budget: Budget,
    /// Bytes that have come from servers so far, as they were on the wire.
    pub received: Arc<AtomicU64>,
    /// Where it is noted what happens, if somebody wants to know.
    pub trace: Option<Arc<Trace>>,
    /// Requests made so far to find out who may answer.
    pub probes: Arc<AtomicUsize>,
    /// Servers that are no longer waited for.
    pub given_up: Arc<GivenUp>,
    /// Whether planning may already ask for what the answer will need: not
    /// where a plan is all that is wanted.
    pub may_begin: bool,
    /// What this request uses throughout, although it may change meanwhile.
    pub pinned: Pinned,
}

impl Context {
    /// What accompanies a request that may take so long and cost so much.
    #[must_use]
    pub fn new(deadline: Instant, budget: Budget) -> Self {
        Self {
            deadline,
            budget,
            received: Arc::default(),
            trace: None,
            probes: Arc::default(),
            given_up: Arc::default(),
            may_begin: true,
            pinned: Pinned::default(),
        }
    }

    /// The same for one question to one server: it counts what it brings, and
    /// a flood is its sender's fault.
    #[must_use]
    pub fn alone(&self) -> Self {
        Self { budget: self.budget.fresh(), received: Arc::default(), ..self.clone() }
    }
}

/// A query, for a storage that may answer parts of it itself.
#[derive(Clone, Debug)]
pub struct Question {
    /// As it was sent; the spans of `expr` are of it.
    pub text: String,
    /// Type-checked, its durations resolved.
    pub expr: Expr,
    /// First evaluation time, in milliseconds.
    pub start_ms: i64,
    /// Last evaluation time, in milliseconds.
    pub end_ms: i64,
    /// Distance of evaluation times, in milliseconds; 0: an instant query.
    pub step_ms: i64,
    /// How it is evaluated.
    pub options: promql::query::Options,
}

impl Question {
    /// When it is evaluated.
    #[must_use]
    pub const fn steps(&self) -> Steps {
        Steps { start_ms: self.start_ms, end_ms: self.end_ms, step_ms: self.step_ms }
    }
}

/// Which series a metadata call is about.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Any of these selectors must match; empty: all series.
    pub selectors: Vec<Vec<Matcher>>,
    /// Earliest time, in milliseconds, if the client named one.
    pub start_ms: Option<i64>,
    /// Latest time, in milliseconds, if the client named one.
    pub end_ms: Option<i64>,
    /// At most so many results (0: all); cut here, with a warning.
    pub limit: usize,
}

/// Help, type and unit of a metric.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metadata {
    /// `counter`, `gauge`, …
    pub kind: String,
    /// Explanation.
    pub help: String,
    /// Unit, often empty.
    pub unit: String,
}

/// Which metadata is wanted.
#[derive(Clone, Debug, Default)]
pub struct MetadataRequest {
    /// Only this metric.
    pub metric: Option<String>,
    /// At most so many metrics (0: all).
    pub limit: usize,
    /// At most so many entries per metric (0: all).
    pub limit_per_metric: usize,
}

/// Which exemplars are wanted.
#[derive(Clone, Debug)]
pub struct ExemplarRequest {
    /// The selectors of the query.
    pub selectors: Vec<Vec<Matcher>>,
    /// Earliest time, in milliseconds.
    pub start_ms: i64,
    /// Latest time, in milliseconds.
    pub end_ms: i64,
}

/// The exemplars of one series.
#[derive(Clone, Debug)]
pub struct SeriesExemplars {
    /// The series.
    pub labels: Labels,
    /// In ascending time, without repeats.
    pub exemplars: Vec<Exemplar>,
}

/// One exemplar; its value is kept as the text the server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemplar {
    /// Its own labels (`trace_id`, …).
    pub labels: Labels,
    /// The value's text.
    pub value: String,
    /// Milliseconds.
    pub timestamp_ms: i64,
}

/// Fetched and merged data.
pub trait Storage: Send + Sync + 'static {
    /// Samples of each selector, one batch per selector, series in label
    /// order, each label set once. All selectors are fetched at once.
    fn select<'a>(
        &'a self,
        context: &'a Context,
        selects: &'a [Select],
    ) -> Boxed<'a, Vec<SeriesBatch>>;

    /// What of a query this storage can answer itself, as values at the query's
    /// steps, and should. Never fails: without knowledge it is nothing.
    fn plan<'a>(&'a self, _context: &'a Context, _question: &'a Question) -> Planning<'a> {
        Box::pin(async { Plan::default() })
    }

    /// The values of a plan's sites, in its order: each label set once, samples
    /// at the query's steps.
    fn sites<'a>(
        &'a self,
        _context: &'a Context,
        _question: &'a Question,
        plan: &'a Plan,
    ) -> Boxed<'a, Vec<SeriesBatch>> {
        let none = vec![SeriesBatch::new(); plan.sites.len()];
        Box::pin(async { Ok(Answer { data: none, ..Answer::default() }) })
    }

    /// A plan with the names of those it speaks of, and with what is read raw:
    /// `selects` are the selectors that are at none of its sites. Asks nobody.
    fn explain(
        &self,
        _context: &Context,
        question: &Question,
        plan: &Plan,
        selects: &[Select],
    ) -> Explained {
        Explained {
            query: question.text.clone(),
            steps: question.steps(),
            plan: plan.clone(),
            groups: Vec::new(),
            reads: selects.iter().map(Read::of).collect(),
        }
    }

    /// Label sets, in label order, each once.
    fn series<'a>(&'a self, context: &'a Context, scope: &'a Scope) -> Boxed<'a, Vec<Labels>>;

    /// Label names, sorted, each once.
    fn label_names<'a>(&'a self, context: &'a Context, scope: &'a Scope) -> Boxed<'a, Vec<String>>;

    /// Values of a label, sorted, each once.
    fn label_values<'a>(
        &'a self,
        context: &'a Context,
        name: &'a str,
        scope: &'a Scope,
    ) -> Boxed<'a, Vec<String>>;

    /// Metadata by metric name.
    fn metadata<'a>(
        &'a self,
        context: &'a Context,
        request: &'a MetadataRequest,
    ) -> Boxed<'a, BTreeMap<String, Vec<Metadata>>>;

    /// Exemplars by series, in label order.
    fn exemplars<'a>(
        &'a self,
        context: &'a Context,
        request: &'a ExemplarRequest,
    ) -> Boxed<'a, Vec<SeriesExemplars>>;
}
