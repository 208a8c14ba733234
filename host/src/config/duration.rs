//! Durations as configuration files write them.
//!
//! Two notations: Go's for promxy's own keys, Prometheus's for the section
//! `global`. Negative durations are no durations here.

use std::fmt::Write as _;
use std::time::Duration;

/// How Go's notation is explained to an operator.
pub(super) const GO_FORM: &str =
    "a duration such as 300ms, 10s or 1h30m (units ns, us, ms, s, m, h)";

/// How Prometheus's notation is explained to an operator.
pub(super) const PROMETHEUS_FORM: &str =
    "a duration such as 500ms, 15s, 1m or 1d12h (units y, w, d, h, m, s, ms, in this order)";

const GO_UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000), // U+00B5
    ("μs", 1_000), // U+03BC
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
];

/// Go's `time.ParseDuration`, without negative results. The error continues
/// the sentence "found X": a reason in brackets, or nothing.
///
/// A bare number is refused although promxy takes it: it counts nanoseconds
/// there, which nobody means by `timeout: 5`.
pub(super) fn parse_go(text: &str) -> Result<Duration, &'static str> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.starts_with('-') {
        return Err(" (negative)");
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return Err("");
    }
    if rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
        return Err(" (without a unit, which promxy reads as nanoseconds)");
    }
    let mut nanos = 0_u128;
    while !rest.is_empty() {
        let (part, behind) = go_part(rest).ok_or("")?;
        nanos += part;
        rest = behind;
        if nanos > i64::MAX as u128 {
            return Err(" (more than 292 years)");
        }
    }
    Ok(Duration::from_nanos_u128(nanos))
}

/// The first number with its unit, in nanoseconds, and what follows it.
fn go_part(text: &str) -> Option<(u128, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    let unit_end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit_end);
    let (_, scale) = GO_UNITS.iter().find(|(name, _)| *name == unit)?;
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // Digits behind the 18th are below a nanosecond even in hours.
    let fraction = &fraction[..fraction.len().min(18)];
    let below = number(fraction)? * scale / 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    Some((number(whole)?.checked_mul(*scale)? + below, rest))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// Digits as a number; none are zero. `None` above the range of a duration.
fn number(digits: &str) -> Option<u128> {
    match digits {
        "" => Some(0),
        digits => digits.parse::<u64>().ok().map(u128::from),
    }
}

/// A duration in Prometheus's notation, if it is one.
pub(super) fn parse_prometheus(text: &str) -> Option<Duration> {
    let nanos = promql::duration::parse(text).ok()?;
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

/// The shortest text that both notations read back (Prometheus's only for
/// whole milliseconds): `1h30m`, `500ms`, `0s`.
pub(super) fn format(duration: Duration) -> String {
    const UNITS: [(&str, u128); 6] = [
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ];
    let (mut text, mut rest) = (String::new(), duration.as_nanos());
    for (unit, nanos) in UNITS {
        if rest >= nanos {
            write!(text, "{}{unit}", rest / nanos).expect("a string takes everything");
            rest %= nanos;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn go_ms(text: &str) -> Option<f64> {
        parse_go(text).ok().map(|duration| duration.as_secs_f64() * 1e3)
    }

    #[test]
    fn go_durations_are_read_as_go_reads_them() {
        for (text, ms) in [
            ("0", 0.0),
            ("5s", 5e3),
            ("+5s", 5e3),
            ("1.5h", 5.4e6),
            (".5s", 500.0),
            ("1.s", 1e3),
            ("1h30m", 5.4e6),
            ("30m1h", 5.4e6),
            ("2us3µs5μs", 0.01),
            ("0.3333333333333333333h", 1.2e6 - 1e-6),
        ] {
            assert_eq!(go_ms(text), Some(ms), "{text}");
        }
        for text in ["", "1d", "5", "-3h", "s", ".s", "1h 30m", "1e3s", "9999999h", "٣s", "+"] {
            assert_eq!(go_ms(text), None, "{text}");
        }
    }

    #[test]
    fn prometheus_durations_are_whole_and_ordered() {
        for (text, ms) in [("0", 0), ("1m", 60_000), ("1d12h", 129_600_000), ("1s500ms", 1_500)] {
            assert_eq!(parse_prometheus(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "5", "1.5h", "30m1h", "1m1m", "-1m", "1us", "400y", "m"] {
            assert_eq!(parse_prometheus(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_formatted_duration_reads_back(nanos in 0..=i64::MAX as u64) {
            let exact = Duration::from_nanos(nanos);
            prop_assert_eq!(parse_go(&format(exact)), Ok(exact));
            let whole = Duration::from_millis(nanos / 1_000_000);
            prop_assert_eq!(parse_prometheus(&format(whole)), Some(whole));
        }

        #[test]
        fn no_text_is_a_panic(text in "\\PC*|[0-9.+hmsnuµ]*") {
            let _ = (parse_go(&text), parse_prometheus(&text));
        }
    }
}
