//! Where a policy decides otherwise than the built-in rule.

use guest_merge::Settings;

use super::answer::{Answer, Taken};
use super::case::Case;
use super::generate::Generator;
use super::lab::{Lab, Patience};
use super::law::{self, Broken, Law, Stop};
use super::probe::Probe;
use super::{Budget, Progress, picked, shrink, text};
use crate::policy::decide::{Decide as _, Native};

const SEED: u64 = 11;

/// How much of the same batches is decided otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Differences {
    /// Batches that both were asked about.
    pub batches: u64,
    /// Series in them.
    pub series: u64,
    /// Series of which other samples were taken.
    pub series_that_differ: u64,
    /// Moments of the merged series that both have, from whichever replica.
    pub samples_of_both: u64,
    /// Moments that only the built-in rule has.
    pub samples_of_builtin_only: u64,
    /// Moments that only the policy has.
    pub samples_of_policy_only: u64,
    /// One of each sort, small.
    pub examples: Vec<Difference>,
}

/// A batch that is decided otherwise.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// Of what sort.
    pub what: &'static str,
    /// The smallest batch found, as text.
    pub input: String,
    /// What the built-in rule takes.
    pub builtin: String,
    /// What the policy takes.
    pub policy: String,
}

/// How the samples of one series differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// It leaves moments out.
    Less,
    /// It has moments more.
    More,
    /// It has some more and some less.
    Others,
    /// It has the same moments from other replicas.
    Source,
}

const SORTS: [Sort; 4] = [Sort::Less, Sort::More, Sort::Others, Sort::Source];

impl Sort {
    const fn text(self) -> &'static str {
        match self {
            Self::Less => "it takes fewer samples",
            Self::More => "it takes more samples",
            Self::Others => "it takes samples at other moments",
            Self::Source => "it takes the same moments from other replicas",
        }
    }

    fn of(builtin: &[Taken], policy: &[Taken]) -> Option<Self> {
        if builtin == policy {
            return None;
        }
        let less = builtin.iter().any(|taken| !has(policy, taken.time));
        let more = policy.iter().any(|taken| !has(builtin, taken.time));
        Some(match (less, more) {
            (true, false) => Self::Less,
            (false, true) => Self::More,
            (true, true) => Self::Others,
            (false, false) => Self::Source,
        })
    }
}

/// Whether a merged series has a moment.
fn has(all: &[Taken], time: i64) -> bool {
    all.binary_search_by_key(&time, |taken| taken.time).is_ok()
}

/// Asks both about generated batches.
pub(super) fn find(
    lab: &mut Lab<'_>,
    budget: Budget,
    watch: &dyn Fn(Progress),
) -> Result<Differences, Box<Broken>> {
    let patience = Patience::of(budget.patience);
    let mut generator = Generator::new(SEED, lab.terms.span);
    let picked = picked::cases();
    let total = picked.len() as u64 + budget.generated;
    let generated = (0..budget.generated).map(|_| generator.case());
    let mut found = Differences::default();
    let mut examples: [Option<Probe>; SORTS.len()] = [const { None }; SORTS.len()];
    for case in picked.into_iter().chain(generated) {
        if patience.is_over() {
            break;
        }
        let policy = match law::answer(lab, &case) {
            Ok(answer) => answer,
            Err(Stop::OutOfTime) => break,
            Err(Stop::Broken(broken)) => return Err(broken),
        };
        found.add(&case, &policy, &mut examples);
        watch(Progress { done: found.batches, total });
    }
    for (sort, probe) in SORTS.into_iter().zip(examples) {
        found.examples.extend(probe.and_then(|probe| example(lab, sort, &probe, budget)));
    }
    Ok(found)
}

impl Differences {
    fn add(&mut self, case: &Case, policy: &Answer, examples: &mut [Option<Probe>]) {
        self.batches += 1;
        let (builtin, policy) = (builtin(case).taken(case), policy.taken(case));
        for (index, (builtin, policy)) in builtin.iter().zip(&policy).enumerate() {
            self.series += 1;
            let both = builtin.iter().filter(|taken| has(policy, taken.time)).count() as u64;
            self.samples_of_both += both;
            self.samples_of_builtin_only += builtin.len() as u64 - both;
            self.samples_of_policy_only += policy.len() as u64 - both;
            if let Some(sort) = Sort::of(builtin, policy) {
                self.series_that_differ += 1;
                let series = case.with(vec![case.series[index].clone()]);
                examples[sort as usize].get_or_insert_with(|| Probe::of(series));
            }
        }
    }
}

fn builtin(case: &Case) -> Answer {
    let plan = Native(&Settings::DEFAULT).plan(&case.columns(false));
    Answer::of(&plan.expect("the built-in rule plans every batch"))
}

/// The smallest batch of one series with a difference of this sort.
fn example(lab: &mut Lab<'_>, sort: Sort, probe: &Probe, budget: Budget) -> Option<Difference> {
    let with_values = lab.terms.needs_samples;
    let patience = Patience::of(budget.shrinking / SORTS.len() as u32);
    lab.patience = patience;
    let mut differs = |_, probe: &Probe| -> Option<Broken> {
        let (builtin, policy) = (builtin(&probe.case), lab.plan(&probe.case).ok()?);
        let (builtin, policy) = (builtin.taken(&probe.case), policy.taken(&probe.case));
        (Sort::of(&builtin[0], &policy[0]) == Some(sort)).then(|| Broken {
            law: Law::Answers,
            probe: probe.clone(),
            answer: text::taken(&policy[0], with_values),
            is_slow: false,
        })
    };
    let first = differs(Law::Answers, probe)?;
    let small = shrink::shrink_by(first, patience, with_values, differs);
    let taken = &builtin(&small.probe.case).taken(&small.probe.case)[0];
    Some(Difference {
        what: sort.text(),
        input: text::probe(&small.probe, with_values),
        builtin: text::taken(taken, with_values),
        policy: small.answer,
    })
}
