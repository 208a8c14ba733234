//! The laws, one by one, each tried on one probe.
//!
//! A law asks the lab; whether that asks one instance after the other or one
//! for everything is the lab's business. An answer that is none, or no plan,
//! breaks a law of its own, whichever law asked.

use guest_merge::Span;

use super::answer::{Answer, Decision, Taken};
use super::case::{Case, Series};
use super::lab::{self, Lab, Trouble};
use super::probe::{self, Probe, Window};
use super::text;
use crate::policy::{Fault, Run};

/// A law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Law {
    SettingsSchema,
    SameTerms,
    Answers,
    InTime,
    ValidPlan,
    NothingInvented,
    Repeatable,
    Timeless,
    SeriesApart,
    LoneReplica,
    Idempotent,
    NoTimeTravel,
    SubWindows,
}

impl Law {
    /// In the order in which they are reported.
    pub(super) const ALL: [Self; 13] = [
        Self::SettingsSchema,
        Self::SameTerms,
        Self::Answers,
        Self::InTime,
        Self::ValidPlan,
        Self::NothingInvented,
        Self::Repeatable,
        Self::Timeless,
        Self::SeriesApart,
        Self::LoneReplica,
        Self::Idempotent,
        Self::NoTimeTravel,
        Self::SubWindows,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::SettingsSchema => "settings-schema",
            Self::SameTerms => "same-terms",
            Self::Answers => "answers",
            Self::InTime => "in-time",
            Self::ValidPlan => "valid-plan",
            Self::NothingInvented => "nothing-invented",
            Self::Repeatable => "repeatable",
            Self::Timeless => "timeless",
            Self::SeriesApart => "series-apart",
            Self::LoneReplica => "keeps-lone-replica",
            Self::Idempotent => "idempotent",
            Self::NoTimeTravel => "no-time-travel",
            Self::SubWindows => "sub-windows",
        }
    }

    pub(super) const fn demands(self) -> &'static str {
        match self {
            Self::SettingsSchema => "`settings-schema` is a JSON schema: an object",
            Self::SameTerms => {
                "`describe` and `configure` give the same on every instance, whatever its clock says"
            }
            Self::Answers => {
                "every batch that the contract allows is planned: no error, no trap, within the \
                 limits"
            }
            Self::InTime => "the batches that every policy is tried on are planned in some seconds",
            Self::ValidPlan => {
                "runs are within the batch, not empty, and ascend in time from run to run"
            }
            Self::NothingInvented => {
                "samples that no replica has are only made by policies that say so in \
                 `may-synthesise`"
            }
            Self::Repeatable => {
                "the answer to a batch depends on nothing that the instance was asked before"
            }
            Self::Timeless => "the answer does not depend on the clock",
            Self::SeriesApart => {
                "a series is decided in the same way alone, beside others, and in any order"
            }
            Self::LoneReplica => {
                "with `keeps-lone-replica`, a series of which one replica alone has samples is \
                 answered with all of them"
            }
            Self::Idempotent => {
                "replicas that have the same samples give exactly these: none lost, none invented"
            }
            Self::NoTimeTravel => {
                "within the declared span, samples that come later do not change a decision"
            }
            Self::SubWindows => {
                "within the declared span, a part of the time is decided as the whole is"
            }
        }
    }
}

/// Why a law was not found to hold.
#[derive(Debug)]
pub(super) enum Stop {
    Broken(Box<Broken>),
    OutOfTime,
}

/// A law that a probe breaks.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    pub(super) law: Law,
    pub(super) probe: Probe,
    /// What was answered, and what should have been.
    pub(super) answer: String,
    /// Whether the deadline was missed, so that trying again takes long.
    pub(super) is_slow: bool,
}

impl Broken {
    fn stop(law: Law, probe: &Probe, answer: String) -> Stop {
        Stop::Broken(Box::new(Self { law, probe: probe.clone(), answer, is_slow: false }))
    }
}

type Outcome = Result<(), Stop>;

/// Asks, and tells which law is broken if there is no answer.
pub(super) fn answer(lab: &mut Lab<'_>, case: &Case) -> Result<Answer, Stop> {
    lab.plan(case).map_err(|trouble| trouble_with(trouble, &Probe::of(case.clone())))
}

fn trouble_with(trouble: Trouble, probe: &Probe) -> Stop {
    let mut is_slow = false;
    let (law, answer) = match trouble {
        Trouble::OutOfTime => return Stop::OutOfTime,
        Trouble::Fault(fault) => {
            is_slow = matches!(fault, Fault::Deadline(_));
            (Law::Answers, format!("nothing: it {fault}"))
        }
        Trouble::Invalid { flaw, plan } => {
            let law = if plan.synthesised_times.is_empty() {
                Law::ValidPlan
            } else {
                Law::NothingInvented
            };
            (law, format!("no valid plan ({flaw}): {}", text::raw(&plan)))
        }
    };
    Stop::Broken(Box::new(Broken { law, probe: probe.clone(), answer, is_slow }))
}

/// Tries a law on a probe, with instances of its own.
///
/// Laws about what a policy says of itself are not tried here.
pub(super) fn check(law: Law, lab: &mut Lab<'_>, probe: &Probe) -> Outcome {
    let case = &probe.case;
    match law {
        Law::SettingsSchema | Law::SameTerms | Law::InTime => return Ok(()),
        Law::Repeatable => return repeatable(lab, probe),
        Law::Timeless => return timeless(lab, probe),
        _ => {}
    }
    let whole = answer(lab, case)?;
    match law {
        Law::SeriesApart => series_apart(lab, case, &whole),
        Law::LoneReplica => lone_replica(lab, case, &whole),
        Law::Idempotent => idempotent(lab, case, &whole),
        Law::NoTimeTravel | Law::SubWindows => match probe.window {
            Some(window) => windows(law, lab, case, &whole, window),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn repeatable(lab: &mut Lab<'_>, probe: &Probe) -> Outcome {
    let case = &probe.case;
    let alone = answer(lab, case)?;
    let clock = lab::clock_after(case);
    let mut guest = lab.instance(clock).map_err(|trouble| trouble_with(trouble, probe))?;
    for earlier in &probe.earlier {
        for _ in 0..earlier.times {
            let asked = lab.ask(&mut guest, &earlier.case);
            asked.map_err(|trouble| trouble_with(trouble, probe))?;
        }
    }
    let text = match lab.ask(&mut guest, case) {
        Ok(again) => match first_difference(&alone, &again) {
            None => return Ok(()),
            Some(index) => {
                both(lab, case, index, ("on a fresh instance", &alone), ("then", &again))
            }
        },
        Err(Trouble::OutOfTime) => return Err(Stop::OutOfTime),
        Err(Trouble::Fault(fault)) => {
            format!(
                "{} on a fresh instance, and then nothing: it {fault}",
                first(lab, case, &alone)
            )
        }
        Err(Trouble::Invalid { flaw, .. }) => format!(
            "{} on a fresh instance, and then no valid plan ({flaw})",
            first(lab, case, &alone)
        ),
    };
    Err(Broken::stop(Law::Repeatable, probe, text))
}

fn timeless(lab: &mut Lab<'_>, probe: &Probe) -> Outcome {
    let case = &probe.case;
    let now = answer(lab, case)?;
    for clock in [lab::clock_much_later(case), 0] {
        let trouble = |trouble| trouble_with(trouble, probe);
        let mut guest = lab.instance(clock).map_err(trouble)?;
        let then = lab.ask(&mut guest, case).map_err(trouble)?;
        if let Some(index) = first_difference(&now, &then) {
            let one = format!("with the clock at {}", lab::clock_after(case));
            let two = format!("with the clock at {clock}");
            let text = both(lab, case, index, (&one, &now), (&two, &then));
            return Err(Broken::stop(Law::Timeless, probe, text));
        }
    }
    Ok(())
}

/// Of more series, only so many are asked about alone.
const ALONE: usize = 12;

pub(super) fn series_apart(lab: &mut Lab<'_>, case: &Case, whole: &Answer) -> Outcome {
    if case.series.len() < 2 {
        return Ok(());
    }
    let broken = |lab: &Lab<'_>, index, how: &str, other: &Decision| {
        let together = text::decision(&whole.0[index], &case.series[index], values(lab));
        let other = text::decision(other, &case.series[index], values(lab));
        let text = format!("for series {index} beside the others {together}, and {how} {other}");
        Broken::stop(Law::SeriesApart, &Probe::of(case.clone()), text)
    };
    for (index, series) in case.series.iter().enumerate().take(ALONE) {
        let alone = answer(lab, &case.with(vec![series.clone()]))?;
        if alone.0[0] != whole.0[index] {
            return Err(broken(lab, index, "alone", &alone.0[0]));
        }
    }
    let reversed = case.with(case.series.iter().rev().cloned().collect());
    let mut answer = answer(lab, &reversed)?;
    answer.0.reverse();
    match first_difference(whole, &answer) {
        None => Ok(()),
        Some(index) => Err(broken(lab, index, "in reverse order", &answer.0[index])),
    }
}

pub(super) fn lone_replica(lab: &Lab<'_>, case: &Case, whole: &Answer) -> Outcome {
    if !lab.terms.keeps_lone_replica {
        return Ok(());
    }
    for (decision, series) in whole.0.iter().zip(&case.series) {
        if let Some(replica) = series.lone() {
            kept(Law::LoneReplica, lab, decision, series, replica)?;
        }
    }
    Ok(())
}

pub(super) fn idempotent(lab: &Lab<'_>, case: &Case, whole: &Answer) -> Outcome {
    for (decision, series) in whole.0.iter().zip(&case.series) {
        if series.is_unanimous() {
            kept(Law::Idempotent, lab, decision, series, 0)?;
        }
    }
    Ok(())
}

/// Whether the merged series has the moments of `replica`, and no others.
fn kept(law: Law, lab: &Lab<'_>, decision: &Decision, series: &Series, replica: usize) -> Outcome {
    let expected = series.replicas[replica].iter().map(|sample| sample.time);
    let taken = decision.taken(series);
    let comes_from_it = |taken: &Taken| law == Law::Idempotent || taken.replica as usize == replica;
    if taken.iter().map(|taken| taken.time).eq(expected) && taken.iter().all(comes_from_it) {
        return Ok(());
    }
    let length = series.replicas[replica].len();
    let all = Run { replica: replica as u32, start: 0, length: length as u32 };
    let all = Decision { runs: vec![all], made: Vec::new() };
    let text = format!(
        "{}; expected {}",
        text::decision(decision, series, values(lab)),
        text::decision(&all, series, values(lab))
    );
    Err(Broken::stop(law, &Probe::of(Case::of(series.clone())), text))
}

/// The declared span for so many replicas.
pub(super) fn reach(span: Span, replicas: usize) -> (u64, u64) {
    let others = replicas.saturating_sub(1) as u64;
    (span.before_ms.saturating_mul(others), span.after_ms.saturating_mul(others))
}

pub(super) fn windows(
    law: Law,
    lab: &mut Lab<'_>,
    case: &Case,
    whole: &Answer,
    window: Window,
) -> Outcome {
    let Some(span) = lab.terms.span else {
        return Ok(());
    };
    let (before, after) = reach(span, case.replicas);
    let start = window.0.map_or(i128::MIN, |start| i128::from(start) + i128::from(before));
    let end = window.1.map_or(i128::MAX, |end| i128::from(end) - i128::from(after));
    if start > end {
        return Ok(());
    }
    let part_of_case = probe::cut(case, window);
    let part = answer(lab, &part_of_case)?;
    let inner = |taken: Vec<Taken>| -> Vec<Taken> {
        taken.into_iter().filter(|t| (start..=end).contains(&i128::from(t.time))).collect()
    };
    let both = whole.taken(case).into_iter().zip(part.taken(&part_of_case));
    for (index, (of_whole, of_part)) in both.enumerate() {
        let (of_whole, of_part) = (inner(of_whole), inner(of_part));
        if of_whole == of_part {
            continue;
        }
        let shown = |taken: &[Taken]| text::taken(taken, values(lab));
        let text = format!(
            "of what lies {before} ms or more after the start of the part and {after} ms or more \
             before its end, {} when given the whole, and {} when given the part",
            shown(&of_whole),
            shown(&of_part),
        );
        let series = case.with(vec![case.series[index].clone()]);
        return Err(Broken::stop(law, &Probe::cut(series, window), text));
    }
    Ok(())
}

fn values(lab: &Lab<'_>) -> bool {
    lab.terms.needs_samples
}

/// The first series that is decided differently.
pub(super) fn first_difference(one: &Answer, two: &Answer) -> Option<usize> {
    one.0.iter().zip(&two.0).position(|(one, two)| one != two)
}

fn first(lab: &Lab<'_>, case: &Case, answer: &Answer) -> String {
    text::decision(&answer.0[0], &case.series[0], values(lab))
}

fn both(
    lab: &Lab<'_>,
    case: &Case,
    index: usize,
    one: (&str, &Answer),
    two: (&str, &Answer),
) -> String {
    let shown =
        |answer: &Answer| text::decision(&answer.0[index], &case.series[index], values(lab));
    let of_series =
        if case.series.len() > 1 { format!("for series {index} ") } else { String::new() };
    format!("{of_series}{} {}, and {} {}", shown(one.1), one.0, shown(two.1), two.0)
}
