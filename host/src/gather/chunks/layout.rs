//! The layout of a histogram chunk: what all its histograms share
//! (histogram_meta.go).

use promql::Span;
use promql::histogram::CUSTOM_BUCKETS_SCHEMA;
use promql::histogram::bounds::MIN_RESERVED_SCHEMA;

use super::Error;
use super::bits::Bits;

/// The finest schema that a newer server may send; more than the finest one we
/// have, it is reduced to that.
const MAX_RESERVED_SCHEMA: i64 = 52;

/// More spans, buckets or bounds no histogram has: about what schema 8 needs
/// for all numbers of both signs. Without a limit, a bit of a corrupt chunk
/// could cost 16 bytes of memory.
const MAX_ITEMS: usize = 1 << 20;

/// Schema, zero threshold and buckets of a chunk's histograms.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) schema: i32,
    pub(super) zero_threshold: f64,
    pub(super) positive: Vec<Span>,
    pub(super) negative: Vec<Span>,
    pub(super) custom_values: Vec<f64>,
    pub(super) positive_buckets: usize,
    pub(super) negative_buckets: usize,
}

impl Layout {
    /// Reads a layout and checks that it makes sense. What it claims is
    /// bounded by the bits there are: each bucket takes at least one.
    pub(super) fn read(bits: &mut Bits<'_>, size: usize) -> Result<Self, Error> {
        let corrupt = Error::Corrupt(size);
        let zero_threshold = zero_threshold(bits).ok_or(corrupt)?;
        let schema = known_schema(bits.varbit_int().ok_or(corrupt)?)?;
        let positive = spans(bits).ok_or(corrupt)?;
        let negative = spans(bits).ok_or(corrupt)?;
        let custom_values = if schema == CUSTOM_BUCKETS_SCHEMA {
            custom_values(bits).ok_or(corrupt)?
        } else {
            Vec::new()
        };
        let layout = Self::new(schema, positive, negative, custom_values)?;
        if layout.buckets() > bits.remaining().min(MAX_ITEMS) {
            return Err(corrupt);
        }
        Ok(Self { zero_threshold, ..layout })
    }

    /// A layout that makes sense, with a zero threshold of zero.
    pub(super) fn new(
        schema: i32,
        positive: Vec<Span>,
        negative: Vec<Span>,
        custom_values: Vec<f64>,
    ) -> Result<Self, Error> {
        let layout = Self {
            schema: known_schema(i64::from(schema))?,
            zero_threshold: 0.0,
            positive_buckets: buckets(&positive)?,
            negative_buckets: buckets(&negative)?,
            positive: without_empty(positive),
            negative: without_empty(negative),
            custom_values,
        };
        layout.check_custom_buckets()?;
        Ok(layout)
    }

    /// Buckets of both sides.
    pub(super) const fn buckets(&self) -> usize {
        self.positive_buckets + self.negative_buckets
    }

    fn check_custom_buckets(&self) -> Result<(), Error> {
        if self.schema != CUSTOM_BUCKETS_SCHEMA {
            return Ok(());
        }
        let covered: i64 = self.positive.iter().map(width).sum();
        let bounds = &self.custom_values;
        if covered > bounds.len() as i64 + 1 || self.positive.iter().any(|span| span.offset < 0) {
            return Err(Error::Layout("custom buckets without bounds"));
        }
        if self.negative_buckets > 0 {
            return Err(Error::Layout("negative custom buckets"));
        }
        if !bounds.is_sorted_by(|one, two| one < two) || !bounds.iter().all(|b| b.is_finite()) {
            return Err(Error::Layout("custom bounds that do not ascend"));
        }
        Ok(())
    }
}

fn known_schema(schema: i64) -> Result<i32, Error> {
    let custom = i64::from(CUSTOM_BUCKETS_SCHEMA);
    let known = schema == custom
        || (i64::from(MIN_RESERVED_SCHEMA)..=MAX_RESERVED_SCHEMA).contains(&schema);
    i32::try_from(schema).ok().filter(|_| known).ok_or(Error::UnknownSchema(schema))
}

/// One byte for zero and the usual powers of two, nine for the rest.
fn zero_threshold(bits: &mut Bits<'_>) -> Option<f64> {
    match bits.read(8)? {
        0 => Some(0.0),
        255 => bits.float(),
        // 0.5·2^(n-243), with the exponent's bias of 1023.
        exponent => Some(f64::from_bits((exponent + 1023 - 244) << 52)),
    }
}

/// A number of items to read.
fn items(bits: &mut Bits<'_>) -> Option<usize> {
    usize::try_from(bits.varbit_uint()?).ok().filter(|items| *items <= MAX_ITEMS)
}

fn spans(bits: &mut Bits<'_>) -> Option<Vec<Span>> {
    let mut spans = Vec::new();
    for _ in 0..items(bits)? {
        let length = u32::try_from(bits.varbit_uint()?).ok()?;
        let offset = i32::try_from(bits.varbit_int()?).ok()?;
        spans.push(Span { offset, length });
    }
    Some(spans)
}

/// Thousandths in few bits, other bounds in full.
fn custom_values(bits: &mut Bits<'_>) -> Option<Vec<f64>> {
    let mut bounds = Vec::new();
    for _ in 0..items(bits)? {
        bounds.push(match bits.varbit_uint()? {
            0 => bits.float()?,
            thousandths => (thousandths - 1) as f64 / 1000.0,
        });
    }
    Some(bounds)
}

/// Number of buckets, if the spans lie behind one another and within the
/// range of an index.
fn buckets(spans: &[Span]) -> Result<usize, Error> {
    if spans.iter().skip(1).any(|span| span.offset < 0) {
        return Err(Error::Layout("spans that overlap"));
    }
    let end: i64 = spans.iter().map(width).sum();
    if end > i64::from(i32::MAX) {
        return Err(Error::Layout("spans beyond the last bucket"));
    }
    Ok(spans.iter().map(|span| span.length as usize).sum())
}

fn width(span: &Span) -> i64 {
    i64::from(span.offset) + i64::from(span.length)
}

/// The same buckets without spans of length zero, which would cost memory in
/// every histogram of the chunk.
fn without_empty(spans: Vec<Span>) -> Vec<Span> {
    if spans.iter().all(|span| span.length > 0) {
        return spans;
    }
    let mut skipped = 0;
    let mut kept = Vec::new();
    for span in spans {
        // Within the range: `buckets` has added up all of them.
        skipped += span.offset;
        if span.length > 0 {
            kept.push(Span { offset: skipped, ..span });
            skipped = 0;
        }
    }
    kept
}
