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

/// The error for a text that is none.
pub(super) fn not_a_number<E: de::Error>(text: &str) -> E {
    E::invalid_value(de::Unexpected::Str(text), &"the text of a number")
}
