//! From decisions to samples.
//!
//! In come the matched series and a checked decision for each; out come the
//! merged columns, cut to the wanted window, and where every sample is from.

use std::ops::{Range, RangeInclusive};

use promql::{CounterResetHint, SeriesBatch};

use super::choose::Choice;
use super::decide::Decided;
use super::matching::Matching;
use super::timeline::Timeline;
use super::{Merged, Options, Run, seam};

/// Writes every series' samples to `merged`.
pub(super) fn apply(
    matching: &Matching<'_>,
    decided: &Decided,
    options: &Options<'_>,
    merged: &mut Merged,
) {
    merged.decisions = decided.decisions;
    // Sample columns grow as they fill: reserving them whole was measured to
    // cost twice the merge in page faults of fresh memory.
    merged.series = SeriesBatch::with_capacity(matching.len(), 0);
    let mut runs: Vec<Run> = Vec::new();
    for index in 0..matching.len() {
        let source = Source { matching, index, synthesised: synthesised(decided, index) };
        source.collect(decided, &mut runs);
        // Samples that the policy made up are in no timeline.
        if decided.terms.no_false_resets && source.synthesised.is_empty() {
            let timeline = |replica| matching.timeline(index, replica);
            let kind = decided.kinds[index];
            merged.decisions.dropped_at_seams += seam::repair(kind, &timeline, &mut runs);
        }
        source.trim(&mut runs, options);
        if runs.is_empty() {
            continue;
        }
        source.copy(&runs, &mut merged.series);
        merged.series.finish_series(matching.labels(index).clone());
        source.keep_made(&runs, &mut merged.runs.made);
        merged.runs.sets.push(count(index));
        merged.runs.runs.extend_from_slice(&runs);
        merged.runs.ends.push(merged.runs.runs.len());
    }
}

fn synthesised(decided: &Decided, index: usize) -> &[(i64, f64)] {
    match decided.choices[index] {
        Choice::Decision(decision) => decided.synthesised(decision),
        Choice::Nothing | Choice::Lone(_) => &[],
    }
}

/// Where one series' samples are taken from.
struct Source<'a> {
    matching: &'a Matching<'a>,
    index: usize,
    synthesised: &'a [(i64, f64)],
}

impl Source<'_> {
    fn timeline(&self, run: Run) -> Timeline<'_> {
        self.matching.timeline(self.index, run.replica as usize)
    }

    /// The series' runs, synthesised samples among them, in order of time.
    fn collect(&self, decided: &Decided, runs: &mut Vec<Run>) {
        runs.clear();
        match decided.choices[self.index] {
            Choice::Nothing => {}
            Choice::Lone(replica) => {
                let length = self.matching.timeline(self.index, replica).times.len();
                runs.push(Run { replica: count(replica), start: 0, length: count(length) });
            }
            Choice::Decision(decision) if self.synthesised.is_empty() => {
                runs.extend_from_slice(decided.runs(decision));
            }
            Choice::Decision(decision) => self.interleave(decided.runs(decision), runs),
        }
    }

    fn interleave(&self, own: &[Run], runs: &mut Vec<Run>) {
        let mut made = 0;
        for run in own {
            let times = &self.timeline(*run).times[indexes(*run)];
            let mut taken = 0;
            while let Some((time, _)) = self.synthesised.get(made)
                && times.last().is_some_and(|last| time < last)
            {
                let before = times.partition_point(|own| own < time);
                if before > taken {
                    runs.push(part(*run, taken..before));
                }
                taken = taken.max(before);
                runs.push(Run { replica: Run::SYNTHESISED, start: count(made), length: 1 });
                made += 1;
            }
            runs.push(part(*run, taken..times.len()));
        }
        let rest = self.synthesised.len() - made;
        if rest > 0 {
            let (start, length) = (count(made), count(rest));
            runs.push(Run { replica: Run::SYNTHESISED, start, length });
        }
    }

    /// Leaves out what is outside the wanted window.
    fn trim(&self, runs: &mut Vec<Run>, options: &Options<'_>) {
        let window = options.start_ms..=options.end_ms;
        for run in &mut *runs {
            let range = indexes(*run);
            let inside = if run.replica == Run::SYNTHESISED {
                within(&self.synthesised[range], &window, |(time, _)| *time)
            } else {
                within(&self.timeline(*run).times[range], &window, |time| *time)
            };
            *run = part(*run, inside);
        }
        runs.retain(|run| run.length > 0);
    }

    /// Notes the samples that no replica has.
    fn keep_made(&self, runs: &[Run], made: &mut Vec<(i64, u64)>) {
        if self.synthesised.is_empty() {
            return;
        }
        for run in runs.iter().filter(|run| run.replica == Run::SYNTHESISED) {
            let own = self.synthesised[indexes(*run)].iter();
            made.extend(own.map(|(time, value)| (*time, value.to_bits())));
        }
    }

    fn copy(&self, runs: &[Run], out: &mut SeriesBatch) {
        for (position, run) in runs.iter().enumerate() {
            if run.replica == Run::SYNTHESISED {
                for (time, value) in &self.synthesised[indexes(*run)] {
                    out.push_float(*time, *value);
                }
                continue;
            }
            let timeline = self.timeline(*run);
            let Some(series) = timeline.series else {
                continue;
            };
            let (floats, histograms) = timeline.split(&indexes(*run));
            match self.matching.place(self.index, run.replica as usize) {
                // Most series are those of one replica.
                Some((batch, at)) if runs.len() == 1 => out.share_floats(batch, at, floats),
                _ => out.extend_floats(
                    &series.float_times[floats.clone()],
                    &series.float_values[floats],
                ),
            }
            let first = histograms.start;
            for at in histograms {
                let mut histogram = series.histogram_values[at].clone();
                // A hint speaks of the sample before it in its own replica,
                // which is not the one before it here.
                if at == first
                    && position > 0
                    && histogram.counter_reset_hint != CounterResetHint::Gauge
                {
                    histogram.counter_reset_hint = CounterResetHint::Unknown;
                }
                out.push_histogram(series.histogram_times[at], histogram);
            }
        }
    }
}

/// The part of samples in order of time that is inside the window.
fn within<T>(
    samples: &[T],
    window: &RangeInclusive<i64>,
    time: impl Fn(&T) -> i64,
) -> Range<usize> {
    let ends = samples.first().zip(samples.last());
    if ends
        .is_some_and(|(first, last)| *window.start() <= time(first) && time(last) <= *window.end())
    {
        return 0..samples.len();
    }
    let start = samples.partition_point(|sample| time(sample) < *window.start());
    start..samples.partition_point(|sample| time(sample) <= *window.end()).max(start)
}

/// The contract counts samples and replicas in 32 bits; larger series were
/// refused when the batch was put together.
fn count(number: usize) -> u32 {
    u32::try_from(number).expect("a series has fewer than 2^32 samples")
}

const fn indexes(run: Run) -> Range<usize> {
    let start = run.start as usize;
    start..start + run.length as usize
}

/// A part of a run, by positions within it.
fn part(run: Run, within: Range<usize>) -> Run {
    let length = within.end.saturating_sub(within.start);
    Run { start: run.start + count(within.start), length: count(length), ..run }
}
