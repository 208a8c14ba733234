//! Printing: the shortest digits that read back as the same float, laid out
//! as Go lays them out (strconv/ftoa.go).
//!
//! Digits come from zmij, whose choice among equally short texts is Go's;
//! `Display` of the standard library chooses differently on ties.

/// From here on upwards JSON sample values have an exponent.
const EXPONENT_FROM: f64 = 1e21;
/// Below this JSON sample values have an exponent.
const EXPONENT_BELOW: f64 = 1e-6;
/// From here on up to [`EXACT_INTEGERS`] zmij's own layout is plain.
const PLAIN_FROM: f64 = 1e-4;
/// Integers below are exact, and quicker to print as integers.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// Appends a sample value as in JSON answers (util/jsonutil/marshal.go),
/// without the quotes: `NaN`, `+Inf`, `-Inf`, `-0`, and an exponent only
/// below 1e-6 and from 1e21 on. The numbers of a histogram's JSON are printed
/// the same way.
pub fn write_sample_value(out: &mut Vec<u8>, value: f64) {
    let size = value.abs();
    if size >= EXPONENT_FROM || (size < EXPONENT_BELOW && size > 0.0) {
        write_with(out, value, &Decimal::write_exponent);
    } else {
        write_float(out, value);
    }
}

/// Appends a float without exponent, as Go's `FormatFloat(value, 'f', -1, 64)`:
/// scalar and string results, label values, printed expressions.
pub fn write_float(out: &mut Vec<u8>, value: f64) {
    if value.abs() < EXACT_INTEGERS && value.trunc() == value {
        if value == 0.0 && value.is_sign_negative() {
            out.push(b'-');
        }
        let mut buffer = itoa::Buffer::new();
        out.extend_from_slice(buffer.format(value as i64).as_bytes());
        return;
    }
    if (PLAIN_FROM..EXACT_INTEGERS).contains(&value.abs()) {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        debug_assert!(!text.contains('e'), "numbers of this size have no exponent");
        out.extend_from_slice(text.as_bytes());
        return;
    }
    write_with(out, value, &Decimal::write_plain);
}

/// Appends a float as Go's `%v` and `%g`, that is
/// `FormatFloat(value, 'g', -1, 64)`: an exponent below 1e-4 and from 1e6 on.
/// Histograms in messages are printed so.
pub fn write_general(out: &mut Vec<u8>, value: f64) {
    write_with(out, value, &|decimal, out| {
        if (-4..GENERAL_EXPONENT_FROM).contains(&(decimal.point - 1)) || decimal.is_zero() {
            decimal.write_plain(out);
        } else {
            decimal.write_exponent(out);
        }
    });
}

/// The decimal exponent from which `%g` prints it, for shortest digits.
const GENERAL_EXPONENT_FROM: i32 = 6;

/// Appends a sample's time in seconds: an integer, and `.` with exactly three
/// digits if there are milliseconds.
pub fn write_timestamp(out: &mut Vec<u8>, ms: i64) {
    if ms < 0 {
        out.push(b'-');
    }
    let size = ms.unsigned_abs();
    let mut buffer = itoa::Buffer::new();
    out.extend_from_slice(buffer.format(size / 1000).as_bytes());
    let fraction = size % 1000;
    if fraction != 0 {
        let digit = |value: u64| b'0' + (value % 10) as u8;
        out.extend_from_slice(&[
            b'.',
            digit(fraction / 100),
            digit(fraction / 10),
            digit(fraction),
        ]);
    }
}

/// Appends the time of a scalar or string result: seconds as a JSON number,
/// without trailing zeros.
pub fn write_scalar_timestamp(out: &mut Vec<u8>, ms: i64) {
    write_float(out, ms as f64 / 1000.0);
}

/// Writes what is not finite, or takes the number apart for `layout`.
fn write_with(out: &mut Vec<u8>, value: f64, layout: &dyn Fn(&Decimal, &mut Vec<u8>)) {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
        return;
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value.is_infinite() {
        out.extend_from_slice(if sign.is_empty() { b"+Inf" } else { b"-Inf" });
        return;
    }
    out.extend_from_slice(sign.as_bytes());
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value.abs()).as_bytes();
    layout(&Decimal::read(text), out);
}

/// `0.digits × 10^point`, without leading or trailing zeros.
struct Decimal {
    buffer: [u8; 17],
    length: usize,
    point: i32,
}

impl Decimal {
    /// Takes apart `12.5`, `0.001` or `1.25e+30`.
    fn read(text: &[u8]) -> Self {
        let mut buffer = [0; 17];
        let (mut count, mut point, mut exponent) = (0, 0, 0);
        let (mut seen_point, mut rest) = (false, text);
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                b'.' => seen_point = true,
                b'e' => {
                    exponent = read_exponent(rest);
                    break;
                }
                b'0' if count == 0 => point -= i32::from(seen_point),
                _ => {
                    // Digits beyond the seventeenth are zeros before the point.
                    if let Some(place) = buffer.get_mut(count) {
                        *place = byte;
                    }
                    count += 1;
                    point += i32::from(!seen_point);
                }
            }
        }
        let digits = &buffer[..count.min(17)];
        let length = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
        Self { buffer, length, point: point + exponent }
    }

    fn digits(&self) -> &[u8] {
        &self.buffer[..self.length]
    }

    fn is_zero(&self) -> bool {
        self.length == 0
    }

    /// `digits` with a point where it belongs, and zeros up to it.
    fn write_plain(&self, out: &mut Vec<u8>) {
        if self.is_zero() {
            out.push(b'0');
            return;
        }
        let zeros = |out: &mut Vec<u8>, count: usize| out.resize(out.len() + count, b'0');
        let Ok(whole) = usize::try_from(self.point) else {
            out.extend_from_slice(b"0.");
            zeros(out, self.point.unsigned_abs() as usize);
            out.extend_from_slice(self.digits());
            return;
        };
        if let Some((before, after)) = self.digits().split_at_checked(whole) {
            out.extend_from_slice(if before.is_empty() { b"0" } else { before });
            if !after.is_empty() {
                out.push(b'.');
                out.extend_from_slice(after);
            }
        } else {
            out.extend_from_slice(self.digits());
            zeros(out, whole - self.digits().len());
        }
    }

    /// `d.ddde±dd`.
    fn write_exponent(&self, out: &mut Vec<u8>) {
        let (first, others) = self.digits().split_first().unwrap_or((&b'0', &[]));
        out.push(*first);
        if !others.is_empty() {
            out.push(b'.');
            out.extend_from_slice(others);
        }
        let exponent = self.point - 1;
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        let size = exponent.unsigned_abs();
        if size < 10 {
            out.push(b'0');
        }
        out.extend_from_slice(itoa::Buffer::new().format(size).as_bytes());
    }
}

fn read_exponent(text: &[u8]) -> i32 {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let size = digits.fold(0, |size, digit| 10 * size + i32::from(digit - b'0'));
    if text.starts_with(b"-") { -size } else { size }
}
