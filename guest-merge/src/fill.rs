//! The default rule: at every moment the first replica, in the configured
//! order, that has data there; its holes filled from the next ones.
//!
//! Replica after replica is folded into the merged timeline. Whether a sample
//! is taken depends on nothing but samples near it (`near.rs`), so every
//! window gives the same answer.

mod near;

use alloc::vec::Vec;

use crate::columns::{Batch, Plan};
use crate::greatest;
use crate::settings::{AntiAffinity, Settings};
use near::{Inferred, Static, Verdict};

/// Buffers that series after series uses.
#[derive(Default)]
pub(crate) struct Scratch {
    merged: Timeline,
    next: Timeline,
    stretches: Vec<Stretch>,
    greatest: greatest::Scratch,
}

/// A merged timeline: its timestamps and where they come from.
#[derive(Default)]
struct Timeline {
    times: Vec<i64>,
    runs: Vec<Run>,
}

/// Samples of one replica, in a row.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) replica: usize,
    pub(crate) start: usize,
    pub(crate) length: usize,
}

/// Samples of the filling replica that belong before sample `at` of the base.
struct Stretch {
    at: usize,
    start: usize,
    length: usize,
}

/// Plans one series.
pub(crate) fn plan_series(
    settings: &Settings,
    batch: &Batch<'_>,
    series: usize,
    scratch: &mut Scratch,
    plan: &mut Plan,
) {
    let mut present = (0..batch.replicas()).filter(|r| !batch.times(series, *r).is_empty());
    let Some(first) = present.next() else {
        return plan.finish_series();
    };
    let greatest = settings.takes_greatest();
    let mut base = batch.times(series, first);
    scratch.merged.runs.clear();
    scratch.merged.runs.push(Run { replica: first, start: 0, length: base.len() });
    for replica in present {
        let filler = batch.times(series, replica);
        scratch.stretches.clear();
        if base != filler {
            find(settings, base, filler, &mut scratch.stretches);
        }
        if !scratch.stretches.is_empty() {
            scratch.merged.splice(base, replica, filler, &scratch.stretches, &mut scratch.next);
            core::mem::swap(&mut scratch.merged, &mut scratch.next);
            base = &scratch.merged.times;
        }
    }
    if greatest {
        greatest::plan_series(batch, series, &scratch.merged.runs, &mut scratch.greatest, plan);
    } else {
        for run in &scratch.merged.runs {
            plan.take(run.replica, run.start, run.length);
        }
    }
    plan.finish_series();
}

impl Timeline {
    /// Writes this timeline (whose timestamps are `base`) with the stretches
    /// of `filler` put in to `out`.
    fn splice(
        &self,
        base: &[i64],
        replica: usize,
        filler: &[i64],
        stretches: &[Stretch],
        out: &mut Self,
    ) {
        out.times.clear();
        out.runs.clear();
        let mut source = Source { runs: &self.runs, taken: 0 };
        let mut done = 0;
        for stretch in stretches {
            source.take(stretch.at - done, &mut out.runs);
            out.times.extend_from_slice(&base[done..stretch.at]);
            done = stretch.at;
            let Stretch { start, length, .. } = *stretch;
            out.runs.push(Run { replica, start, length });
            out.times.extend_from_slice(&filler[start..start + length]);
        }
        source.take(base.len() - done, &mut out.runs);
        out.times.extend_from_slice(&base[done..]);
    }
}

/// Runs that are handed out in pieces.
struct Source<'a> {
    runs: &'a [Run],
    /// Samples of the first run that are gone already.
    taken: usize,
}

impl Source<'_> {
    /// Moves the next `count` samples to `out`.
    fn take(&mut self, mut count: usize, out: &mut Vec<Run>) {
        while count > 0 {
            let Some(Run { replica, start, length }) = self.runs.first().copied() else {
                return;
            };
            let piece = count.min(length - self.taken);
            out.push(Run { replica, start: start + self.taken, length: piece });
            count -= piece;
            self.taken += piece;
            if self.taken == length {
                self.runs = &self.runs[1..];
                self.taken = 0;
            }
        }
    }
}

/// Finds what `filler` adds to `base`; neither is empty.
fn find(settings: &Settings, base: &[i64], filler: &[i64], out: &mut Vec<Stretch>) {
    match settings.anti_affinity {
        AntiAffinity::Static(ms) => {
            let rule = Static::new(ms);
            walk(base, filler, |at, index| {
                if rule.takes(base, filler, at, index) {
                    push(out, at, index);
                }
            });
        }
        AntiAffinity::Inferred { fallback_ms } => {
            let mut hole = Hole::default();
            let mut rule = Inferred::new(settings, fallback_ms, base, filler);
            walk(base, filler, |at, index| {
                hole.enter(at, out);
                match rule.judge(at, index) {
                    Verdict::Take => {
                        hole.filled = true;
                        push(out, at, index);
                    }
                    Verdict::Nearly(distance) => hole.offer(index, distance),
                    Verdict::Leave => {}
                }
            });
            hole.close(out);
        }
    }
}

/// Calls `visit(at, index)` for every filler sample whose timestamp the base
/// lacks; `at` is the number of base samples before it.
fn walk(base: &[i64], filler: &[i64], mut visit: impl FnMut(usize, usize)) {
    let (mut at, mut index) = (0, 0);
    loop {
        while let (Some(a), Some(b)) = (base.get(at), filler.get(index))
            && a == b
        {
            at += 1;
            index += 1;
        }
        let Some(time) = filler.get(index) else {
            return;
        };
        while base.get(at).is_some_and(|own| own < time) {
            at += 1;
        }
        if base.get(at) != Some(time) {
            visit(at, index);
            index += 1;
        }
    }
}

fn push(out: &mut Vec<Stretch>, at: usize, index: usize) {
    if let Some(last) = out.last_mut()
        && last.at == at
        && last.start + last.length == index
    {
        last.length += 1;
    } else {
        out.push(Stretch { at, start: index, length: 1 });
    }
}

/// The gap of the base that is being looked at.
#[derive(Default)]
struct Hole {
    at: usize,
    filled: bool,
    /// The best of the samples that are nearly far enough away, and its
    /// distance from the base.
    nearly: Option<(usize, i64)>,
}

impl Hole {
    fn enter(&mut self, at: usize, out: &mut Vec<Stretch>) {
        if at != self.at {
            self.close(out);
            *self = Self { at, ..Self::default() };
        }
    }

    fn offer(&mut self, index: usize, distance: i64) {
        if self.nearly.is_none_or(|(_, best)| distance > best) {
            self.nearly = Some((index, distance));
        }
    }

    /// A hole that stayed empty takes the sample that nearly fitted.
    fn close(&self, out: &mut Vec<Stretch>) {
        if let Some((index, _)) = self.nearly
            && !self.filled
        {
            push(out, self.at, index);
        }
    }
}
