//! Whether a replica evaluates as we do.
//!
//! In: a replica. Out: yes or no, by an exam: expressions that need no data,
//! whose answers our own engine computes too. No version is looked at. Also
//! remembered per replica: which optional parameters it understands, whether
//! it moves the times of range queries, and what it has refused to evaluate.

mod exam;
mod features;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Error;
use super::client::Client;
use super::explain::Request;
use super::group::Group;
use super::patience;
use super::push::Steps;
use super::replica::{Replica, lock, timeout};
use crate::storage::{Answer, Context};
pub use features::features;

/// How long a result is believed: a server may have been replaced.
const LIFETIME: Duration = Duration::from_secs(600);
/// Refusals kept for one replica; more would be more than there are functions.
const MOST_REFUSALS: usize = 128;

/// What the exams of a replica came to.
#[derive(Debug, Default)]
pub struct Dialect {
    /// Held while an exam runs, so that there is one at a time.
    running: tokio::sync::Mutex<()>,
    result: Mutex<Option<(Instant, Traits)>>,
    refusals: Mutex<Refusals>,
}

/// How a replica evaluates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// Its answers are ours.
    pub speaks_ours: bool,
    /// It moves the times of a range query to multiples of the step.
    pub moves_ranges: bool,
    /// It looks at the parameter `lookback_delta`.
    pub knows_lookback: bool,
}

/// Features of texts that were refused, and of others that were not.
#[derive(Debug, Default)]
struct Refusals {
    refused: Vec<(Instant, BTreeSet<String>)>,
    accepted: BTreeSet<String>,
}

impl Refusals {
    fn forbids(&self, features: &[String], now: Instant) -> bool {
        self.refused.iter().any(|(since, refused)| {
            now.duration_since(*since) < LIFETIME
                && refused.iter().all(|feature| features.contains(feature))
        })
    }

    fn refuse(&mut self, features: &[String], now: Instant) {
        // What others were evaluated with is not to blame, unless all of it is.
        let mut blamed: BTreeSet<String> =
            features.iter().filter(|feature| !self.accepted.contains(*feature)).cloned().collect();
        if blamed.is_empty() {
            blamed.extend(features.iter().cloned());
        }
        self.refused.retain(|(since, _)| now.duration_since(*since) < LIFETIME);
        if self.refused.len() >= MOST_REFUSALS {
            self.refused.remove(0);
        }
        self.refused.push((now, blamed));
    }
}

impl Dialect {
    /// The result of the last exam, while it holds.
    #[must_use]
    pub fn traits(&self) -> Option<Traits> {
        let result = *lock(&self.result);
        result.filter(|(since, _)| since.elapsed() < LIFETIME).map(|(_, traits)| traits)
    }

    /// True if the last exam showed that range queries are moved.
    #[must_use]
    pub fn moves_ranges(&self) -> bool {
        self.traits().is_some_and(|traits| traits.moves_ranges)
    }
}

impl Replica {
    /// True if the last exam showed that `lookback_delta` is looked at.
    #[must_use]
    pub fn knows_lookback(&self) -> bool {
        self.dialect.traits().is_some_and(|traits| traits.knows_lookback)
    }

    /// Whether the replica evaluates as we do, by an exam now and then. While
    /// one runs, others wait for it.
    ///
    /// # Errors
    /// When the replica gives no answer; that is not remembered.
    pub async fn speaks_our_dialect(
        &self,
        client: &Client,
        context: &Context,
    ) -> Result<bool, Error> {
        Ok(self.examined(client, context).await?.speaks_ours)
    }

    /// How the replica evaluates.
    ///
    /// # Errors
    /// When the replica gives no answer; that is not remembered.
    pub async fn examined(&self, client: &Client, context: &Context) -> Result<Traits, Error> {
        if let Some(traits) = self.dialect.traits() {
            return Ok(traits);
        }
        let running = tokio::time::timeout_at(context.deadline.into(), self.dialect.running.lock());
        let _running = running.await.map_err(|_| Error::Deadline)?;
        if let Some(traits) = self.dialect.traits() {
            return Ok(traits);
        }
        let traits = self.examine(client, context).await?;
        tracing::debug!(replica = %self.name, ?traits, "examined");
        *lock(&self.dialect.result) = Some((Instant::now(), traits));
        Ok(traits)
    }

    /// True if the replica has lately refused a text with nothing but these
    /// features.
    #[must_use]
    pub fn rejected(&self, features: &[String]) -> bool {
        lock(&self.dialect.refusals).forbids(features, Instant::now())
    }

    /// Remembers that the replica refused a text with these features.
    pub fn remember_rejection(&self, features: &[String]) {
        lock(&self.dialect.refusals).refuse(features, Instant::now());
    }

    /// Remembers that the replica evaluated a text with these features, so
    /// that they are not blamed for the refusal of another.
    pub fn remember_acceptance(&self, features: &[String]) {
        lock(&self.dialect.refusals).accepted.extend(features.iter().cloned());
    }

    async fn examine(&self, client: &Client, context: &Context) -> Result<Traits, Error> {
        let time_ms = exam::time_ms();
        let ask = |form: Vec<(&'static str, String)>, steps| {
            let mut form = form;
            form.push(("timeout", timeout(context.deadline)));
            async move { verdict(self.query_at(client, context, form, steps).await) }
        };
        let instant = |time_ms| Steps { start_ms: time_ms, end_ms: time_ms, step_ms: 0 };
        let nonsense =
            |parameter| vec![("query", "vector(1)".to_owned()), (parameter, "nonsense".to_owned())];
        let off_grid = exam::OFF_GRID.after(time_ms);
        // Ours takes some milliseconds: meanwhile, and not on the reactor.
        let own = tokio::task::spawn_blocking(move || exam::expected(time_ms));
        let (answers, times, lookback) = futures_util::future::try_join3(
            ask(vec![("query", exam::text())], instant(time_ms)),
            ask(vec![("query", exam::TIMES.to_owned())], off_grid),
            ask(nonsense("lookback_delta"), instant(time_ms)),
        )
        .await?;
        let own = own.await.map_err(|error| Error::Decode(format!("exam: {error}")))?;
        let answers = answers.as_ref().map(|answer| &answer.data);
        let times = times.as_ref().map(|answer| &answer.data);
        let is_kept = times.is_some_and(|times| exam::is_at(times, &off_grid));
        Ok(Traits {
            speaks_ours: answers.is_some_and(|answers| exam::is_passed(answers, &own)),
            moves_ranges: !is_kept,
            // Who looks at a parameter refuses nonsense in it.
            knows_lookback: lookback.is_none(),
        })
    }
}

impl Group {
    /// Whether one of the replicas evaluates as we do. Counts the exam, if
    /// there was one.
    ///
    /// # Errors
    /// When the replica gives no answer; that is not remembered.
    pub async fn speaks_our_dialect(
        &self,
        replica: usize,
        context: &Context,
    ) -> Result<bool, Error> {
        let asked = &self.replicas[replica];
        if let Some(traits) = asked.dialect.traits() {
            return Ok(traits.speaks_ours);
        }
        let own = context.alone();
        let started = Instant::now();
        let limit = patience::longest(started, context.deadline);
        let result = tokio::time::timeout(limit, asked.speaks_our_dialect(&self.client, &own));
        let result = result.await.unwrap_or(Err(Error::Slow(limit)));
        if matches!(result, Err(Error::Slow(_))) {
            context.given_up.note(self.place, replica, Some(limit));
        }
        let bytes = own.received.load(Ordering::Relaxed);
        context.received.fetch_add(bytes, Ordering::Relaxed);
        if bytes > 0 || result.is_err() {
            let request = Request { call: "dialect", text: "", replica, context: own };
            self.record(&request, started.elapsed(), &result);
        }
        result
    }
}

/// An answer, or none where the server refused the question; errors are those
/// that say nothing about what it understands.
fn verdict<T>(result: Result<Answer<T>, Error>) -> Result<Option<Answer<T>>, Error> {
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if refuses(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// True for the answers that say "not this question", whenever it is asked.
#[must_use]
pub fn refuses(error: &Error) -> bool {
    match error {
        Error::Status(status, _) => {
            status.is_client_error() && !matches!(status.as_u16(), 401 | 403 | 408 | 429)
        }
        Error::Api { kind, .. } => matches!(kind.as_str(), "bad_data" | "execution" | "not_found"),
        Error::Decode(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
