//! Chunks: the compressed samples of a series, as Prometheus stores and
//! streams them (prometheus/tsdb/chunkenc).
//!
//! In: the bytes of one chunk and the wanted window. Out: samples, appended to
//! columns; integer histograms become float histograms. A chunk is read from
//! its front and only as far as the window reaches. Start timestamps are
//! skipped. Chunks of one series may overlap and repeat: [`Columns`] brings
//! them into order. Any bytes give samples or an error.

mod bits;
mod histogram;
mod layout;
mod start_time;
mod xor;
mod xor2;

use promql::Histogram;
use promql::budget::{Budget, Exceeded};

use super::columns::{Columns, Window};
use super::weight::FLOAT_BYTES;
use histogram::Sink;
use layout::Layout;

/// `XOR`: floats.
pub const XOR: i32 = 1;
/// `HISTOGRAM`: histograms with integer counts.
pub const HISTOGRAM: i32 = 2;
/// `FLOAT_HISTOGRAM`: histograms with float counts.
pub const FLOAT_HISTOGRAM: i32 = 3;
/// `XOR2`: floats, optionally with start timestamps.
pub const XOR2: i32 = 4;
/// `HISTOGRAM_ST`: integer histograms with start timestamps.
pub const HISTOGRAM_ST: i32 = 5;
/// `FLOAT_HISTOGRAM_ST`: float histograms with start timestamps.
pub const FLOAT_HISTOGRAM_ST: i32 = 6;

/// Why a chunk gives no samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A newer server's encoding: the same data can be asked for as samples.
    #[error("chunk encoding {0} is not known")]
    UnknownEncoding(i32),
    /// A newer server's histogram schema.
    #[error("histogram schema {0} is not known")]
    UnknownSchema(i64),
    /// The bits end early or make no sense.
    #[error("chunk of {0} bytes is cut short or corrupt")]
    Corrupt(usize),
    /// Spans or bounds of a histogram contradict one another.
    #[error("histogram has {0}")]
    Layout(&'static str),
    /// Over the query's budget.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
}

/// Appends the samples of a chunk that lie in `window` to `columns`, as a
/// piece of its own, and charges them to the budget.
///
/// # Errors
/// When the encoding is unknown, the bytes are no such chunk, or the samples
/// are over the budget. Some samples may have been appended then.
pub fn decode(
    encoding: i32,
    data: &[u8],
    window: Window,
    budget: &Budget,
    columns: &mut Columns,
) -> Result<(), Error> {
    columns.begin_piece();
    let with_starts = matches!(encoding, HISTOGRAM_ST | FLOAT_HISTOGRAM_ST);
    match encoding {
        XOR | XOR2 => floats(encoding, data, window, budget, columns),
        HISTOGRAM | HISTOGRAM_ST => {
            histogram::decode_integers(data, with_starts, &mut Sink { window, budget, columns })
        }
        FLOAT_HISTOGRAM | FLOAT_HISTOGRAM_ST => {
            histogram::decode_floats(data, with_starts, &mut Sink { window, budget, columns })
        }
        other => Err(Error::UnknownEncoding(other)),
    }
}

/// The histogram, if spans, buckets and bounds fit one another, in a schema
/// that we know.
///
/// # Errors
/// When they do not.
pub(super) fn checked(histogram: Histogram) -> Result<Histogram, Error> {
    let Histogram { schema, positive_spans, negative_spans, custom_values, .. } = histogram;
    let layout = Layout::new(schema, positive_spans, negative_spans, custom_values)?;
    if layout.positive_buckets != histogram.positive_buckets.len()
        || layout.negative_buckets != histogram.negative_buckets.len()
    {
        return Err(Error::Layout("spans that do not match its buckets"));
    }
    histogram::at_known_schema(Histogram {
        positive_spans: layout.positive,
        negative_spans: layout.negative,
        custom_values: layout.custom_values,
        ..histogram
    })
}

/// A chunk of floats has at most 65,535 samples, so it is enough to charge
/// them when they are there.
fn floats(
    encoding: i32,
    data: &[u8],
    window: Window,
    budget: &Budget,
    columns: &mut Columns,
) -> Result<(), Error> {
    let before = columns.len();
    let decoded = match encoding {
        XOR2 => xor2::decode(data, window, columns),
        _ => xor::decode(data, window, columns),
    };
    let samples = columns.len() - before;
    budget.charge_samples(samples)?;
    budget.charge_bytes(samples * FLOAT_BYTES)?;
    decoded.ok_or(Error::Corrupt(data.len()))
}

#[cfg(test)]
pub(super) mod tests;
