//! Logarithms, after FreeBSD's `e_log.c` and `s_log1p.c`.

#![expect(clippy::excessive_precision, reason = "constants are written as published")]

use std::f64::consts::{FRAC_1_SQRT_2, LOG2_E, LOG10_E};

use super::{NAN, frexp, polynomial};

/// `ln 2` in two parts; the upper has trailing zeros, so that its product with
/// an exponent is exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238_164_90e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_700_02e-10;

/// Coefficients of the series in `s²`, the lowest power first.
const L1: f64 = 6.666_666_666_666_735_130e-1;
const L2: f64 = 3.999_999_999_940_941_908e-1;
const L3: f64 = 2.857_142_874_366_239_149e-1;
const L4: f64 = 2.222_219_843_214_978_396e-1;
const L5: f64 = 1.818_357_216_161_805_012e-1;
const L6: f64 = 1.531_383_769_920_937_332e-1;
const L7: f64 = 1.479_819_860_511_658_591e-1;

/// The natural logarithm: `x = 2^k (1 + f)`, `ln(1 + f)` from a series in
/// `s = f / (2 + f)`.
#[must_use]
pub fn ln(x: f64) -> f64 {
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x < 0.0 {
        return NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    let (mut fraction, mut exponent) = unscaled(x);
    if fraction < FRAC_1_SQRT_2 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let (f, k) = (fraction - 1.0, f64::from(exponent));
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    // Two halves that do not wait for each other.
    let odd = s2 * polynomial(s4, &[L7, L5, L3, L1]);
    let even = s4 * polynomial(s4, &[L6, L4, L2]);
    let half_square = 0.5 * f * f;
    k * LN2_HIGH - ((half_square - (s * (half_square + (odd + even)) + k * LN2_LOW)) - f)
}

/// Fraction and exponent as the bits give them. Go's amd64 build does not scale
/// subnormal numbers up first, so that their logarithms are wrong.
fn unscaled(x: f64) -> (f64, i32) {
    let bits = x.to_bits();
    let fraction = f64::from_bits(bits & FRACTION | 0.5_f64.to_bits());
    (fraction, (bits >> 52) as i32 - 1022)
}

/// The binary logarithm, exact for powers of two.
#[must_use]
pub fn log2(x: f64) -> f64 {
    let (fraction, exponent) = frexp(x);
    if fraction == 0.5 {
        return f64::from(exponent - 1);
    }
    ln(fraction) * LOG2_E + f64::from(exponent)
}

/// The decimal logarithm. Go 1.27 computes it from the natural one; earlier
/// ones from the binary, with other last bits.
#[must_use]
pub fn log10(x: f64) -> f64 {
    ln(x) * LOG10_E
}

/// The bits of a fraction above which it is larger than `sqrt 2`.
const SQRT2_FRACTION: u64 = 0x0006_a09e_667f_3bcd;
const FRACTION: u64 = (1 << 52) - 1;

/// `ln(1 + x)`, exact where `x` is small.
#[must_use]
pub fn log1p(x: f64) -> f64 {
    if x < -1.0 || x.is_nan() {
        return NAN;
    }
    if x == -1.0 {
        return f64::NEG_INFINITY;
    }
    if x == f64::INFINITY {
        return x;
    }
    let size = x.abs();
    if size < 1.0 / (1u64 << 54) as f64 {
        return x;
    }
    if size < 1.0 / f64::from(1 << 29) {
        return x - x * x * 0.5;
    }
    let Reduced { f, k, lost, tiny } = reduce(x);
    let half_square = 0.5 * f * f;
    if tiny {
        return of_tiny(f, k, lost, half_square);
    }
    let s = f / (2.0 + f);
    let z = s * s;
    let series = z * polynomial(z, &[L7, L6, L5, L4, L3, L2, L1]);
    if k == 0.0 {
        return f - (half_square - s * (half_square + series));
    }
    k * LN2_HIGH - ((half_square - (s * (half_square + series) + (k * LN2_LOW + lost))) - f)
}

/// `1 + x` as `2^k (1 + f)`.
struct Reduced {
    f: f64,
    k: f64,
    /// What the sum `1 + x` lost, relative to it.
    lost: f64,
    /// True if `f` is below 2^-20.
    tiny: bool,
}

fn reduce(x: f64) -> Reduced {
    // sqrt(2)/2 - 1 and sqrt(2) - 1: no power of two need be split off.
    if -2.928_932_188_134_524_755_992e-1 < x && x < 4.142_135_623_730_950_488_017e-1 {
        return Reduced { f: x, k: 0.0, lost: 0.0, tiny: false };
    }
    let large = x.abs() >= (1u64 << 53) as f64;
    let sum = if large { x } else { 1.0 + x };
    let bits = sum.to_bits();
    let mut k = (bits >> 52) as i32 - 1023;
    let lost = match k {
        _ if large => 0.0,
        1.. => (1.0 - (sum - x)) / sum,
        _ => (x - (sum - 1.0)) / sum,
    };
    let mut fraction = bits & FRACTION;
    let unit = if fraction < SQRT2_FRACTION {
        f64::from_bits(fraction | 1023 << 52)
    } else {
        k += 1;
        let half = f64::from_bits(fraction | 1022 << 52);
        fraction = ((1 << 52) - fraction) >> 2;
        half
    };
    Reduced { f: unit - 1.0, k: f64::from(k), lost, tiny: fraction == 0 }
}

fn of_tiny(f: f64, k: f64, lost: f64, half_square: f64) -> f64 {
    if f == 0.0 {
        return if k == 0.0 { 0.0 } else { k * LN2_HIGH + (lost + k * LN2_LOW) };
    }
    let rest = half_square * (1.0 - 0.666_666_666_666_666_66 * f);
    if k == 0.0 {
        return f - rest;
    }
    k * LN2_HIGH - ((rest - (k * LN2_LOW + lost)) - f)
}
