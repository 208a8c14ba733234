//! The one error of the parser: a text and a place, as Prometheus prints them.

use std::fmt;

use crate::ast::Span;

/// Why a query is refused. Prints as `1:5: parse error: unexpected end of
/// input`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{position}: parse error: {message}")]
pub struct ParseError {
    /// The bytes of the query it is about.
    pub span: Span,
    /// The start of `span` as people count it.
    pub position: Position,
    /// What is wrong; Prometheus's text.
    pub message: String,
}

/// A place in a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// The query is empty.
    Unknown,
    /// Line and column, both from 1; columns count bytes.
    At {
        /// Line.
        line: usize,
        /// Byte of the line.
        column: usize,
    },
}

impl ParseError {
    pub(super) fn new(query: &str, span: Span, message: impl Into<String>) -> Self {
        Self { span, position: Position::of(query, span.start), message: message.into() }
    }
}

impl Position {
    /// The place of byte `offset` of a query, or of its end; also what
    /// annotations of the evaluation print.
    #[must_use]
    pub fn of(query: &str, offset: usize) -> Self {
        if query.is_empty() {
            return Self::Unknown;
        }
        let before = &query.as_bytes()[..offset.min(query.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n');
        Self::At {
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            column: 1 + before.len() - line_start.map_or(0, |newline| newline + 1),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown position"),
            Self::At { line, column } => write!(f, "{line}:{column}"),
        }
    }
}
