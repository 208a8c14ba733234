//! One query, from its text to its value.

use std::num::NonZero;
use std::sync::Arc;
use std::time::{Duration, Instant};

use promql::SeriesBatch;
use promql::budget::{Budget, Exceeded};
use promql::durations::{self, Evaluation};
use promql::query::{Query, Select};
use promql::workers::Workers;
use tokio::sync::Semaphore;

use super::{
    Error, Explaining, Explanation, Outcome, Request, Run, Running, Statistics, Stats, stats,
};
use crate::plan::{Explained, Plan};
use crate::storage::{self, Answer, Context, Question, Storage};
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
    /// Statistics may go into every step.
    pub per_step_stats: bool,
    /// How the language is evaluated; the lookback, too.
    pub options: promql::query::Options,
}

/// Answers queries from a storage.
pub struct Engine {
    storage: Arc<dyn Storage>,
    limits: Limits,
    places: Arc<Semaphore>,
    /// Beside the thread of each query, for all of them.
    workers: Workers,
    metrics: Arc<Metrics>,
}

impl Engine {
    /// An engine over a storage.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, limits: Limits, metrics: Arc<Metrics>) -> Self {
        let places = Arc::new(Semaphore::new(limits.max_concurrency));
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { storage, limits, places, workers: Workers::new(cores - 1), metrics }
    }

    /// The same with the places of another engine, so that both together run
    /// no more queries than one.
    #[must_use]
    pub fn sharing(self, places: Arc<Semaphore>) -> Self {
        Self { places, ..self }
    }

    /// The whole flow: wait for a place, parse, plan, fetch and merge what the
    /// plan leaves to us beside what the servers evaluate, evaluate the rest.
    async fn answer(&self, request: Request, context: Context) -> Result<Outcome, Error> {
        let arrived = Instant::now();
        let _place = self.wait_for_place(&context).await?;
        let running = self.metrics.query_runs();
        let queued = arrived.elapsed();
        // Whatever ends this future stops what still works for it elsewhere.
        let _cancel = CancelOnDrop(context.budget.clone());

        let (question, plan, query) = self.plan(&request, &context).await?;
        let explained = context
            .trace
            .is_some()
            .then(|| self.storage.explain(&context, &question, &plan, query.selects()));
        let fetching = self.fetch(&context, query.selects());
        let pushing = self.storage.sites(&context, &question, &plan);
        let both = async { tokio::try_join!(fetching, pushing) };
        let (mut fetched, given) = match in_time(&context, both).await? {
            Err(storage::Error::Timeout(who)) => {
                return Err(Error::Timeout(format!("{TIMED_OUT}: {who}")));
            }
            both => both?,
        };
        fetched.warnings.extend(plan.warnings.into_iter().chain(given.warnings));
        fetched.infos.extend(given.infos);
        let prepared = arrived.elapsed();

        let evaluated = evaluate(query, fetched.data, given.data, &context).await?;
        let total = arrived.elapsed();
        drop(running);

        let (mut warnings, mut infos) = evaluated.annotations.texts(&request.text, MAX_ANNOTATIONS);
        warnings.splice(0..0, fetched.warnings);
        infos.splice(0..0, fetched.infos);
        for texts in [&mut warnings, &mut infos] {
            *texts = once(std::mem::take(texts));
        }
        let per_step = request.stats == Stats::All && self.limits.per_step_stats;
        let stats = evaluated.samples.map(|counts| {
            let grid = per_step.then_some((request.start_ms, request.step_ms));
            let samples = stats::samples(&counts, context.budget.peak_samples(), grid);
            Statistics { timings: stats::timings([queued, prepared, total]), samples }
        });
        let explanation = explained.map(|plan| {
            let traced = context.trace.as_ref().map(|trace| trace.so_far());
            Box::new(Explanation { plan, traced: traced.unwrap_or_default() })
        });
        Ok(Outcome { value: evaluated.value, warnings, infos, stats, explanation })
    }

    /// What is asked, who answers what of it, and the query of the rest.
    async fn plan(
        &self,
        request: &Request,
        context: &Context,
    ) -> Result<(Question, Plan, Query), Error> {
        let question = self.parse(request)?;
        let mut query = ready(&question, &Plan::default())?;
        if context.deadline <= Instant::now() {
            return Err(Error::Timeout("query timed out in query execution".to_owned()));
        }
        let plan = in_time(context, self.storage.plan(context, &question)).await?;
        if !plan.sites.is_empty() {
            query = ready(&question, &plan)?;
        }
        Ok((question, plan, query))
    }

    /// The same flow up to where samples would be fetched.
    async fn explained(&self, request: Request) -> Result<Explained, Error> {
        let context = Context { may_begin: false, ..self.context(&request) };
        let _place = self.wait_for_place(&context).await?;
        let _cancel = CancelOnDrop(context.budget.clone());
        let (question, plan, query) = self.plan(&request, &context).await?;
        Ok(self.storage.explain(&context, &question, &plan, query.selects()))
    }

    fn context(&self, request: &Request) -> Context {
        let timeout = request.timeout.unwrap_or(self.limits.timeout).min(self.limits.timeout);
        let budget =
            Budget::new(self.limits.max_samples, self.limits.max_bytes).with_workers(&self.workers);
        Context::new(Instant::now() + timeout, budget)
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

    fn parse(&self, request: &Request) -> Result<Question, Error> {
        let mut options = self.limits.options;
        if let Some(lookback_ms) = request.lookback_ms {
            options.lookback_ms = lookback_ms;
        }
        options.count_samples = request.stats != Stats::None;
        let Request { start_ms, end_ms, step_ms, .. } = *request;
        let parsed = promql::parser::parse(&request.text, &options.language);
        let mut expr = parsed.map_err(promql::query::Error::Parse)?;
        let evaluation = Evaluation { step_ms, range_ms: end_ms.saturating_sub(start_ms) };
        durations::resolve(&mut expr, evaluation).map_err(promql::query::Error::Duration)?;
        let text = request.text.clone();
        Ok(Question { text, expr, start_ms, end_ms, step_ms, options })
    }

    /// Samples of each selector. What occurs twice is fetched once.
    async fn fetch(
        &self,
        context: &Context,
        selects: &[Select],
    ) -> Result<Answer<Vec<SeriesBatch>>, storage::Error> {
        let mut distinct: Vec<Select> = Vec::new();
        let places: Vec<usize> = selects
            .iter()
            .map(|select| {
                distinct.iter().position(|own| own == select).unwrap_or_else(|| {
                    distinct.push(select.clone());
                    distinct.len() - 1
                })
            })
            .collect();
        if distinct.is_empty() {
            return Ok(Answer::default());
        }
        let mut answer = self.storage.select(context, &distinct).await?;
        if distinct.len() < selects.len() {
            answer.data = places.into_iter().map(|place| answer.data[place].clone()).collect();
        }
        Ok(answer)
    }
}

/// The query without what the plan leaves to the servers.
fn ready(question: &Question, plan: &Plan) -> Result<Query, Error> {
    let range = (question.start_ms, question.end_ms, question.step_ms);
    let expr = question.expr.clone();
    Ok(Query::with_given(expr, range, &question.options, &plan.spans())?)
}

async fn in_time<T>(context: &Context, work: impl Future<Output = T>) -> Result<T, Error> {
    tokio::time::timeout_at(context.deadline.into(), work).await.map_err(|_| timed_out())
}

/// Each text once. Of remarks that differ only in the place they are about,
/// the last place counts, as where all is evaluated in one go.
fn once(texts: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for text in texts {
        let (own, place) = split_place(&text);
        match kept.iter_mut().find(|known| split_place(known).0 == own) {
            None => kept.push(text),
            Some(known) if split_place(known).1 < place => *known = text,
            Some(_) => {}
        }
    }
    kept
}

/// A remark without the place it is about, and that.
fn split_place(text: &str) -> (&str, Option<(usize, usize)>) {
    promql::annotations::split_place(text).map_or((text, None), |(own, place)| (own, Some(place)))
}

impl Run for Engine {
    fn run(&self, request: Request) -> Running<'_> {
        Box::pin(async move {
            let started = Instant::now();
            let kind = if request.step_ms == 0 { "instant" } else { "range" };
            let mut context = self.context(&request);
            context.trace = request.explain.then(Arc::default);
            let result = self.answer(request, context.clone()).await;
            let outcome = result.as_ref().map_or_else(Error::name, |_| "success");
            let samples = context.budget.samples();
            self.metrics.query_ends(kind, outcome, started.elapsed(), samples);
            result
        })
    }

    fn explain(&self, request: Request) -> Explaining<'_> {
        Box::pin(self.explained(request))
    }
}

/// Evaluates on a blocking thread, until the deadline.
async fn evaluate(
    query: Query,
    data: Vec<SeriesBatch>,
    given: Vec<SeriesBatch>,
    context: &Context,
) -> Result<promql::value::Outcome, Error> {
    let budget = context.budget.clone();
    let evaluating =
        tokio::task::spawn_blocking(move || query.evaluate_with(data, &given, &budget));
    match tokio::time::timeout_at(context.deadline.into(), evaluating).await {
        Ok(Ok(result)) => Ok(result?),
        Ok(Err(panic)) => Err(Error::Internal(format!("evaluation: {panic}"))),
        Err(_) => Err(timed_out()),
    }
}

/// Prometheus's words.
const TIMED_OUT: &str = "query timed out in expression evaluation";

fn timed_out() -> Error {
    Error::Timeout(TIMED_OUT.to_owned())
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
