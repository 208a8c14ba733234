//! The answer of samples: one message with everything.

use promql::budget::Budget;
use promql::series::is_stale;
use promql::{CounterResetHint, Histogram, SeriesBatch, Span};
use prost::Message;

use super::message::{self, BucketSpan, Count, ZeroCount};
use super::wire::{Field, LabelPairs, fields};
use super::{Error, Limits};
use crate::gather::chunks;
use crate::gather::columns::{Columns, Window, merge_repeated};
use crate::gather::weight::{FLOAT_BYTES, SERIES_BYTES, bytes_of, histogram_samples};

/// Decodes an answer of samples to queries with these windows: one batch per
/// query, series in the server's order, each label set once, none without
/// samples in its window. Samples and bytes are charged to the budget, the
/// decompressed body only while it is needed.
///
/// # Errors
/// When the body is no such answer, too large, or over the budget.
pub fn decode_samples(
    body: &[u8],
    windows: &[Window],
    limits: Limits,
    budget: &Budget,
) -> Result<Vec<SeriesBatch>, Error> {
    let size = decompressed_size(body, limits)?;
    budget.charge_bytes(size)?;
    let message = snap::raw::Decoder::new().decompress_vec(body);
    let message = message.map_err(|_| Error::Malformed("a body that is not snappy's"))?;
    let batches = read_response(&message, windows, budget)?;
    budget.release_bytes(size);
    Ok(batches)
}

/// Before anything is allocated for it.
fn decompressed_size(body: &[u8], limits: Limits) -> Result<usize, Error> {
    let size = snap::raw::decompress_len(body);
    let size = size.map_err(|_| Error::Malformed("a body that is not snappy's"))?;
    let limit = limits.body_bytes;
    if size > limit { Err(Error::TooLarge { size: size as u64, limit }) } else { Ok(size) }
}

fn read_response(
    message: &[u8],
    windows: &[Window],
    budget: &Budget,
) -> Result<Vec<SeriesBatch>, Error> {
    let mut batches = Vec::with_capacity(windows.len());
    let wrong = |found: usize| Error::Queries { found: found as i64, asked: windows.len() };
    for field in fields(message) {
        if let Field::Bytes(1, result) = field? {
            let window = windows.get(batches.len()).ok_or_else(|| wrong(batches.len() + 1))?;
            batches.push(query_result(result, *window, budget)?);
        }
    }
    if batches.len() == windows.len() { Ok(batches) } else { Err(wrong(batches.len())) }
}

fn query_result(message: &[u8], window: Window, budget: &Budget) -> Result<SeriesBatch, Error> {
    let mut batch = SeriesBatch::new();
    let mut columns = Columns::new();
    for field in fields(message) {
        if let Field::Bytes(1, series) = field? {
            time_series(series, window, budget, &mut columns, &mut batch)?;
        }
    }
    Ok(merge_repeated(batch))
}

fn time_series(
    message: &[u8],
    window: Window,
    budget: &Budget,
    columns: &mut Columns,
    batch: &mut SeriesBatch,
) -> Result<(), Error> {
    let floats = fields(message).filter(|field| matches!(field, Ok(Field::Bytes(2, _)))).count();
    budget.charge_samples(floats)?;
    budget.charge_bytes(floats * FLOAT_BYTES)?;
    let mut pairs = LabelPairs::default();
    for field in fields(message) {
        match field? {
            Field::Bytes(1, label) => pairs.push(label)?,
            Field::Bytes(2, message) => {
                let (time, value) = sample(message)?;
                if window.contains(time) {
                    columns.push_float(time, value);
                }
            }
            Field::Bytes(4, message) => {
                let (time, histogram) = histogram(message)?;
                if window.contains(time) {
                    let bytes = bytes_of(&histogram);
                    budget.charge_samples(histogram_samples(bytes))?;
                    budget.charge_bytes(bytes)?;
                    columns.push_histogram(time, histogram);
                }
            }
            _ => {}
        }
    }
    let labels = pairs.labels()?;
    budget.charge_bytes(labels.heap_bytes() + SERIES_BYTES)?;
    columns.finish_into(labels, batch);
    Ok(())
}

fn sample(message: &[u8]) -> Result<(i64, f64), Error> {
    let (mut time, mut value) = (0, 0.0);
    for field in fields(message) {
        match field? {
            Field::Fixed64(1, bits) => value = f64::from_bits(bits),
            Field::Varint(2, number) => time = number as i64,
            _ => {}
        }
    }
    Ok((time, value))
}

fn histogram(message: &[u8]) -> Result<(i64, Histogram), Error> {
    let message = message::Histogram::decode(message);
    let message = message.map_err(|_| Error::Malformed("a histogram"))?;
    let time = message.timestamp;
    if is_stale(message.sum) {
        return Ok((time, Histogram { sum: message.sum, ..Histogram::default() }));
    }
    Ok((time, chunks::checked(float_histogram(message))?))
}

/// Integer buckets are differences, float buckets are not.
fn float_histogram(message: message::Histogram) -> Histogram {
    let is_float = matches!(message.count, Some(Count::Float(_)));
    let side = |deltas: &[i64], counts| if is_float { counts } else { absolute(deltas) };
    Histogram {
        counter_reset_hint: match message.reset_hint {
            1 => CounterResetHint::Reset,
            2 => CounterResetHint::NotReset,
            3 => CounterResetHint::Gauge,
            _ => CounterResetHint::Unknown,
        },
        schema: message.schema,
        zero_threshold: message.zero_threshold,
        zero_count: match message.zero_count {
            Some(ZeroCount::Float(count)) => count,
            Some(ZeroCount::Integer(count)) => count as f64,
            None => 0.0,
        },
        count: match message.count {
            Some(Count::Float(count)) => count,
            Some(Count::Integer(count)) => count as f64,
            None => 0.0,
        },
        sum: message.sum,
        positive_spans: message.positive_spans.iter().map(span).collect(),
        negative_spans: message.negative_spans.iter().map(span).collect(),
        positive_buckets: side(&message.positive_deltas, message.positive_counts),
        negative_buckets: side(&message.negative_deltas, message.negative_counts),
        custom_values: message.custom_values,
    }
}

fn absolute(deltas: &[i64]) -> Vec<f64> {
    let mut count = 0_i64;
    let next = |delta: &i64| {
        count = count.wrapping_add(*delta);
        count as f64
    };
    deltas.iter().map(next).collect()
}

const fn span(message: &BucketSpan) -> Span {
    Span { offset: message.offset, length: message.length }
}
