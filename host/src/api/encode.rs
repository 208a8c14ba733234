//! Answers as JSON, byte for byte as Prometheus prints them
//! (prometheus/web/api/v1/json_codec.go), a chunk at a time.
//!
//! In comes a [`Document`], out go chunks of about [`CHUNK`] bytes until all
//! is written: the text of a large answer never exists as a whole. Nothing
//! here waits, compresses or knows HTTP.

mod histogram;
mod matrix;
mod stats;
pub mod text;
mod tree;

use std::collections::BTreeMap;

use promql::{Labels, SeriesBatch, SeriesRef, number};

use self::matrix::MatrixCursor;
use self::text::{write_escaped, write_raw};
pub(super) use self::tree::Tree;
use crate::query::{self, Value};
use crate::storage::{Metadata, SeriesExemplars};

/// A chunk is handed out once it holds this many bytes; it may be larger by
/// one item, or by a few thousand samples' worth of one.
pub const CHUNK: usize = 64 * 1024;

/// A successful answer.
#[derive(Debug)]
pub struct Document {
    /// What was asked for.
    pub data: Data,
    /// `warnings`, left out if empty.
    pub warnings: Vec<String>,
    /// `infos`, left out if empty.
    pub infos: Vec<String>,
}

impl Document {
    /// An answer without warnings.
    #[must_use]
    pub const fn of(data: Data) -> Self {
        Self { data, warnings: Vec::new(), infos: Vec::new() }
    }
}

/// The `data` of an answer.
#[derive(Debug)]
pub enum Data {
    /// Of a query.
    Query(Box<QueryData>),
    /// A list of texts.
    Strings(Vec<String>),
    /// A list of label sets.
    LabelSets(Vec<Labels>),
    /// Metadata by metric.
    Metadata(BTreeMap<String, Vec<Metadata>>),
    /// Exemplars by series.
    Exemplars(Vec<SeriesExemplars>),
    /// JSON that is written already.
    Json(Vec<u8>),
}

/// The `data` of a query's answer.
#[derive(Debug)]
pub struct QueryData {
    /// The value.
    pub value: Value,
    /// At most so many series (0: all); who sets it warns.
    pub limit: usize,
    /// `stats`, left out if `None`.
    pub stats: Option<query::Statistics>,
    /// JSON of `explain`, left out if `None`.
    pub explain: Option<Vec<u8>>,
}

impl Data {
    /// JSON of anything serialisable, escaped as Go's encoder does.
    ///
    /// # Panics
    /// When the value's serialisation fails: the answers' types have string
    /// keys only and never do.
    #[must_use]
    pub fn json(value: &impl serde::Serialize) -> Self {
        Self::Json(text::to_json(value))
    }
}

/// Writes a document in chunks.
#[derive(Debug)]
pub struct Encoder {
    document: Document,
    stage: Stage,
    cursor: Cursor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Head,
    Items,
    Tail,
    Done,
}

/// How far the items are written.
#[derive(Debug, Default)]
struct Cursor {
    /// Index of the next item.
    next: usize,
    /// Items written: the next one needs a comma if there are any.
    written: usize,
    matrix: MatrixCursor,
}

impl Encoder {
    /// An encoder at the document's start.
    #[must_use]
    pub fn new(document: Document) -> Self {
        Self { document, stage: Stage::Head, cursor: Cursor::default() }
    }

    /// Appends to `out` until it holds [`CHUNK`] bytes or the document ends.
    /// True if there is more to write.
    pub fn fill(&mut self, out: &mut Vec<u8>) -> bool {
        while out.len() < CHUNK && self.stage != Stage::Done {
            self.step(out);
        }
        self.stage != Stage::Done
    }

    fn step(&mut self, out: &mut Vec<u8>) {
        match self.stage {
            Stage::Head => {
                out.extend_from_slice(br#"{"status":"success","data":"#);
                write_head(&self.document.data, out);
                self.stage = Stage::Items;
            }
            Stage::Items => {
                if !self.cursor.write_item(&mut self.document.data, out) {
                    self.stage = Stage::Tail;
                }
            }
            Stage::Tail => {
                write_tail(&self.document.data, out);
                write_list("warnings", &self.document.warnings, out);
                write_list("infos", &self.document.infos, out);
                out.push(b'}');
                self.stage = Stage::Done;
            }
            Stage::Done => {}
        }
    }
}

fn write_head(data: &Data, out: &mut Vec<u8>) {
    let text: &[u8] = match data {
        Data::Query(data) => match &data.value {
            Value::Scalar { .. } => br#"{"resultType":"scalar","result":"#,
            Value::String { .. } => br#"{"resultType":"string","result":"#,
            Value::Vector(_) => br#"{"resultType":"vector","result":["#,
            Value::Matrix(_) => br#"{"resultType":"matrix","result":["#,
        },
        Data::Strings(_) | Data::LabelSets(_) | Data::Exemplars(_) => b"[",
        Data::Metadata(_) => b"{",
        Data::Json(_) => b"",
    };
    out.extend_from_slice(text);
}

fn write_tail(data: &Data, out: &mut Vec<u8>) {
    match data {
        Data::Query(data) => {
            if matches!(data.value, Value::Vector(_) | Value::Matrix(_)) {
                out.push(b']');
            }
            if let Some(stats) = &data.stats {
                stats::write(stats, out);
            }
            if let Some(explain) = &data.explain {
                out.extend_from_slice(br#","explain":"#);
                out.extend_from_slice(explain);
            }
            out.push(b'}');
        }
        Data::Strings(_) | Data::LabelSets(_) | Data::Exemplars(_) => out.push(b']'),
        Data::Metadata(_) => out.push(b'}'),
        Data::Json(_) => {}
    }
}

impl Cursor {
    /// Writes the next item, or a part of it. False if there was none.
    fn write_item(&mut self, data: &mut Data, out: &mut Vec<u8>) -> bool {
        match data {
            Data::Query(data) => self.write_value(&data.value, data.limit, out),
            Data::Strings(texts) => {
                self.list_item(texts, out, |text, out| write_escaped(text, out))
            }
            Data::LabelSets(sets) => self.list_item(sets, out, write_labels),
            Data::Exemplars(all) => self.list_item(all, out, write_exemplars),
            // Taken out, so that a part already written is freed.
            Data::Metadata(metrics) => match metrics.pop_first() {
                Some((name, entries)) => {
                    self.comma(out);
                    write_metadata(&name, &entries, out);
                    true
                }
                None => false,
            },
            Data::Json(text) => {
                out.append(text);
                false
            }
        }
    }

    fn write_value(&mut self, value: &Value, limit: usize, out: &mut Vec<u8>) -> bool {
        match value {
            Value::Scalar { time_ms, value } => {
                write_scalar(*time_ms, *value, out);
                false
            }
            Value::String { time_ms, text } => {
                write_string_value(*time_ms, text, out);
                false
            }
            Value::Vector(batch) => self.write_vector(batch, limit, out),
            Value::Matrix(batch) => self.matrix.write(batch, limit, out),
        }
    }

    fn write_vector(&mut self, batch: &SeriesBatch, limit: usize, out: &mut Vec<u8>) -> bool {
        if self.next == batch.len() || (limit > 0 && self.written == limit) {
            return false;
        }
        let series = batch.series(self.next);
        self.next += 1;
        if !series.is_empty() {
            self.comma(out);
            write_sample(series, out);
        }
        true
    }

    fn list_item<T>(&mut self, list: &[T], out: &mut Vec<u8>, write: fn(&T, &mut Vec<u8>)) -> bool {
        let Some(item) = list.get(self.next) else {
            return false;
        };
        self.next += 1;
        self.comma(out);
        write(item, out);
        true
    }

    fn comma(&mut self, out: &mut Vec<u8>) {
        if self.written > 0 {
            out.push(b',');
        }
        self.written += 1;
    }
}

/// The first sample of a series that has one, as an element of a vector.
fn write_sample(series: SeriesRef<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"metric":"#);
    write_labels(series.labels, out);
    match (series.float_times.first(), series.float_values.first()) {
        (Some(time), Some(value)) => {
            out.extend_from_slice(br#","value":["#);
            number::write_timestamp(out, *time);
            out.extend_from_slice(b",\"");
            number::write_sample_value(out, *value);
            out.push(b'"');
        }
        _ => {
            out.extend_from_slice(br#","histogram":["#);
            number::write_timestamp(out, series.histogram_times[0]);
            out.push(b',');
            histogram::write(&series.histogram_values[0], out);
        }
    }
    out.extend_from_slice(b"]}");
}

/// Scalars print without exponent, unlike samples
/// (prometheus/promql/value.go, `Scalar.MarshalJSON`).
fn write_scalar(time_ms: i64, value: f64, out: &mut Vec<u8>) {
    out.push(b'[');
    number::write_scalar_timestamp(out, time_ms);
    out.extend_from_slice(b",\"");
    number::write_float(out, value);
    out.extend_from_slice(b"\"]");
}

fn write_string_value(time_ms: i64, text: &str, out: &mut Vec<u8>) {
    out.push(b'[');
    number::write_scalar_timestamp(out, time_ms);
    out.push(b',');
    write_escaped(text, out);
    out.push(b']');
}

/// A label set as an object. Its texts are not escaped for HTML, unlike all
/// others.
fn write_labels(labels: &Labels, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (name, value)) in labels.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_raw(name, out);
        out.push(b':');
        write_raw(value, out);
    }
    out.push(b'}');
}

fn write_metadata(name: &str, entries: &[Metadata], out: &mut Vec<u8>) {
    write_escaped(name, out);
    out.extend_from_slice(b":[");
    for (index, entry) in entries.iter().enumerate() {
        out.extend_from_slice(if index > 0 { br#",{"type":"# } else { br#"{"type":"# });
        write_escaped(&entry.kind, out);
        out.extend_from_slice(br#","unit":"#);
        write_escaped(&entry.unit, out);
        out.extend_from_slice(br#","help":"#);
        write_escaped(&entry.help, out);
        out.push(b'}');
    }
    out.push(b']');
}

fn write_exemplars(series: &SeriesExemplars, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"seriesLabels":"#);
    write_labels(&series.labels, out);
    out.extend_from_slice(br#","exemplars":["#);
    for (index, exemplar) in series.exemplars.iter().enumerate() {
        out.extend_from_slice(if index > 0 { br#",{"labels":"# } else { br#"{"labels":"# });
        write_labels(&exemplar.labels, out);
        out.extend_from_slice(br#","value":"#);
        write_raw(&exemplar.value, out);
        out.extend_from_slice(br#","timestamp":"#);
        number::write_timestamp(out, exemplar.timestamp_ms);
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
}

/// `,"name":["…","…"]`, or nothing for an empty list.
fn write_list(name: &str, texts: &[String], out: &mut Vec<u8>) {
    if texts.is_empty() {
        return;
    }
    out.push(b',');
    write_raw(name, out);
    out.extend_from_slice(b":[");
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_escaped(text, out);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests;
