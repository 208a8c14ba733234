//! From matched series to checked plans.
//!
//! Series of one replica alone are not asked about if the policy's terms allow
//! it; series that share all their timelines share a decision; the rest is
//! asked in batches of whole series.

use std::time::Instant;

use guest_merge::{Plan, Settings, Terms};

use super::binding::Binding;
use super::choose::{Choice, Timelines, choose};
use super::columns::Columns;
use super::matching::Matching;
use super::usage::Spent;
use super::{Decisions, Fault, Kind, Options, Run, plan};

/// Samples per call: large enough that the call costs nothing, small enough
/// to stay in the cache and to bound a guest's memory (measured: per-sample
/// cost is flat from 16,000 to 131,000).
const CHUNK_SAMPLES: usize = 32_768;

/// What answers for a policy.
pub(super) trait Decide {
    /// Plans one batch; the plan is checked by the caller.
    fn plan(&mut self, columns: &Columns) -> Result<Plan, Fault>;
}

/// The built-in rule, natively.
pub(super) struct Native<'a>(pub(super) &'a Settings);

impl Decide for Native<'_> {
    fn plan(&mut self, columns: &Columns) -> Result<Plan, Fault> {
        let batch = guest_merge::Batch::new(
            columns.replicas,
            &columns.offsets,
            &columns.timestamps,
            &columns.values,
        );
        guest_merge::plan(self.0, &batch).map_err(|error| Fault::Refused(error.to_string()))
    }
}

/// The built-in rule, natively, with a meter.
pub(super) struct Metered<'a> {
    native: Native<'a>,
    spent: Spent,
}

impl<'a> Metered<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self { native: Native(settings), spent: Spent::default() }
    }

    /// What it has cost so far.
    pub(super) const fn spent(&self) -> Spent {
        self.spent
    }
}

impl Decide for Metered<'_> {
    fn plan(&mut self, columns: &Columns) -> Result<Plan, Fault> {
        let started = Instant::now();
        let answer = self.native.plan(columns);
        self.spent.add_call(columns, started);
        answer
    }
}

/// Every label set's choice, and the decisions.
pub(super) struct Decided {
    pub(super) terms: Terms,
    pub(super) kinds: Vec<Kind>,
    pub(super) choices: Vec<Choice>,
    pub(super) decisions: Decisions,
    runs: Vec<Run>,
    ends: Vec<usize>,
    /// Timestamps and values; empty but for policies that synthesise.
    synthesised: Vec<(i64, f64)>,
    synthesised_ends: Vec<usize>,
}

impl Decided {
    /// The runs of a decision.
    pub(super) fn runs(&self, decision: usize) -> &[Run] {
        &self.runs[range(&self.ends, decision)]
    }

    /// The synthesised samples of a decision.
    pub(super) fn synthesised(&self, decision: usize) -> &[(i64, f64)] {
        &self.synthesised[range(&self.synthesised_ends, decision)]
    }

    /// Takes over a checked plan.
    fn append(&mut self, plan: &Plan) {
        for series in 0..plan.ends.len() {
            self.runs.extend(plan::runs(plan, series));
            self.ends.push(self.runs.len());
            let made = plan::synthesised_range(plan, series);
            let times = plan.synthesised_times[made.clone()].iter().copied();
            let values = plan.synthesised_values[made].iter().map(|bits| f64::from_bits(*bits));
            self.synthesised.extend(times.zip(values));
            self.synthesised_ends.push(self.synthesised.len());
        }
    }
}

fn range(ends: &[usize], index: usize) -> std::ops::Range<usize> {
    index.checked_sub(1).map_or(0, |before| ends[before])..ends[index]
}

/// Asks the binding's policy.
///
/// # Errors
/// The policy's fault; nothing of its answers is used then.
pub(super) fn decide(
    binding: &Binding,
    matching: &Matching<'_>,
    options: &Options<'_>,
) -> Result<Decided, Fault> {
    let mut terms = *binding.terms();
    terms.keeps_lone_replica |= options.keeps_lone;
    binding.with_decider(options, |decider| ask(decider, &terms, matching, options))
}

/// Asks the built-in rule.
pub(super) fn decide_builtin(
    settings: &Settings,
    matching: &Matching<'_>,
    options: &Options<'_>,
) -> Decided {
    ask(&mut Native(settings), &settings.terms(), matching, options)
        .expect("the built-in rule plans every batch")
}

fn ask(
    decider: &mut dyn Decide,
    terms: &Terms,
    matching: &Matching<'_>,
    options: &Options<'_>,
) -> Result<Decided, Fault> {
    let timelines = Timelines::new(matching, options);
    let (choices, to_ask) = choose(terms, &timelines);
    let mut decided = Decided {
        terms: *terms,
        kinds: Vec::new(),
        choices,
        decisions: Decisions::default(),
        runs: Vec::with_capacity(to_ask.len()),
        ends: Vec::with_capacity(to_ask.len()),
        synthesised: Vec::new(),
        synthesised_ends: Vec::with_capacity(to_ask.len()),
    };
    let mut columns = Columns::new(matching.replicas());
    for index in &to_ask {
        let samples = timelines.samples(*index);
        if columns.series() > 0 && columns.timestamps.len() + samples > CHUNK_SAMPLES {
            flush(decider, &mut columns, &mut decided)?;
        }
        columns.push(matching, &timelines, *index, terms.needs_samples);
    }
    if columns.series() > 0 {
        flush(decider, &mut columns, &mut decided)?;
    }
    decided.decisions.asked = to_ask.len();
    decided.kinds = timelines.into_kinds();
    decided.count_choices();
    Ok(decided)
}

impl Decided {
    fn count_choices(&mut self) {
        let lone = |choice: &&Choice| matches!(choice, Choice::Lone(_));
        let by_decision = |choice: &&Choice| matches!(choice, Choice::Decision(_));
        self.decisions.lone = self.choices.iter().filter(lone).count();
        let decided = self.choices.iter().filter(by_decision).count();
        self.decisions.shared = decided - self.decisions.asked;
    }
}

fn flush(
    decider: &mut dyn Decide,
    columns: &mut Columns,
    decided: &mut Decided,
) -> Result<(), Fault> {
    let answer = decider.plan(columns)?;
    plan::check(&answer, columns, decided.terms.may_synthesise)?;
    decided.append(&answer);
    decided.decisions.calls += 1;
    columns.clear();
    Ok(())
}
