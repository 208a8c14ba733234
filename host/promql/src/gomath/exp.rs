//! Exponentials and powers: `exp` after Shibata ("Efficient evaluation methods
//! of elementary functions suitable for SIMD computation", 2010), `exp2` after
//! FreeBSD's `e_exp.c`, `pow` by squaring.

#![expect(clippy::excessive_precision, reason = "constants are written as published")]

use std::f64::consts::LOG2_E;

use super::{NAN, frexp, ldexp, ln};

/// `ln 2` in two parts.
const LN2_UPPER: f64 = 0.693_147_180_559_662_956_511_601_805_686_950_683_593_75;
const LN2_LOWER: f64 = 0.282_352_905_630_315_771_225_884_481_750_134_360_255_254_120_68e-12;
/// Above the result is infinite.
const OVERFLOW: f64 = 7.097_827_128_933_84e2;

/// `e^x`: `e^(x - k ln 2)` from the Taylor series of its sixteenth root minus
/// one, then `2^k`; with the fused multiplications of Go's amd64 build.
#[must_use]
pub fn exp(x: f64) -> f64 {
    if x == f64::NEG_INFINITY {
        return 0.0;
    }
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x > OVERFLOW {
        return f64::INFINITY;
    }
    // What is far below the smallest exponent ends as zero all the same.
    let k = (LOG2_E * x).round_ties_even().max(-4096.0);
    let rest = k.mul_add(-LN2_UPPER, x);
    let rest = k.mul_add(-LN2_LOWER, rest) * 0.0625;
    let mut series = 2.480_158_730_158_730_158_7e-5;
    for coefficient in [
        1.984_126_984_126_984_127_0e-4,
        1.388_888_888_888_888_888_9e-3,
        8.333_333_333_333_333_333_3e-3,
        4.166_666_666_666_666_666_7e-2,
        1.666_666_666_666_666_666_7e-1,
        0.5,
        1.0,
    ] {
        series = rest.mul_add(series, coefficient);
    }
    // (1 + y)^2 - 1 = y (y + 2), four times; the last adds the one again.
    let mut y = rest * series;
    for _ in 0..3 {
        y *= y + 2.0;
    }
    times_power_of_two(y.mul_add(y + 2.0, 1.0), k as i32)
}

/// As Go's assembly scales: exact but for subnormal results.
fn times_power_of_two(y: f64, k: i32) -> f64 {
    let power = |biased: i32| f64::from_bits((biased as u64) << 52);
    match k + 1023 {
        ..-52 => 0.0,
        biased @ -52..=0 => y * power(biased + 1022) * power(1),
        0x7ff.. => f64::INFINITY,
        biased => y * power(biased),
    }
}

/// `2^x`.
#[must_use]
pub fn exp2(x: f64) -> f64 {
    const LN2_HIGH: f64 = 6.931_471_803_691_238_164_90e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_700_02e-10;
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x > 1.023_999_999_999_999_9e3 {
        return f64::INFINITY;
    }
    if x < -1.0740e3 {
        return 0.0;
    }
    let half = if x > 0.0 { 0.5 } else { -0.5 };
    let k = (x + half) as i32;
    let rest = x - f64::from(k);
    from_parts(rest * LN2_HIGH, -rest * LN2_LOW, k)
}

/// `e^(high - low) × 2^k` for a small exponent.
fn from_parts(high: f64, low: f64, k: i32) -> f64 {
    const P1: f64 = 1.666_666_666_666_666_574_15e-1;
    const P2: f64 = -2.777_777_777_701_559_338_42e-3;
    const P3: f64 = 6.613_756_321_437_934_361_17e-5;
    const P4: f64 = -1.653_390_220_546_525_153_90e-6;
    const P5: f64 = 4.138_136_797_057_238_460_39e-8;
    let r = high - low;
    let t = r * r;
    let c = r - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))));
    ldexp(1.0 - ((low - (r * c) / (2.0 - c)) - high), k)
}

/// `x^y`: the fraction of `y` through `exp` and `ln`, its whole part by
/// squaring, with the powers of two counted apart.
#[must_use]
pub fn pow(x: f64, y: f64) -> f64 {
    if let Some(value) = special_power(x, y) {
        return value;
    }
    let mut whole = y.abs().trunc();
    let mut fraction = y.abs() - whole;
    if fraction != 0.0 && x < 0.0 {
        return NAN;
    }
    if whole >= 9_223_372_036_854_775_808.0 {
        // Even, and so large that only -1 stays what it is.
        return if x == -1.0 { 1.0 } else { limit(x, y) };
    }
    let (mut product, mut exponent) = (1.0, 0i64);
    if fraction != 0.0 {
        if fraction > 0.5 {
            fraction -= 1.0;
            whole += 1.0;
        }
        product = exp(fraction * ln(x));
    }
    let (mut square, power) = frexp(x);
    let mut power = i64::from(power);
    let mut bits = whole as u64;
    while bits != 0 {
        if power.abs() > 1 << 12 {
            // Far beyond any float already; further squaring would overflow.
            exponent += power;
            break;
        }
        if bits & 1 == 1 {
            product *= square;
            exponent += power;
        }
        square *= square;
        power <<= 1;
        if square < 0.5 {
            square += square;
            power -= 1;
        }
        bits >>= 1;
    }
    if y < 0.0 {
        product = 1.0 / product;
        exponent = -exponent;
    }
    ldexp(product, exponent.clamp(-1 << 20, 1 << 20) as i32)
}

/// The powers that need no computation, in Go's order.
fn special_power(x: f64, y: f64) -> Option<f64> {
    Some(match () {
        () if y == 0.0 || x == 1.0 => 1.0,
        () if y == 1.0 => x,
        () if x.is_nan() || y.is_nan() => NAN,
        () if x == 0.0 => {
            let size = if y < 0.0 { f64::INFINITY } else { 0.0 };
            if is_odd(y) { size.copysign(x) } else { size }
        }
        () if y.is_infinite() && x == -1.0 => 1.0,
        () if y.is_infinite() => limit(x, y),
        () if x == f64::NEG_INFINITY => pow(1.0 / x, -y),
        () if x == f64::INFINITY => {
            if y < 0.0 {
                0.0
            } else {
                f64::INFINITY
            }
        }
        () if y == 0.5 => sqrt(x),
        () if y == -0.5 => 1.0 / sqrt(x),
        () => return None,
    })
}

/// What `x^y` tends to as `y` grows in its direction.
fn limit(x: f64, y: f64) -> f64 {
    if (x.abs() < 1.0) == (y > 0.0) { 0.0 } else { f64::INFINITY }
}

fn is_odd(y: f64) -> bool {
    y.abs() < 9_007_199_254_740_992.0 && y.trunc() == y && y as i64 & 1 == 1
}

fn sqrt(x: f64) -> f64 {
    if x < 0.0 { NAN } else { x.sqrt() }
}
