//! Series that are computed one from another, each by itself: by several
//! threads where there are many, and always given on in order.
//!
//! What is given on, noted, charged and refused is the same however many
//! threads there are.

use std::ops::Range;
use std::panic;
use std::thread;

use super::block::Series;
use super::{Evaluator, Held, Tally};
use crate::annotations::Annotations;
use crate::functions::FunctionId;
use crate::plan::{Grid, Node};
use crate::query::Error;

/// Samples and steps from which threads pay: some milliseconds of work. One
/// takes about a twentieth of a millisecond to start.
const WORTH_THREADS: usize = 1 << 19;
/// Floats that a thread computes before they are given on.
const SHARE: usize = 1 << 18;
/// Series that a thread computes before they are given on, at most.
const SHARE_SERIES: usize = 512;

/// How much there is to compute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    /// Input series, each of which gives at most one.
    pub(super) series: usize,
    /// Input samples of all of them.
    pub(super) samples: usize,
    /// Steps of each output series.
    pub(super) steps: usize,
}

impl Work {
    fn share(&self) -> usize {
        (SHARE / self.steps.max(1)).clamp(1, SHARE_SERIES)
    }

    /// Threads that would find something to do beside the first.
    fn threads(&self) -> usize {
        let cost = self.samples.saturating_add(self.series.saturating_mul(self.steps));
        if cost < WORTH_THREADS { 0 } else { self.series.div_ceil(self.share()) - 1 }
    }
}

/// Whether series were given on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    Yes,
    No,
}

/// What one thread came to: the series up to an error, if there was one.
struct Share {
    series: Vec<Series>,
    annotations: Annotations,
    end: Result<(), Error>,
}

impl<'a> Evaluator<'a> {
    /// Computes `one` series from each input, charges it, and gives it on.
    pub(super) fn each(
        &mut self,
        work: Work,
        one: impl Fn(&mut Evaluator<'a>, usize) -> Result<Option<Series>, Error> + Sync,
        held: &mut Held<'_>,
        sink: &mut dyn FnMut(Series) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let taken = self.budget.workers().take(work.threads());
        // Counting is not divided: who asks for it can wait.
        if taken.threads == 0 || self.tally.is_on() {
            for place in 0..work.series {
                self.budget.check()?;
                if let Some(series) = one(self, place)? {
                    held.add(&series)?;
                    sink(series)?;
                }
            }
            return Ok(());
        }
        let mut shares = shares(work);
        loop {
            let now: Vec<_> = shares.by_ref().take(taken.threads + 1).collect();
            if now.is_empty() {
                return Ok(());
            }
            for share in self.side_by_side(&now, &one) {
                self.annotations.append(share.annotations);
                for series in share.series {
                    held.add(&series)?;
                    sink(series)?;
                }
                share.end?;
            }
        }
    }

    /// Gives on the series of a node below an operator that does not keep
    /// them, if they are floats of one selector; else says that it does not.
    pub(super) fn pass(
        &mut self,
        node: &Node,
        grid: Grid,
        sink: &mut dyn FnMut(Series) -> Result<(), Error>,
    ) -> Result<Passed, Error> {
        let floats_only = |select: usize| !self.data[select].has_histograms();
        match node {
            Node::Instant(selector) if !selector.smoothed && floats_only(selector.select) => {
                let mut held = Held::passing(self.budget);
                self.each_instant(selector, grid, &mut held, sink)?;
                Ok(Passed::Yes)
            }
            Node::Call(call) if call.function.id != FunctionId::AbsentOverTime => {
                let select = |arg: &Node| match arg {
                    Node::Range(range) => range.source.select(),
                    _ => None,
                };
                let mut args = call.args.iter().map(select).enumerate();
                match args.find_map(|(place, select)| select.map(|select| (place, select))) {
                    Some((place, select)) if floats_only(select) => {
                        self.pass_range_call(call, place, grid, sink)?;
                        Ok(Passed::Yes)
                    }
                    _ => Ok(Passed::No),
                }
            }
            _ => Ok(Passed::No),
        }
    }

    /// The shares, one thread for each.
    fn side_by_side(
        &self,
        shares: &[Range<usize>],
        one: &(impl Fn(&mut Evaluator<'a>, usize) -> Result<Option<Series>, Error> + Sync),
    ) -> Vec<Share> {
        let Some((first, others)) = shares.split_first() else { return Vec::new() };
        thread::scope(|scope| {
            let others: Vec<_> = others
                .iter()
                .map(|share| scope.spawn(move || self.share(share.clone(), one)))
                .collect();
            let mut all = vec![self.share(first.clone(), one)];
            // A panic goes on in the query's own thread.
            let joined = others.into_iter().map(|other| other.join());
            all.extend(joined.map(|share| share.unwrap_or_else(|it| panic::resume_unwind(it))));
            all
        })
    }

    fn share(
        &self,
        places: Range<usize>,
        one: &impl Fn(&mut Evaluator<'a>, usize) -> Result<Option<Series>, Error>,
    ) -> Share {
        let mut evaluator =
            Evaluator { annotations: Annotations::default(), tally: Tally::off(), ..*self };
        let mut series = Vec::with_capacity(places.len());
        let compute = || {
            for place in places {
                evaluator.budget.check()?;
                series.extend(one(&mut evaluator, place)?);
            }
            Ok(())
        };
        let end = compute();
        Share { series, annotations: evaluator.annotations, end }
    }
}

/// All inputs in pieces, in order.
fn shares(work: Work) -> impl ExactSizeIterator<Item = Range<usize>> {
    let share = work.share();
    (0..work.series.div_ceil(share))
        .map(move |number| number * share..((number + 1) * share).min(work.series))
}
