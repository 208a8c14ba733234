//! Taking floats apart and putting them together.

/// Go's `math.NaN()`, by its bits.
pub const NAN: f64 = f64::from_bits(crate::series::NORMAL_NAN_BITS);

/// `x` as `fraction × 2^exponent` with a fraction from 0.5 up to 1; zero,
/// infinity and NaN are themselves, with exponent 0.
#[must_use]
pub fn frexp(x: f64) -> (f64, i32) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    let (x, shift) = normal(x);
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32 - 1022;
    (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), exponent + shift)
}

/// A subnormal number times 2^52, and the exponent that takes it back.
fn normal(x: f64) -> (f64, i32) {
    if x.abs() < f64::MIN_POSITIVE { (x * (1u64 << 52) as f64, -52) } else { (x, 0) }
}

/// `fraction × 2^exponent`, rounded once.
#[must_use]
pub fn ldexp(fraction: f64, exponent: i32) -> f64 {
    let (fraction, own) = frexp(fraction);
    if fraction == 0.0 || !fraction.is_finite() {
        return fraction;
    }
    // The fraction is below 1, so its leading bit is one place lower.
    let exponent = exponent.saturating_add(own).saturating_sub(1);
    match exponent {
        ..-1075 => 0f64.copysign(fraction),
        1024.. => f64::INFINITY.copysign(fraction),
        -1075..-1022 => scaled(fraction, exponent + 53) * (f64::EPSILON / 2.0),
        _ => scaled(fraction, exponent),
    }
}

/// `fraction × 2^(exponent + 1)` for a result that is a normal number.
fn scaled(fraction: f64, exponent: i32) -> f64 {
    let biased = (exponent + 1023) as u64;
    f64::from_bits(fraction.to_bits() & !(0x7ff << 52) | biased << 52)
}

/// Go's conversion of a float to an `int64` on amd64: cut towards zero; what
/// does not fit, and NaN, becomes the smallest integer.
#[must_use]
pub fn to_i64(x: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&x) { x as i64 } else { i64::MIN }
}
