//! The payload of a frame to an entry.
//!
//! Nothing in it is trusted: counts are checked against what is left, and
//! memory against [`MAX_MEMORY`].

pub(super) mod memory;

use promql::histogram::Span;
use promql::{CounterResetHint, Histogram, Labels, SeriesBatch};

use super::encode::{Bits, FLOAT_STARTS, HISTOGRAM_STARTS, HISTOGRAMS, SAME_LAYOUT, SAME_TIMES};
use super::varint::Take;
use super::{Entry, MAX_MEMORY, Recorded};
use memory::Left;

/// What a payload says; `None` where it breaks the format.
pub(super) fn payload(bytes: &[u8]) -> Option<Entry> {
    payload_within(bytes, MAX_MEMORY)
}

/// The same for series of at most so many bytes.
pub(super) fn payload_within(bytes: &[u8], memory: usize) -> Option<Entry> {
    let mut decoder = Decoder { take: Take(bytes), texts: Vec::new(), left: Left(memory) };
    decoder.read_texts()?;
    let entry = decoder.entry()?;
    decoder.take.0.is_empty().then_some(entry)
}

struct Decoder<'a> {
    take: Take<'a>,
    texts: Vec<&'a str>,
    left: Left,
}

impl<'a> Decoder<'a> {
    fn read_texts(&mut self) -> Option<()> {
        let count = self.take.count()?;
        self.left.spend(count.checked_mul(size_of::<&str>())?)?;
        for _ in 0..count {
            let length = self.take.count()?;
            self.texts.push(str::from_utf8(self.take.bytes(length)?).ok()?);
        }
        Some(())
    }

    fn text(&mut self) -> Option<&'a str> {
        let number = usize::try_from(self.take.number()?).ok()?;
        self.texts.get(number).copied()
    }

    fn owned(&mut self) -> Option<String> {
        let text = self.text()?;
        self.left.spend(text.len() + size_of::<String>())?;
        Some(text.to_owned())
    }

    fn entry(&mut self) -> Option<Entry> {
        let group = self.owned()?;
        let policy = Recorded {
            name: self.owned()?,
            digest: self.owned()?,
            settings: self.owned()?,
            builtin: self.owned()?,
        };
        let evaluation_ms = self.take.signed()?;
        let (start_ms, end_ms) = (self.take.signed()?, self.take.signed()?);
        let asked_ms = (self.take.signed()?, self.take.signed()?);
        let names = self.take.count()?;
        let names = (0..names).map(|_| self.owned()).collect::<Option<_>>()?;
        let count = self.take.count()?;
        let replicas = (0..count).map(|_| self.batch()).collect::<Option<_>>()?;
        Some(Entry { group, policy, evaluation_ms, start_ms, end_ms, asked_ms, names, replicas })
    }

    fn batch(&mut self) -> Option<SeriesBatch> {
        let count = self.take.count()?;
        self.left.spend(size_of::<SeriesBatch>())?;
        let mut batch = SeriesBatch::new();
        let mut times = Vec::new();
        for _ in 0..count {
            self.series(&mut batch, &mut times)?;
        }
        Some(batch)
    }

    /// Reads a series; `times` are those of the floats of the one before.
    fn series(&mut self, batch: &mut SeriesBatch, times: &mut Vec<i64>) -> Option<()> {
        let flags = self.take.byte()?;
        if flags > SAME_TIMES | HISTOGRAMS | FLOAT_STARTS | HISTOGRAM_STARTS {
            return None;
        }
        let labels = self.labels()?;
        if flags & SAME_TIMES == 0 {
            *times = self.times()?;
        }
        let values = self.values(times.len())?;
        let starts = self.starts(flags & FLOAT_STARTS != 0, times.len())?;
        if starts.is_empty() {
            batch.extend_floats(times, &values);
        }
        for ((time, value), start) in times.iter().zip(&values).zip(&starts) {
            batch.push_float(*time, *value);
            batch.start_last_float(*start);
        }
        if flags & HISTOGRAMS != 0 {
            self.histograms(batch, times, flags & HISTOGRAM_STARTS != 0)?;
        }
        batch.finish_series(labels);
        Some(())
    }

    fn labels(&mut self) -> Option<Labels> {
        let count = self.take.count()?;
        let mut pairs = Vec::new();
        for _ in 0..count {
            let (name, value) = (self.text()?, self.text()?);
            self.left.spend(memory::of_label(name, value))?;
            pairs.push((name, value));
        }
        self.left.spend(memory::PER_SERIES)?;
        let is_whole = pairs.iter().all(|(_, value)| !value.is_empty());
        Labels::from_sorted(&pairs).filter(|_| is_whole)
    }

    /// Strictly ascending timestamps.
    fn times(&mut self) -> Option<Vec<i64>> {
        let count = self.take.count()?;
        let times = self.deltas(count)?;
        times.is_sorted_by(|one, next| one < next).then_some(times)
    }

    fn deltas(&mut self, count: usize) -> Option<Vec<i64>> {
        self.left.spend(count.checked_mul(memory::PER_NUMBER)?)?;
        let (mut last, mut step) = (0i64, 0i64);
        let next = |_| {
            step = step.wrapping_add(self.take.signed()?);
            last = last.wrapping_add(step);
            Some(last)
        };
        (0..count).map(next).collect()
    }

    fn starts(&mut self, are_there: bool, count: usize) -> Option<Vec<i64>> {
        if are_there { self.deltas(count) } else { Some(Vec::new()) }
    }

    fn values(&mut self, count: usize) -> Option<Vec<f64>> {
        self.left.spend(count.checked_mul(memory::PER_NUMBER)?)?;
        let mut last = 0;
        (0..count).map(|_| self.take.value(&mut last)).collect()
    }

    fn histograms(
        &mut self,
        batch: &mut SeriesBatch,
        float_times: &[i64],
        with_starts: bool,
    ) -> Option<()> {
        let times = self.times()?;
        // No moment has two samples.
        if times.iter().any(|time| float_times.binary_search(time).is_ok()) {
            return None;
        }
        let mut histograms: Vec<Histogram> = Vec::new();
        let mut bits = Bits::default();
        for _ in &times {
            let histogram = self.histogram(histograms.last(), &mut bits)?;
            histograms.push(histogram);
        }
        let starts = self.starts(with_starts, times.len())?;
        let mut starts = starts.iter();
        for (time, histogram) in times.iter().zip(histograms) {
            batch.push_histogram(*time, histogram);
            if let Some(start) = starts.next() {
                batch.start_last_histogram(*start);
            }
        }
        Some(())
    }

    fn histogram(&mut self, before: Option<&Histogram>, bits: &mut Bits) -> Option<Histogram> {
        let flags = self.take.byte()?;
        let mut histogram = if flags & SAME_LAYOUT == 0 {
            self.layout(bits)?
        } else {
            let before = before?;
            self.left.spend(memory::of_histogram(before))?;
            before.clone()
        };
        histogram.counter_reset_hint = hint(flags & !SAME_LAYOUT)?;
        let [zero, count, sum] = &mut bits.totals;
        histogram.zero_count = self.take.value(zero)?;
        histogram.count = self.take.value(count)?;
        histogram.sum = self.take.value(sum)?;
        histogram.positive_buckets = self.buckets(&mut bits.positive)?;
        histogram.negative_buckets = self.buckets(&mut bits.negative)?;
        Some(histogram)
    }

    fn buckets(&mut self, bits: &mut [u64]) -> Option<Vec<f64>> {
        bits.iter_mut().map(|last| self.take.value(last)).collect()
    }

    fn layout(&mut self, bits: &mut Bits) -> Option<Histogram> {
        let schema = i32::try_from(self.take.signed()?).ok()?;
        let zero_threshold = self.take.value(&mut 0)?;
        let (positive_spans, positive) = self.side()?;
        let (negative_spans, negative) = self.side()?;
        let bounds = self.take.count()?;
        let custom_values = self.values(bounds)?;
        let numbers = 2 * (positive + negative);
        self.left.spend(memory::PER_HISTOGRAM + numbers * memory::PER_NUMBER)?;
        (bits.positive, bits.negative) = (vec![0; positive], vec![0; negative]);
        Some(Histogram {
            schema,
            zero_threshold,
            positive_spans,
            negative_spans,
            custom_values,
            ..Histogram::default()
        })
    }

    /// Spans, and how many buckets are in them.
    fn side(&mut self) -> Option<(Vec<Span>, usize)> {
        let count = self.take.count()?;
        self.left.spend(count.checked_mul(memory::PER_NUMBER)?)?;
        let spans = (0..count).map(|_| {
            let offset = i32::try_from(self.take.signed()?).ok()?;
            Some(Span { offset, length: u32::try_from(self.take.number()?).ok()? })
        });
        let spans: Vec<Span> = spans.collect::<Option<_>>()?;
        let buckets = self.take.count()?;
        // The rest of the program counts on it.
        let covered: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
        (covered == buckets as u64).then_some((spans, buckets))
    }
}

const fn hint(bits: u8) -> Option<CounterResetHint> {
    Some(match bits {
        0 => CounterResetHint::Unknown,
        1 => CounterResetHint::Reset,
        2 => CounterResetHint::NotReset,
        3 => CounterResetHint::Gauge,
        _ => return None,
    })
}
