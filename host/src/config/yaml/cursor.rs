//! A place in the tree and the path that leads there; typed reads.
//!
//! A read gives the value or a mistake that says what was found and what is
//! expected. Secrets pass through `text`, which never repeats what it found.

use std::time::Duration;

use serde_json::Value as Json;

use crate::config::duration;

use super::{Mistake, Node, Place, Value, push_key, quoted};

/// A value of the file and how it is called.
#[derive(Clone, Debug)]
pub(in crate::config) struct Cursor<'a> {
    path: String,
    /// Where to point when the value is missing or has no place of its own.
    key_place: Place,
    node: &'a Node,
}

impl<'a> Cursor<'a> {
    pub(in crate::config) const fn root(node: &'a Node) -> Self {
        Self { path: String::new(), key_place: node.place, node }
    }

    /// A mistake at this value.
    pub(in crate::config) fn mistake(&self, text: impl Into<String>) -> Mistake {
        let place = match self.node.value {
            // Nothing has no place; the parser reports where it noticed.
            Value::Null => self.key_place,
            _ => self.node.place,
        };
        Mistake { place, key: self.path.clone(), text: text.into() }
    }

    /// A mistake at the key of this value.
    pub(in crate::config) fn key_mistake(&self, text: impl Into<String>) -> Mistake {
        Mistake { place: self.key_place, key: self.path.clone(), text: text.into() }
    }

    /// A mistake about what is here; not for secrets, it repeats the text.
    pub(in crate::config) fn unexpected(&self, expected: &str) -> Mistake {
        self.mistake(format!("found {}, expected {expected}", self.found()))
    }

    fn found(&self) -> String {
        match &self.node.value {
            Value::Null => "nothing".to_owned(),
            Value::Scalar { text, plain: true } => quoted(text),
            Value::Scalar { text, plain: false } => format!("the text {}", quoted(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        }
    }

    /// Whether there is nothing: null, or empty text, list or mapping.
    pub(in crate::config) fn is_empty(&self) -> bool {
        match &self.node.value {
            Value::Null => true,
            Value::Scalar { text, .. } => text.is_empty(),
            Value::List(items) => items.is_empty(),
            Value::Map(entries) => entries.is_empty(),
        }
    }

    pub(in crate::config) const fn is_null(&self) -> bool {
        matches!(self.node.value, Value::Null)
    }

    /// The value of a key that is set; null counts as unset, and in anything
    /// but a mapping no key is set.
    pub(in crate::config) fn get(&self, key: &str) -> Option<Self> {
        let Value::Map(entries) = &self.node.value else {
            return None;
        };
        let entry = entries.iter().find(|entry| entry.key == key)?;
        Some(self.child(key, entry.place, &entry.node)).filter(|value| !value.is_null())
    }

    fn child(&self, key: &str, key_place: Place, node: &'a Node) -> Self {
        let mut path = self.path.clone();
        push_key(&mut path, key);
        Self { path, key_place, node }
    }

    /// All keys and values of a mapping; null is an empty one.
    pub(in crate::config) fn entries(&self) -> Result<Vec<(&'a str, Self)>, Mistake> {
        match &self.node.value {
            Value::Null => Ok(Vec::new()),
            Value::Map(entries) => Ok(entries
                .iter()
                .map(|entry| (entry.key.as_str(), self.child(&entry.key, entry.place, &entry.node)))
                .collect()),
            _ => Err(self.unexpected("a mapping")),
        }
    }

    /// All items of a list; null is an empty one.
    pub(in crate::config) fn items(&self) -> Result<Vec<Self>, Mistake> {
        let Value::List(items) = &self.node.value else {
            return if self.is_null() { Ok(Vec::new()) } else { Err(self.unexpected("a list")) };
        };
        let item = |(index, node): (usize, &'a std::rc::Rc<Node>)| Self {
            path: format!("{}[{index}]", self.path),
            key_place: self.key_place,
            node,
        };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// A scalar as it is written: `1` and `true` are texts too.
    pub(in crate::config) fn text(&self) -> Result<&'a str, Mistake> {
        match &self.node.value {
            Value::Scalar { text, .. } => Ok(text),
            _ => Err(self.unexpected("text")),
        }
    }

    fn plain(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Scalar { text, plain: true } => Some(text),
            _ => None,
        }
    }

    /// A boolean in any spelling of YAML 1.1, which is what promxy reads.
    pub(in crate::config) fn bool(&self) -> Result<bool, Mistake> {
        const SPELLINGS: [(bool, [&str; 4]); 2] =
            [(true, ["true", "yes", "on", "y"]), (false, ["false", "no", "off", "n"])];
        let found = self.plain().and_then(|plain| {
            let lower = plain.to_ascii_lowercase();
            SPELLINGS.iter().find(|(_, words)| words.contains(&lower.as_str()))
        });
        found.map(|(value, _)| *value).ok_or_else(|| self.unexpected("true or false"))
    }

    /// The value as JSON. A scalar that is not quoted is what YAML takes it
    /// for: nothing, a truth value, a number, else text.
    pub(in crate::config) fn json(&self) -> Result<Json, Mistake> {
        Ok(match &self.node.value {
            Value::Null => Json::Null,
            Value::Scalar { text, plain: false } => Json::String(text.clone()),
            Value::Scalar { text, plain: true } => self.plain_json(text)?,
            Value::List(_) => {
                let items = self.items()?;
                Json::Array(items.iter().map(Self::json).collect::<Result<_, _>>()?)
            }
            Value::Map(_) => {
                let entries = self.entries()?.into_iter();
                let entries = entries.map(|(key, value)| Ok((key.to_owned(), value.json()?)));
                Json::Object(entries.collect::<Result<_, _>>()?)
            }
        })
    }

    fn plain_json(&self, text: &str) -> Result<Json, Mistake> {
        if let Ok(truth) = self.bool() {
            return Ok(Json::Bool(truth));
        }
        let is_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        let unsigned = text.strip_prefix('+').unwrap_or(text);
        if !is_number {
            return Ok(Json::String(text.to_owned()));
        }
        if let Ok(whole) = unsigned.parse::<u64>() {
            return Ok(whole.into());
        }
        if let Ok(whole) = unsigned.parse::<i64>() {
            return Ok(whole.into());
        }
        match unsigned.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number.into()),
            Ok(_) => Err(self.unexpected("a finite number")),
            Err(_) => Ok(Json::String(text.to_owned())),
        }
    }

    /// A whole number from 0.
    pub(in crate::config) fn count(&self) -> Result<usize, Mistake> {
        self.plain()
            .and_then(|plain| plain.replace('_', "").parse().ok())
            .ok_or_else(|| self.unexpected("a whole number from 0"))
    }

    /// A number of bytes, plain or in KiB, MiB or GiB.
    pub(in crate::config) fn bytes(&self) -> Result<u64, Mistake> {
        const UNITS: [(&str, u64); 5] =
            [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1), ("", 1)];
        let parse = |text: &str| {
            let (number, unit) = UNITS
                .into_iter()
                .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
            number.trim_end().replace('_', "").parse::<u64>().ok()?.checked_mul(unit)
        };
        self.text().ok().and_then(parse).ok_or_else(|| {
            self.unexpected("a number of bytes such as 1000000, 64KiB, 256MiB or 1GiB")
        })
    }

    /// A duration in Go's syntax, not negative.
    pub(in crate::config) fn go_duration(&self) -> Result<Duration, Mistake> {
        let text = self.text().map_err(|_| self.unexpected(duration::GO_FORM))?;
        duration::parse_go(text).map_err(|reason| {
            self.mistake(format!("found {}{reason}, expected {}", self.found(), duration::GO_FORM))
        })
    }

    /// A duration in Prometheus's syntax.
    pub(in crate::config) fn prometheus_duration(&self) -> Result<Duration, Mistake> {
        let parsed = self.text().ok().and_then(duration::parse_prometheus);
        parsed.ok_or_else(|| self.unexpected(duration::PROMETHEUS_FORM))
    }
}
