//! Push-down: a replica evaluates, and its answer is checked.
//!
//! In: the text of an expression and the times to evaluate it at. Out: one
//! sample per series and time, exactly at these times, or an error. Whether
//! the answer is the right one, that is, whether the replica has all the data
//! and speaks our dialect, is decided elsewhere.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use promql::SeriesBatch;

use super::Error;
use super::client::Client;
use super::concat::concat;
use super::explain::Request;
use super::group::Group;
use super::patience;
use super::replica::{Replica, seconds, timeout};
use crate::storage::{Answer, Context, TRUNCATED};

pub use crate::plan::Steps;

/// An answer of more points than this is asked for in pieces: some forty
/// megabytes of JSON, a second of a server's and our time.
const MAX_POINTS: u64 = 1_000_000;
/// Pieces of one answer that are asked for at once.
pub(super) const PARALLEL_PIECES: usize = 4;

/// What a replica is asked to evaluate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// PromQL that gives an instant vector and needs no context: `start()`,
    /// `end()`, `step()` and default steps are written out.
    pub text: String,
    /// At these times.
    pub steps: Steps,
    /// Sent as `lookback_delta`, in milliseconds, if there is one.
    pub lookback_ms: Option<i64>,
}

/// What a replica evaluated.
#[derive(Clone, Debug, Default)]
pub struct Pushed {
    /// Samples at the times asked for, series in any order, each once.
    pub series: SeriesBatch,
    /// The server's warnings, as they came.
    pub warnings: Vec<String>,
    /// The server's infos, as they came.
    pub infos: Vec<String>,
    /// Some samples are native histograms, of which JSON tells not all.
    pub has_histograms: bool,
    /// Bytes of the answer on the wire.
    pub bytes: u64,
}

impl Replica {
    /// True if the replica evaluates at these times and not at others nearby.
    #[must_use]
    pub fn evaluates_at(&self, steps: &Steps) -> bool {
        steps.is_aligned() || !(self.aligns_ranges || self.dialect.moves_ranges())
    }

    /// Asks for an evaluation in one request.
    ///
    /// # Errors
    /// When there is no usable answer, also when its times are not those asked
    /// for or the server cut it.
    pub async fn evaluate(
        &self,
        client: &Client,
        context: &Context,
        question: &Question,
    ) -> Result<Pushed, Error> {
        let steps = question.steps;
        if !self.evaluates_at(&steps) {
            return Err(Error::Decode("this server moves the times of range queries".to_owned()));
        }
        // Bytes are counted for this answer, and for the query as always.
        let own = Context { received: Arc::default(), ..context.clone() };
        let asked = self.evaluation(client, &own, question).await;
        let bytes = own.received.load(Ordering::Relaxed);
        context.received.fetch_add(bytes, Ordering::Relaxed);
        let Answer { data: series, warnings, infos } = asked?;
        check(&series, &steps, &warnings)?;
        let has_histograms = series.iter().any(|series| !series.histogram_times.is_empty());
        Ok(Pushed { series, warnings, infos, has_histograms, bytes })
    }

    /// The same in as many requests as keep each answer small, given how many
    /// series are to be expected; a few of them at once.
    ///
    /// # Errors
    /// When any of them has no usable answer.
    pub async fn evaluate_in_pieces(
        &self,
        client: &Client,
        context: &Context,
        question: &Question,
        expected_series: u64,
    ) -> Result<Pushed, Error> {
        let mut pieces = question.steps.pieces(MAX_POINTS / expected_series.max(1));
        if pieces.iter().any(|piece| !self.evaluates_at(piece)) {
            pieces = vec![question.steps];
        }
        let questions: Vec<Question> =
            pieces.into_iter().map(|steps| Question { steps, ..question.clone() }).collect();
        // Collected, because a lazy iterator of futures is no `Send` to the compiler.
        let asked: Vec<_> =
            questions.iter().map(|question| self.evaluate(client, context, question)).collect();
        let answers: Vec<Pushed> =
            stream::iter(asked).buffered(PARALLEL_PIECES).try_collect().await?;
        Ok(together(answers))
    }

    async fn evaluation(
        &self,
        client: &Client,
        context: &Context,
        question: &Question,
    ) -> Result<Answer<SeriesBatch>, Error> {
        let mut form =
            vec![("query", question.text.clone()), ("timeout", timeout(context.deadline))];
        form.extend(question.lookback_ms.map(|lookback| ("lookback_delta", seconds(lookback))));
        self.query_at(client, context, form, question.steps).await
    }
}

impl Group {
    /// Asks one replica for an evaluation, in as many pieces as the expected
    /// number of series makes advisable, on a budget of its own: who uses what
    /// comes charges it to the query's.
    ///
    /// # Errors
    /// When there is no usable answer.
    pub async fn push(
        &self,
        replica: usize,
        context: &Context,
        question: &Question,
        expected_series: u64,
    ) -> Result<Pushed, Error> {
        let request =
            Request { call: "push", text: &question.text, replica, context: context.alone() };
        let (place, started) = (replica, Instant::now());
        let replica = &self.replicas[place];
        let asked =
            replica.evaluate_in_pieces(&self.client, &request.context, question, expected_series);
        // Raw samples must still come in time if this does not.
        let limit = patience::share(started, context.deadline);
        let asked = tokio::time::timeout(limit, asked).await;
        if asked.is_err() {
            context.given_up.note(self.place, place, Some(limit));
            replica.promptness.hung(Instant::now());
        }
        let result = asked.unwrap_or(Err(Error::Slow(limit)));
        let bytes = request.context.received.load(Ordering::Relaxed);
        context.received.fetch_add(bytes, Ordering::Relaxed);
        self.record(&request, started.elapsed(), &result);
        result
    }
}

/// An answer that is not what was asked for is none.
fn check(series: &SeriesBatch, steps: &Steps, warnings: &[String]) -> Result<(), Error> {
    if warnings.iter().any(|text| text.contains(TRUNCATED)) {
        return Err(Error::Decode(TRUNCATED.to_owned()));
    }
    let mut times = series.iter().flat_map(|one| one.float_times.iter().chain(one.histogram_times));
    match times.find(|time| !steps.has(**time)) {
        None => Ok(()),
        Some(time) => Err(Error::Decode(format!(
            "a sample at {} where nothing was evaluated",
            seconds(*time)
        ))),
    }
}

/// Answers for consecutive times as one.
fn together(answers: Vec<Pushed>) -> Pushed {
    let mut whole = Pushed::default();
    let mut pieces = Vec::with_capacity(answers.len());
    for answer in answers {
        for (all, own) in [(&mut whole.warnings, answer.warnings), (&mut whole.infos, answer.infos)]
        {
            for text in own {
                if !all.contains(&text) {
                    all.push(text);
                }
            }
        }
        whole.has_histograms |= answer.has_histograms;
        whole.bytes += answer.bytes;
        pieces.push(answer.series);
    }
    whole.series = concat(pieces);
    whole
}

#[cfg(test)]
mod tests;
