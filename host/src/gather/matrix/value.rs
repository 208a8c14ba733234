//! Sample values as Prometheus writes them into strings.

use promql::series::NORMAL_NAN_BITS;
use serde::de;

/// The value that a text stands for: a decimal number, `NaN`, `+Inf` or `-Inf`.
pub(super) fn parse(text: &[u8]) -> Option<f64> {
    match text {
        b"NaN" => Some(f64::from_bits(NORMAL_NAN_BITS)),
        b"+Inf" | b"Inf" => Some(f64::INFINITY),
        b"-Inf" => Some(f64::NEG_INFINITY),
        // The parser would take "nan", "infinity" and the like.
        [b'0'..=b'9' | b'.', ..] | [b'+' | b'-', b'0'..=b'9' | b'.', ..] => {
            fast_float2::parse(text).ok()
        }
        _ => None,
    }
}

/// The value that a text starts with, and the length of its text, up to the
/// closing quote; the same value as [`parse`] of that text.
#[inline]
pub(super) fn scan(text: &[u8]) -> Option<(f64, usize)> {
    if let Some(found) = text.first_chunk().and_then(scan_short) {
        return Some(found);
    }
    match text {
        [b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..] => fast_float2::parse_partial(text).ok(),
        _ => {
            let length = text.iter().take(8).position(|byte| *byte == b'"')?;
            Some((parse(&text[..length])?, length))
        }
    }
}

/// A whole number or decimal fraction without sign and exponent, of at most 15
/// bytes: such a number of digits and such a power of ten are exact, so is
/// their quotient rounded (Clinger's fast path).
#[inline]
fn scan_short(text: &[u8; 16]) -> Option<(f64, usize)> {
    let word = u128::from_le_bytes(*text);
    let (low, high) = (word as u64, (word >> 64) as u64);
    let (length, number) = match quote_position(low) {
        Some(0) => return None,
        Some(length) => (length, whole(last_digits(low, length))),
        None => {
            let length = 8 + quote_position(high)?;
            let last = text[length - 8..length].first_chunk()?;
            let first = whole(last_digits(low, length - 8));
            let last = whole(u64::from_le_bytes(*last));
            (length, first.zip(last).map(|(first, last)| first * 100_000_000 + last))
        }
    };
    if let Some(number) = number {
        return Some((number as f64, length));
    }
    let point = text[..length].iter().position(|byte| *byte == b'.')?;
    scan_fraction(&text[..length], point).map(|value| (value, length))
}

/// Where the first quote is.
#[inline]
const fn quote_position(word: u64) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let other = word ^ (ONES * b'"' as u64);
    let found = other.wrapping_sub(ONES) & !other & (ONES << 7);
    if found == 0 { None } else { Some(found.trailing_zeros() as usize / 8) }
}

/// The first `length` bytes of a word, below 8, behind as many zero digits as
/// make it full.
#[inline]
const fn last_digits(word: u64, length: usize) -> u64 {
    // In two steps, since a shift by 64 would be none.
    (word << (8 * (7 - length)) << 8) | ZEROS >> (8 * length)
}

/// Eight times the digit zero.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The number that sixteen digits make, the first in the lowest byte, if they
/// are digits.
#[inline]
pub(super) fn digits(word: u128) -> Option<u64> {
    let (first, last) = (whole(word as u64)?, whole((word >> 64) as u64)?);
    Some(first * 100_000_000 + last)
}

/// The number that eight digits make, the first in the lowest byte, if they
/// are digits.
#[inline]
fn whole(word: u64) -> Option<u64> {
    are_digits(word).then(|| eight_digits(word))
}

#[inline]
const fn are_digits(word: u64) -> bool {
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    // Adding six carries ten and more out of the low half of a byte.
    word & HIGH == ZEROS && word.wrapping_add(0x0606_0606_0606_0606) & HIGH == ZEROS
}

/// Pairs, then fours, then eight digits at once, the first in the lowest byte.
#[inline]
const fn eight_digits(word: u64) -> u64 {
    const MASK: u64 = 0x0000_00ff_0000_00ff;
    let values = word - ZEROS;
    let pairs = values * 10 + (values >> 8);
    let first = (pairs & MASK).wrapping_mul(100 + (1_000_000 << 32));
    let second = (pairs >> 16 & MASK).wrapping_mul(1 + (10_000 << 32));
    first.wrapping_add(second) >> 32
}

/// Digits around a decimal point.
fn scan_fraction(text: &[u8], point: usize) -> Option<f64> {
    let (whole, fraction) = (&text[..point], &text[point + 1..]);
    if whole.is_empty() || fraction.is_empty() {
        return None;
    }
    let mut number = 0_u64;
    for digit in whole.iter().chain(fraction) {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + u64::from(digit - b'0');
    }
    Some(number as f64 / POWERS_OF_TEN[fraction.len()])
}

const POWERS_OF_TEN: [f64; 15] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14];

/// The error for a text that is no value.
pub(super) fn not_a_number<E: de::Error>(text: &str) -> E {
    E::invalid_value(de::Unexpected::Str(text), &"the text of a number")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scanned(text: &str) -> Option<(u64, usize)> {
        let after = format!("{text}\"],[1760000000.781,\"1\"]");
        scan(after.as_bytes()).map(|(value, length)| (value.to_bits(), length))
    }

    fn parsed(text: &str) -> Option<(u64, usize)> {
        parse(text.as_bytes()).map(|value| (value.to_bits(), text.len()))
    }

    #[test]
    fn special_values_have_one_spelling() {
        assert_eq!(parse(b"NaN").map(f64::to_bits), Some(NORMAL_NAN_BITS));
        assert_eq!(parse(b"+Inf"), Some(f64::INFINITY));
        assert_eq!(parse(b"-Inf"), Some(f64::NEG_INFINITY));
        for text in
            ["nan", "inf", "infinity", "-nan", "-NaN", "+nan", "0x1p3", "1_0", "", "-", ".", " 1"]
        {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn scanning_agrees_with_parsing() {
        for text in [
            "0",
            "-0",
            "1",
            "12345678",
            "123456789",
            "123456789012345",
            "1234567890123456",
            "0.1",
            "99999999999999.9",
            "0.0000001",
            "1e+21",
            "1e-07",
            "-1.5",
            "007",
            "NaN",
            "+Inf",
            "-Inf",
            "0.30000000000000004",
            "1.7976931348623157e+308",
            "5e-324",
            "1e999",
            ".5",
            "+1",
            "1.",
        ] {
            assert!(parsed(text).is_some(), "{text}");
            assert_eq!(scanned(text), parsed(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_number_is_scanned_as_the_standard_library_parses_it(bits in any::<u64>(), decimals in 0..18_usize) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            for text in [format!("{value:?}"), format!("{:.decimals$}", value % 1e6), format!("{}", bits >> (decimals * 3))] {
                let standard: f64 = text.parse().expect("a number");
                prop_assert_eq!(scanned(&text), Some((standard.to_bits(), text.len())), "{}", text);
            }
        }

        #[test]
        fn any_text_is_scanned_as_it_is_parsed(text in "[0-9.eE+\\-NaInf]{0,20}") {
            // The scanner may stop early; the caller then finds no quote.
            match (scanned(&text), parsed(&text)) {
                (scanned, Some(parsed)) => prop_assert_eq!(scanned, Some(parsed)),
                (Some((_, length)), None) => prop_assert!(length < text.len()),
                (None, None) => {}
            }
        }
    }
}
