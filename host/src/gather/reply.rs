//! Answers of the HTTP API that hold no samples: the envelope around every
//! answer, label sets, names, metadata, exemplars.
//!
//! In: a whole, uncompressed body, and the query's budget. Out: what it says,
//! or an error that names what was found and where. Unknown fields are
//! skipped, any order of keys is accepted, and `null` stands for nothing.
//! Results are neither sorted nor freed of repeats here: merging does that.

mod envelope;
mod error;
mod text;

use std::collections::BTreeMap;

use promql::Labels;
use promql::budget::Budget;
use serde::Deserialize;

use crate::storage::{Exemplar, Metadata, SeriesExemplars};

use envelope::decode;
pub(super) use envelope::{Meter, Nullable};
pub use error::Error;
pub(super) use text::{LabelSet, Millis, Text, labels_of};

/// An answer of the HTTP API.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply<T> {
    /// The data; absent in an error answer, and where the server sent `null`.
    pub data: Option<T>,
    /// The server's error.
    pub error: Option<ApiError>,
    /// The server's warnings.
    pub warnings: Vec<String>,
    /// The server's infos.
    pub infos: Vec<String>,
}

impl<T> Reply<T> {
    /// The same answer with other data.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Reply<U> {
        let Self { data, error, warnings, infos } = self;
        Reply { data: data.map(change), error, warnings, infos }
    }
}

/// What a server says is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// Prometheus's `errorType`: `bad_data`, `execution`, …
    pub kind: String,
    /// The explanation, of at most [`ApiError::MAX_MESSAGE_BYTES`].
    pub message: String,
}

impl ApiError {
    /// More of an explanation is cut off.
    pub const MAX_MESSAGE_BYTES: usize = 4096;
    /// More of an error type is cut off.
    pub const MAX_KIND_BYTES: usize = 64;
}

/// Any answer, its data ignored: what an error answer says.
///
/// # Errors
/// When the body is no Prometheus answer.
pub fn envelope(body: &[u8]) -> Result<Reply<()>, Error> {
    let reply = decode(body, std::marker::PhantomData::<serde::de::IgnoredAny>)?;
    Ok(reply.map(|_| ()))
}

/// The answer of `/api/v1/series`, in the server's order.
///
/// # Errors
/// When the body is no such answer, or over the budget.
pub fn series(body: &[u8], budget: &Budget) -> Result<Reply<Vec<Labels>>, Error> {
    let meter = Meter::new(budget);
    let size = |labels: &LabelSet| labels.0.heap_bytes() + size_of::<Labels>();
    let reply = meter.decode(body, envelope::List::new(&meter, size))?;
    Ok(reply.map(|list| list.into_iter().map(|labels| labels.0).collect()))
}

/// The answer of `/api/v1/labels` and of `/api/v1/label/…/values`, in the
/// server's order.
///
/// # Errors
/// When the body is no such answer, or over the budget.
pub fn names(body: &[u8], budget: &Budget) -> Result<Reply<Vec<String>>, Error> {
    let meter = Meter::new(budget);
    let size = |name: &String| name.capacity() + size_of::<String>();
    meter.decode(body, envelope::List::new(&meter, size))
}

/// The answer of `/api/v1/metadata`.
///
/// # Errors
/// When the body is no such answer, or over the budget.
pub fn metadata(
    body: &[u8],
    budget: &Budget,
) -> Result<Reply<BTreeMap<String, Vec<Metadata>>>, Error> {
    let meter = Meter::new(budget);
    meter.charge(0, body.len())?;
    let reply: Reply<BTreeMap<String, Vec<WireMetadata>>> = decode(body, std::marker::PhantomData)?;
    let entries = |list: Vec<WireMetadata>| list.into_iter().map(Metadata::from).collect();
    Ok(reply.map(|data| data.into_iter().map(|(name, list)| (name, entries(list))).collect()))
}

/// The answer of `/api/v1/query_exemplars`, series and exemplars in the
/// server's order.
///
/// # Errors
/// When the body is no such answer, or over the budget.
pub fn exemplars(body: &[u8], budget: &Budget) -> Result<Reply<Vec<SeriesExemplars>>, Error> {
    let meter = Meter::new(budget);
    let size = |series: &WireSeries| {
        let each = |exemplar: &WireExemplar| {
            exemplar.labels.0.heap_bytes() + exemplar.value.capacity() + size_of::<Exemplar>()
        };
        series.series_labels.0.heap_bytes() + series.exemplars.iter().map(each).sum::<usize>()
    };
    let reply = meter.decode(body, envelope::List::new(&meter, size))?;
    Ok(reply.map(|list: Vec<WireSeries>| list.into_iter().map(SeriesExemplars::from).collect()))
}

/// An entry as servers write it.
#[derive(Deserialize)]
struct WireMetadata {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    help: String,
    #[serde(default)]
    unit: String,
}

impl From<WireMetadata> for Metadata {
    fn from(WireMetadata { kind, help, unit }: WireMetadata) -> Self {
        Self { kind, help, unit }
    }
}

/// A series of exemplars as servers write it.
#[derive(Deserialize)]
struct WireSeries {
    #[serde(rename = "seriesLabels", default)]
    series_labels: LabelSet,
    #[serde(default)]
    exemplars: Vec<WireExemplar>,
}

/// An exemplar as servers write it.
#[derive(Deserialize)]
struct WireExemplar {
    #[serde(default)]
    labels: LabelSet,
    value: String,
    timestamp: Millis,
}

impl From<WireSeries> for SeriesExemplars {
    fn from(series: WireSeries) -> Self {
        let exemplar = |WireExemplar { labels, value, timestamp }: WireExemplar| Exemplar {
            labels: labels.0,
            value,
            timestamp_ms: timestamp.0,
        };
        Self {
            labels: series.series_labels.0,
            exemplars: series.exemplars.into_iter().map(exemplar).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
