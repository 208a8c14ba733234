//! An answer in a form that both sides can be brought into.

use std::collections::{BTreeMap, BTreeSet};

use promql::query::Error;
use promql::value::{Outcome, Value};
use promql::{Histogram, SeriesBatch, SeriesRef};
use serde_json::Value as Json;

/// What a query was answered with.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Failed { kind: String, text: String },
    Data { value: Shown, warnings: BTreeSet<String>, infos: BTreeSet<String> },
}

/// Data of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    Scalar(i64, f64),
    Text(i64, String),
    Vector(Vec<Element>),
    Matrix(Vec<Element>),
}

/// A series of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) floats: Vec<(i64, f64)>,
    pub(crate) histograms: Vec<(i64, Shape)>,
}

/// A histogram as the API shows it.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) count: f64,
    pub(crate) sum: f64,
    /// Rule of the bounds, lower and upper bound, count; no empty buckets.
    pub(crate) buckets: Vec<(u64, [f64; 3])>,
}

/// Texts of each kind that an answer holds at most.
const TEXTS: usize = 10;

impl Answer {
    /// Reads a server's answer.
    pub(crate) fn from_json(json: &Json) -> Self {
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        if text("status") != "success" {
            return Self::Failed { kind: text("errorType"), text: text("error") };
        }
        let texts = |key: &str| {
            let texts = json[key].as_array().into_iter().flatten();
            texts.filter_map(Json::as_str).map(str::to_owned).collect()
        };
        let result = &json["data"]["result"];
        let value = match json["data"]["resultType"].as_str() {
            Some("scalar") => Shown::Scalar(time(&result[0]), number(&result[1])),
            Some("string") => {
                Shown::Text(time(&result[0]), result[1].as_str().expect("a text").to_owned())
            }
            Some("vector") => Shown::Vector(elements(result)),
            Some("matrix") => Shown::Matrix(elements(result)),
            other => panic!("no type of a result: {other:?}"),
        };
        Self::Data { value, warnings: texts("warnings"), infos: texts("infos") }
    }

    /// What the API would make of an outcome.
    pub(crate) fn from_outcome(outcome: &Outcome, query: &str) -> Self {
        let (warnings, infos) = outcome.annotations.texts(query, TEXTS);
        let value = match &outcome.value {
            Value::Scalar { time_ms, value } => Shown::Scalar(*time_ms, *value),
            Value::String { time_ms, text } => Shown::Text(*time_ms, text.clone()),
            Value::Vector(batch) => Shown::Vector(of_batch(batch)),
            Value::Matrix(batch) => Shown::Matrix(of_batch(batch)),
        };
        let (warnings, infos) = (warnings.into_iter().collect(), infos.into_iter().collect());
        Self::Data { value, warnings, infos }
    }

    /// What the API would make of an error.
    pub(crate) fn from_error(error: &Error) -> Self {
        let (kind, text) = match error {
            Error::Parse(_) | Error::Duration(_) | Error::NotForRange(_) => {
                ("bad_data", format!("invalid parameter \"query\": {error}"))
            }
            Error::Execution(_) => ("execution", error.to_string()),
            other => ("other", other.to_string()),
        };
        Self::Failed { kind: kind.to_owned(), text }
    }

    /// True if it holds samples.
    pub(crate) fn is_filled(&self) -> bool {
        match self {
            Self::Data { value: Shown::Vector(all) | Shown::Matrix(all), .. } => !all.is_empty(),
            Self::Data { .. } => true,
            Self::Failed { .. } => false,
        }
    }
}

fn elements(result: &Json) -> Vec<Element> {
    result.as_array().expect("a list").iter().map(element).collect()
}

fn element(json: &Json) -> Element {
    let labels = json["metric"].as_object().expect("labels").iter();
    let labels = labels.map(|(name, value)| (name.clone(), value.as_str().expect("text").into()));
    let samples = |one: &str, many: &str| -> Vec<&Json> {
        let one = json.get(one).into_iter();
        one.chain(json[many].as_array().into_iter().flatten()).collect()
    };
    let floats = samples("value", "values").into_iter();
    let histograms = samples("histogram", "histograms").into_iter();
    Element {
        labels: labels.collect(),
        floats: floats.map(|pair| (time(&pair[0]), number(&pair[1]))).collect(),
        histograms: histograms.map(|pair| (time(&pair[0]), shape(&pair[1]))).collect(),
    }
}

fn shape(json: &Json) -> Shape {
    let buckets = json["buckets"].as_array().into_iter().flatten().map(|bucket| {
        let rule = bucket[0].as_u64().expect("a rule");
        (rule, [number(&bucket[1]), number(&bucket[2]), number(&bucket[3])])
    });
    Shape { count: number(&json["count"]), sum: number(&json["sum"]), buckets: buckets.collect() }
}

fn number(json: &Json) -> f64 {
    json.as_str().and_then(|text| text.parse().ok()).expect("a number as a text")
}

/// Seconds with a fraction as milliseconds.
fn time(json: &Json) -> i64 {
    (json.as_f64().expect("a time") * 1000.0).round() as i64
}

fn of_batch(batch: &SeriesBatch) -> Vec<Element> {
    batch.iter().map(of_series).collect()
}

fn of_series(series: SeriesRef<'_>) -> Element {
    let labels = series.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (times, values) = (series.float_times.iter().copied(), series.float_values.iter().copied());
    let histogram_times = series.histogram_times.iter().copied();
    Element {
        labels: labels.collect(),
        floats: times.zip(values).collect(),
        histograms: histogram_times.zip(series.histogram_values.iter().map(of_histogram)).collect(),
    }
}

fn of_histogram(histogram: &Histogram) -> Shape {
    let buckets = histogram.buckets().filter(|bucket| bucket.count != 0.0).map(|bucket| {
        let rule = match (bucket.lower_inclusive, bucket.upper_inclusive) {
            (false, true) => 0,
            (true, false) => 1,
            (false, false) => 2,
            (true, true) => 3,
        };
        (rule, [bucket.lower, bucket.upper, bucket.count])
    });
    Shape { count: histogram.count, sum: histogram.sum, buckets: buckets.collect() }
}
