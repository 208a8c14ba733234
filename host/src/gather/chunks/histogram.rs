//! Histogram chunks (histogram.go, float_histogram.go and their `_st`
//! variants): a layout, then per sample time, count, zero count, sum, buckets.

use promql::budget::Budget;
use promql::histogram::bounds::{MAX_SCHEMA, forward, spans_of};
use promql::series::is_stale;
use promql::{CounterResetHint, Histogram};

use super::Error;
use super::bits::Bits;
use super::layout::Layout;
use super::start_time::StartTimes;
use super::xor::Xor;
use crate::gather::columns::{Columns, Window};
use crate::gather::weight::{histogram_bytes, histogram_samples};

/// Where histograms go.
pub(super) struct Sink<'a> {
    pub(super) window: Window,
    pub(super) budget: &'a Budget,
    pub(super) columns: &'a mut Columns,
}

/// Appends the histograms of a chunk with integer counts.
pub(super) fn decode_integers(data: &[u8], starts: bool, sink: &mut Sink<'_>) -> Result<(), Error> {
    decode::<Integers>(data, starts, sink)
}

/// Appends the histograms of a chunk with float counts.
pub(super) fn decode_floats(data: &[u8], starts: bool, sink: &mut Sink<'_>) -> Result<(), Error> {
    decode::<Floats>(data, starts, sink)
}

/// How counts are stored.
trait Counts: Sized {
    /// For so many buckets; the first sample's count and zero count.
    fn first(buckets: usize, bits: &mut Bits<'_>) -> Option<Self>;
    /// The first sample's buckets.
    fn first_buckets(&mut self, bits: &mut Bits<'_>) -> Option<()>;
    /// A later sample's count and zero count.
    fn next(&mut self, bits: &mut Bits<'_>) -> Option<()>;
    /// A later sample's buckets.
    fn next_buckets(&mut self, bits: &mut Bits<'_>) -> Option<()>;
    /// Count and zero count.
    fn totals(&self) -> (f64, f64);
    /// Counts of a part of the buckets, which is a whole side.
    fn side(&self, range: std::ops::Range<usize>) -> Vec<f64>;
}

fn decode<C: Counts>(data: &[u8], starts: bool, sink: &mut Sink<'_>) -> Result<(), Error> {
    let corrupt = Error::Corrupt(data.len());
    let (header, rest) = Header::split(data, starts).ok_or(corrupt)?;
    if header.samples == 0 {
        return Ok(());
    }
    let mut bits = Bits::new(rest);
    let layout = Layout::read(&mut bits, data.len())?;
    let mut samples = Samples::<C>::first(&layout, &mut bits).ok_or(corrupt)?;
    for number in 0..header.samples {
        if number > 0 {
            samples.advance(&mut bits).ok_or(corrupt)?;
        }
        header.starts.skip(&mut bits, number).ok_or(corrupt)?;
        if samples.time > sink.window.end_ms {
            break;
        }
        if samples.time >= sink.window.start_ms {
            samples.push(&layout, header.hint(number), sink)?;
        }
    }
    Ok(())
}

/// The first three bytes.
struct Header {
    samples: u16,
    is_gauge: bool,
    starts: StartTimes,
}

impl Header {
    /// The hint takes the two highest bits of the third byte, or of the
    /// first where the third one speaks of start timestamps.
    fn split(data: &[u8], with_starts: bool) -> Option<(Self, &[u8])> {
        let ([high, low, flags], rest) = data.split_first_chunk()?;
        let (hint, starts) = if with_starts { (high, *flags) } else { (flags, 0) };
        let high = if with_starts { high & 0x3f } else { *high };
        let header = Self {
            samples: u16::from_be_bytes([high, *low]),
            is_gauge: hint & 0xc0 == 0xc0,
            starts: StartTimes::new(starts),
        };
        Some((header, rest))
    }

    /// Within a chunk of counters there are no resets; whether there was one
    /// before it is only known where that chunk still exists, so it is not
    /// taken from the header (`counterResetHint`).
    const fn hint(&self, number: u16) -> CounterResetHint {
        match number {
            _ if self.is_gauge => CounterResetHint::Gauge,
            0 => CounterResetHint::Unknown,
            _ => CounterResetHint::NotReset,
        }
    }
}

/// The current sample.
struct Samples<C> {
    time: i64,
    delta: i64,
    sum: Xor,
    counts: C,
}

impl<C: Counts> Samples<C> {
    fn first(layout: &Layout, bits: &mut Bits<'_>) -> Option<Self> {
        let time = bits.varbit_int()?;
        let mut counts = C::first(layout.buckets(), bits)?;
        let sum = Xor::new(bits.float()?);
        counts.first_buckets(bits)?;
        Some(Self { time, delta: 0, sum, counts })
    }

    fn advance(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.delta = self.delta.wrapping_add(bits.varbit_int()?);
        self.time = self.time.wrapping_add(self.delta);
        self.counts.next(bits)?;
        self.sum.next(bits)?;
        // A stale marker has no buckets.
        if is_stale(self.sum.value()) { Some(()) } else { self.counts.next_buckets(bits) }
    }

    fn push(
        &self,
        layout: &Layout,
        counter_reset_hint: CounterResetHint,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let sum = self.sum.value();
        let histogram = if is_stale(sum) {
            charge(sink.budget, histogram_bytes(0, 0, 0))?;
            Histogram { sum, ..Histogram::default() }
        } else {
            charge(sink.budget, layout.histogram_bytes())?;
            Histogram { counter_reset_hint, ..self.histogram(layout)? }
        };
        sink.columns.push_histogram(self.time, histogram);
        Ok(())
    }

    fn histogram(&self, layout: &Layout) -> Result<Histogram, Error> {
        let (count, zero_count) = self.counts.totals();
        at_known_schema(Histogram {
            counter_reset_hint: CounterResetHint::Unknown,
            schema: layout.schema,
            zero_threshold: layout.zero_threshold,
            zero_count,
            count,
            sum: self.sum.value(),
            positive_spans: layout.positive.clone(),
            negative_spans: layout.negative.clone(),
            positive_buckets: self.counts.side(0..layout.positive_buckets),
            negative_buckets: self.counts.side(layout.positive_buckets..layout.buckets()),
            custom_values: layout.custom_values.clone(),
        })
    }
}

impl Layout {
    fn histogram_bytes(&self) -> usize {
        let spans = self.positive.len() + self.negative.len();
        histogram_bytes(spans, self.buckets(), self.custom_values.len())
    }
}

fn charge(budget: &Budget, bytes: usize) -> Result<(), Error> {
    budget.charge_samples(histogram_samples(bytes))?;
    Ok(budget.charge_bytes(bytes)?)
}

/// The histogram, its buckets merged if its schema is finer than the finest
/// that has bounds.
pub(super) fn at_known_schema(histogram: Histogram) -> Result<Histogram, Error> {
    if histogram.schema <= MAX_SCHEMA {
        return Ok(histogram);
    }
    let shift = histogram.schema - MAX_SCHEMA;
    let side = |spans, counts| {
        let mut merged: Vec<(i64, f64)> = Vec::new();
        for (index, count) in forward(spans, counts) {
            let index = ((index - 1) >> shift) + 1;
            match merged.last_mut() {
                Some((last, sum)) if *last == index => *sum += count,
                _ => merged.push((index, count)),
            }
        }
        spans_of(merged).ok_or(Error::Layout("spans that cannot be merged"))
    };
    let (positive_spans, positive_buckets) =
        side(&histogram.positive_spans, &histogram.positive_buckets)?;
    let (negative_spans, negative_buckets) =
        side(&histogram.negative_spans, &histogram.negative_buckets)?;
    Ok(Histogram {
        schema: MAX_SCHEMA,
        positive_spans,
        positive_buckets,
        negative_spans,
        negative_buckets,
        ..histogram
    })
}

/// Counts as integers: changes of changes; a bucket is the difference to the
/// one before it on its side.
struct Integers {
    count: Counter,
    zero_count: Counter,
    buckets: Vec<Counter>,
}

/// A number and how much it changed last.
#[derive(Clone, Copy, Debug, Default)]
struct Counter {
    value: i64,
    delta: i64,
}

impl Counter {
    const fn advance(&mut self, change_of_delta: i64) {
        self.delta = self.delta.wrapping_add(change_of_delta);
        self.value = self.value.wrapping_add(self.delta);
    }
}

impl Counts for Integers {
    fn first(buckets: usize, bits: &mut Bits<'_>) -> Option<Self> {
        let mut total = || Some(Counter { value: bits.varbit_uint()? as i64, delta: 0 });
        let (count, zero_count) = (total()?, total()?);
        Some(Self { count, zero_count, buckets: vec![Counter::default(); buckets] })
    }

    fn first_buckets(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        for bucket in &mut self.buckets {
            bucket.value = bits.varbit_int()?;
        }
        Some(())
    }

    fn next(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.count.advance(bits.varbit_int()?);
        self.zero_count.advance(bits.varbit_int()?);
        Some(())
    }

    fn next_buckets(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        for bucket in &mut self.buckets {
            bucket.advance(bits.varbit_int()?);
        }
        Some(())
    }

    fn totals(&self) -> (f64, f64) {
        // Totals are unsigned.
        (self.count.value as u64 as f64, self.zero_count.value as u64 as f64)
    }

    fn side(&self, range: std::ops::Range<usize>) -> Vec<f64> {
        let mut absolute = 0_i64;
        let counts = self.buckets[range].iter().map(|bucket| {
            absolute = absolute.wrapping_add(bucket.value);
            absolute as f64
        });
        counts.collect()
    }
}

/// Counts as floats, each in an encoding of its own.
struct Floats {
    count: Xor,
    zero_count: Xor,
    buckets: Vec<Xor>,
}

impl Counts for Floats {
    fn first(buckets: usize, bits: &mut Bits<'_>) -> Option<Self> {
        let mut total = || bits.float().map(Xor::new);
        let (count, zero_count) = (total()?, total()?);
        // Each bucket's first value has 64 bits.
        if buckets > bits.remaining() / 64 {
            return None;
        }
        Some(Self { count, zero_count, buckets: vec![Xor::new(0.0); buckets] })
    }

    fn first_buckets(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        for bucket in &mut self.buckets {
            *bucket = Xor::new(bits.float()?);
        }
        Some(())
    }

    fn next(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.count.next(bits)?;
        self.zero_count.next(bits)
    }

    fn next_buckets(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.buckets.iter_mut().try_for_each(|bucket| bucket.next(bits))
    }

    fn totals(&self) -> (f64, f64) {
        (self.count.value(), self.zero_count.value())
    }

    fn side(&self, range: std::ops::Range<usize>) -> Vec<f64> {
        self.buckets[range].iter().map(Xor::value).collect()
    }
}
