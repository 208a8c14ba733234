//! One side of a histogram: spans, the buckets they place, and optionally the
//! compensation of each bucket.
//!
//! Spans that name more buckets than there are, or overlap, come from broken
//! servers; they give odd results here, never a panic.

use super::Span;
use super::buckets::coarser;
use crate::kahan;

/// Walks buckets as (index, count), optionally merged to a lower resolution.
#[derive(Clone)]
pub(super) struct Walk<'a> {
    spans: &'a [Span],
    buckets: &'a [f64],
    /// Buckets of the first span already passed.
    in_span: u32,
    index: i32,
    from: i32,
    to: i32,
}

impl<'a> Walk<'a> {
    /// The buckets as they are.
    pub(super) fn new(spans: &'a [Span], buckets: &'a [f64]) -> Self {
        Self::merged(spans, buckets, 0, 0)
    }

    /// The buckets of schema `from`, merged to schema `to`.
    pub(super) fn merged(spans: &'a [Span], buckets: &'a [f64], from: i32, to: i32) -> Self {
        let index = spans.first().map_or(0, |span| span.offset);
        Self { spans, buckets, in_span: 0, index, from, to }
    }

    fn next_unmerged(&mut self) -> Option<(i32, f64)> {
        while self.in_span >= self.spans.first()?.length {
            self.spans = &self.spans[1..];
            self.in_span = 0;
            self.index = self.index.wrapping_add(self.spans.first()?.offset);
        }
        let (count, rest) = self.buckets.split_first()?;
        let found = (self.index, *count);
        self.buckets = rest;
        self.in_span += 1;
        self.index = self.index.wrapping_add(1);
        Some(found)
    }
}

impl Iterator for Walk<'_> {
    type Item = (i32, f64);

    fn next(&mut self) -> Option<(i32, f64)> {
        let (index, mut count) = self.next_unmerged()?;
        if self.from == self.to {
            return Some((index, count));
        }
        let target = coarser(index, self.from, self.to);
        loop {
            let ahead = self.clone();
            match self.next_unmerged() {
                Some((index, more)) if coarser(index, self.from, self.to) == target => {
                    count += more;
                }
                _ => {
                    *self = ahead;
                    return Some((target, count));
                }
            }
        }
    }
}

/// Builds spans from bucket indexes in ascending order.
#[derive(Default)]
pub(super) struct SpanBuilder {
    spans: Vec<Span>,
    next: i32,
}

impl SpanBuilder {
    /// Places one more bucket.
    pub(super) fn push(&mut self, index: i32) {
        match self.spans.last_mut() {
            Some(span) if index == self.next => span.length += 1,
            last => {
                let base = if last.is_some() { self.next } else { 0 };
                self.spans.push(Span { offset: index.wrapping_sub(base), length: 1 });
            }
        }
        self.next = index.wrapping_add(1);
    }

    /// The spans.
    pub(super) fn finish(self) -> Vec<Span> {
        self.spans
    }
}

/// True if both place their buckets alike, however the spans are cut.
pub(super) fn same_layout(a: &[Span], b: &[Span]) -> bool {
    a == b || indexes(a).eq(indexes(b))
}

fn indexes(spans: &[Span]) -> impl Iterator<Item = i32> {
    let mut next = 0i32;
    spans.iter().flat_map(move |span| {
        let start = next.wrapping_add(span.offset);
        next = start.wrapping_add_unsigned(span.length);
        (0..span.length).map(move |step| start.wrapping_add_unsigned(step))
    })
}

/// Removes buckets that are zero, compensation included.
pub(super) fn compact(
    spans: &mut Vec<Span>,
    buckets: &mut Vec<f64>,
    compensation: Option<&mut Vec<f64>>,
) {
    let empty = |place: usize| {
        buckets[place] == 0.0
            && compensation.as_ref().is_none_or(|c| c.get(place).is_none_or(|c| *c == 0.0))
    };
    let tidy = spans.iter().all(|span| span.length > 0)
        && spans.iter().skip(1).all(|span| span.offset > 0)
        && !(0..buckets.len()).any(empty);
    if tidy {
        return;
    }
    let kept: Vec<(usize, i32)> = Walk::new(spans, buckets)
        .enumerate()
        .filter(|(place, _)| !empty(*place))
        .map(|(place, (index, _))| (place, index))
        .collect();
    let mut builder = SpanBuilder::default();
    kept.iter().for_each(|(_, index)| builder.push(*index));
    let keep = |values: &[f64]| kept.iter().map(|(place, _)| values[*place]).collect();
    if let Some(compensation) = compensation {
        *compensation = keep(compensation);
    }
    *buckets = keep(buckets);
    *spans = builder.finish();
}

/// Merges the buckets of schema `from` to schema `to`, in place.
pub(super) fn reduce(
    spans: &mut Vec<Span>,
    buckets: &mut Vec<f64>,
    compensation: Option<&mut Vec<f64>>,
    from: i32,
    to: i32,
) {
    let mut builder = SpanBuilder::default();
    let mut last = None;
    let mut merged: Vec<f64> = Vec::with_capacity(buckets.len());
    let mut merged_compensation = Vec::new();
    for (place, (index, count)) in Walk::new(spans, buckets).enumerate() {
        let target = coarser(index, from, to);
        let own = compensation.as_ref().and_then(|c| c.get(place)).copied().unwrap_or(0.0);
        if last == Some(target) {
            let end = merged.len() - 1;
            if compensation.is_some() {
                kahan::add(count, &mut merged[end], &mut merged_compensation[end]);
                kahan::add(own, &mut merged[end], &mut merged_compensation[end]);
            } else {
                merged[end] += count;
            }
        } else {
            builder.push(target);
            merged.push(count);
            merged_compensation.push(own);
            last = Some(target);
        }
    }
    *spans = builder.finish();
    *buckets = merged;
    if let Some(compensation) = compensation {
        *compensation = merged_compensation;
    }
}

/// How the counts of one side enter another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// They are added.
    Plus,
    /// They are subtracted.
    Minus,
}

impl Sign {
    /// The count with this sign.
    pub(super) fn of(self, count: f64) -> f64 {
        match self {
            Self::Plus => count,
            Self::Minus => -count,
        }
    }
}

/// Adds `other` to the side; buckets the side lacks are inserted. With a
/// compensation every addition is compensated.
pub(super) fn combine(
    spans: &mut Vec<Span>,
    buckets: &mut Vec<f64>,
    mut compensation: Option<&mut Vec<f64>>,
    sign: Sign,
    (other_spans, other): (&[Span], &[Addend]),
) {
    if spans.as_slice() == other_spans && buckets.len() == other.len() {
        for (place, addend) in other.iter().enumerate() {
            let own = compensation.as_deref_mut().map(|c| &mut c[place]);
            addend.add_to(sign, &mut buckets[place], own);
        }
        return;
    }
    let mut builder = SpanBuilder::default();
    let mut sums = Vec::with_capacity(buckets.len() + other.len());
    let mut sums_compensation = Vec::new();
    let placed: Vec<f64> = other.iter().map(|addend| addend.count).collect();
    let mut theirs = Walk::new(other_spans, &placed).map(|(index, _)| index).zip(other).peekable();
    let mut ours = Walk::new(spans, buckets).enumerate().peekable();
    loop {
        let our_index = ours.peek().map(|(_, (index, _))| *index);
        let their_index = theirs.peek().map(|(index, _)| *index);
        let index = match (our_index, their_index) {
            (None, None) => break,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(a), Some(b)) => a.min(b),
        };
        let own = ours.next_if(|(_, (own, _))| *own == index);
        let (mut count, mut own_compensation) = own.map_or((0.0, 0.0), |(place, (_, count))| {
            (count, compensation.as_ref().and_then(|c| c.get(place)).copied().unwrap_or(0.0))
        });
        if let Some((_, addend)) = theirs.next_if(|(their, _)| *their == index) {
            if own.is_some() {
                let slot = compensation.is_some().then_some(&mut own_compensation);
                addend.add_to(sign, &mut count, slot);
            } else {
                count = sign.of(addend.count);
                own_compensation = sign.of(addend.compensation);
            }
        }
        builder.push(index);
        sums.push(count);
        sums_compensation.push(own_compensation);
    }
    *spans = builder.finish();
    *buckets = sums;
    if let Some(compensation) = compensation {
        *compensation = sums_compensation;
    }
}

/// A count to be added, with what rounding it has lost so far.
#[derive(Clone, Copy)]
pub(super) struct Addend {
    /// The count.
    pub(super) count: f64,
    /// Its compensation; zero without.
    pub(super) compensation: f64,
}

impl Addend {
    fn add_to(self, sign: Sign, sum: &mut f64, compensation: Option<&mut f64>) {
        match compensation {
            None => *sum += sign.of(self.count),
            Some(own) => {
                kahan::add(sign.of(self.count), sum, own);
                if self.compensation != 0.0 {
                    kahan::add(sign.of(self.compensation), sum, own);
                }
            }
        }
    }
}
