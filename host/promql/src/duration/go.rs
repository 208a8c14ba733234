//! Durations as Go's `time.ParseDuration` reads them: what promxy's
//! configuration holds.

/// Why a text is not a Go duration; the texts are Go's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GoError {
    /// Not numbers with units, or too long.
    #[error("time: invalid duration {}", quote(.0))]
    Invalid(String),
    /// A number without unit.
    #[error("time: missing unit in duration {}", quote(.0))]
    MissingUnit(String),
    /// A unit that Go does not know, such as `d`.
    #[error("time: unknown unit {} in duration {}", quote(.unit), quote(.text))]
    UnknownUnit {
        /// The unit found.
        unit: String,
        /// The whole text.
        text: String,
    },
}

/// Reads `1h2m3.5s`, `-10ms`, `1.5µs`, or `0`, as nanoseconds. Unlike
/// Prometheus's durations these have fractions, a sign and units in any
/// order, but no days.
///
/// # Errors
/// When it is no duration, or longer than 292 years.
pub fn parse_go(text: &str) -> Result<i64, GoError> {
    let invalid = || GoError::Invalid(text.to_owned());
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let (whole, after) = split(rest, |c| c.is_ascii_digit());
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => split(after, |c| c.is_ascii_digit()),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let (name, after) = split(after, |c| c != '.' && !c.is_ascii_digit());
        if name.is_empty() {
            return Err(GoError::MissingUnit(text.to_owned()));
        }
        let unit = unit(name)
            .ok_or_else(|| GoError::UnknownUnit { unit: name.to_owned(), text: text.to_owned() })?;
        let part = nanos(whole, fraction, unit).ok_or_else(invalid)?;
        total = total.checked_add(part).filter(|total| *total <= LIMIT).ok_or_else(invalid)?;
        rest = after;
    }
    // The most negative duration has no positive counterpart.
    let signed = if negative { -i128::from(total) } else { i128::from(total) };
    i64::try_from(signed).map_err(|_| invalid())
}

const LIMIT: u64 = 1 << 63;

/// Splits off the longest prefix of characters that are `wanted`.
fn split(text: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !wanted(c)).unwrap_or(text.len()))
}

/// The nanoseconds of a unit.
fn unit(name: &str) -> Option<u64> {
    Some(match name {
        "ns" => 1,
        // Both the micro sign and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// `whole.fraction` units in nanoseconds, cut as Go cuts them.
fn nanos(whole: &str, fraction: &str, unit: u64) -> Option<u64> {
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    if whole > LIMIT / unit {
        return None;
    }
    let (mut value, mut scale) = (0u64, 1.0);
    for digit in fraction.bytes() {
        let next = value.checked_mul(10).and_then(|v| v.checked_add(u64::from(digit - b'0')));
        // Digits that do not fit are dropped, with their places.
        let Some(next) = next.filter(|next| *next <= LIMIT && value <= (LIMIT - 1) / 10) else {
            break;
        };
        value = next;
        scale *= 10.0;
    }
    let part = (value as f64 * (unit as f64 / scale)) as u64;
    (whole * unit).checked_add(part).filter(|nanos| *nanos <= LIMIT)
}

/// Quotes as package `time` does, which is not how `strconv` does: every byte
/// beyond ASCII is `\x..`.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b' '..=b'\x7f' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}
