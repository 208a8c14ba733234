//! Reading numbers as Go's `strconv` does: decimal and hexadecimal floats,
//! integers in any base, underscores between digits, `Inf` and `NaN` in any
//! case.

use crate::quote::quote;

/// Why a text is not a number; the texts are Go's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not a number.
    #[error("strconv.ParseFloat: parsing {}: invalid syntax", quote(.0.as_bytes()))]
    Syntax(String),
    /// A number too large for a float.
    #[error("strconv.ParseFloat: parsing {}: value out of range", quote(.0.as_bytes()))]
    Range(String),
}

/// Reads a float as Go's `strconv.ParseFloat(text, 64)`, correctly rounded.
///
/// # Errors
/// When the text is not a number, or too large.
pub fn parse_float(text: &str) -> Result<f64, ParseError> {
    if let Some(value) = special(text) {
        return Ok(value);
    }
    let value = finite(text).ok_or_else(|| ParseError::Syntax(text.to_owned()))?;
    if value.is_infinite() { Err(ParseError::Range(text.to_owned())) } else { Ok(value) }
}

/// Reads a number of PromQL (not a duration): an integer in the base its
/// prefix names (`0x`, `0o`, `0b`, `0`), else a float.
///
/// # Errors
/// As [`parse_float`].
pub fn parse_literal(text: &str) -> Result<f64, ParseError> {
    match integer(text) {
        Some(value) => Ok(value as f64),
        None => parse_float(text),
    }
}

/// `NaN` without sign, `Inf` and `Infinity` with or without.
fn special(text: &str) -> Option<f64> {
    if text.eq_ignore_ascii_case("nan") {
        return Some(f64::from_bits(GO_NAN_BITS));
    }
    let (negative, size) = sign(text);
    let infinite = size.eq_ignore_ascii_case("inf") || size.eq_ignore_ascii_case("infinity");
    infinite.then_some(if negative { f64::NEG_INFINITY } else { f64::INFINITY })
}

/// Go's `math.NaN()`, which is also Prometheus's normal NaN.
const GO_NAN_BITS: u64 = crate::series::NORMAL_NAN_BITS;

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// A number in digits; infinite if too large.
fn finite(text: &str) -> Option<f64> {
    let (negative, size) = sign(text);
    let underscores = size.contains('_');
    if underscores && !underscores_separate_digits(size) {
        return None;
    }
    let plain = if underscores { &size.replace('_', "") } else { size };
    let value = match plain.get(..2) {
        Some("0x" | "0X") if plain.len() > 2 => hexadecimal(&plain[2..])?,
        _ => decimal(plain)?,
    };
    Some(if negative { -value } else { value })
}

/// `digits[.digits][e±digits]`, which the standard library reads exactly; what
/// else it would read is kept from it.
fn decimal(text: &str) -> Option<f64> {
    let plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    let starts_well = text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if starts_well && text.bytes().all(plain) { text.parse().ok() } else { None }
}

/// `digits[.digits]p±digits` in base 16, without the prefix.
fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (negative, exponent) = sign(exponent);
    if exponent.is_empty() || !exponent.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Any larger exponent means zero or infinity, too.
    let exponent = exponent.parse::<i64>().unwrap_or(i64::MAX).min(1 << 40);
    let mut exponent = if negative { -exponent } else { exponent };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (mut bits, mut lost) = (0u64, false);
    for (digits, places) in [(whole, 0), (fraction, -4)] {
        for digit in digits.chars() {
            let digit = u64::from(digit.to_digit(16)?);
            exponent += places;
            if bits >> 60 == 0 {
                bits = bits << 4 | digit;
            } else {
                lost |= digit != 0;
                exponent += 4;
            }
        }
    }
    Some(scale(bits, lost, exponent))
}

/// The float nearest to `bits × 2^exponent`, ties to even; `lost` says that
/// the true value is a little larger.
fn scale(bits: u64, lost: bool, exponent: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    let zeros = bits.leading_zeros();
    let bits = bits << zeros;
    // Now the value is 1.… × 2^exponent.
    let exponent = exponent - i64::from(zeros) + 63;
    if exponent > 1023 {
        return f64::INFINITY;
    }
    // A subnormal number has fewer than 53 bits.
    let keep = 53 - (-1022 - exponent).max(0);
    if keep < 0 {
        return 0.0;
    }
    let drop = 64 - keep as u32;
    let kept = bits.checked_shr(drop).unwrap_or(0);
    let (half, rest) =
        (1u64 << (drop - 1), if drop == 64 { bits } else { bits & ((1 << drop) - 1) });
    let up = rest > half || (rest == half && (lost || kept & 1 == 1));
    let biased = if exponent < -1022 { 0 } else { (exponent + 1022) as u64 };
    // The leading bit of `kept` adds one to the exponent, as does a carry.
    f64::from_bits((biased << 52) + kept + u64::from(up))
}

/// An integer as Go's `strconv.ParseInt(text, 0, 64)`.
fn integer(text: &str) -> Option<i64> {
    let (negative, size) = sign(text);
    let lower = size.get(..2).map(str::to_ascii_lowercase);
    let (base, digits) = match lower.as_deref() {
        Some("0x") => (16, &size[2..]),
        Some("0o") => (8, &size[2..]),
        Some("0b") => (2, &size[2..]),
        Some(_) if size.starts_with('0') => (8, &size[1..]),
        _ => (10, size),
    };
    if size.contains('_') && !underscores_separate_digits(size) {
        return None;
    }
    let mut value = 0i128;
    let mut any = false;
    for digit in digits.chars().filter(|c| *c != '_') {
        value = value * i128::from(base) + i128::from(digit.to_digit(base)?);
        if value > i128::from(i64::MAX) + 1 {
            return None;
        }
        any = true;
    }
    let value = if negative { -value } else { value };
    i64::try_from(value).ok().filter(|_| any)
}

/// True if every underscore stands between digits, or between a base prefix
/// and a digit.
fn underscores_separate_digits(text: &str) -> bool {
    let prefix = text.get(..2).map(str::to_ascii_lowercase);
    let prefixed = matches!(prefix.as_deref(), Some("0x" | "0o" | "0b"));
    let hexadecimal = prefix.as_deref() == Some("0x");
    let body = if prefixed { &text[2..] } else { text };
    let is_digit = |byte: u8| byte.is_ascii_digit() || (hexadecimal && byte.is_ascii_hexdigit());
    let (mut after_digit, mut after_underscore) = (prefixed, false);
    for byte in body.bytes() {
        match byte {
            b'_' if !after_digit => return false,
            _ if after_underscore && !is_digit(byte) => return false,
            _ => {}
        }
        (after_digit, after_underscore) = (is_digit(byte), byte == b'_');
    }
    !after_underscore
}
