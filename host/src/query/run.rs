//! One query, from its text to its value.

use std::num::NonZero;
use std::sync::Arc;
use std::time::{Duration, Instant};

use promql::SeriesBatch;
use promql::budget::{Budget, Exceeded};
use promql::query::Query;
use promql::workers::Workers;
use tokio::sync::Semaphore;

use super::{Error, Outcome, Request, Run, Running, SampleCounts, Statistics, Stats, Timings};
use crate::storage::{self, Answer, Context, Storage};
use crate::telemetry::Metrics;

/// Warnings, and infos, that an answer lists (prometheus/web/api/v1/api.go).
const MAX_ANNOTATIONS: usize = 10;

/// What queries may cost, and what applies where they do not say.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest time from arrival to answer.
    pub timeout: Duration,
    /// Most samples held for one query.
    pub max_samples: u64,
    /// Most bytes held for one replica's answer.
    pub max_bytes: u64,
    /// Queries that run at once; more wait, as long as their timeout.
    pub max_concurrency: usize,
    /// How the language is evaluated; the lookback, too.
    pub options: promql::query::Options,
}

/// Answers queries from a storage.
pub struct Engine {
    storage: Arc<dyn Storage>,
    limits: Limits,
    places: Semaphore,
    /// Beside the thread of each query, for all of them.
    workers: Workers,
    metrics: Arc<Metrics>,
}

impl Engine {
    /// An engine over a storage.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, limits: Limits, metrics: Arc<Metrics>) -> Self {
        let places = Semaphore::new(limits.max_concurrency);
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { storage, limits, places, workers: Workers::new(cores - 1), metrics }
    }

    /// The whole flow: wait for a place, parse, fetch and merge, evaluate.
    async fn answer(&self, request: Request, context: Context) -> Result<Outcome, Error> {
        let arrived = Instant::now();
        let _place = self.wait_for_place(&context).await?;
        let running = self.metrics.query_runs();
        let queued = arrived.elapsed();
        // Whatever ends this future stops what still works for it elsewhere.
        let _cancel = CancelOnDrop(context.budget.clone());

        let query = Arc::new(self.parse(&request)?);
        let fetched = self.fetch(&context, &query).await?;
        let prepared = arrived.elapsed();
        let loaded = fetched.data.iter().map(SeriesBatch::samples).sum::<usize>();

        let evaluated = evaluate(Arc::clone(&query), fetched.data, &context).await?;
        let total = arrived.elapsed();
        drop(running);

        let (mut warnings, mut infos) = evaluated.annotations.texts(&request.text, MAX_ANNOTATIONS);
        warnings.splice(0..0, fetched.warnings);
        infos.splice(0..0, fetched.infos);
        let stats = (request.stats != Stats::None)
            .then(|| statistics(&context, loaded, &[queued, prepared, total]));
        Ok(Outcome { value: evaluated.value, warnings, infos, stats })
    }

    async fn wait_for_place(
        &self,
        context: &Context,
    ) -> Result<tokio::sync::SemaphorePermit<'_>, Error> {
        let _waiting = self.metrics.query_waits();
        match tokio::time::timeout_at(context.deadline.into(), self.places.acquire()).await {
            Ok(place) => place.map_err(|_| Error::Internal("no places for queries".to_owned())),
            Err(_) => Err(Error::Timeout("query timed out in query queue".to_owned())),
        }
    }

    fn parse(&self, request: &Request) -> Result<Query, Error> {
        let mut options = self.limits.options;
        if let Some(lookback_ms) = request.lookback_ms {
            options.lookback_ms = lookback_ms;
        }
        let Request { text, start_ms, end_ms, step_ms, .. } = request;
        Ok(Query::new(text, *start_ms, *end_ms, *step_ms, &options)?)
    }

    async fn fetch(
        &self,
        context: &Context,
        query: &Query,
    ) -> Result<Answer<Vec<SeriesBatch>>, Error> {
        let fetching = self.storage.select(context, query.selects());
        match tokio::time::timeout_at(context.deadline.into(), fetching).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(timed_out()),
        }
    }
}

impl Run for Engine {
    fn run(&self, request: Request) -> Running<'_> {
        Box::pin(async move {
            let started = Instant::now();
            let kind = if request.step_ms == 0 { "instant" } else { "range" };
            let timeout = request.timeout.unwrap_or(self.limits.timeout).min(self.limits.timeout);
            let budget = Budget::new(self.limits.max_samples, self.limits.max_bytes)
                .with_workers(&self.workers);
            let context = Context::new(started + timeout, budget);
            let result = self.answer(request, context.clone()).await;
            let outcome = result.as_ref().map_or_else(Error::name, |_| "success");
            let samples = context.budget.samples();
            self.metrics.query_ends(kind, outcome, started.elapsed(), samples);
            result
        })
    }
}

/// Evaluates on a blocking thread, until the deadline.
async fn evaluate(
    query: Arc<Query>,
    data: Vec<SeriesBatch>,
    context: &Context,
) -> Result<promql::value::Outcome, Error> {
    let budget = context.budget.clone();
    let evaluating = tokio::task::spawn_blocking(move || query.evaluate(data, &budget));
    match tokio::time::timeout_at(context.deadline.into(), evaluating).await {
        Ok(Ok(result)) => Ok(result?),
        Ok(Err(panic)) => Err(Error::Internal(format!("evaluation: {panic}"))),
        Err(_) => Err(timed_out()),
    }
}

fn timed_out() -> Error {
    Error::Timeout("query timed out in expression evaluation".to_owned())
}

fn statistics(context: &Context, loaded: usize, times: &[Duration; 3]) -> Statistics {
    let [queued, prepared, total] = times.map(|time| time.as_secs_f64());
    let loaded = i64::try_from(loaded).unwrap_or(i64::MAX);
    let peak = i64::try_from(context.budget.samples()).unwrap_or(i64::MAX);
    Statistics {
        timings: Timings {
            eval_total: total - queued,
            result_sort: 0.0,
            query_preparation: prepared - queued,
            inner_eval: total - prepared,
            exec_queue: queued,
            exec_total: total,
        },
        samples: SampleCounts { total: loaded, read: loaded, peak, ..SampleCounts::default() },
    }
}

/// Cancels a query's budget when its future is dropped or done.
struct CancelOnDrop(Budget);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl From<promql::query::Error> for Error {
    fn from(error: promql::query::Error) -> Self {
        use promql::query::Error as Promql;
        match error {
            Promql::Parse(error) => Self::Parse(error.to_string()),
            Promql::Duration(error) => Self::Parse(error.to_string()),
            Promql::Range(text) => Self::BadData(text.to_owned()),
            Promql::NotForRange(_) => Self::Parse(error.to_string()),
            Promql::Execution(text) => Self::Execution(text),
            Promql::Exceeded(exceeded) => exceeded.into(),
            Promql::Unsupported(_) => Self::Execution(error.to_string()),
        }
    }
}

impl From<Exceeded> for Error {
    fn from(exceeded: Exceeded) -> Self {
        match exceeded {
            Exceeded::Samples | Exceeded::Bytes(_) => Self::Execution(exceeded.to_string()),
            Exceeded::Cancelled => Self::Canceled(exceeded.to_string()),
        }
    }
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::Unavailable(text) => Self::Unavailable(text),
            storage::Error::BadData(text) => Self::BadData(text),
            storage::Error::Execution(text) => Self::Execution(text),
            storage::Error::Timeout(text) => Self::Timeout(text),
            storage::Error::Exceeded(exceeded) => exceeded.into(),
            storage::Error::Internal(text) => Self::Internal(text),
        }
    }
}
