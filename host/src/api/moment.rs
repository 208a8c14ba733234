//! Moments and durations as Prometheus's HTTP API reads them
//! (prometheus/web/api/v1/api.go, `parseTime` and `parseDuration`).
//!
//! In comes a parameter's text, out goes an integer: milliseconds for a
//! moment, nanoseconds for a duration, since Prometheus compares durations
//! before it rounds them. What a parameter is for is not known here.

use promql::duration;
use promql::quote::quote;

/// `MinTime` of Prometheus's API in milliseconds: what a missing `start`
/// stands for.
pub(super) const MIN_TIME_MS: i64 = (i64::MIN / 1000 + 62_135_596_801) * 1000;
/// `MaxTime` of Prometheus's API in milliseconds: what a missing `end` stands
/// for.
pub(super) const MAX_TIME_MS: i64 = (i64::MAX / 1000 - 62_135_596_801) * 1000 + 999;

/// How Go prints the two: years with more digits than RFC 3339 allows. They
/// come back in clients' requests.
const MIN_TIME_TEXT: &str = "-292273086-05-16T16:47:06Z";
const MAX_TIME_TEXT: &str = "292277025-08-18T07:12:54.999999999Z";

/// Nanoseconds per second.
const SECOND_NS: f64 = 1e9;

/// A text that is no moment or no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    /// Neither seconds nor RFC 3339; the text is quoted as Go does.
    #[error("cannot parse {0} to a valid timestamp")]
    Timestamp(String),
    /// Neither seconds nor a duration with units.
    #[error("cannot parse {0} to a valid duration")]
    Duration(String),
    /// More nanoseconds than 64 bits hold.
    #[error("cannot parse {0} to a valid duration. It overflows int64")]
    Overflow(String),
}

/// Reads a moment: seconds since 1970 as a decimal number, cut to whole
/// milliseconds by rounding, or RFC 3339.
///
/// # Errors
/// When it is neither. Numbers that no clock shows (`NaN`, `Inf`, beyond
/// [`MIN_TIME_MS`] and [`MAX_TIME_MS`]) are refused, where Prometheus wraps
/// them round.
pub(super) fn timestamp_ms(text: &str) -> Result<i64, Error> {
    seconds(text)
        .map(seconds_to_ms)
        .unwrap_or_else(|| rfc3339_ms(text))
        .ok_or_else(|| Error::Timestamp(quote(text.as_bytes())))
}

fn seconds_to_ms(seconds: f64) -> Option<i64> {
    let fraction_ms = (seconds.fract() * 1000.0).round();
    let ms = seconds.trunc() * 1000.0 + fraction_ms;
    // The bounds are far inside what an f64 turns into an i64 exactly enough.
    let inside = ms >= MIN_TIME_MS as f64 && ms <= MAX_TIME_MS as f64;
    inside.then(|| seconds.trunc() as i64 * 1000 + fraction_ms as i64)
}

fn rfc3339_ms(text: &str) -> Option<i64> {
    match text {
        MIN_TIME_TEXT => return Some(MIN_TIME_MS),
        MAX_TIME_TEXT => return Some(MAX_TIME_MS),
        _ => {}
    }
    if !has_rfc3339_shape(text.as_bytes()) {
        return None;
    }
    let moment: jiff::Timestamp = text.parse().ok()?;
    // Go cuts a moment to milliseconds downwards, also before 1970.
    i64::try_from(moment.as_nanosecond().div_euclid(1_000_000)).ok()
}

/// `2006-01-02T15:04:05`, perhaps a fraction, then `Z` or `±07:00`: jiff
/// accepts more spellings of ISO 8601 than Go does.
fn has_rfc3339_shape(text: &[u8]) -> bool {
    let Some((head, rest)) = text.split_first_chunk::<19>() else {
        return false;
    };
    let fits = |pattern: &[u8], text: &[u8]| {
        pattern.len() == text.len()
            && pattern.iter().zip(text).all(|(want, byte)| match want {
                b'0' => byte.is_ascii_digit(),
                _ => want == byte,
            })
    };
    let zone = match rest.first() {
        Some(b'.' | b',') => {
            let digits = rest[1..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            if digits == 0 {
                return false;
            }
            &rest[1 + digits..]
        }
        _ => rest,
    };
    fits(b"0000-00-00T00:00:00", head)
        && (fits(b"Z", zone) || fits(b"+00:00", zone) || fits(b"-00:00", zone))
}

/// Reads a duration in nanoseconds: a decimal number of seconds, or numbers
/// with units (`1h30m`). May be zero or negative.
///
/// # Errors
/// When it is neither, or 64 bits do not hold it.
pub(super) fn duration_ns(text: &str) -> Result<i64, Error> {
    let Some(seconds) = seconds(text) else {
        return duration::parse(text).map_err(|_| Error::Duration(quote(text.as_bytes())));
    };
    let ns = seconds * SECOND_NS;
    if ns > i64::MAX as f64 || ns < i64::MIN as f64 {
        return Err(Error::Overflow(quote(text.as_bytes())));
    }
    // Go turns NaN into the smallest integer, which callers refuse as negative.
    Ok(if ns.is_nan() { i64::MIN } else { ns as i64 })
}

/// A number as Go's `strconv.ParseFloat` reads it; `None` also beyond the
/// range of a float.
fn seconds(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let overflowed = value.is_infinite() && text.bytes().any(|byte| byte.is_ascii_digit());
    (!overflowed).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_seconds_rounded_to_milliseconds() {
        let cases = [
            ("0", 0),
            ("1.5", 1500),
            ("1435781451.781", 1_435_781_451_781),
            ("1.0004", 1000),
            ("1.0005", 1001),
            ("1e3", 1_000_000),
            ("+5", 5000),
            ("-1.5", -1500),
            ("-0.0015", -2),
            (".5", 500),
        ];
        for (text, expected) in cases {
            assert_eq!(timestamp_ms(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn rfc3339_is_read_in_any_zone_and_cut_to_milliseconds() {
        let cases = [
            ("2015-06-03T13:21:58.555Z", 1_433_337_718_555),
            ("2015-06-03T14:21:58.555+01:00", 1_433_337_718_555),
            ("2015-06-03T13:21:58.5559Z", 1_433_337_718_555),
            ("1969-12-31T23:59:59.9999Z", -1),
            ("-292273086-05-16T16:47:06Z", MIN_TIME_MS),
            ("292277025-08-18T07:12:54.999999999Z", MAX_TIME_MS),
        ];
        for (text, expected) in cases {
            assert_eq!(timestamp_ms(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_moment_is_quoted() {
        let bad = [
            "",
            "foo",
            "30s",
            "2015-06-03 13:21:58Z",
            "2015-06-03T13:21:58",
            "20150603T132158Z",
            "2015-13-03T13:21:58Z",
            "2015-06-03T13:21:58+01:00[Europe/Paris]",
            "NaN",
            "Inf",
            "1e300",
            "1e400",
            "1_000",
        ];
        for text in bad {
            let message = timestamp_ms(text).expect_err(text).to_string();
            assert_eq!(
                message,
                format!("cannot parse \"{text}\" to a valid timestamp")
            );
        }
    }

    #[test]
    fn durations_are_seconds_or_units_in_falling_order() {
        let cases = [
            ("0", 0),
            ("15", 15_000_000_000),
            ("0.5", 500_000_000),
            ("-3", -3_000_000_000),
            ("1m", 60_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1y2w3d4h5m6s7ms", 33_019_506_007_000_000),
        ];
        for (text, expected) in cases {
            assert_eq!(duration_ns(text), Ok(expected), "{text}");
        }
        assert!(duration_ns("NaN").is_ok_and(|ns| ns < 0));
    }

    #[test]
    fn a_text_that_is_no_duration_is_quoted() {
        for text in [
            "", "foo", "1m1h", "1.5h", "1m1m", "-1m", "5 m", "m", "300000y", "1e400",
        ] {
            let message = duration_ns(text).expect_err(text).to_string();
            assert_eq!(
                message,
                format!("cannot parse \"{text}\" to a valid duration")
            );
        }
        let overflow = duration_ns("1e30").expect_err("overflow").to_string();
        assert_eq!(
            overflow,
            "cannot parse \"1e30\" to a valid duration. It overflows int64"
        );
    }
}
