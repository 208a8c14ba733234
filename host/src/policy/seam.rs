//! Seams at which a counter would seem to be reset, though it was not.
//!
//! Two replicas scrape at different moments and by different clocks. Where a
//! merge changes from one to the other, the value may fall a little, and
//! `rate` would take that for a reset and add the whole counter again. In
//! come the runs of one series; out they go, shortened where the replicas'
//! own samples show that nothing was reset. Resets that a replica saw stay.

use promql::CounterResetHint;

use super::timeline::{Timeline, Value};
use super::{Kind, Run};

/// Clocks are not further apart than this, in milliseconds. What would have
/// to be dropped over a longer stretch is kept: it is a reset that both
/// replicas missed.
const MAX_SKEW_MS: i64 = 60_000;

/// Nothing is concluded from samples of one replica that are further apart
/// than this, in milliseconds: a counter may have been reset and have grown
/// again. Prometheus's lookback.
const MAX_UNSEEN_MS: i64 = 300_000;

/// How far around a sample its fate at a seam is decided, in milliseconds.
pub(super) const SPAN_MS: u64 = (MAX_SKEW_MS + MAX_UNSEEN_MS).unsigned_abs();

/// Shortens runs at false resets; returns the number of samples dropped.
///
/// Where the value falls from run to run: if the later run's replica has the
/// higher number, it fills, and its leading samples go up to the first that
/// does not fall; otherwise the earlier run filled, and its trailing samples
/// go. `runs` must be in order of time and hold no synthesised samples.
pub(super) fn repair<'a>(
    kind: Kind,
    timeline: &impl Fn(usize) -> Timeline<'a>,
    runs: &mut Vec<Run>,
) -> usize {
    if !matches!(kind, Kind::Counter | Kind::Histogram) || !changes_replica(runs) {
        return 0;
    }
    let mut out: Vec<Run> = Vec::with_capacity(runs.len());
    let mut dropped = 0;
    for run in runs.iter().copied() {
        dropped += append(&mut out, run, timeline);
    }
    *runs = out;
    dropped
}

fn changes_replica(runs: &[Run]) -> bool {
    runs.windows(2).any(|pair| pair[0].replica != pair[1].replica)
}

/// Appends a run to checked ones and repairs the seam between them.
fn append<'a>(
    out: &mut Vec<Run>,
    mut run: Run,
    timeline: &impl Fn(usize) -> Timeline<'a>,
) -> usize {
    let mut dropped = 0;
    while let Some(last) = out.last_mut() {
        if last.replica == run.replica {
            if last.start + last.length == run.start {
                last.length += run.length;
                return dropped;
            }
            break;
        }
        let before = Counter(timeline(last.replica as usize));
        let after = Counter(timeline(run.replica as usize));
        let cut = match Seam::find(&before, *last, &after, run) {
            Some(seam) if run.replica > last.replica => seam.leading(&before, &after, run),
            Some(seam) => seam.trailing(&before, *last, &after),
            None => 0,
        };
        dropped += cut as usize;
        if cut == 0 {
            break;
        }
        if run.replica > last.replica {
            run.start += cut;
            run.length -= cut;
            break;
        }
        last.length -= cut;
        if last.length > 0 {
            break;
        }
        out.pop();
    }
    if run.length > 0 {
        out.push(run);
    }
    dropped
}

/// A counter's samples in one replica.
struct Counter<'a>(Timeline<'a>);

impl Counter<'_> {
    fn time(&self, index: usize) -> i64 {
        self.0.times[index]
    }

    /// The counter's value; none for stale markers, other NaN, and gauges.
    fn value(&self, index: usize) -> Option<f64> {
        let value = self.0.value(index)?;
        if let Value::Histogram(histogram) = value
            && histogram.counter_reset_hint == CounterResetHint::Gauge
        {
            return None;
        }
        Some(value.number()).filter(|number| !number.is_nan())
    }

    /// Number of samples up to and including `time`.
    fn up_to(&self, time: i64) -> usize {
        self.0.times.partition_point(|own| *own <= time)
    }

    /// True if the value falls anywhere from sample `first` to sample `last`.
    fn falls(&self, first: usize, last: usize) -> bool {
        let mut values = (first..=last).filter_map(|index| self.value(index));
        let Some(mut before) = values.next() else {
            return false;
        };
        values.any(|value| value < std::mem::replace(&mut before, value))
    }

    /// The same over a stretch of time, both ends included.
    fn falls_between(&self, start: i64, end: i64) -> bool {
        let first = self.0.times.partition_point(|own| *own < start);
        let end = self.up_to(end);
        first < end && self.falls(first, end - 1)
    }
}

/// A change of replica at which the value falls.
struct Seam {
    /// The last value before it.
    high: f64,
    high_at: usize,
    high_time: i64,
    /// The first value after it.
    low: f64,
    low_at: usize,
    low_time: i64,
}

impl Seam {
    fn find(before: &Counter<'_>, last: Run, after: &Counter<'_>, next: Run) -> Option<Self> {
        let indexes = |run: Run| run.start as usize..(run.start + run.length) as usize;
        let valued =
            |counter: &Counter<'_>, index| counter.value(index).map(|value| (index, value));
        let (high_at, high) = indexes(last).rev().find_map(|index| valued(before, index))?;
        let (low_at, low) = indexes(next).find_map(|index| valued(after, index))?;
        (low < high).then(|| Self {
            high,
            high_at,
            high_time: before.time(high_at),
            low,
            low_at,
            low_time: after.time(low_at),
        })
    }

    /// True unless the samples show that nothing was reset between the last
    /// sample taken of `before` and the first of the filling replica `after`.
    fn may_be_a_reset(&self, before: &Counter<'_>, after: &Counter<'_>) -> bool {
        let Some(own) = after.up_to(self.high_time).checked_sub(1) else {
            // It has nothing before the seam, but the other may go on.
            let next = self.high_at + 1;
            let soon = self.high_time.saturating_add(MAX_UNSEEN_MS);
            let goes_on = before.0.times.get(next).is_some_and(|time| *time <= soon);
            return !goes_on || before.falls(self.high_at, next);
        };
        // It must have seen the seam from so near that nothing happened unseen.
        let unseen = after.0.times[own..].get(..2).map_or(0, |pair| pair[1] - pair[0]);
        if unseen > MAX_UNSEEN_MS || after.falls(own, self.low_at) {
            return true;
        }
        // It may have seen the reset already, by its clock, which the other
        // has yet to see.
        let recently = self.high_time.saturating_sub(MAX_SKEW_MS);
        after.falls_between(recently, after.time(own))
            && !before.falls_between(recently, self.high_time)
    }

    /// How many leading samples of the filling run `next` to drop.
    fn leading(&self, before: &Counter<'_>, after: &Counter<'_>, next: Run) -> u32 {
        if self.may_be_a_reset(before, after) {
            return 0;
        }
        let (begin, end) = (next.start, next.start + next.length);
        let limit = self.high_time.saturating_add(MAX_SKEW_MS);
        let mut last = self.low;
        for index in begin..end {
            let Some(value) = after.value(index as usize) else {
                continue;
            };
            if value >= self.high || value < last {
                return index - begin;
            }
            if after.time(index as usize) > limit {
                return 0;
            }
            last = value;
        }
        next.length
    }

    /// The same where `before` filled and `after` returns.
    fn may_be_a_reset_on_return(&self, before: &Counter<'_>, after: &Counter<'_>) -> bool {
        // What the filling replica saw next tells best.
        let last = before.0.times.len() - 1;
        let next = before.up_to(self.low_time).min(last);
        let soon = self.low_time.saturating_add(MAX_UNSEEN_MS);
        let goes_on = next > self.high_at && before.time(next) <= soon;
        if goes_on && before.falls(self.high_at, next) {
            return true;
        }
        let near = self.low_time.saturating_sub(MAX_UNSEEN_MS);
        match after.up_to(self.high_time).checked_sub(1) {
            Some(own) if after.time(own) >= near => after.falls(own, self.low_at),
            _ => !goes_on,
        }
    }

    /// How many trailing samples of the filling run `filling` to drop.
    fn trailing(&self, before: &Counter<'_>, filling: Run, after: &Counter<'_>) -> u32 {
        if self.may_be_a_reset_on_return(before, after) {
            return 0;
        }
        let limit = self.low_time.saturating_sub(MAX_SKEW_MS);
        let (begin, end) = (filling.start, filling.start + filling.length);
        let mut next = self.high;
        for index in (begin..end).rev() {
            let Some(value) = before.value(index as usize) else {
                continue;
            };
            if value <= self.low || value > next {
                return end - 1 - index;
            }
            if before.time(index as usize) < limit {
                return 0;
            }
            next = value;
        }
        filling.length
    }
}
