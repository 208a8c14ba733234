//! What can be wrong with the body of an answer.

use promql::budget::Exceeded;

/// Why a body is not the answer that was asked for. No text of the body longer
/// than about 200 bytes is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Something that is not a Prometheus server answered.
    #[error("the answer is not prometheus's: found {0}")]
    Foreign(String),
    /// The body ends before the answer does; asking again may help.
    #[error("the answer is cut after {0} bytes")]
    Cut(usize),
    /// The body is not what it should be.
    #[error("the answer is malformed at byte {offset}: {reason}, at {near}")]
    Malformed {
        /// Where, from the start of the body.
        offset: usize,
        /// What was expected or found.
        reason: String,
        /// The text around the place, quoted.
        near: String,
    },
    /// Over the query's budget.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
}

impl Error {
    /// An error at a place in a body.
    pub(in crate::gather) fn at(body: &[u8], offset: usize, reason: impl Into<String>) -> Self {
        let start = offset.saturating_sub(NEAR / 2).min(body.len());
        let end = offset.saturating_add(NEAR / 2).min(body.len());
        let reason = shorten(reason.into(), REASON);
        Self::Malformed { offset, reason, near: quote(&body[start..end]) }
    }

    /// What serde_json says, at the place it says.
    pub(super) fn from_json(body: &[u8], error: &serde_json::Error) -> Self {
        if error.is_eof() {
            return Self::Cut(body.len());
        }
        let mut reason = error.to_string();
        if let Some(place) = reason.rfind(" at line ") {
            reason.truncate(place);
        }
        Self::at(body, offset_of(body, error.line(), error.column()), reason)
    }

    /// The body of something that is not JSON of an object, if it is that.
    pub(super) fn foreign(body: &[u8]) -> Option<Self> {
        let start = body.trim_ascii_start();
        let found = match start.first() {
            Some(b'{') => return None,
            None => "an empty body".to_owned(),
            Some(b'<') => format!("a page of markup, {}", quote(&start[..start.len().min(NEAR)])),
            Some(_) => quote(&start[..start.len().min(NEAR)]),
        };
        Some(Self::Foreign(found))
    }
}

/// Bytes of a body that an error shows.
const NEAR: usize = 60;
/// Bytes of a reason that an error shows.
const REASON: usize = 120;

/// Line and column, which count from 1, as an offset.
fn offset_of(body: &[u8], line: usize, column: usize) -> usize {
    let mut starts = body.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let start = match line.checked_sub(2) {
        Some(before) => starts.nth(before).map_or(0, |(index, _)| index + 1),
        None => 0,
    };
    (start + column.saturating_sub(1)).min(body.len())
}

fn quote(bytes: &[u8]) -> String {
    format!("`{}`", bytes.escape_ascii())
}

/// The text, or as much of it as fits into so many bytes.
pub(super) fn shorten(mut text: String, limit: usize) -> String {
    const MARK: &str = "…";
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit - MARK.len()));
        text.push_str(MARK);
    }
    text
}
