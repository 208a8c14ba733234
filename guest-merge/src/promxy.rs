//! promxy's sample merge, number for number (promxy/pkg/promhttputil/merge.go
//! at its main branch of June 2026), for people who need equal answers while
//! they migrate.
//!
//! Its peculiarities are kept: the side with more samples is the base, so the
//! answer depends on the window; with `prefer_max` another replica's value
//! moves to the base's timestamp, and the first sample is never compared.

use alloc::vec::Vec;

use crate::columns::{Batch, Plan};
use crate::line::{Line, Origin, Sample};
use crate::settings::{AntiAffinity, Settings};

/// Plans one series.
pub(crate) fn plan_series(
    settings: &Settings,
    batch: &Batch<'_>,
    series: usize,
    line: &mut Line,
    plan: &mut Plan,
) {
    let prefer_max = settings.prefer_max;
    line.fold(batch, series, prefer_max, plan, |a, b, out| {
        let buffer = buffer_ms(settings, a, b);
        let (base, other) = if b.len() > a.len() { (b, a) } else { (a, b) };
        let mut merge = Merge { base, other, buffer, next: 0, compared: 0, out };
        merge.lead();
        merge.compared = merge.next;
        for sample in base {
            merge.fill_before(sample.time);
            merge.emit(*sample, prefer_max);
        }
        merge.trail();
    });
}

/// The distance kept, in milliseconds; promxy's configured one counts whole
/// seconds.
fn buffer_ms(settings: &Settings, a: &[Sample], b: &[Sample]) -> i64 {
    let whole_seconds = |ms: i64| ms / 1000 * 1000;
    match settings.anti_affinity {
        AntiAffinity::Static(ms) => whole_seconds(ms),
        AntiAffinity::Inferred { fallback_ms } => {
            half_median_gap(a, b).unwrap_or_else(|| whole_seconds(fallback_ms))
        }
    }
}

/// Half the median gap of the side with more samples, of both sides if that
/// one has fewer than three gaps.
fn half_median_gap(a: &[Sample], b: &[Sample]) -> Option<i64> {
    let (more, less) = if b.len() > a.len() { (b, a) } else { (a, b) };
    let gaps_of = |side: &[Sample], gaps: &mut Vec<i64>| {
        gaps.extend(side.windows(2).map(|pair| pair[1].time.saturating_sub(pair[0].time)));
    };
    let mut gaps = Vec::with_capacity(more.len());
    gaps_of(more, &mut gaps);
    if gaps.len() < 3 {
        gaps_of(less, &mut gaps);
    }
    if gaps.len() < 3 {
        return None;
    }
    let middle = gaps.len() / 2;
    let (_, median, _) = gaps.select_nth_unstable(middle);
    Some(*median / 2)
}

struct Merge<'a> {
    base: &'a [Sample],
    other: &'a [Sample],
    buffer: i64,
    /// Samples of `other` before this one are done with, for filling.
    next: usize,
    /// The same, for comparing values.
    compared: usize,
    out: &'a mut Vec<Sample>,
}

impl Merge<'_> {
    /// Takes what the other side has before the base begins.
    fn lead(&mut self) {
        let begin = self.base[0].time.saturating_sub(self.buffer);
        let leading = self.other.iter().take_while(|sample| sample.time < begin).count();
        self.out.extend_from_slice(&self.other[..leading]);
        // promxy's cursor stays on the last sample if all of them lead.
        self.next = leading.min(self.other.len() - 1);
    }

    /// Takes what fits before the base's sample at `time`, if the gap to the
    /// last one taken is wide enough.
    fn fill_before(&mut self, time: i64) {
        let Some(last) = self.out.last().map(|sample| sample.time) else {
            return;
        };
        if time.saturating_sub(last) <= self.buffer * 2 {
            return;
        }
        while let Some(sample) = self.other.get(self.next)
            && sample.time < time
        {
            if sample.time > last.saturating_add(self.buffer)
                && sample.time < time.saturating_sub(self.buffer)
            {
                self.out.push(*sample);
            }
            self.next += 1;
        }
    }

    fn emit(&mut self, own: Sample, prefer_max: bool) {
        let sample = if prefer_max && !self.out.is_empty() { self.greater(own) } else { own };
        self.out.push(sample);
    }

    /// The base's sample, or the value of the first near one of the other
    /// side, if that is greater, at the base's timestamp.
    fn greater(&mut self, own: Sample) -> Sample {
        let begin = own.time.saturating_sub(self.buffer);
        let is_near = |time: i64| time == own.time || time > begin;
        let Some(skip) = self.other[self.compared..].iter().position(|s| is_near(s.time)) else {
            return own;
        };
        let other = self.other[self.compared + skip];
        if other.time != own.time && other.time >= own.time.saturating_add(self.buffer) {
            return own;
        }
        self.compared += skip;
        if f64::from_bits(other.value) > f64::from_bits(own.value) {
            let moved = Sample { time: own.time, origin: Origin::Synthesised, ..other };
            return if other.time == own.time { other } else { moved };
        }
        own
    }

    /// Takes what the other side has after the base's end.
    fn trail(&mut self) {
        let Some(last) = self.out.last().map(|sample| sample.time) else {
            return;
        };
        let begin = last.saturating_add(self.buffer);
        let rest = self.other[self.next..].iter().filter(|sample| sample.time > begin);
        self.out.extend(rest);
    }
}
