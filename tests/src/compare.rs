//! Are two servers' answers the same?
//!
//! Label sets, timestamps, result types, error types, warnings and infos must
//! be equal; values must be equal as texts, or close where the order of
//! additions shows.

mod contrast;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::http::{Client, Response};

/// How far values may be apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// The same text.
    Exact,
    /// A relative difference of at most 1e-12.
    Close,
}

/// Does the order of elements count?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Instant vectors and lists of label sets are compared as sets.
    Free,
    /// Elements come in the same order.
    Same,
    /// It is open which of several series carries a value: only the values at
    /// each moment are compared.
    Values,
}

/// Which texts beside the data must be the same?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Annotations {
    /// Warnings and infos, as sets.
    Same,
    /// None: the servers are of different versions.
    Any,
}

/// One request, sent to both servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// API path.
    pub path: String,
    /// Parameters.
    pub params: Vec<(String, String)>,
    /// Tolerance for values.
    pub numbers: Numbers,
    /// Meaning of the order of a vector.
    pub order: Order,
    /// Meaning of the texts.
    pub annotations: Annotations,
}

impl Question {
    /// A request whose answer must be the same to the last bit.
    #[must_use]
    pub fn new(path: &str, params: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            path: path.to_owned(),
            params: params.iter().map(owned).collect(),
            numbers: Numbers::Exact,
            order: Order::Free,
            annotations: Annotations::Same,
        }
    }

    /// An instant query.
    #[must_use]
    pub fn instant(query: &str, time_ms: i64) -> Self {
        Self::new("/api/v1/query", &[("query", query), ("time", &seconds(time_ms))])
    }

    /// A range query.
    #[must_use]
    pub fn range(query: &str, start_ms: i64, end_ms: i64, step_ms: i64) -> Self {
        let (start, end, step) = (seconds(start_ms), seconds(end_ms), seconds(step_ms));
        Self::new(
            "/api/v1/query_range",
            &[("query", query), ("start", &start), ("end", &end), ("step", &step)],
        )
    }

    /// Allows values to differ in their last digits.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.numbers = Numbers::Close;
        self
    }

    /// Leaves warnings and infos out of the comparison.
    #[must_use]
    pub fn data_only(mut self) -> Self {
        self.annotations = Annotations::Any;
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.params.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Makes the order of a vector count.
    #[must_use]
    pub fn ordered(mut self) -> Self {
        self.order = Order::Same;
        self
    }

    /// Sends the request as a GET.
    #[must_use]
    pub fn ask(&self, client: Client) -> Response {
        client.get(&self.path, &self.pairs())
    }

    /// What differs between the answers of two servers, if anything.
    #[must_use]
    pub fn difference(&self, expected: Client, actual: Client) -> Option<String> {
        self.unlike(&self.ask(expected), actual)
    }

    /// What differs between this answer and a server's, if anything.
    #[must_use]
    pub fn unlike(&self, expected: &Response, actual: Client) -> Option<String> {
        let found = self.between(expected, &self.ask(actual))?;
        let params: Vec<String> =
            self.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Some(format!("{} {}\n    {found}", self.path, params.join(" ")))
    }

    fn pairs(&self) -> Vec<(&str, &str)> {
        self.params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn between(&self, expected: &Response, actual: &Response) -> Option<String> {
        if expected.status != actual.status {
            let (left, right) = (short(&expected.text()), short(&actual.text()));
            return Some(format!(
                "status {} became {}\n    expected {left}\n    actual   {right}",
                expected.status, actual.status
            ));
        }
        let (expected, actual) = (expected.json(), actual.json());
        for key in ["status", "errorType"] {
            if expected[key] != actual[key] {
                return Some(format!("{key} {} became {}", expected[key], actual[key]));
            }
        }
        self.data(&expected["data"], &actual["data"]).or_else(|| self.texts(&expected, &actual))
    }

    fn texts(&self, expected: &Value, actual: &Value) -> Option<String> {
        if self.annotations == Annotations::Any {
            return None;
        }
        ["warnings", "infos"].into_iter().find_map(|key| annotations(key, expected, actual))
    }

    fn data(&self, expected: &Value, actual: &Value) -> Option<String> {
        let found = match self.order {
            Order::Same => self.values("data", expected, actual),
            Order::Free => self.values("data", &sorted(expected), &sorted(actual)),
            Order::Values => self.values("data", &by_moment(expected), &by_moment(actual)),
        };
        found.map(|text| text + &contrast::of(expected, actual))
    }

    fn values(&self, path: &str, expected: &Value, actual: &Value) -> Option<String> {
        match (expected, actual) {
            (Value::Object(left), Value::Object(right)) => {
                let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
                keys.into_iter().find_map(|key| {
                    self.values(&format!("{path}.{key}"), &expected[key], &actual[key])
                })
            }
            (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
                let pairs = left.iter().zip(right).enumerate();
                let mut found = pairs.filter_map(|(index, (left, right))| {
                    self.values(&format!("{path}[{index}]"), left, right)
                });
                found.next()
            }
            (Value::Array(left), Value::Array(right)) => Some(format!(
                "{path}: {} elements became {}{}",
                left.len(),
                right.len(),
                unmatched(left, right)
            )),
            (Value::String(left), Value::String(right))
                if self.numbers == Numbers::Close && close(left, right) =>
            {
                None
            }
            _ if expected == actual => None,
            _ => Some(format!("{path}: {} became {}", shown(expected), shown(actual))),
        }
    }
}

/// All differences of a list of questions, as one text; the test fails on any.
///
/// # Panics
/// When there are differences.
pub fn assert_same(expected: Client, actual: Client, questions: &[Question]) {
    let differences: Vec<String> =
        questions.iter().filter_map(|question| question.difference(expected, actual)).collect();
    assert!(
        differences.is_empty(),
        "{} of {} answers differ from the whole server's:\n\n{}\n",
        differences.len(),
        questions.len(),
        differences.join("\n")
    );
}

/// Milliseconds as the seconds of the API.
#[must_use]
pub fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000))
}

/// What newer servers say in other words, or say where older ones are silent.
const NEWER_TEXTS: [&str; 3] = [
    "bucket label \\\"le\\\" is missing",
    "is ineffective for range queries",
    "conflicting counter resets during histogram",
];

fn annotations(key: &str, expected: &Value, actual: &Value) -> Option<String> {
    let set = |answer: &Value| -> BTreeSet<String> {
        let texts = answer[key].as_array().into_iter().flatten();
        let texts = texts.map(ToString::to_string);
        texts.filter(|text| !NEWER_TEXTS.iter().any(|newer| text.contains(newer))).collect()
    };
    let (expected, actual) = (set(expected), set(actual));
    (expected != actual).then(|| format!("{key}: {expected:?} became {actual:?}"))
}

/// The same data with what has no order in an order of its own: an instant
/// vector, label sets, exemplars' series. A matrix and a list of names must
/// come sorted.
fn sorted(data: &Value) -> Value {
    let mut data = data.clone();
    let vector = data["resultType"] == "vector";
    if let Some(elements) = if vector { data["result"].as_array_mut() } else { None } {
        elements.sort_by_cached_key(|element| element["metric"].to_string());
    } else if let Some(sets) = data.as_array_mut().filter(|sets| sets.iter().all(Value::is_object))
    {
        sets.sort_by_cached_key(ToString::to_string);
    }
    data
}

/// The values at each moment, in an order of their own, without their series.
fn by_moment(data: &Value) -> Value {
    let mut moments: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for series in data["result"].as_array().into_iter().flatten() {
        let samples = series["values"].as_array().into_iter().flatten().chain(series.get("value"));
        for sample in samples {
            moments.entry(sample[0].to_string()).or_default().push(sample[1].to_string());
        }
    }
    let values = moments.into_iter().map(|(moment, mut values)| {
        values.sort_unstable();
        (moment, values.into())
    });
    Value::Object(values.collect())
}

fn close(left: &str, right: &str) -> bool {
    let (Ok(left), Ok(right)) = (left.parse::<f64>(), right.parse::<f64>()) else {
        return false;
    };
    let equal = left == right || (left.is_nan() && right.is_nan());
    equal || (left - right).abs() <= 1e-12 * left.abs().max(right.abs())
}

/// The first elements that only one side has, by label set or sample.
fn unmatched(left: &[Value], right: &[Value]) -> String {
    let key = |value: &Value| {
        let own = if value["metric"].is_object() { &value["metric"] } else { value };
        own.to_string()
    };
    let (left, right): (BTreeSet<_>, BTreeSet<_>) =
        (left.iter().map(key).collect(), right.iter().map(key).collect());
    let list = |set: Vec<&String>| short(&format!("{:?}", &set[..set.len().min(4)]));
    let lost = list(left.difference(&right).collect());
    let gained = list(right.difference(&left).collect());
    format!("; only expected: {lost}; only actual: {gained}")
}

fn shown(value: &Value) -> String {
    if value.is_null() { "nothing".to_owned() } else { short(&value.to_string()) }
}

fn short(text: &str) -> String {
    const LENGTH: usize = 400;
    let cut: String = text.chars().take(LENGTH).collect();
    if cut.len() < text.len() { cut + "…" } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Response {
        Response { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    fn vector(values: &[(&str, &str)]) -> Response {
        let elements: Vec<String> = values
            .iter()
            .map(|(job, value)| format!(r#"{{"metric":{{"job":"{job}"}},"value":[1,"{value}"]}}"#))
            .collect();
        let result = elements.join(",");
        answer(&format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{result}]}}}}"#
        ))
    }

    #[test]
    fn vectors_are_compared_as_sets_unless_their_order_counts() {
        let (left, right) = (vector(&[("a", "1"), ("b", "2")]), vector(&[("b", "2"), ("a", "1")]));
        let question = Question::instant("x", 0);
        assert_eq!(question.between(&left, &right), None);
        assert!(question.ordered().between(&left, &right).is_some());
    }

    #[test]
    fn a_value_may_be_off_only_where_closeness_is_enough() {
        let (left, right) = (vector(&[("a", "0.1")]), vector(&[("a", "0.10000000000000002")]));
        let question = Question::instant("x", 0);
        assert!(question.between(&left, &right).is_some());
        assert_eq!(question.clone().close().between(&left, &right), None);
        assert!(question.close().between(&left, &vector(&[("a", "0.11")])).is_some());
    }

    #[test]
    fn where_the_selection_is_open_only_values_are_compared() {
        let (left, right) = (vector(&[("a", "1"), ("b", "2")]), vector(&[("c", "2"), ("d", "1")]));
        let question = Question { order: Order::Values, ..Question::instant("x", 0) };
        assert_eq!(question.between(&left, &right), None);
        assert!(question.between(&left, &vector(&[("a", "1"), ("b", "3")])).is_some());
        assert!(question.between(&left, &vector(&[("a", "1")])).is_some());
    }

    #[test]
    fn a_lost_series_and_a_lost_warning_are_differences() {
        let question = Question::instant("x", 0);
        let lost = question.between(&vector(&[("a", "1"), ("b", "2")]), &vector(&[("a", "1")]));
        assert!(lost.is_some_and(|text| text.contains("2 elements became 1")));
        let plain = r#"{"status":"success","data":[]}"#;
        let warned = r#"{"status":"success","data":[],"warnings":["w"]}"#;
        assert!(question.between(&answer(warned), &answer(plain)).is_some());
    }
}
