//! An entry to the bytes of a frame.

use std::collections::HashMap;

use promql::histogram::Span;
use promql::{CounterResetHint, Histogram, SeriesBatch};

use super::decode::memory;
use super::varint::{put, put_signed, put_value};
use super::{Entry, Error, FRAME_HEAD, MAX_MEMORY, MAX_PAYLOAD};

/// Flags of a series.
pub(super) const SAME_TIMES: u8 = 1;
pub(super) const HISTOGRAMS: u8 = 2;
pub(super) const FLOAT_STARTS: u8 = 4;
pub(super) const HISTOGRAM_STARTS: u8 = 8;
/// Flag of a histogram, above its two bits of hint: buckets as the one before.
pub(super) const SAME_LAYOUT: u8 = 4;

/// How hard to compress: the fastest level, which finds the repetitions that
/// there are; the thread must keep up with queries.
const LEVEL: i32 = 1;

/// A frame: lengths and checksum, then the compressed payload.
///
/// # Errors
/// [`Error::TooLarge`] where no reader would take it.
pub(super) fn frame(entry: &Entry) -> Result<Vec<u8>, Error> {
    let needed: usize = entry.replicas.iter().map(memory::of_batch).sum();
    if needed > MAX_MEMORY / 2 {
        return Err(Error::TooLarge(needed));
    }
    let plain = payload(entry);
    let too_large = |length: usize| (length > MAX_PAYLOAD).then_some(Error::TooLarge(length));
    too_large(plain.len()).map_or(Ok(()), Err)?;
    let packed = zstd::bulk::compress(&plain, LEVEL).map_err(|_| Error::TooLarge(plain.len()))?;
    too_large(packed.len()).map_or(Ok(()), Err)?;
    let mut frame = Vec::with_capacity(FRAME_HEAD + packed.len());
    for length in [packed.len(), plain.len()] {
        let length = u32::try_from(length).expect("below the largest payload");
        frame.extend_from_slice(&length.to_le_bytes());
    }
    frame.extend_from_slice(&super::reader::checksum(&frame, &packed).to_le_bytes());
    frame.extend_from_slice(&packed);
    Ok(frame)
}

/// The strings, each once, and then everything else.
fn payload(entry: &Entry) -> Vec<u8> {
    let mut body = Vec::with_capacity(64 + 4 * entry.samples());
    let mut texts = Texts::default();
    for text in [
        &entry.group,
        &entry.policy.name,
        &entry.policy.digest,
        &entry.policy.settings,
        &entry.policy.builtin,
    ] {
        put(&mut body, texts.number(text));
    }
    let (from, to) = entry.asked_ms;
    for time in [entry.evaluation_ms, entry.start_ms, entry.end_ms, from, to] {
        put_signed(&mut body, time);
    }
    put(&mut body, entry.names.len() as u64);
    for name in &entry.names {
        put(&mut body, texts.number(name));
    }
    put(&mut body, entry.replicas.len() as u64);
    for batch in &entry.replicas {
        put(&mut body, batch.len() as u64);
        for index in 0..batch.len() {
            put_series(&mut body, &mut texts, batch, index);
        }
    }
    let mut payload = Vec::with_capacity(texts.bytes + body.len() + 16);
    put(&mut payload, texts.all.len() as u64);
    for text in texts.all {
        put(&mut payload, text.len() as u64);
        payload.extend_from_slice(text.as_bytes());
    }
    payload.extend_from_slice(&body);
    payload
}

/// Texts, each with a number.
#[derive(Default)]
struct Texts<'a> {
    numbers: HashMap<&'a str, u64>,
    all: Vec<&'a str>,
    bytes: usize,
}

impl<'a> Texts<'a> {
    fn number(&mut self, text: &'a str) -> u64 {
        let next = self.all.len() as u64;
        *self.numbers.entry(text).or_insert_with(|| {
            self.all.push(text);
            self.bytes += text.len() + 4;
            next
        })
    }
}

fn put_series<'a>(out: &mut Vec<u8>, texts: &mut Texts<'a>, batch: &'a SeriesBatch, index: usize) {
    let series = batch.series(index);
    let before = index.checked_sub(1).map(|before| batch.series(before).float_times);
    let same_times = before == Some(series.float_times);
    let (float_starts, histogram_starts) =
        (batch.float_starts(index), batch.histogram_starts(index));
    let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    out.push(
        flag(same_times, SAME_TIMES)
            | flag(!series.histogram_times.is_empty(), HISTOGRAMS)
            | flag(!float_starts.is_empty(), FLOAT_STARTS)
            | flag(!histogram_starts.is_empty(), HISTOGRAM_STARTS),
    );
    put(out, series.labels.len() as u64);
    for (name, value) in series.labels.iter() {
        put(out, texts.number(name));
        put(out, texts.number(value));
    }
    if !same_times {
        put_times(out, series.float_times);
    }
    let mut last = 0;
    for value in series.float_values {
        put_value(out, &mut last, *value);
    }
    put_deltas(out, float_starts);
    if !series.histogram_times.is_empty() {
        put_times(out, series.histogram_times);
        put_histograms(out, series.histogram_values);
        put_deltas(out, histogram_starts);
    }
}

fn put_times(out: &mut Vec<u8>, times: &[i64]) {
    put(out, times.len() as u64);
    put_deltas(out, times);
}

/// Differences of differences: of regular scrapes all zero.
fn put_deltas(out: &mut Vec<u8>, times: &[i64]) {
    let (mut last, mut step) = (0i64, 0i64);
    for time in times {
        let next = time.wrapping_sub(last);
        put_signed(out, next.wrapping_sub(step));
        (last, step) = (*time, next);
    }
}

fn put_histograms(out: &mut Vec<u8>, histograms: &[Histogram]) {
    let mut before: Option<&Histogram> = None;
    let mut bits = Bits::default();
    for histogram in histograms {
        let same = before.is_some_and(|before| has_layout_of(histogram, before));
        out.push(hint(histogram.counter_reset_hint) | if same { SAME_LAYOUT } else { 0 });
        if !same {
            put_layout(out, histogram);
            bits.fit(histogram);
        }
        let [zero, count, sum] = &mut bits.totals;
        put_value(out, zero, histogram.zero_count);
        put_value(out, count, histogram.count);
        put_value(out, sum, histogram.sum);
        for (last, value) in bits.positive.iter_mut().zip(&histogram.positive_buckets) {
            put_value(out, last, *value);
        }
        for (last, value) in bits.negative.iter_mut().zip(&histogram.negative_buckets) {
            put_value(out, last, *value);
        }
        before = Some(histogram);
    }
}

/// The bits of the histogram before, which the next one is told against.
#[derive(Default)]
pub(super) struct Bits {
    pub(super) totals: [u64; 3],
    pub(super) positive: Vec<u64>,
    pub(super) negative: Vec<u64>,
}

impl Bits {
    /// A new layout begins with nothing known of its buckets.
    fn fit(&mut self, histogram: &Histogram) {
        self.positive = vec![0; histogram.positive_buckets.len()];
        self.negative = vec![0; histogram.negative_buckets.len()];
    }
}

fn has_layout_of(one: &Histogram, other: &Histogram) -> bool {
    let same_bits = |a: &[f64], b: &[f64]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
    };
    one.schema == other.schema
        && one.zero_threshold.to_bits() == other.zero_threshold.to_bits()
        && one.positive_spans == other.positive_spans
        && one.negative_spans == other.negative_spans
        && one.positive_buckets.len() == other.positive_buckets.len()
        && one.negative_buckets.len() == other.negative_buckets.len()
        && same_bits(&one.custom_values, &other.custom_values)
}

fn put_layout(out: &mut Vec<u8>, histogram: &Histogram) {
    put_signed(out, i64::from(histogram.schema));
    put_value(out, &mut 0, histogram.zero_threshold);
    for (spans, buckets) in [
        (&histogram.positive_spans, &histogram.positive_buckets),
        (&histogram.negative_spans, &histogram.negative_buckets),
    ] {
        put(out, spans.len() as u64);
        for Span { offset, length } in spans {
            put_signed(out, i64::from(*offset));
            put(out, u64::from(*length));
        }
        put(out, buckets.len() as u64);
    }
    put(out, histogram.custom_values.len() as u64);
    let mut last = 0;
    for bound in &histogram.custom_values {
        put_value(out, &mut last, *bound);
    }
}

const fn hint(hint: CounterResetHint) -> u8 {
    match hint {
        CounterResetHint::Unknown => 0,
        CounterResetHint::Reset => 1,
        CounterResetHint::NotReset => 2,
        CounterResetHint::Gauge => 3,
    }
}
