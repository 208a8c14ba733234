//! Numbers and times as Go and Prometheus write and read them.
//!
//! In: values, or text. Out: text appended to the caller's buffer, byte for
//! byte Prometheus's; or values. Quotes and commas around a number are the
//! encoder's business.

mod format;
mod parse;
#[cfg(test)]
mod tests;
mod time;

pub use self::format::{
    write_float, write_general, write_sample_value, write_scalar_timestamp, write_timestamp,
};
pub use self::parse::{ParseError, parse_float, parse_literal};
pub use self::time::{MAX_TIME_MS, MIN_TIME_MS, TimeError, parse_time};

/// A float as Go's `FormatFloat(value, 'f', -1, 64)`: as [`write_float`].
#[must_use]
pub fn format_float(value: f64) -> String {
    text(|out| write_float(out, value))
}

/// A float as Go's `%v` and `%g`: as [`write_general`].
#[must_use]
pub fn format_general(value: f64) -> String {
    text(|out| write_general(out, value))
}

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::with_capacity(24);
    write(&mut out);
    String::from_utf8(out).expect("numbers are ASCII")
}
