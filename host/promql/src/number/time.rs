//! Times of the HTTP API: seconds as a number, or RFC 3339.

use super::parse_float;
use crate::gomath::to_i64;
use crate::quote::quote;

/// The start of a request's range if it names none, in milliseconds.
pub const MIN_TIME_MS: i64 = (i64::MIN / 1000 + YEAR_ONE) * 1000;
/// The end of a request's range if it names none, in milliseconds.
pub const MAX_TIME_MS: i64 = (i64::MAX / 1000 - YEAR_ONE) * 1000 + 999;

/// Seconds between the year 1 and 1970, plus one: Prometheus takes them off
/// both ends by an old mistake that it keeps.
const YEAR_ONE: i64 = 62_135_596_801;
/// How clients write [`MIN_TIME_MS`].
const MIN_TIME_TEXT: &str = "-292273086-05-16T16:47:06Z";
/// How clients write [`MAX_TIME_MS`].
const MAX_TIME_TEXT: &str = "292277025-08-18T07:12:54.999999999Z";

const NANOS: i64 = 1_000_000_000;

/// The text is neither seconds nor RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot parse {} to a valid timestamp", quote(.0.as_bytes()))]
pub struct TimeError(String);

/// Reads a time parameter of the HTTP API, in milliseconds
/// (prometheus/web/api/v1, `parseTime`): seconds, rounded to milliseconds;
/// RFC 3339, cut to milliseconds; or the two texts for the ends of time.
/// Beyond those the result wraps, as it does in Prometheus.
///
/// # Errors
/// When it is none of these.
pub fn parse_time(text: &str) -> Result<i64, TimeError> {
    if let Ok(seconds) = parse_float(text) {
        return Ok(from_seconds(seconds));
    }
    match text {
        MIN_TIME_TEXT => Ok(MIN_TIME_MS),
        MAX_TIME_TEXT => Ok(MAX_TIME_MS),
        _ => rfc3339(text).ok_or_else(|| TimeError(text.to_owned())),
    }
}

/// As Go computes it, with its conversions and its wrapping.
fn from_seconds(time: f64) -> i64 {
    let whole = time.trunc();
    let fraction = ((time - whole) * 1000.0).round() / 1000.0;
    let (mut seconds, mut nanos) = (to_i64(whole), to_i64(fraction * NANOS as f64));
    seconds = seconds.wrapping_add(nanos.div_euclid(NANOS));
    nanos = nanos.rem_euclid(NANOS);
    seconds.wrapping_mul(1000).wrapping_add(nanos / 1_000_000)
}

/// Reads `2006-01-02T15:04:05[.999]Z` or with an offset `+07:00`; like Go an
/// hour of one digit and a comma before the fraction, too.
fn rfc3339(text: &str) -> Option<i64> {
    let mut rest = text.as_bytes();
    let year = number(&mut rest, 4)?;
    let month = after(&mut rest, b"-").and_then(|()| number(&mut rest, 2))?;
    let day = after(&mut rest, b"-").and_then(|()| number(&mut rest, 2))?;
    after(&mut rest, b"T")?;
    let hour_digits = if rest.get(1).is_some_and(u8::is_ascii_digit) { 2 } else { 1 };
    let hour = number(&mut rest, hour_digits)?;
    let minute = after(&mut rest, b":").and_then(|()| number(&mut rest, 2))?;
    let second = after(&mut rest, b":").and_then(|()| number(&mut rest, 2))?;
    let millis = fraction(&mut rest);
    let offset = offset(rest)?;
    let valid = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - offset;
    valid.then_some(seconds * 1000 + millis)
}

/// Takes a number of exactly so many digits.
fn number(rest: &mut &[u8], digits: usize) -> Option<i64> {
    let (text, tail) = rest.split_at_checked(digits)?;
    *rest = tail;
    text.iter().try_fold(0, |value, digit| {
        digit.is_ascii_digit().then(|| 10 * value + i64::from(digit - b'0'))
    })
}

/// Takes one of the given bytes.
fn after(rest: &mut &[u8], wanted: &[u8]) -> Option<()> {
    let (first, tail) = rest.split_first()?;
    *rest = tail;
    wanted.contains(first).then_some(())
}

/// Takes a fraction, if there is one, and returns its whole milliseconds.
fn fraction(rest: &mut &[u8]) -> i64 {
    let mut tail = *rest;
    let count = match after(&mut tail, b".,") {
        Some(()) => tail.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        None => 0,
    };
    if count == 0 {
        return 0;
    }
    *rest = &tail[count..];
    let place = |(digit, value): (&u8, i64)| i64::from(digit - b'0') * value;
    tail[..count].iter().zip([100, 10, 1]).map(place).sum()
}

/// Reads `Z` or `±hh:mm` as seconds east.
fn offset(mut rest: &[u8]) -> Option<i64> {
    let sign = match rest {
        b"Z" => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    after(&mut rest, b"+-")?;
    let hours = number(&mut rest, 2)?;
    let minutes = after(&mut rest, b":").and_then(|()| number(&mut rest, 2))?;
    // Go's limits.
    (rest.is_empty() && hours <= 24 && minutes <= 60).then_some(sign * (hours * 60 + minutes) * 60)
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar: years are
/// counted from March, so that the leap day is the last.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + (153 * month + 2) / 5 + day - 719_469
}
