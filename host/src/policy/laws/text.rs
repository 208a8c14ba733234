//! Batches and answers for people: one line each, short where they are
//! regular.

use std::fmt::Write as _;

use guest_merge::Plan;

use super::answer::{Decision, Taken};
use super::case::{Case, Sample, Series};
use super::probe::{Probe, Repeated, Window};
use crate::policy::{Kind, Run};

/// Lists up to this long are shown whole.
const WHOLE: usize = 12;
/// Of longer ones, so many at the start and as many at the end.
const SOME: usize = 4;

/// What a policy is asked.
pub(super) fn probe(probe: &Probe, with_values: bool) -> String {
    let mut text = case(&probe.case, with_values);
    if let Some(window) = probe.window {
        let _ = write!(text, "; once whole, and once cut to {}", window_text(window));
    }
    let earlier = |one: &Repeated| {
        let text = case(&one.case, with_values);
        if one.times == 1 { text } else { format!("{} times {text}", one.times) }
    };
    match &*probe.earlier {
        [] => text,
        [one] => format!("first {}; then {text}", earlier(one)),
        [.., last] => {
            let count: usize = probe.earlier.iter().map(|one| one.times).sum();
            format!("first {count} batches, the last {}; then {text}", earlier(last))
        }
    }
}

fn window_text(window: Window) -> String {
    match window {
        (Some(start), Some(end)) => format!("times from {start} to {end}"),
        (Some(start), None) => format!("times from {start} on"),
        (None, Some(end)) => format!("times up to {end}"),
        (None, None) => "nothing".to_owned(),
    }
}

/// A batch.
pub(super) fn case(case: &Case, with_values: bool) -> String {
    let one = |series: &Series| series_text(series, with_values);
    match &*case.series {
        [series] => one(series),
        many if many.len() <= WHOLE => {
            let texts = many.iter().enumerate();
            let texts: Vec<_> =
                texts.map(|(index, series)| format!("series {index}: {}", one(series))).collect();
            texts.join("; ")
        }
        many => format!("{} series, the first: {}", many.len(), one(&many[0])),
    }
}

fn series_text(series: &Series, with_values: bool) -> String {
    let replicas = series.replicas.iter().enumerate();
    let texts: Vec<_> = replicas
        .map(|(replica, samples)| format!("replica {replica} at {}", list(samples, with_values)))
        .collect();
    let kind = match series.kind {
        Kind::Unknown => "",
        Kind::Counter => "counter: ",
        Kind::Gauge => "gauge: ",
        Kind::Histogram => "histogram: ",
    };
    format!("{kind}{}", texts.join(", "))
}

/// Samples in order of time.
fn list(samples: &[Sample], with_values: bool) -> String {
    let shown = |samples: &[Sample]| -> Vec<String> {
        samples.iter().map(|sample| self::sample(*sample, with_values)).collect()
    };
    match samples {
        [] => "no time".to_owned(),
        short if short.len() <= WHOLE => format!("[{}] ms", shown(short).join(", ")),
        long => format!(
            "[{}, … {} samples …, {}] ms",
            shown(&long[..SOME]).join(", "),
            long.len() - 2 * SOME,
            shown(&long[long.len() - SOME..]).join(", "),
        ),
    }
}

fn sample(sample: Sample, with_value: bool) -> String {
    if with_value {
        format!("{}={}", sample.time, value(sample.bits))
    } else {
        sample.time.to_string()
    }
}

fn value(bits: u64) -> String {
    let number = f64::from_bits(bits);
    if number.is_nan() { format!("NaN({bits:#018x})") } else { format!("{number:?}") }
}

/// What was taken of one series.
pub(super) fn decision(decision: &Decision, series: &Series, with_values: bool) -> String {
    taken(&decision.taken(series), with_values)
}

/// Samples of a merged series, by where they are from.
pub(super) fn taken(taken: &[Taken], with_values: bool) -> String {
    let runs: Vec<&[Taken]> = taken.chunk_by(|one, two| one.replica == two.replica).collect();
    let of_run = |run: &&[Taken]| {
        let own: Vec<_> =
            run.iter().map(|taken| Sample { time: taken.time, bits: taken.bits }).collect();
        match run[0].replica {
            Run::SYNTHESISED => format!("{} of its own making", list(&own, true)),
            replica => format!("{} of replica {replica}", list(&own, with_values)),
        }
    };
    let mut texts: Vec<String> = runs.iter().take(WHOLE).map(of_run).collect();
    if runs.len() > WHOLE {
        texts.push(format!("… {} more runs", runs.len() - WHOLE));
    }
    if texts.is_empty() { "nothing".to_owned() } else { texts.join(", ") }
}

/// An answer that is no plan, as it came.
pub(super) fn raw(plan: &Plan) -> String {
    let (runs, rest) = plan.runs.as_chunks::<3>();
    let runs: Vec<_> = runs.iter().take(WHOLE).map(|run| format!("{run:?}")).collect();
    let mut text = format!("runs [{}]", runs.join(", "));
    if !rest.is_empty() || plan.runs.len() > 3 * WHOLE {
        let _ = write!(text, " of {} numbers", plan.runs.len());
    }
    let _ = write!(text, ", ends {:?}", &plan.ends[..plan.ends.len().min(WHOLE)]);
    if !plan.synthesised_times.is_empty() {
        let made = &plan.synthesised_times[..plan.synthesised_times.len().min(WHOLE)];
        let _ = write!(text, ", synthesised times {made:?}");
    }
    text
}
