//! Durations as Prometheus and Go write them.
//!
//! In: text. Out: nanoseconds, Go's `time.Duration`, and back.

mod go;
#[cfg(test)]
mod tests;

pub use self::go::{GoError, parse_go};

use crate::gomath::to_i64;
use crate::number::parse_float;
use crate::quote::quote;

/// Nanoseconds in a millisecond.
pub const NANOS_PER_MILLI: i64 = 1_000_000;
const NANOS_PER_SECOND: i64 = 1_000 * NANOS_PER_MILLI;

/// Why a text is not a Prometheus duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The empty text.
    #[error("empty duration string")]
    Empty,
    /// Not numbers with units, or units out of order.
    #[error("not a valid duration string: {}", quote(.0.as_bytes()))]
    Invalid(String),
    /// A unit that does not exist.
    #[error("unknown unit {} in duration {}", quote(.unit.as_bytes()), quote(.text.as_bytes()))]
    UnknownUnit {
        /// The unit found.
        unit: String,
        /// The whole text.
        text: String,
    },
    /// Beyond 292 years.
    #[error("duration out of range")]
    OutOfRange,
}

/// Units from the largest to the smallest, the order they must come in.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3600 * NANOS_PER_SECOND as u64),
    ("w", 7 * 24 * 3600 * NANOS_PER_SECOND as u64),
    ("d", 24 * 3600 * NANOS_PER_SECOND as u64),
    ("h", 3600 * NANOS_PER_SECOND as u64),
    ("m", 60 * NANOS_PER_SECOND as u64),
    ("s", NANOS_PER_SECOND as u64),
    ("ms", NANOS_PER_MILLI as u64),
];

/// Reads `1y2w3d4h5m6s7ms`, or `0`, as nanoseconds
/// (prometheus/common/model/time.go, `ParseDuration`).
///
/// # Errors
/// When it is no duration, or longer than 292 years.
pub fn parse(text: &str) -> Result<i64, Error> {
    match text {
        "0" => return Ok(0),
        "" => return Err(Error::Empty),
        _ => {}
    }
    let invalid = || Error::Invalid(text.to_owned());
    let (mut rest, mut total, mut next_unit) = (text, 0u64, 0);
    while !rest.is_empty() {
        let (count, tail) = split(rest, |b| b.is_ascii_digit());
        let (unit, tail) = split(tail, |b| !b.is_ascii_digit());
        let count: u64 = count.parse().map_err(|_| invalid())?;
        if unit.is_empty() {
            return Err(invalid());
        }
        let place = UNITS
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or_else(|| Error::UnknownUnit { unit: unit.to_owned(), text: text.to_owned() })?;
        if place < next_unit {
            return Err(invalid());
        }
        total = count
            .checked_mul(UNITS[place].1)
            .and_then(|nanos| total.checked_add(nanos))
            .filter(|total| i64::try_from(*total).is_ok())
            .ok_or(Error::OutOfRange)?;
        (rest, next_unit) = (tail, place + 1);
    }
    i64::try_from(total).map_err(|_| Error::OutOfRange)
}

/// Reads a duration with or without a minus sign
/// (`ParseDurationAllowNegative`), as nanoseconds.
///
/// # Errors
/// As [`parse`]; the texts are about what follows the sign.
pub fn parse_signed(text: &str) -> Result<i64, Error> {
    match text.strip_prefix('-') {
        Some(size) => parse(size).map(|nanos| -nanos),
        None => parse(text),
    }
}

/// Why a parameter of the HTTP API is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// Neither seconds nor a duration.
    #[error("cannot parse {} to a valid duration", quote(.0.as_bytes()))]
    Invalid(String),
    /// More seconds than 292 years have.
    #[error("cannot parse {} to a valid duration. It overflows int64", quote(.0.as_bytes()))]
    Overflow(String),
}

/// Reads a parameter of the HTTP API (`step`, `timeout`, `lookback_delta`):
/// seconds as a number, or a duration; in nanoseconds
/// (prometheus/web/api/v1, `parseDuration`).
///
/// # Errors
/// When it is neither, or too large.
pub fn parse_parameter(text: &str) -> Result<i64, ParameterError> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let Ok(seconds) = parse_float(text) else {
        return parse(text).map_err(|_| ParameterError::Invalid(text.to_owned()));
    };
    let nanos = seconds * NANOS_PER_SECOND as f64;
    if nanos.abs() > LIMIT {
        return Err(ParameterError::Overflow(text.to_owned()));
    }
    Ok(to_i64(nanos))
}

/// Splits off the longest prefix whose bytes are all `wanted`.
fn split(text: &str, wanted: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|b| !wanted(b)).unwrap_or(text.len());
    text.split_at(end)
}

/// Prints nanoseconds as `model.Duration.String` does: milliseconds at best,
/// years and weeks only where nothing remains, `0s` for nothing.
#[must_use]
pub fn format(nanos: i64) -> String {
    format_ms(nanos / NANOS_PER_MILLI)
}

/// Prints milliseconds as [`format()`] does.
#[must_use]
pub fn format_ms(ms: i64) -> String {
    if ms == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    if ms < 0 {
        out.push('-');
    }
    let mut rest = ms.unsigned_abs();
    for (unit, nanos) in UNITS {
        let length = nanos / NANOS_PER_MILLI as u64;
        let exact_only = matches!(unit, "y" | "w");
        if rest < length || (exact_only && !rest.is_multiple_of(length)) {
            continue;
        }
        out.push_str(&(rest / length).to_string());
        out.push_str(unit);
        rest %= length;
    }
    out
}
