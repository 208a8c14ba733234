//! The scalars of the HTTP API's JSON: texts, times, label sets.

use std::borrow::Cow;
use std::fmt;

use promql::Labels;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

/// A string, borrowed from the body where it has no escapes.
#[derive(Debug)]
pub(in crate::gather) struct Text<'a>(pub(in crate::gather) Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// A time: seconds in the body, milliseconds here, rounded to the nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gather) struct Millis(pub(in crate::gather) i64);

impl Millis {
    /// The time of so many seconds, if it has one.
    pub(in crate::gather) fn from_seconds(seconds: f64) -> Option<Self> {
        let millis = (seconds * 1000.0).round();
        // Beyond 2^63 a cast would saturate silently.
        (millis.abs() < 9.2e18).then_some(Self(millis as i64))
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_f64(MillisVisitor)
    }
}

struct MillisVisitor;

impl Visitor<'_> for MillisVisitor {
    type Value = Millis;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time in seconds")
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Millis, E> {
        Millis::from_seconds(seconds).ok_or_else(|| E::custom("time out of range"))
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Millis, E> {
        let millis = seconds.checked_mul(1000);
        millis.map(Millis).ok_or_else(|| E::custom("time out of range"))
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Millis, E> {
        let seconds = i64::try_from(seconds).map_err(|_| E::custom("time out of range"))?;
        self.visit_i64(seconds)
    }
}

/// A label set; of a repeated name the last value wins.
#[derive(Clone, Debug)]
pub(in crate::gather) struct LabelSet(pub(in crate::gather) Labels);

impl Default for LabelSet {
    fn default() -> Self {
        Self(Labels::empty())
    }
}

impl<'de> Deserialize<'de> for LabelSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LabelSetVisitor)
    }
}

struct LabelSetVisitor;

impl<'de> Visitor<'de> for LabelSetVisitor {
    type Value = LabelSet;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of label names and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LabelSet, A::Error> {
        let mut pairs = Vec::new();
        while let Some((Text(name), Text(value))) = map.next_entry()? {
            pairs.push((name, value));
        }
        Ok(LabelSet(labels_of(&mut pairs)))
    }
}

/// The label set of pairs in any order; of a repeated name the last value wins.
pub(in crate::gather) fn labels_of(pairs: &mut Vec<(Cow<'_, str>, Cow<'_, str>)>) -> Labels {
    if pairs.is_empty() {
        return Labels::empty();
    }
    if let Some(labels) = Labels::from_sorted(pairs) {
        return labels;
    }
    // Stable: the last of a name stays last, and is the one kept.
    pairs.sort_by(|one, two| one.0.cmp(&two.0));
    pairs.reverse();
    pairs.dedup_by(|later, kept| later.0 == kept.0);
    pairs.reverse();
    Labels::from_sorted(pairs).expect("sorted by name, each name once")
}
