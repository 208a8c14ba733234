//! Which label sets a policy must be asked about.
//!
//! In come the matched series; out comes, for every label set, how it is
//! decided: not at all, by its only replica, or by a decision that all label
//! sets with the same timelines share.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use guest_merge::Terms;

use super::matching::Matching;
use super::{Kind, Options};

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

/// The timelines and the kind of every label set.
pub(super) struct Timelines<'a> {
    replicas: usize,
    /// By label set, then by replica.
    times: Vec<&'a [i64]>,
    kinds: Vec<Kind>,
}

impl<'a> Timelines<'a> {
    pub(super) fn new(matching: &'a Matching<'_>, options: &Options<'_>) -> Self {
        let replicas = matching.replicas();
        let mut times = Vec::with_capacity(matching.len() * replicas);
        for index in 0..matching.len() {
            times.extend((0..replicas).map(|replica| matching.timeline(index, replica).times));
        }
        Self { replicas, times, kinds: kinds(matching, options) }
    }

    /// The timelines of a label set, one per replica.
    pub(super) fn of(&self, index: usize) -> &[&'a [i64]] {
        &self.times[index * self.replicas..(index + 1) * self.replicas]
    }

    /// The kind of a label set.
    pub(super) fn kind(&self, index: usize) -> Kind {
        self.kinds[index]
    }

    /// All kinds.
    pub(super) fn into_kinds(self) -> Vec<Kind> {
        self.kinds
    }

    /// Samples of a label set in all replicas.
    pub(super) fn samples(&self, index: usize) -> usize {
        self.of(index).iter().map(|times| times.len()).sum()
    }

    /// The only replica with samples, if there is at most one.
    fn lone(&self, index: usize) -> Result<Option<usize>, ()> {
        let own = self.of(index).iter().enumerate();
        let mut present = own.filter(|(_, times)| !times.is_empty()).map(|(replica, _)| replica);
        let first = present.next();
        if present.next().is_some() { Err(()) } else { Ok(first) }
    }

    /// A hash of a few timestamps: equal timelines have equal hashes, and the
    /// few tell different ones apart well enough before they are compared.
    fn hash(&self, index: usize) -> u64 {
        let mut hasher = FixedState::default().build_hasher();
        hasher.write_u8(self.kind(index) as u8);
        for times in self.of(index) {
            hasher.write_usize(times.len());
            if let (Some(first), Some(last)) = (times.first(), times.last()) {
                hasher.write_i64(*first);
                hasher.write_i64(*last);
                hasher.write_i64(times[times.len() / 2]);
            }
        }
        hasher.finish()
    }

    fn are_equal(&self, one: usize, two: usize) -> bool {
        self.kind(one) == self.kind(two) && self.of(one) == self.of(two)
    }
}

/// Every label set's choice, and the label sets that stand for the decisions,
/// in order.
pub(super) fn choose(terms: &Terms, timelines: &Timelines<'_>) -> (Vec<Choice>, Vec<usize>) {
    let mut to_ask: Vec<usize> = Vec::new();
    let mut known: HashMap<u64, usize, FixedState> = HashMap::default();
    let mut choices = Vec::with_capacity(timelines.kinds.len());
    for index in 0..timelines.kinds.len() {
        let choice = match timelines.lone(index) {
            Ok(None) => Choice::Nothing,
            Ok(Some(replica)) if terms.keeps_lone_replica => Choice::Lone(replica),
            _ if terms.needs_samples => new_decision(&mut to_ask, index),
            _ => {
                let hash = timelines.hash(index);
                let shared = known.get(&hash).copied();
                match shared.filter(|known| timelines.are_equal(index, to_ask[*known])) {
                    Some(decision) => Choice::Decision(decision),
                    None => {
                        known.insert(hash, to_ask.len());
                        new_decision(&mut to_ask, index)
                    }
                }
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

/// Suffixes of the series of counters, summaries and classic histograms.
const COUNTER_SUFFIXES: [&str; 4] = ["_total", "_count", "_sum", "_bucket"];

fn kinds(matching: &Matching<'_>, options: &Options<'_>) -> Vec<Kind> {
    let mut kinds = Vec::with_capacity(matching.len());
    // Neighbours in label order mostly share a metric name.
    let mut last = ("", kind_of("", options));
    for index in 0..matching.len() {
        let name = matching.labels(index).metric_name();
        if name != last.0 {
            last = (name, kind_of(name, options));
        }
        let is_told = last.1 != Kind::Unknown;
        kinds.push(if is_told { last.1 } else { kind_by_samples(matching, index) });
    }
    kinds
}

fn kind_of(name: &str, options: &Options<'_>) -> Kind {
    let told = options.kind_of.map_or(Kind::Unknown, |kind_of| kind_of(name));
    let is_counter = || COUNTER_SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
    if told == Kind::Unknown && is_counter() { Kind::Counter } else { told }
}

fn kind_by_samples(matching: &Matching<'_>, index: usize) -> Kind {
    let has_histograms = matching.has_histograms()
        && (0..matching.replicas())
            .filter_map(|replica| matching.series(index, replica))
            .any(|series| !series.histogram_times.is_empty());
    if has_histograms { Kind::Histogram } else { Kind::Unknown }
}
