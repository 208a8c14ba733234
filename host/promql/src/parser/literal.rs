//! The values of literals: numbers, durations, strings.

use super::{Parser, Result};
use crate::ast::NumberLiteral;
use crate::gomath::to_i64;
use crate::lexer::{Token, TokenKind};
use crate::quote::{self, ByteString, quote};
use crate::{duration, number};

const NANOS_PER_SECOND: i64 = 1_000 * duration::NANOS_PER_MILLI;

impl Parser<'_> {
    /// A number or a duration, which comes next.
    pub(super) fn number_literal(&mut self) -> Result<NumberLiteral> {
        let token = self.take()?;
        let text = self.text(token);
        let is_duration = token.kind == TokenKind::Duration;
        let value = if is_duration {
            let nanos = duration::parse(text);
            go_seconds(nanos.map_err(|error| self.error(token.span, error.to_string()))?)
        } else {
            let number = number::parse_literal(text);
            number
                .map_err(|error| self.error(token.span, format!("error parsing number: {error}")))?
        };
        Ok(NumberLiteral { value, duration: is_duration, span: token.span })
    }

    /// The bytes a string literal stands for.
    pub(super) fn unquote(&self, token: Token) -> Result<ByteString> {
        let text = self.text(token);
        quote::unquote(text).map_err(|error| {
            let quoted = quote(text.as_bytes());
            self.error(token.span, format!("error unquoting string {quoted}: {error}"))
        })
    }
}

/// Nanoseconds as seconds, rounded as Go's `Duration.Seconds`.
fn go_seconds(nanos: i64) -> f64 {
    let fraction = (nanos % NANOS_PER_SECOND) as f64 / 1e9;
    (nanos / NANOS_PER_SECOND) as f64 + fraction
}

/// Seconds as milliseconds: rounded to nanoseconds, then cut.
pub(super) fn millis(seconds: f64) -> i64 {
    to_i64((seconds * 1e9).round()) / duration::NANOS_PER_MILLI
}
