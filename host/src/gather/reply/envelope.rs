//! `{"status": …, "data": …, "errorType": …, "error": …, "warnings": …}`:
//! what every answer is wrapped in.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use promql::budget::{Budget, Exceeded};
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::shorten;
use super::{ApiError, Error, Reply, Text};

/// Decodes an answer, its data by `seed`.
///
/// An error answer is one whatever its data looks like.
pub(in crate::gather) fn decode<'de, S: DeserializeSeed<'de>>(
    body: &'de [u8],
    seed: S,
) -> Result<Reply<S::Value>, Error> {
    if let Some(error) = Error::foreign(body) {
        return Err(error);
    }
    if u32::try_from(body.len()).is_err() {
        return Err(Error::Foreign(format!("{} bytes, more than 4 GiB", body.len())));
    }
    match Wire::parse(body, seed) {
        Ok(wire) => wire.into_reply(body),
        Err(error) => {
            let error = Error::from_json(body, &error);
            error_answer(body).ok_or(error)
        }
    }
}

/// The answer, if it is an error answer.
fn error_answer<T>(body: &[u8]) -> Option<Reply<T>> {
    let wire = Wire::parse(body, PhantomData::<IgnoredAny>).ok()?;
    let Reply { error, warnings, infos, .. } = wire.into_reply(body).ok()?;
    error.is_some().then_some(Reply { data: None, error, warnings, infos })
}

/// Fields as they were found.
struct Wire<T> {
    status: Option<String>,
    data: Option<T>,
    kind: Option<String>,
    message: Option<String>,
    warnings: Vec<String>,
    infos: Vec<String>,
}

impl<T> Wire<T> {
    fn parse<'de, S: DeserializeSeed<'de, Value = T>>(
        body: &'de [u8],
        seed: S,
    ) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let wire = deserializer.deserialize_map(WireVisitor { seed })?;
        deserializer.end()?;
        Ok(wire)
    }

    fn into_reply(self, body: &[u8]) -> Result<Reply<T>, Error> {
        let Self { status, data, kind, message, warnings, infos } = self;
        let (data, error) = match status.as_deref() {
            Some("success") => (data, None),
            Some("error") => (None, Some(api_error(kind, message))),
            Some(other) => return Err(Error::at(body, 0, format!("unknown status {other:?}"))),
            None => return Err(Error::at(body, 0, "no status")),
        };
        Ok(Reply { data, error, warnings, infos })
    }
}

fn api_error(kind: Option<String>, message: Option<String>) -> ApiError {
    ApiError {
        kind: shorten(kind.unwrap_or_default(), ApiError::MAX_KIND_BYTES),
        message: shorten(message.unwrap_or_default(), ApiError::MAX_MESSAGE_BYTES),
    }
}

struct WireVisitor<S> {
    seed: S,
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for WireVisitor<S> {
    type Value = Wire<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer of the HTTP API")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seed = Some(self.seed);
        let mut wire = Wire {
            status: None,
            data: None,
            kind: None,
            message: None,
            warnings: Vec::new(),
            infos: Vec::new(),
        };
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "status" => wire.status = map.next_value()?,
                "data" => {
                    let seed = seed.take().ok_or_else(|| de::Error::duplicate_field("data"))?;
                    wire.data = map.next_value_seed(Nullable(seed))?;
                }
                "errorType" => wire.kind = map.next_value()?,
                "error" => wire.message = map.next_value()?,
                "warnings" => wire.warnings = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "infos" => wire.infos = map.next_value::<Option<_>>()?.unwrap_or_default(),
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(wire)
    }
}

/// Turns `null` into nothing and everything else over to the seed.
pub(in crate::gather) struct Nullable<S>(pub(in crate::gather) S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Nullable<S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Nullable<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("data or null")
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}

/// Charges a budget from inside a deserializer, whose errors are texts.
#[derive(Debug)]
pub(in crate::gather) struct Meter<'a> {
    budget: &'a Budget,
    samples: Cell<usize>,
    bytes: Cell<usize>,
    exceeded: Cell<Option<Exceeded>>,
}

impl<'a> Meter<'a> {
    pub(in crate::gather) fn new(budget: &'a Budget) -> Self {
        let (samples, bytes) = (Cell::new(0), Cell::new(0));
        Self { budget, samples, bytes, exceeded: Cell::new(None) }
    }

    /// Charges what has been decoded.
    pub(in crate::gather) fn charge(&self, samples: usize, bytes: usize) -> Result<(), Exceeded> {
        self.samples.set(self.samples.get() + samples);
        self.bytes.set(self.bytes.get() + bytes);
        let charged =
            self.budget.charge_samples(samples).and_then(|()| self.budget.charge_bytes(bytes));
        charged.inspect_err(|exceeded| self.exceeded.set(Some(*exceeded)))
    }

    /// The first charge that was too much.
    pub(in crate::gather) const fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded.get()
    }

    /// Gives everything back, for a decoder that starts again.
    pub(in crate::gather) fn refund(&self) {
        self.budget.release_samples(self.samples.take());
        self.budget.release_bytes(self.bytes.take());
    }

    /// Decodes an answer with a seed that charges this meter.
    pub(in crate::gather) fn decode<'de, S: DeserializeSeed<'de>>(
        &self,
        body: &'de [u8],
        seed: S,
    ) -> Result<Reply<S::Value>, Error> {
        let reply = decode(body, seed);
        self.exceeded.get().map_or(reply, |exceeded| Err(exceeded.into()))
    }
}

/// A list whose elements are charged one by one by their size.
pub(in crate::gather) struct List<'a, T, F> {
    meter: &'a Meter<'a>,
    size: F,
    element: PhantomData<T>,
}

impl<'a, T, F: Fn(&T) -> usize> List<'a, T, F> {
    pub(in crate::gather) fn new(meter: &'a Meter<'a>, size: F) -> Self {
        Self { meter, size, element: PhantomData }
    }
}

impl<'de, T: Deserialize<'de>, F: Fn(&T) -> usize> DeserializeSeed<'de> for List<'_, T, F> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, F: Fn(&T) -> usize> Visitor<'de> for List<'_, T, F> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = seq.next_element()? {
            self.meter.charge(0, (self.size)(&element)).map_err(de::Error::custom)?;
            list.push(element);
        }
        Ok(list)
    }
}
