//! One server group: the same question to all its replicas, one answer.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use promql::budget::{Budget, Exceeded};
use promql::{Labels, SeriesBatch};

use super::bound::Bound;
use super::client::Client;
use super::coverage::Coverage;
use super::explain::{Notes, Request};
use super::parts::{Haste, Study};
use super::patience::Wait;
use super::pieces::pieces_for;
use super::replica::Replica;
use super::scope::{resolve, with_group_labels};
use super::witness::Witness;
use super::{Error, GroupError};
use crate::config::{OnFailure, Pushdown};
use crate::policy;
use crate::storage::{Answer, Context, Select};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::ReplicaCall;

/// Replicas that hold the same data.
#[derive(Debug)]
pub struct Group {
    /// What messages call it: its `name`, or its position.
    pub title: String,
    /// Its place in the fleet.
    pub place: usize,
    /// Labels of every series of the group.
    pub labels: Labels,
    /// In configured order.
    pub replicas: Vec<Replica>,
    /// How their samples become one.
    pub policy: Arc<Bound>,
    /// Keeps what its replicas answered.
    pub recorder: Option<Arc<policy::recording::Writer>>,
    /// What its failure means for a query.
    pub on_failure: OnFailure,
    /// Its connections.
    pub client: Client,
    /// Whether its replicas may evaluate.
    pub pushdown: Pushdown,
    /// Below so many raw samples, over all replicas, they need not.
    pub pushdown_min_samples: u64,
    /// What is known of the holes in its replicas.
    pub coverage: Coverage,
    /// Where its requests are counted.
    pub metrics: Arc<Metrics>,
    /// What came of asking before it was known whether that helps.
    pub(super) haste: Haste,
    /// What is being found out for queries to come.
    pub(super) study: Study,
}

/// The answers of a group's replicas.
#[derive(Debug)]
pub struct Scattered<T> {
    /// Answers, in configured order of the replicas that gave one.
    pub answers: Vec<T>,
    /// The numbers of these replicas.
    pub answered: Vec<usize>,
    /// One text per replica that failed, and what the others warned of.
    pub warnings: Vec<String>,
    /// What the replicas remarked.
    pub infos: Vec<String>,
}

impl<T> Scattered<T> {
    /// The answer of a group that was not asked.
    #[must_use]
    pub const fn nothing() -> Self {
        Self { answers: Vec::new(), answered: Vec::new(), warnings: Vec::new(), infos: Vec::new() }
    }
}

impl Group {
    /// Asks every replica at once and waits for all of them, but not for one
    /// that hangs while another has answered.
    ///
    /// # Errors
    /// When no replica answered.
    pub async fn scatter<'a, T, F>(
        &'a self,
        call: &'static str,
        context: &Context,
        ask: impl Fn(&'a Replica, Context) -> F,
    ) -> Result<Scattered<T>, GroupError>
    where
        F: Future<Output = Result<Answer<T>, Error>>,
    {
        let mut running: FuturesUnordered<_> = self
            .replicas
            .iter()
            .enumerate()
            .map(|(index, replica)| {
                // Each answer has its own budget: a flood is its sender's fault.
                let own = context.alone();
                let request = Request { call, text: "", replica: index, context: own.clone() };
                let asked = ask(replica, own);
                async move {
                    let started = Instant::now();
                    let result = asked.await;
                    self.record(&request, started.elapsed(), &result);
                    (index, result)
                }
            })
            .collect();
        let mut results: Vec<Option<Result<Answer<T>, Error>>> = Vec::new();
        results.resize_with(self.replicas.len(), || None);
        let asking = Instant::now();
        let trusted = self.trusted(context, asking);
        let mut wait = Wait::new(asking, context.deadline);
        while !running.is_empty() {
            let mut waiting = results.iter().zip(&trusted).filter(|(result, _)| result.is_none());
            let until = wait.until(waiting.any(|(_, trusted)| *trusted));
            match tokio::time::timeout_at(until.into(), running.next()).await {
                Ok(Some((index, result))) => {
                    if result.is_ok() {
                        wait.answered(Instant::now());
                    }
                    results[index] = Some(result);
                }
                Ok(None) | Err(_) => break,
            }
        }
        for (replica, result) in results.iter().enumerate() {
            if result.is_none() {
                self.trace_straggler(context, (call, replica), asking.elapsed());
            }
            self.take_note(context, replica, (trusted[replica], result.as_ref()));
        }
        self.sort_out(context, results)
    }

    /// Which replicas are worth a long wait: not those that this query has
    /// waited for before, or others lately.
    fn trusted(&self, context: &Context, now: Instant) -> Vec<bool> {
        let replicas = self.replicas.iter().enumerate();
        let is_new = |index| context.given_up.get(self.place, index).is_none();
        replicas
            .map(|(index, replica)| is_new(index) && replica.promptness.is_trusted(now))
            .collect()
    }

    /// Remembers who answered in time and who did not.
    fn take_note<T>(
        &self,
        context: &Context,
        replica: usize,
        (trusted, result): (bool, Option<&Result<T, Error>>),
    ) {
        let promptness = &self.replicas[replica].promptness;
        match result {
            Some(Ok(_)) => promptness.answered(),
            Some(Err(error)) if error.is_answer() => promptness.answered(),
            Some(Err(Error::Slow(limit))) => {
                context.given_up.note(self.place, replica, Some(*limit));
            }
            Some(Err(_)) => {}
            None => {
                context.given_up.note(self.place, replica, None);
                if trusted {
                    promptness.hung(Instant::now());
                }
            }
        }
    }

    /// True if one of the replicas is not worth a wait at present.
    pub(super) fn has_late(&self) -> bool {
        self.replicas.iter().any(|replica| replica.promptness.is_late(Instant::now()))
    }

    /// Splits results into answers and warnings.
    fn sort_out<T>(
        &self,
        context: &Context,
        results: Vec<Option<Result<Answer<T>, Error>>>,
    ) -> Result<Scattered<T>, GroupError> {
        let mut scattered = Scattered::nothing();
        let mut errors = Vec::new();
        for (index, (replica, result)) in self.replicas.iter().zip(results).enumerate() {
            let given_up = || match context.given_up.get(self.place, index) {
                Some(Some(limit)) => Error::Slow(limit),
                _ => Error::Straggler,
            };
            match result.unwrap_or_else(|| Err(given_up())) {
                Ok(answer) => {
                    scattered.answered.push(index);
                    scattered.answers.push(answer.data);
                    scattered.warnings.extend(answer.warnings);
                    scattered.infos.extend(answer.infos);
                }
                Err(error) => errors.push((replica.name.as_str(), error)),
            }
        }
        if scattered.answers.is_empty() && !errors.is_empty() {
            return Err(GroupError::new(&self.title, &errors));
        }
        for (name, error) in errors {
            tracing::warn!(group = %self.title, replica = %name, %error, "replica gave no answer");
            scattered
                .warnings
                .push(format!("server group {}: replica {name}: {error}", self.title));
        }
        Ok(scattered)
    }

    /// Counts a request that has ended, and traces it.
    pub(super) fn record<T>(
        &self,
        request: &Request<'_>,
        elapsed: Duration,
        result: &Result<T, Error>,
    ) {
        self.metrics.replica_call(&ReplicaCall {
            server_group: &self.title,
            replica: &self.replicas[request.replica].name,
            call: request.call,
            outcome: result.as_ref().map_or_else(Error::name, |_| "success"),
            elapsed,
            bytes: request.context.received.load(Ordering::Relaxed),
        });
        self.trace(request, elapsed, result.as_ref().err());
    }

    /// Merged raw samples of each selector, with the group's labels, series
    /// in label order.
    ///
    /// # Errors
    /// When no replica answered, or the merged samples exceed the budget.
    pub async fn select(
        &self,
        context: &Context,
        selects: &[Select],
    ) -> Result<Answer<Vec<SeriesBatch>>, GroupError> {
        let binding = self.policy.of(context);
        let asked: Vec<(usize, Select)> = selects
            .iter()
            .enumerate()
            .filter_map(|(index, select)| Some((index, self.asked(&binding, select)?)))
            .collect();
        let mut answer =
            Answer { data: vec![SeriesBatch::new(); selects.len()], ..Answer::default() };
        if asked.is_empty() || self.replicas.is_empty() {
            return Ok(answer);
        }
        let texts: Vec<Select> = asked.iter().map(|(_, select)| select.clone()).collect();
        let pieces: Vec<usize> = texts.iter().map(|select| self.pieces(select)).collect();
        let scattered = self
            .scatter("get_value", context, |replica, own| {
                let (texts, pieces) = (&texts, &pieces);
                async move { replica.select_in_pieces(&self.client, &own, texts, pieces).await }
            })
            .await?;
        self.learn(&texts, &scattered.answers);
        answer.warnings = scattered.warnings;
        answer.infos = scattered.infos;
        let windows: Vec<Wanted> =
            asked.iter().map(|(index, wide)| Wanted::of(*index, &selects[*index], wide)).collect();
        let (labels, budget) = (self.labels.clone(), context.budget.clone());
        let (merger, deadline) = (Arc::clone(&binding), context.deadline);
        let watching = Watching {
            notes: self.notes(context, &scattered.answered, selects),
            witness: self.witness(&scattered.answered),
        };
        let merging = tokio::task::spawn_blocking(move || {
            let by = (&*merger, deadline);
            merge_all(by, scattered.answers, (&windows, &labels), &watching, &budget)
        });
        let merged = merging.await.map_err(|error| GroupError::internal(&self.title, &error))??;
        for (index, merged) in merged {
            if let Some(fault) = &merged.fault {
                self.policy.note_fault(&binding, fault, &self.metrics);
            }
            if merged.refused {
                return Err(GroupError::policy(&self.title, &merged.warnings.join("; ")));
            }
            answer.data[index] = merged.series;
            answer.warnings.extend(merged.warnings);
        }
        Ok(answer)
    }
}

impl Group {
    /// What the replicas are asked for a selector, wider by what the policy's
    /// decisions look at; nothing where the group's labels rule it out.
    pub(super) fn asked(&self, binding: &policy::Binding, select: &Select) -> Option<Select> {
        let span = binding.span(self.replicas.len());
        let (before, after) =
            span.map_or((0, 0), |span| (signed(span.before_ms), signed(span.after_ms)));
        let matchers = resolve(&select.matchers, &self.labels)?;
        let start_ms = select.start_ms.saturating_sub(before);
        let end_ms = select.end_ms.saturating_add(after);
        Some(Select { matchers, start_ms, end_ms, lookups: select.lookups })
    }

    /// In how many pieces a selector is asked for, by what is known of it.
    pub(super) fn pieces(&self, select: &Select) -> usize {
        let window = (select.start_ms, select.end_ms);
        let estimate = self.coverage.estimate(&select.matchers, window);
        pieces_for(estimate.map(|estimate| estimate.samples / self.replicas.len().max(1) as u64))
    }

    /// Remembers how much there was of each selector.
    fn learn(&self, selects: &[Select], answers: &[Vec<SeriesBatch>]) {
        for (position, select) in selects.iter().enumerate() {
            let batches = || answers.iter().map(|answer| &answer[position]);
            let series = batches().map(SeriesBatch::len).max().unwrap_or(0);
            let samples: usize = batches().map(SeriesBatch::samples).sum();
            let window = (select.start_ms, select.end_ms);
            let (series, samples) = (series as u64, samples as u64);
            self.coverage.learn_from_merge(&select.matchers, window, series, samples);
        }
    }
}

/// What is kept of a selector's merged samples.
struct Wanted {
    /// Which selector of the query.
    index: usize,
    start_ms: i64,
    end_ms: i64,
    /// What the replicas were asked for.
    asked_ms: (i64, i64),
}

impl Wanted {
    const fn of(index: usize, select: &Select, asked: &Select) -> Self {
        let asked_ms = (asked.start_ms, asked.end_ms);
        Self { index, start_ms: select.start_ms, end_ms: select.end_ms, asked_ms }
    }
}

/// Who is told of the merges.
struct Watching {
    notes: Option<Notes>,
    witness: Option<Witness>,
}

/// Merges each selector's answers and cuts them to the window asked for.
fn merge_all(
    (binding, deadline): (&policy::Binding, Instant),
    mut answers: Vec<Vec<SeriesBatch>>,
    (wanted, labels): (&[Wanted], &Labels),
    watching: &Watching,
    budget: &Budget,
) -> Result<Vec<(usize, policy::Merged)>, Exceeded> {
    let mut all = Vec::with_capacity(wanted.len());
    for (position, wanted) in wanted.iter().enumerate() {
        let replicas: Vec<SeriesBatch> = answers
            .iter_mut()
            .map(|answer| {
                let mut batch = std::mem::take(&mut answer[position]);
                // Before the merge: a group label may make two series one.
                if !labels.is_empty() {
                    batch.relabel(|own| with_group_labels(own, labels));
                }
                batch.seal();
                batch
            })
            .collect();
        let merged = merge_one((binding, deadline), replicas, wanted, watching);
        budget.charge_samples(merged.series.samples())?;
        let refused = merged.refused;
        all.push((wanted.index, merged));
        if refused {
            break;
        }
    }
    Ok(all)
}

/// Merges a selector's answers and tells who watches.
fn merge_one(
    (binding, deadline): (&policy::Binding, Instant),
    replicas: Vec<SeriesBatch>,
    wanted: &Wanted,
    watching: &Watching,
) -> policy::Merged {
    let options = policy::Options {
        evaluation_ms: wanted.end_ms,
        start_ms: wanted.start_ms,
        end_ms: wanted.end_ms,
        kind_of: None,
        deadline: Some(deadline),
        keeps_lone: false,
    };
    let views: Vec<&SeriesBatch> = replicas.iter().collect();
    let (mut merged, nanoseconds) = match &watching.witness {
        None => (policy::merge(binding, &views, &options), 0),
        Some(witness) => witness.merge(binding, &views, &options),
    };
    if let Some(notes) = &watching.notes {
        notes.merged(wanted.index, &merged);
    }
    if let Some(witness) = &watching.witness {
        let inputs = (replicas, wanted.asked_ms);
        witness.show(binding, inputs, &options, (&mut merged, nanoseconds));
    }
    merged
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
