//! The general decoder: any JSON that says what an answer says.

use std::fmt;

use promql::SeriesBatch;
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::histogram::WireHistogram;
use super::series::Assembler;
use super::{QueryData, value};
use crate::gather::reply::{Error, LabelSet, Meter, Millis, Nullable, Reply, Text};

/// Decodes an answer.
pub(super) fn decode(body: &[u8], meter: &Meter<'_>) -> Result<Reply<QueryData>, Error> {
    let reply = meter.decode(body, DataSeed { meter })?;
    if reply.data.is_none() && reply.error.is_none() {
        return Err(Error::at(body, 0, "no data"));
    }
    Ok(reply)
}

/// Decodes the series that the text starts with, and says how long its text is.
pub(super) fn one_series(text: &[u8], assembler: &mut Assembler<'_>) -> Option<(usize, Shapes)> {
    let mut shapes = Shapes::default();
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let seed = ElementSeed { assembler, shapes: &mut shapes };
    match seed.deserialize(&mut deserializer).ok()? {
        Element::Series => {}
        Element::Time(_) => return None,
    }
    Some((deserializer.into_iter::<IgnoredAny>().byte_offset(), shapes))
}

struct DataSeed<'a> {
    meter: &'a Meter<'a>,
}

impl<'de> DeserializeSeed<'de> for DataSeed<'_> {
    type Value = QueryData;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<QueryData, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for DataSeed<'_> {
    type Value = QueryData;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the result of a query")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<QueryData, A::Error> {
        let (mut kind, mut result) = (None, None);
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "resultType" => kind = Some(map.next_value::<String>()?),
                "result" if result.is_some() => return Err(de::Error::duplicate_field("result")),
                "result" => {
                    let seed = Nullable(ResultSeed { meter: self.meter });
                    result = Some(map.next_value_seed(seed)?.unwrap_or(Outcome::Empty));
                }
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        let kind = kind.ok_or_else(|| de::Error::missing_field("resultType"))?;
        let result = result.ok_or_else(|| de::Error::missing_field("result"))?;
        result.into_data(&kind).ok_or_else(|| {
            de::Error::custom(format_args!("a result that is not of the type {kind:?}"))
        })
    }
}

/// A result whose type is not known yet: keys come in any order.
enum Outcome {
    Empty,
    Series { batch: Box<SeriesBatch>, shapes: Shapes },
    Pair { time_ms: i64, text: String },
}

/// Which kinds of series occurred.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shapes {
    /// With `value` or `histogram`.
    pub(super) single: bool,
    /// With `values` or `histograms`.
    pub(super) range: bool,
}

impl Outcome {
    fn into_data(self, kind: &str) -> Option<QueryData> {
        match (kind, self) {
            ("matrix", Self::Empty) => Some(QueryData::Matrix(SeriesBatch::new())),
            ("vector", Self::Empty) => Some(QueryData::Vector(SeriesBatch::new())),
            ("matrix", Self::Series { batch, shapes }) if !shapes.single => {
                Some(QueryData::Matrix(*batch))
            }
            ("vector", Self::Series { batch, shapes }) if !shapes.range => {
                Some(QueryData::Vector(*batch))
            }
            ("scalar", Self::Pair { time_ms, text }) => {
                let value = value::parse(text.as_bytes())?;
                Some(QueryData::Scalar { time_ms, value })
            }
            ("string", Self::Pair { time_ms, text }) => Some(QueryData::String { time_ms, text }),
            _ => None,
        }
    }
}

struct ResultSeed<'a> {
    meter: &'a Meter<'a>,
}

impl<'de> DeserializeSeed<'de> for ResultSeed<'_> {
    type Value = Outcome;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Outcome, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ResultSeed<'_> {
    type Value = Outcome;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of series, or a time and a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Outcome, A::Error> {
        let mut assembler = Assembler::new(self.meter);
        let mut shapes = Shapes::default();
        let mut element = ElementSeed { assembler: &mut assembler, shapes: &mut shapes };
        match seq.next_element_seed(element.reborrow())? {
            None => return Ok(Outcome::Empty),
            Some(Element::Time(time)) => return pair(time, seq),
            Some(Element::Series) => {}
        }
        while let Some(found) = seq.next_element_seed(element.reborrow())? {
            if matches!(found, Element::Time(_)) {
                return Err(de::Error::custom("a number among series"));
            }
        }
        Ok(Outcome::Series { batch: Box::new(assembler.finish()), shapes })
    }
}

/// The rest of `[time, "text"]`.
fn pair<'de, A: SeqAccess<'de>>(time: Millis, mut seq: A) -> Result<Outcome, A::Error> {
    let text = seq.next_element::<String>()?.ok_or_else(|| de::Error::invalid_length(1, &"two"))?;
    if seq.next_element::<IgnoredAny>()?.is_some() {
        return Err(de::Error::invalid_length(3, &"a time and a value"));
    }
    Ok(Outcome::Pair { time_ms: time.0, text })
}

enum Element {
    Time(Millis),
    Series,
}

/// Takes a series, which it adds to the assembler, or a time.
struct ElementSeed<'s, 'a> {
    assembler: &'s mut Assembler<'a>,
    shapes: &'s mut Shapes,
}

impl<'a> ElementSeed<'_, 'a> {
    fn reborrow(&mut self) -> ElementSeed<'_, 'a> {
        ElementSeed { assembler: self.assembler, shapes: self.shapes }
    }
}

impl<'de> DeserializeSeed<'de> for ElementSeed<'_, '_> {
    type Value = Element;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Element, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ElementSeed<'_, '_> {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a series or a time")
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Element, E> {
        time(Millis::from_seconds(seconds))
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Element, E> {
        time(seconds.checked_mul(1000).map(Millis))
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Element, E> {
        let seconds = i64::try_from(seconds).ok();
        time(seconds.and_then(|seconds| seconds.checked_mul(1000)).map(Millis))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Element, A::Error> {
        let Self { assembler, shapes } = self;
        let mut labels = LabelSet::default();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "metric" => labels = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "values" => {
                    shapes.range = true;
                    map.next_value_seed(Nullable(Samples(assembler)))?;
                }
                "value" => {
                    shapes.single = true;
                    let Sample(time, value) = map.next_value()?;
                    assembler.columns.push_float(time, value);
                }
                "histograms" => {
                    shapes.range = true;
                    map.next_value_seed(Nullable(Histograms(assembler)))?;
                }
                "histogram" => {
                    shapes.single = true;
                    let HistogramSample(time, histogram) = map.next_value()?;
                    assembler.push_histogram(time, histogram.into_histogram()?);
                }
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        assembler.finish_series(labels.0).map_err(de::Error::custom)?;
        Ok(Element::Series)
    }
}

fn time<E: de::Error>(time: Option<Millis>) -> Result<Element, E> {
    time.map(Element::Time).ok_or_else(|| E::custom("time out of range"))
}

/// `[time, "value"]`
struct Sample(i64, f64);

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (Millis(time), Text(text)) = Deserialize::deserialize(deserializer)?;
        let value = value::parse(text.as_bytes());
        value.map(|value| Self(time, value)).ok_or_else(|| value::not_a_number(&text))
    }
}

/// `[time, {…}]`
struct HistogramSample(i64, WireHistogram);

impl<'de> Deserialize<'de> for HistogramSample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (Millis(time), histogram) = Deserialize::deserialize(deserializer)?;
        Ok(Self(time, histogram))
    }
}

struct Samples<'s, 'a>(&'s mut Assembler<'a>);

impl<'de> DeserializeSeed<'de> for Samples<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Samples<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of samples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(Sample(time, value)) = seq.next_element()? {
            self.0.columns.push_float(time, value);
        }
        Ok(())
    }
}

struct Histograms<'s, 'a>(&'s mut Assembler<'a>);

impl<'de> DeserializeSeed<'de> for Histograms<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Histograms<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of histograms")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(HistogramSample(time, histogram)) = seq.next_element()? {
            self.0.push_histogram(time, histogram.into_histogram()?);
        }
        Ok(())
    }
}
