//! Pushed queries that begin before it is known whether they help.
//!
//! To find out whether a replica is whole takes as long as its evaluation: both
//! go on at once. Its values are used only if the verdict is that they are the
//! right ones, and only at the steps for which it is; otherwise the request is
//! given up. Where that happens again and again, it is seldom tried.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::task::AbortHandle;

use super::decide::Case;
use super::size::Size;
use crate::gather::Error;
use crate::gather::coverage::Expected;
use crate::gather::group::Group;
use crate::gather::push::{Pushed, Question, Steps};
use crate::gather::replica::lock;
use crate::plan::{Asked, Share, Stretch, Way};
use crate::storage::Context;

/// After so many attempts in a row that were in vain …
const MOST_IN_VAIN: u32 = 3;
/// … only one in so many is made.
const SELDOM: u32 = 16;

/// How often beginning early was in vain, of late.
#[derive(Debug, Default)]
pub(in crate::gather) struct Haste(AtomicU32);

impl Haste {
    /// True if it may be tried.
    fn is_allowed(&self) -> bool {
        let in_vain = self.0.load(Ordering::Relaxed);
        if in_vain < MOST_IN_VAIN {
            return true;
        }
        self.0.fetch_add(1, Ordering::Relaxed).is_multiple_of(SELDOM)
    }

    fn note(&self, helped: bool) {
        if helped {
            self.0.store(0, Ordering::Relaxed);
        } else {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What the request came to; taken by the first that wants all of it.
type Outcome = Arc<Mutex<Option<Result<Pushed, Error>>>>;

/// A request under way. It is given up when this is dropped.
#[derive(Debug)]
pub(super) struct EarlyPush {
    group: usize,
    replica: usize,
    question: Question,
    outcome: Shared<BoxFuture<'static, Outcome>>,
    task: AbortHandle,
}

impl Drop for EarlyPush {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl EarlyPush {
    fn begin(
        group: &Arc<Group>,
        replica: usize,
        (context, question): (&Context, Question),
        series: u64,
    ) -> Self {
        let (own, context, asked) = (Arc::clone(group), context.clone(), question.clone());
        let task = tokio::spawn(async move { own.push(replica, &context, &asked, series).await });
        let abort = task.abort_handle();
        let outcome = task.map(|result| Arc::new(Mutex::new(result.ok()))).boxed().shared();
        Self { group: group.place, replica, question, outcome, task: abort }
    }

    /// True if it asks this replica this text, at these steps or more.
    pub(super) fn covers(&self, group: usize, replica: usize, question: &Question) -> bool {
        let (own, other) = (&self.question, question);
        (self.group, self.replica) == (group, replica)
            && own.text == other.text
            && own.lookback_ms == other.lookback_ms
            && own.steps.step_ms == other.steps.step_ms
            && own.steps.has(other.steps.start_ms)
            && own.steps.has(other.steps.end_ms)
    }

    /// True if the share has use for it.
    pub(super) fn is_of(&self, share: &Share) -> bool {
        let is_asked = |stretch: &Stretch| stretch.way == Way::Push(self.replica);
        share.groups == [self.group] && share.stretches.iter().any(is_asked)
    }

    /// The values at some of its steps; nothing where only a request of its
    /// own tells them.
    pub(super) async fn values(&self, steps: &Steps) -> Option<Result<Pushed, Error>> {
        let outcome = self.outcome.clone().await;
        let mut outcome = lock(&outcome);
        if *steps == self.question.steps {
            return outcome.take();
        }
        match outcome.as_ref()? {
            // Remarks do not say which steps they are about.
            Ok(pushed) if pushed.warnings.is_empty() && pushed.infos.is_empty() => {
                let mut series = pushed.series.clone();
                series.retain_window(steps.start_ms, steps.end_ms);
                let has_histograms = series.iter().any(|one| !one.histogram_times.is_empty());
                Some(Ok(Pushed { series, has_histograms, ..Pushed::default() }))
            }
            _ => None,
        }
    }
}

impl Case<'_> {
    /// Asks the replica that is likely to be whole for all of the values.
    pub(super) fn begin(&self, size: Size) -> Vec<EarlyPush> {
        let series = if self.site.aggregates { Some(0) } else { size.series() };
        let (Some(series), Some(replica)) = (series, self.likely()) else { return Vec::new() };
        if !self.context.may_begin || !self.group.haste.is_allowed() {
            return Vec::new();
        }
        let begin = |asked: &Asked| {
            let question = super::pushed(asked, self.steps, self.question);
            EarlyPush::begin(self.group, replica, (self.context, question), series)
        };
        let asked = self.site.parts.iter().flat_map(|part| &part.asked);
        asked.filter(|asked| asked.group == self.group.place).map(begin).collect()
    }

    /// The replica whose values are likely to be the merged samples', by what
    /// the last looks at the selectors came to.
    pub(super) fn likely(&self) -> Option<usize> {
        let group = self.group;
        let mut likely = None;
        for (matchers, _) in self.reads.windows(self.steps) {
            match group.coverage.expected(matchers) {
                Expected::Mixed => return None,
                Expected::Unknown => {}
                Expected::Whole(replica) if likely.is_none_or(|own| own == replica) => {
                    likely = Some(replica);
                }
                Expected::Whole(_) => return None,
            }
        }
        let replica = likely.unwrap_or(0);
        let traits = group.replicas[replica].dialect.traits();
        traits.is_none_or(|traits| traits.speaks_ours).then_some(replica)
    }

    /// Keeps of the requests under way what the share has use for.
    pub(super) fn keep(&self, mut early: Vec<EarlyPush>, share: Option<&Share>) -> Vec<EarlyPush> {
        if !early.is_empty() {
            early.retain(|own| share.is_some_and(|share| own.is_of(share)));
            self.group.haste.note(!early.is_empty());
        }
        early
    }
}

#[cfg(test)]
mod tests {
    use promql::{Labels, SeriesBatch};

    use super::*;
    use crate::gather::testing;

    const START: i64 = 1_760_000_000_000;
    const STEPS: Steps = Steps { start_ms: START, end_ms: START + 600_000, step_ms: 60_000 };

    #[test]
    fn what_is_in_vain_again_and_again_is_seldom_tried() {
        let haste = Haste::default();
        for _ in 0..MOST_IN_VAIN {
            assert!(haste.is_allowed());
            haste.note(false);
        }
        let tried = (0..10 * SELDOM).filter(|_| haste.is_allowed()).count();
        assert_eq!(tried, 10);
        haste.note(true);
        assert!(haste.is_allowed() && haste.is_allowed());
    }

    fn data() -> SeriesBatch {
        let mut batch = SeriesBatch::new();
        (0..60).for_each(|sample| batch.push_float(START + sample * 15_000, sample as f64));
        batch.finish_series(Labels::from_pairs([("__name__", "x")]));
        batch
    }

    fn question(text: &str) -> Question {
        Question { text: text.to_owned(), steps: STEPS, lookback_ms: None }
    }

    async fn begun(text: &str) -> (EarlyPush, Arc<Group>, crate::serve::Listening) {
        let server = testing::prometheus(&data()).await;
        let group = Arc::new(testing::group(&[server.address], Labels::empty()));
        let early = EarlyPush::begin(&group, 0, (&testing::context(), question(text)), 0);
        (early, group, server)
    }

    fn samples(pushed: Option<Result<Pushed, Error>>) -> Vec<(i64, f64)> {
        let series = pushed.expect("is there").expect("an answer").series;
        let one = series.iter().next().expect("a series");
        one.float_times.iter().copied().zip(one.float_values.iter().copied()).collect()
    }

    #[tokio::test]
    async fn values_at_some_steps_are_those_of_a_request_for_them() {
        let (early, group, _server) = begun("sum(max_over_time(x[1m]))").await;
        let some = Steps { start_ms: START + 120_000, end_ms: START + 300_000, ..STEPS };
        let asked = Question { steps: some, ..question("sum(max_over_time(x[1m]))") };
        assert!(
            early.covers(0, 0, &asked)
                && early.covers(0, 0, &Question { steps: STEPS, ..asked.clone() })
        );
        let own = group.push(0, &testing::context(), &asked, 0).await;
        for _ in 0..2 {
            assert_eq!(
                samples(early.values(&some).await),
                samples(Some(Ok(own.as_ref().expect("an answer").clone())))
            );
        }
        assert_eq!(samples(early.values(&STEPS).await).len(), 11);
        // They were taken.
        assert!(early.values(&STEPS).await.is_none() && early.values(&some).await.is_none());
    }

    #[tokio::test]
    async fn remarks_are_not_told_to_some_steps() {
        let (early, _group, _server) = begun("rate(x[5m])").await;
        let some = Steps { start_ms: START + 540_000, ..STEPS };
        assert!(early.values(&some).await.is_none());
        let all = early.values(&STEPS).await.expect("is there").expect("an answer");
        assert_eq!(all.infos.len(), 1, "{:?}", all.infos);
    }

    #[tokio::test]
    async fn another_question_is_not_covered() {
        let (early, _group, _server) = begun("sum(x)").await;
        let same = question("sum(x)");
        let later = |end_ms| Question { steps: Steps { end_ms, ..STEPS }, ..same.clone() };
        assert!(early.covers(0, 0, &same) && early.covers(0, 0, &later(START + 60_000)));
        assert!(!early.covers(0, 1, &same) && !early.covers(1, 0, &same));
        assert!(!early.covers(0, 0, &question("sum(y)")));
        assert!(!early.covers(0, 0, &later(START + 660_000)));
        assert!(!early.covers(0, 0, &Question { lookback_ms: Some(1), ..same.clone() }));
        let steps = Steps { step_ms: 30_000, ..STEPS };
        assert!(!early.covers(0, 0, &Question { steps, ..same.clone() }));
    }
}
