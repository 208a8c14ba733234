//! Two policies on the same merge: where their answers differ, and what each
//! costs.
//!
//! In come a recorded or live input and two bindings; out comes a
//! [`Comparison`], which adds up with others. What is compared are decisions:
//! which samples each answer has and from which replica. Stale markers are
//! left out, they are the host's. Everything but the cost is the same on every
//! run.

mod difference;
mod report;
mod samples;
mod text;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use promql::SeriesBatch;

use super::matching::Matching;
use super::recording::Entry;
use super::{Binding, Fault, Merged, Provenance, merge, stale};
use difference::Walk;

pub use super::clock::Clock;
pub use report::{Comparison, Example, Kind, Largest, Sample, Side};

/// Most examples that one comparison holds.
pub const MAX_EXAMPLES: usize = 20;
/// Most examples of one series in one merge, so that others have room.
const EXAMPLES_OF_A_SERIES: usize = 2;

/// What a policy answered to one merge.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    /// Where the samples come from.
    pub runs: Provenance,
    /// Why the built-in rule answered in its place.
    pub fault: Option<Fault>,
    /// Processor time of the merge.
    pub nanoseconds: u64,
}

impl Answered {
    /// What is to be known of a merge; its samples stay there.
    #[must_use]
    pub fn of(merged: &mut Merged, nanoseconds: u64) -> Self {
        Self { runs: std::mem::take(&mut merged.runs), fault: merged.fault.clone(), nanoseconds }
    }

    /// About how many bytes it holds.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        self.runs.heap_bytes()
    }
}

/// Merges an input with a policy.
#[must_use]
pub fn answer(binding: &Binding, entry: &Entry) -> Answered {
    let clock = Clock::start();
    let mut merged = merge(binding, &entry.views(), &entry.options());
    Answered::of(&mut merged, clock.nanoseconds())
}

/// Compares what two policies make of an input. The cost is that of the faster
/// of two runs.
#[must_use]
pub fn compare(active: &Binding, candidate: &Binding, entry: &Entry) -> Comparison {
    let window = Window::of(entry, &[active, candidate]);
    let (mut one, mut other) = (answer(active, entry), answer(candidate, entry));
    // Who is first finds the samples in no cache.
    for (answered, binding) in [(&mut one, active), (&mut other, candidate)] {
        if answered.fault.is_none() {
            answered.nanoseconds = answered.nanoseconds.min(answer(binding, entry).nanoseconds);
        }
    }
    between(entry, window, &one, &other)
}

/// The moments of an input that policies can decide for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    first_ms: i64,
    last_ms: i64,
    /// False if some of what was wanted is outside.
    is_whole: bool,
}

impl Window {
    /// What is wanted, without the ends at which any of these policies looks
    /// further around than the replicas were asked.
    #[must_use]
    pub fn of(entry: &Entry, policies: &[&Binding]) -> Self {
        let (mut first_ms, mut last_ms) = (entry.start_ms, entry.end_ms);
        let (from, to) = entry.asked_ms;
        // Where no finite amount would do, the ends are as good as the rest.
        for span in policies.iter().filter_map(|own| own.span(entry.replicas.len())) {
            first_ms = first_ms.max(from.saturating_add_unsigned(span.before_ms));
            last_ms = last_ms.min(to.saturating_sub_unsigned(span.after_ms));
        }
        let is_whole = (first_ms, last_ms) == (entry.start_ms, entry.end_ms);
        Self { first_ms, last_ms, is_whole }
    }

    fn contains(self, time: i64) -> bool {
        (self.first_ms..=self.last_ms).contains(&time)
    }
}

/// Compares two answers to the same input. If the candidate failed there is
/// nothing to compare: the fault and the cost are counted.
#[must_use]
pub fn between(
    entry: &Entry,
    window: Window,
    active: &Answered,
    candidate: &Answered,
) -> Comparison {
    let mut comparison = Comparison::default();
    let samples = entry.samples() as u64;
    comparison.active.count(active, samples);
    comparison.candidate.count(candidate, samples);
    if candidate.fault.is_some() {
        return comparison;
    }
    let clean: Vec<Cow<'_, SeriesBatch>> =
        entry.replicas.iter().map(stale::without_markers).collect();
    let views: Vec<&SeriesBatch> = clean.iter().map(AsRef::as_ref).collect();
    let matching = Matching::new(&views);
    comparison.merges_narrowed = u64::from(!window.is_whole);
    Walk { entry, window, matching: &matching, comparison: &mut comparison }
        .all(&active.runs, &candidate.runs);
    comparison
}
