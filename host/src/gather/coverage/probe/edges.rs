//! Asking replicas how their data begins, and how it looks at the end of a
//! window that lies in the past.
//!
//! In: what the counts of buckets leave open. Out: what the judge needs. At
//! most two requests in a row to every replica: when its data begins, and,
//! where all say the same, how the samples from that moment on look.

use promql::matcher::Matcher;

use super::{AGE, Question, Search};
use crate::gather::Error;
use crate::gather::coverage::counts::{LABEL, OTHER_LABEL};
use crate::gather::coverage::judge::{Edges, Evidence, Head, Recent, Start};
use crate::gather::coverage::{Counts, Grid, SETTLE_MS};
use crate::gather::error::GroupError;
use crate::gather::group::{Group, Scattered};
use crate::gather::push::Steps;
use crate::gather::replica::{Replica, seconds, selector_text};
use crate::storage::{Answer, Context};

impl Search<'_> {
    /// What is to be known of the beginning and the end of the data beyond
    /// what the evidence has.
    pub(super) async fn edges(&self, matchers: &[Matcher], evidence: &Evidence<'_>) -> Edges {
        let start = evidence.open_start(&self.terms);
        let end = evidence.open_end(&self.terms, self.window_ms);
        let mut edges = Edges::default();
        let (heads, tails) = tokio::join!(self.heads(matchers, start), self.tails(matchers, end));
        edges.heads.extend(start.map(|start| start.bucket).zip(heads));
        edges.tails.extend(end.zip(tails));
        edges
    }

    /// What of it does not change any more.
    pub(super) fn settled_part(&self, mut edges: Edges) -> Edges {
        edges.heads.retain(|bucket, _| *bucket < self.settled);
        edges.tails.retain(|moment, _| *moment <= self.now_ms - SETTLE_MS);
        edges
    }

    /// How the samples before a moment look, in every replica.
    async fn tails(&self, matchers: &[Matcher], moment: Option<i64>) -> Option<Vec<Recent>> {
        let moment = moment?;
        let question =
            Question { matchers, grid: self.grid, missing: None, now_ms: Some(moment), list: None };
        let found = self.group.ask_all(self.context, &question).await?;
        Some(found.into_iter().map(|one| one.recent).collect())
    }

    /// How the data begins in every replica.
    async fn heads(&self, matchers: &[Matcher], start: Option<Start>) -> Option<Vec<Head>> {
        let start = start?;
        let (group, grid) = (self.group, self.grid);
        let scattered = group.scatter("probe", self.context, |replica, own| async move {
            let data = replica.first_moment(group, &own, matchers, (grid, start)).await?;
            Ok(Answer { data, ..Answer::default() })
        });
        let firsts = self.everybodys(scattered.await)?;
        let mut known = firsts.into_iter().flatten();
        let first = known.next().filter(|first| known.all(|other| other == *first));
        let Some(first) = first else { return Some(Vec::new()) };
        let scattered = group.scatter("probe", self.context, |replica, own| async move {
            let data = replica.head(group, &own, matchers, (grid, start, first)).await?;
            Ok(Answer { data, ..Answer::default() })
        });
        self.everybodys(scattered.await)
    }

    /// The answers, if all replicas gave one.
    fn everybodys<T>(&self, scattered: Result<Scattered<T>, GroupError>) -> Option<Vec<T>> {
        let answers = scattered.ok()?.answers;
        (answers.len() == self.group.replicas.len()).then_some(answers)
    }
}

impl Replica {
    /// The first moment in a bucket at which any series has a sample, or, if
    /// scrapes were closer than they should be, one of the next.
    async fn first_moment(
        &self,
        group: &Group,
        context: &Context,
        matchers: &[Matcher],
        (grid, start): (Grid, Start),
    ) -> Result<Option<i64>, Error> {
        let (selector, step) = (selector_text(matchers), start.shortest_ms);
        // Not at all moments of the bucket: each is a look at every series.
        let (from, to) = start.before_end(grid.width_ms);
        let text = format!(
            "min(min_over_time(timestamp({selector})[{}ms:{step}ms] offset {}ms))",
            from - to,
            Grid::OFFSET_MS + to
        );
        let time_ms = grid.asked_at(start.bucket);
        let answer = self.computed(group, context, text, instant(time_ms)).await?;
        let value = answer.iter().find_map(|series| series.float_values.first().copied());
        let first = value.map(|seconds| (seconds * 1000.0).round() as i64);
        Ok(first.filter(|first| grid.at(*first) == start.bucket))
    }

    /// How the samples from a first moment on look.
    async fn head(
        &self,
        group: &Group,
        context: &Context,
        matchers: &[Matcher],
        (grid, start, first_ms): (Grid, Start, i64),
    ) -> Result<Head, Error> {
        let (selector, width) = (selector_text(matchers), grid.width_ms);
        let (before, bucket_end) = (first_ms - 1, grid.end(start.bucket));
        let asked_at = before + width;
        let within =
            format!("{selector}[{}ms]{}", bucket_end - before, offset(asked_at - bucket_end));
        let newest = format!("timestamp({selector}{})", offset(width - start.longest_ms));
        let text = format!(
            "count_values(\"{LABEL}\", count_over_time({selector}[{width}ms])) or \
             count_values(\"{OTHER_LABEL}\", count_over_time({within})) or \
             label_replace(sum(sqrt({newest} - {})), \"{LABEL}\", \"{AGE}\", \"\", \"\")",
            seconds(before)
        );
        let answer = self.computed(group, context, text, instant(asked_at)).await?;
        let (counts, age) = Counts::of_instant(&answer, LABEL, AGE)?;
        let (inside, _) = Counts::of_instant(&answer, OTHER_LABEL, AGE)?;
        Ok(Head { onset: Recent { counts, age }, inside })
    }
}

fn instant(time_ms: i64) -> Steps {
    Steps { start_ms: time_ms, end_ms: time_ms, step_ms: 0 }
}

fn offset(ms: i64) -> String {
    if ms == 0 { String::new() } else { format!(" offset {ms}ms") }
}
