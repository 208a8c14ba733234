//! Numbers as Prometheus writes and reads them.

use std::io::Write;

/// Appends a sample value as in JSON answers, without the quotes.
pub fn write_sample_value(out: &mut Vec<u8>, value: f64) {
    write_float(out, value);
}

/// Appends a float without exponent: Go's `FormatFloat(value, 'f', -1, 64)`.
pub fn write_float(out: &mut Vec<u8>, value: f64) {
    write!(out, "{value}").expect("writing to memory succeeds");
}

/// Appends a float as Go's `%v`: an exponent if below 1e-4 or from 1e21.
pub fn write_general(out: &mut Vec<u8>, value: f64) {
    write_float(out, value);
}

/// Appends a sample's time: seconds, and `.` with three digits if there are
/// milliseconds.
pub fn write_timestamp(out: &mut Vec<u8>, ms: i64) {
    write!(out, "{}", ms as f64 / 1000.0).expect("writing to memory succeeds");
}

/// Appends the time of a scalar or string result: a JSON number.
pub fn write_scalar_timestamp(out: &mut Vec<u8>, ms: i64) {
    write!(out, "{}", ms as f64 / 1000.0).expect("writing to memory succeeds");
}

/// Why a text is not a number; the texts are those of Go's `strconv`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not a number.
    #[error("strconv.ParseFloat: parsing {}: invalid syntax", crate::quote::quote(.0.as_bytes()))]
    Syntax(String),
    /// A number beyond the range of a float.
    #[error("strconv.ParseFloat: parsing {}: value out of range", crate::quote::quote(.0.as_bytes()))]
    Range(String),
}

/// Reads a float as Go's `strconv.ParseFloat`.
///
/// # Errors
/// When the text is not a number, or overflows.
pub fn parse_float(text: &str) -> Result<f64, ParseError> {
    text.parse().map_err(|_| ParseError::Syntax(text.to_owned()))
}

/// Reads a PromQL number literal (not a duration).
///
/// # Errors
/// As [`parse_float`].
pub fn parse_literal(text: &str) -> Result<f64, ParseError> {
    parse_float(text)
}

/// The text is neither seconds nor RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot parse {} to a valid timestamp", crate::quote::quote(.0.as_bytes()))]
pub struct TimeError(String);

/// Reads a time parameter of the HTTP API, in milliseconds.
///
/// # Errors
/// When it is neither.
pub fn parse_time(text: &str) -> Result<i64, TimeError> {
    let seconds = parse_float(text).map_err(|_| TimeError(text.to_owned()))?;
    Ok((seconds * 1000.0).round() as i64)
}
