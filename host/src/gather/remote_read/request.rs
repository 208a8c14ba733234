//! The request: which series, which window, and which kinds of answers are
//! understood.

use std::borrow::Cow;

use promql::matcher::MatchOp;
use prost::Message;

use super::message::{LabelMatcher, ReadHints, ReadQuery, ReadRequest};
use crate::gather::columns::Window;

/// Samples of the series that all matchers match.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// Which samples, both ends inclusive.
    pub window: Window,
    /// Operator, label name and value of each matcher.
    pub matchers: Vec<(MatchOp, &'a str, Cow<'a, str>)>,
    /// What the samples are for.
    pub hints: Option<Hints<'a>>,
}

/// What the samples are for. Servers may use it to send less, Prometheus does
/// not: the answer covers the window with and without.
#[derive(Clone, Debug, Default)]
pub struct Hints<'a> {
    /// Distance of evaluation times, in milliseconds; 0 for a single one.
    pub step_ms: i64,
    /// The surrounding function or aggregation.
    pub func: &'a str,
    /// Length of the range selector, in milliseconds.
    pub range_ms: i64,
    /// Labels of the surrounding aggregation.
    pub grouping: &'a [String],
    /// Whether it is `by` these labels, not `without`.
    pub by: bool,
}

/// A kind of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseType {
    /// All samples in one message.
    Samples,
    /// A stream of chunks.
    StreamedXorChunks,
}

/// The body of a request, compressed. The server takes the first kind of
/// answer it knows.
#[must_use]
pub fn encode_request(queries: &[Query<'_>], accepted: &[ResponseType]) -> Vec<u8> {
    let request = ReadRequest {
        queries: queries.iter().map(Query::message).collect(),
        accepted_response_types: accepted.iter().map(|kind| kind.number()).collect(),
    };
    let mut compressor = snap::raw::Encoder::new();
    let compressed = compressor.compress_vec(&request.encode_to_vec());
    compressed.expect("a request is far below snappy's limit of 4 GiB")
}

impl Query<'_> {
    fn message(&self) -> ReadQuery {
        let Window { start_ms, end_ms } = self.window;
        ReadQuery {
            start_timestamp_ms: start_ms,
            end_timestamp_ms: end_ms,
            matchers: self.matchers.iter().map(matcher).collect(),
            hints: self.hints.as_ref().map(|hints| hints.message(self.window)),
        }
    }
}

impl Hints<'_> {
    /// With the window once more: Prometheus's storage looks at this one.
    fn message(&self, window: Window) -> ReadHints {
        ReadHints {
            step_ms: self.step_ms,
            func: self.func.to_owned(),
            start_ms: window.start_ms,
            end_ms: window.end_ms,
            grouping: self.grouping.to_vec(),
            by: self.by,
            range_ms: self.range_ms,
        }
    }
}

impl ResponseType {
    const fn number(self) -> i32 {
        match self {
            Self::Samples => 0,
            Self::StreamedXorChunks => 1,
        }
    }
}

fn matcher((op, name, value): &(MatchOp, &str, Cow<'_, str>)) -> LabelMatcher {
    let kind = match op {
        MatchOp::Equal => 0,
        MatchOp::NotEqual => 1,
        MatchOp::Regex => 2,
        MatchOp::NotRegex => 3,
    };
    LabelMatcher { kind, name: (*name).to_owned(), value: value.clone().into_owned() }
}
