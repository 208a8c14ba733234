//! What is told of a query: what would be asked of whom, and what was.
//!
//! In: a plan, or what happens while a query that is traced is answered. Out:
//! an [`Explained`], or notes in the query's [`Trace`]. Nothing is asked here,
//! and for a query that is not traced nothing is done.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use promql::query::Query;
use promql::series::is_stale;
use promql::{SeriesBatch, SeriesRef};

use super::Error;
use super::fleet::Fleet;
use super::group::Group;
use super::replica::selector_text;
use crate::plan::{Asked, Explained, GroupName, Plan, Read, ReadOf, Way};
use crate::policy::{self, Merged};
use crate::storage::{self, Context, Origin, Question, Run, Select, Source, Trace};

/// A question to one replica of a group.
pub(super) struct Request<'a> {
    /// What was asked for.
    pub(super) call: &'static str,
    /// What it was asked to evaluate; empty for other calls.
    pub(super) text: &'a str,
    /// The replica's number.
    pub(super) replica: usize,
    /// Of this question alone: its budget and its bytes.
    pub(super) context: Context,
}

impl Fleet {
    /// A plan with the groups' names, and what is read raw.
    pub(super) fn explained(
        &self,
        context: &Context,
        question: &Question,
        plan: &Plan,
        selects: &[Select],
    ) -> Explained {
        let everywhere: Vec<usize> = (0..self.groups.len()).collect();
        let mut reads: Vec<Read> = Vec::new();
        for select in selects {
            add(&mut reads, self.read(context, select, None, &everywhere));
        }
        for (site, planned) in plan.sites.iter().enumerate() {
            for share in &planned.shares {
                for stretch in share.stretches.iter().filter(|own| own.way == Way::Raw) {
                    let (expr, steps) = (planned.site.expr.clone(), stretch.steps);
                    let (start_ms, end_ms) = (steps.start_ms, steps.end_ms);
                    let options = &question.options;
                    let query = Query::from_expr(expr, start_ms, end_ms, steps.step_ms, options);
                    for select in query.iter().flat_map(Query::selects) {
                        let read = self.read(context, select, Some(site), &share.groups);
                        add(&mut reads, read);
                    }
                }
            }
        }
        let groups = self.groups.iter().map(|group| GroupName {
            title: group.title.clone(),
            labels: group.labels.clone(),
            replicas: group.replicas.iter().map(|replica| replica.name.clone()).collect(),
        });
        Explained {
            query: question.text.clone(),
            steps: question.steps(),
            plan: plan.clone(),
            groups: groups.collect(),
            reads,
        }
    }

    fn read(
        &self,
        context: &Context,
        select: &Select,
        site: Option<usize>,
        groups: &[usize],
    ) -> Read {
        let groups = groups.iter().map(|index| &self.groups[*index]);
        Read {
            site,
            asked: groups.filter_map(|own| own.read(context, select)).collect(),
            ..Read::of(select)
        }
    }
}

fn add(reads: &mut Vec<Read>, read: Read) {
    if !reads.contains(&read) {
        reads.push(read);
    }
}

impl Group {
    fn read(&self, context: &Context, select: &Select) -> Option<ReadOf> {
        let asked = self.asked(&self.policy.of(context), select)?;
        let window_ms = (asked.start_ms, asked.end_ms);
        let estimate = self.coverage.estimate(&asked.matchers, window_ms);
        Some(ReadOf {
            group: self.place,
            selector: selector_text(&asked.matchers),
            window_ms,
            pieces: self.pieces(&asked),
            estimate: estimate.map(|estimate| (estimate.series, estimate.samples)),
        })
    }

    /// Traces a request that has ended.
    pub(super) fn trace(&self, request: &Request<'_>, elapsed: Duration, error: Option<&Error>) {
        let Some(trace) = &request.context.trace else { return };
        trace.request(storage::Asked {
            group: self.place,
            replica: request.replica,
            call: request.call,
            text: request.text.to_owned(),
            elapsed,
            bytes: request.context.received.load(Ordering::Relaxed),
            samples: request.context.budget.peak_samples(),
            outcome: error.map_or("success", Error::name),
            error: error.map(ToString::to_string),
        });
    }

    /// Traces a request that was given up.
    pub(super) fn trace_straggler(
        &self,
        context: &Context,
        (call, replica): (&'static str, usize),
        elapsed: Duration,
    ) {
        let context =
            Context { budget: context.budget.fresh(), received: Arc::default(), ..context.clone() };
        let request = Request { call, text: "", replica, context };
        self.trace(&request, elapsed, Some(&Error::Straggler));
    }

    /// For the merges of what these replicas answered, if they are traced.
    pub(super) fn notes(
        &self,
        context: &Context,
        answered: &[usize],
        selects: &[Select],
    ) -> Option<Notes> {
        Notes::new(context, Some(self.place), answered.to_vec(), selects)
    }
}

/// Takes note of where merged series come from.
pub(super) struct Notes {
    trace: Arc<Trace>,
    group: Option<usize>,
    /// Numbers of the replicas, or of the groups, that were merged.
    merged: Vec<usize>,
    /// The selectors and their windows.
    parts: Vec<(String, (i64, i64))>,
}

impl Notes {
    fn new(
        context: &Context,
        group: Option<usize>,
        merged: Vec<usize>,
        selects: &[Select],
    ) -> Option<Self> {
        let trace = Arc::clone(context.trace.as_ref()?);
        let part =
            |select: &Select| (selector_text(&select.matchers), (select.start_ms, select.end_ms));
        Some(Self { trace, group, merged, parts: selects.iter().map(part).collect() })
    }

    /// For series that several groups may hold, if that is traced.
    pub(super) fn of_groups(
        context: &Context,
        groups: Vec<usize>,
        selects: &[Select],
    ) -> Option<Self> {
        Self::new(context, None, groups, selects)
    }

    /// Which replica each sample of a selector's series comes from.
    pub(super) fn merged(&self, index: usize, merged: &Merged) {
        let origin = |replica: usize| Origin::Replica(self.merged[replica]);
        self.note(index, merged, |own| (origin(own), self.merged[own] > 0), |_| true);
    }

    /// Which group each sample comes from, of series that several groups
    /// hold; `filled` has the places of those that were merged.
    pub(super) fn across(&self, index: usize, merged: &Merged, filled: &[usize]) {
        let origin = |own: usize| (Origin::Group(self.merged[filled[own]]), own > 0);
        let mixed = |runs: &[policy::Run]| runs.iter().any(|run| run.replica != runs[0].replica);
        self.note(index, merged, origin, mixed);
    }

    fn note(
        &self,
        index: usize,
        merged: &Merged,
        origin: impl Fn(usize) -> (Origin, bool),
        wanted: impl Fn(&[policy::Run]) -> bool,
    ) {
        let (part, window_ms) = &self.parts[index];
        for (number, series) in merged.series.iter().enumerate() {
            let runs = merged.runs.series(number);
            if !wanted(runs) {
                continue;
            }
            let source = Source {
                part: part.clone(),
                window_ms: Some(*window_ms),
                group: self.group,
                labels: series.labels.clone(),
            };
            self.trace.runs(source, || timed(series, runs, &origin));
        }
    }
}

/// Runs with their times: those of the merged samples, for in order of time
/// the runs are all of them, stale markers left out.
fn timed(
    series: SeriesRef<'_>,
    runs: &[policy::Run],
    origin: &impl Fn(usize) -> (Origin, bool),
) -> Vec<Run> {
    let floats = series.float_times.iter().zip(series.float_values);
    let floats = floats.filter(|(_, value)| !is_stale(**value)).map(|(time, _)| *time);
    let histograms = series.histogram_times.iter().zip(series.histogram_values);
    let histograms = histograms.filter(|(_, value)| !is_stale(value.sum)).map(|(time, _)| *time);
    let mut times: Vec<i64> = floats.chain(histograms).collect();
    times.sort_unstable();
    let (mut noted, mut rest): (Vec<Run>, &[i64]) = (Vec::new(), &times);
    for run in runs {
        let (own, after) = rest.split_at((run.length as usize).min(rest.len()));
        rest = after;
        let (Some(first), Some(last)) = (own.first(), own.last()) else { continue };
        let (origin, filled) = match run.replica {
            policy::Run::SYNTHESISED => (Origin::Policy, true),
            replica => origin(replica as usize),
        };
        match noted.last_mut() {
            // A policy may take one replica's samples in several runs.
            Some(before) if before.origin == origin => {
                before.last_ms = *last;
                before.samples += own.len();
            }
            _ => noted.push(Run {
                first_ms: *first,
                last_ms: *last,
                samples: own.len(),
                origin,
                filled,
            }),
        }
    }
    noted
}

/// Takes note of the values that a replica gave, if that is traced.
pub(super) fn note_values(context: &Context, asked: &Asked, replica: usize, values: &SeriesBatch) {
    let Some(trace) = &context.trace else { return };
    for series in values.iter() {
        let times = series.float_times;
        let (Some(first), Some(last)) = (times.first(), times.last()) else { continue };
        let source = Source {
            part: asked.text.clone(),
            window_ms: None,
            group: Some(asked.group),
            labels: series.labels.clone(),
        };
        let run = Run {
            first_ms: *first,
            last_ms: *last,
            samples: times.len(),
            origin: Origin::Replica(replica),
            filled: replica > 0,
        };
        trace.runs(source, || vec![run]);
    }
}

#[cfg(test)]
mod tests {
    use promql::Labels;
    use promql::series::STALE_NAN_BITS;

    use super::*;
    use crate::gather::testing;
    use crate::policy::{Binding, Options, Settings, merge};

    /// Samples every 15 s, and perhaps a stale marker.
    fn batch(numbers: &[i64], marker: Option<i64>) -> SeriesBatch {
        let mut batch = SeriesBatch::new();
        for number in numbers {
            let is_marker = marker == Some(*number);
            let value = if is_marker { f64::from_bits(STALE_NAN_BITS) } else { 1.0 };
            batch.push_float(number * 15_000, value);
        }
        batch.finish_series(Labels::from_pairs([("__name__", "x")]));
        batch
    }

    fn told(batches: &[SeriesBatch], answered: &[usize]) -> Vec<(i64, i64, usize, Origin, bool)> {
        let mut context = testing::context();
        context.trace = Some(Arc::default());
        let select = Select { matchers: Vec::new(), start_ms: 0, end_ms: 0, lookups: None };
        let group = testing::group(&[], Labels::empty());
        let notes = group.notes(&context, answered, &[select]).expect("it is traced");
        let batches: Vec<&SeriesBatch> = batches.iter().collect();
        let binding = Binding::native(Settings::default());
        notes.merged(0, &merge(&binding, &batches, &Options::everything(0)));
        let traced = context.trace.expect("it is traced").so_far();
        let runs = traced.series[0].runs.iter();
        runs.map(|run| (run.first_ms, run.last_ms, run.samples, run.origin, run.filled)).collect()
    }

    #[test]
    fn runs_have_the_times_of_their_samples_and_count_no_stale_marker() {
        let first = batch(&[0, 1, 2, 3, 20, 21, 22, 23, 24], Some(24));
        let second = batch(&(0..24).collect::<Vec<_>>(), None);
        assert_eq!(
            told(&[first, second], &[0, 1]),
            [
                (0, 45_000, 4, Origin::Replica(0), false),
                (60_000, 285_000, 16, Origin::Replica(1), true),
                (300_000, 345_000, 4, Origin::Replica(0), false),
            ]
        );
    }

    #[test]
    fn a_replica_without_an_answer_keeps_its_number() {
        let only = batch(&[1, 2], None);
        let runs = told(&[only], &[1]);
        assert_eq!(runs, [(15_000, 30_000, 2, Origin::Replica(1), true)]);
    }

    #[test]
    fn a_query_that_is_not_traced_is_not_noted() {
        let group = testing::group(&[], Labels::empty());
        assert!(group.notes(&testing::context(), &[0], &[]).is_none());
    }
}
