//! Merging what the replicas of a server group answered, by its policy.
//!
//! In come the replicas' series as columns, in the configured order, and the
//! group's [`Binding`]; out comes one batch, where every sample came from, and
//! what the user must know. The policy decides on timelines; the samples are
//! moved here. A policy that fails is replaced by the built-in rule for this
//! merge, with a warning; or it fails the query, if it is bound so.
//!
//! Nothing here fetches, awaits or compiles: [`merge`] is CPU-bound and is to
//! be called off the reactor.

mod matching;
mod timeline;

mod choose;
mod columns;
mod decide;
mod plan;

mod apply;
mod seam;
mod stale;

mod binding;
mod error;
mod fault;
mod health;
mod session;
mod spec;
mod usage;

mod clock;
mod worker;

pub mod compare;
pub mod recording;
pub mod shadow;

mod compile;
mod contract;
mod cost;
mod engine;
mod fit;
mod form;
mod guest;
pub mod laws;
mod loader;
mod output;
mod sandbox;
mod slots;
mod text;
mod trial;
mod version;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::Instant;

use promql::SeriesBatch;

pub use binding::{Binding, Missing};
pub use cost::{StartCost, start_cost};
pub use engine::{Engine, EngineLimits};
pub use error::Error;
pub use fault::Fault;
pub(crate) use fit::{instead_of, is_name};
pub(crate) use form::is_module;
pub use guest_merge::{AntiAffinity, Rule, Settings, Span, Terms};
pub use loader::{CompileLimits, Compiler, Loader, LoaderOptions, compile_stdin};
pub use spec::{Fail, Limits, Spec};
pub use usage::Usage;
pub(crate) use version::digest_of;
pub use version::{Description, Version};

/// What is known of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nothing.
    #[default]
    Unknown,
    /// Its value only falls when it was reset.
    Counter,
    /// Its value may do anything.
    Gauge,
    /// Its samples are native histograms.
    Histogram,
}

/// What a merge must know besides data and policy.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The query's evaluation time in milliseconds: what a policy takes for
    /// the present.
    pub evaluation_ms: i64,
    /// First timestamp wanted, inclusive, in milliseconds. Data may begin
    /// [`Binding::span`] earlier; it is looked at and left out.
    pub start_ms: i64,
    /// Last timestamp wanted, inclusive, in milliseconds.
    pub end_ms: i64,
    /// The kind of a metric by its name, where metadata is known; otherwise
    /// the name's suffix tells (`_total`, `_count`, `_sum`, `_bucket`).
    pub kind_of: Option<&'a (dyn Fn(&str) -> Kind + Sync)>,
    /// When the query's time is over: bounds what a policy may take for all
    /// of its calls, and the wait for a sandbox. None: each call has its own
    /// limit only.
    pub deadline: Option<Instant>,
    /// A series that one of them alone has is taken whole without asking,
    /// whatever the policy says of lone replicas: for server groups, of which
    /// each has series of its own.
    pub keeps_lone: bool,
}

impl Options<'_> {
    /// Options of a merge that keeps every sample.
    #[must_use]
    pub const fn everything(evaluation_ms: i64) -> Self {
        Self {
            evaluation_ms,
            start_ms: i64::MIN,
            end_ms: i64::MAX,
            kind_of: None,
            deadline: None,
            keeps_lone: false,
        }
    }
}

/// Samples of one replica of one series, in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The replica's number, or [`Run::SYNTHESISED`].
    pub replica: u32,
    /// Number of the first sample among those the replica has of the series,
    /// floats and histograms together in order of time, without stale markers.
    pub start: u32,
    /// Number of samples, above zero.
    pub length: u32,
}

impl Run {
    /// In place of a replica: samples that the policy made up, as it said it
    /// may.
    pub const SYNTHESISED: u32 = u32::MAX;
}

/// Where the samples of merged series come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    runs: Vec<Run>,
    ends: Vec<usize>,
    /// Numbers of the series' label sets among those of all replicas.
    sets: Vec<u32>,
    /// The samples of runs that are synthesised, in their order: timestamps
    /// and the values' bits.
    made: Vec<(i64, u64)>,
}

impl Provenance {
    /// The runs of series `index` of the merged batch, in order of time.
    #[must_use]
    pub fn series(&self, index: usize) -> &[Run] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.runs[start..self.ends[index]]
    }

    /// Number of series.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True without series.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// About how many bytes it holds.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        self.runs.capacity() * size_of::<Run>() + self.ends.capacity() * 12
    }
}

/// How the series of a merge were decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// Series of one replica alone, taken whole without asking.
    pub lone: usize,
    /// Series that used the decision for another with the same timelines.
    pub shared: usize,
    /// Decisions that the policy was asked for.
    pub asked: usize,
    /// Calls into the policy for them.
    pub calls: usize,
    /// Samples dropped at seams where a counter would have seemed to be reset.
    pub dropped_at_seams: usize,
}

/// The outcome of a merge.
#[derive(Debug, Default)]
pub struct Merged {
    /// Series in label order, each label set once, none without samples.
    pub series: SeriesBatch,
    /// Where each series' samples come from, stale markers left out.
    pub runs: Provenance,
    /// Texts for the answer's `warnings`.
    pub warnings: Vec<String>,
    /// Why the built-in rule answered instead of the policy, or nobody did.
    pub fault: Option<Fault>,
    /// True if the fault is to fail the query, as the binding says. There are
    /// no series then, and the last warning is the error's text.
    pub refused: bool,
    /// For metrics and `explain`.
    pub decisions: Decisions,
}

/// Merges the answers of a group's replicas, in the configured order.
///
/// Never fails: if the policy does, the built-in rule answers with the
/// settings of [`Binding::fallback`], and a warning says so; or, for a binding
/// that fails closed, [`Merged::refused`] says that nobody did. The cost is
/// linear in the samples; a policy that needs timelines only is asked once
/// per distinct set of timelines. Stale markers are no part of timelines and
/// of provenance: they are put back afterwards, where no replica goes on.
#[must_use]
pub fn merge(binding: &Binding, replicas: &[&SeriesBatch], options: &Options<'_>) -> Merged {
    let clean: Vec<_> = replicas.iter().map(|batch| stale::without_markers(batch)).collect();
    let views: Vec<&SeriesBatch> = clean.iter().map(AsRef::as_ref).collect();
    let mut merged = merge_samples(binding, &views, options);
    if !merged.refused && clean.iter().any(|batch| matches!(batch, Cow::Owned(_))) {
        merged.series = stale::restore(&merged.series, replicas, options);
    }
    merged
}

fn merge_samples(binding: &Binding, replicas: &[&SeriesBatch], options: &Options<'_>) -> Merged {
    let matching = matching::Matching::new(replicas);
    let mut merged = Merged::default();
    let decided = match decide::decide(binding, &matching, options) {
        Ok(decided) => decided,
        Err(fault) => {
            merged.warnings.push(binding.fault_warning(&fault));
            merged.fault = Some(fault);
            merged.refused = binding.fails_closed();
            if merged.refused {
                return merged;
            }
            decide::decide_builtin(binding.fallback(), &matching, options)
        }
    };
    merged.decisions = decided.decisions;
    apply::apply(&matching, &decided, options, &mut merged);
    merged
}
