//! From matched series to checked plans.
//!
//! Series of one replica alone are not asked about if the policy's terms allow
//! it; series that share all their timelines share a decision; the rest is
//! asked in batches of whole series.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use guest_merge::{Plan, Settings, Terms};

use super::binding::Binding;
use super::matching::Matching;
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

/// A batch being put together; the record `batch` of `wit/merge.wit`.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) replicas: usize,
    pub(super) kinds: Vec<Kind>,
    pub(super) offsets: Vec<u32>,
    pub(super) timestamps: Vec<i64>,
    pub(super) values: Vec<u64>,
}

impl Columns {
    fn new(replicas: usize) -> Self {
        Self { replicas, offsets: vec![0], ..Self::default() }
    }

    fn clear(&mut self) {
        self.kinds.clear();
        self.offsets.truncate(1);
        self.timestamps.clear();
        self.values.clear();
    }

    /// Number of series.
    pub(super) const fn series(&self) -> usize {
        self.kinds.len()
    }

    /// Timestamps of one replica of one series.
    pub(super) fn times(&self, series: usize, replica: usize) -> Option<&[i64]> {
        if replica >= self.replicas {
            return None;
        }
        let at = series * self.replicas + replica;
        Some(&self.timestamps[self.offsets[at] as usize..self.offsets[at + 1] as usize])
    }

    fn push(&mut self, matching: &Matching<'_>, index: usize, kind: Kind, with_values: bool) {
        self.kinds.push(kind);
        for replica in 0..self.replicas {
            let timeline = matching.timeline(index, replica);
            self.timestamps.extend_from_slice(timeline.times);
            if with_values {
                let values = (0..timeline.times.len()).filter_map(|at| timeline.value(at));
                self.values.extend(values.map(|value| value.number().to_bits()));
            }
            let end = u32::try_from(self.timestamps.len());
            self.offsets.push(end.expect("a series has fewer than 2^32 samples"));
        }
    }
}

/// How one label set is decided.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// No replica has samples.
    Nothing,
    /// This replica alone has samples; all are taken.
    Lone(usize),
    /// By the decision with this number.
    Decision(usize),
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
    let terms = *binding.terms();
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
    let kinds = kinds(matching, options);
    let (choices, to_ask) = choose(terms, matching, &kinds);
    let mut decided = Decided {
        terms: *terms,
        kinds,
        choices,
        decisions: Decisions::default(),
        runs: Vec::with_capacity(to_ask.len()),
        ends: Vec::with_capacity(to_ask.len()),
        synthesised: Vec::new(),
        synthesised_ends: Vec::with_capacity(to_ask.len()),
    };
    let mut columns = Columns::new(matching.replicas());
    for index in &to_ask {
        let samples = samples(matching, *index);
        if columns.series() > 0 && columns.timestamps.len() + samples > CHUNK_SAMPLES {
            flush(decider, &mut columns, &mut decided)?;
        }
        columns.push(matching, *index, decided.kinds[*index], terms.needs_samples);
    }
    if columns.series() > 0 {
        flush(decider, &mut columns, &mut decided)?;
    }
    decided.decisions.asked = to_ask.len();
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

fn samples(matching: &Matching<'_>, index: usize) -> usize {
    (0..matching.replicas()).map(|replica| matching.timeline(index, replica).times.len()).sum()
}

/// Every label set's choice, and the label sets that stand for the decisions,
/// in order.
fn choose(terms: &Terms, matching: &Matching<'_>, kinds: &[Kind]) -> (Vec<Choice>, Vec<usize>) {
    let mut to_ask: Vec<usize> = Vec::new();
    let mut known: HashMap<u64, usize, FixedState> = HashMap::default();
    let mut choices = Vec::with_capacity(matching.len());
    for (index, kind) in kinds.iter().enumerate() {
        let choice = match lone(matching, index) {
            Ok(None) => Choice::Nothing,
            Ok(Some(replica)) if terms.keeps_lone_replica => Choice::Lone(replica),
            _ if terms.needs_samples => new_decision(&mut to_ask, index),
            _ => {
                let hash = hash(matching, index, *kind);
                let shared = known.get(&hash).copied();
                let shared = shared.filter(|decision| {
                    let other = to_ask[*decision];
                    kinds[other] == *kind && share_timelines(matching, index, other)
                });
                let choice =
                    shared.map_or_else(|| new_decision(&mut to_ask, index), Choice::Decision);
                if shared.is_none() {
                    known.insert(hash, to_ask.len() - 1);
                }
                choice
            }
        };
        choices.push(choice);
    }
    (choices, to_ask)
}

fn new_decision(to_ask: &mut Vec<usize>, index: usize) -> Choice {
    to_ask.push(index);
    Choice::Decision(to_ask.len() - 1)
}

/// The only replica with samples, if there is at most one.
fn lone(matching: &Matching<'_>, index: usize) -> Result<Option<usize>, ()> {
    let has_samples = |replica: &usize| !matching.timeline(index, *replica).times.is_empty();
    let mut present = (0..matching.replicas()).filter(has_samples);
    let first = present.next();
    if present.next().is_some() { Err(()) } else { Ok(first) }
}

/// A hash of a few timestamps: equal timelines have equal hashes, and the few
/// tell different ones apart well enough before they are compared.
fn hash(matching: &Matching<'_>, index: usize, kind: Kind) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write_u8(kind as u8);
    for replica in 0..matching.replicas() {
        let times = matching.timeline(index, replica).times;
        hasher.write_usize(times.len());
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            continue;
        };
        hasher.write_i64(*first);
        hasher.write_i64(*last);
        hasher.write_i64(times[times.len() / 2]);
    }
    hasher.finish()
}

fn share_timelines(matching: &Matching<'_>, one: usize, two: usize) -> bool {
    (0..matching.replicas()).all(|replica| {
        matching.timeline(one, replica).times == matching.timeline(two, replica).times
    })
}

/// Suffixes of the series of counters, summaries and classic histograms.
const COUNTER_SUFFIXES: [&str; 4] = ["_total", "_count", "_sum", "_bucket"];

fn kinds(matching: &Matching<'_>, options: &Options<'_>) -> Vec<Kind> {
    (0..matching.len()).map(|index| kind(matching, index, options)).collect()
}

fn kind(matching: &Matching<'_>, index: usize, options: &Options<'_>) -> Kind {
    let name = matching.labels(index).metric_name();
    let told = options.kind_of.map_or(Kind::Unknown, |kind_of| kind_of(name));
    if told != Kind::Unknown {
        return told;
    }
    if COUNTER_SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
        return Kind::Counter;
    }
    let is_histogram = (0..matching.replicas())
        .filter_map(|replica| matching.series(index, replica))
        .any(|series| !series.histogram_times.is_empty());
    if is_histogram { Kind::Histogram } else { Kind::Unknown }
}
